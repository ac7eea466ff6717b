// Package observe is the one joined line per request: what was asked, what we answered and why, and what the upstream said.
// It only says what a line holds and who wants it; keeping lines is a sink's business.
package observe

import (
	"time"

	"glacis/decide/facts"
	"glacis/decide/verdict"
	"glacis/learn/outcome"
)

// Entry is everything known of one request when it is over. It refers to the request's facts and is only valid during Sink.Observe.
type Entry struct {
	Facts   *facts.Facts
	Verdict *verdict.Verdict

	Status   int // answered to the client; 0 when the connection ended before an answer
	Outcome  outcome.Meaning
	Took     time.Duration // from the request's head to the end of the answer
	Upstream time.Duration // until the upstream's response head; 0 when it was not asked
	Target   string        // which upstream target answered
	In, Out  int64         // body bytes from and to the client
	Failure  string        // why no whole answer came from the upstream: "unreachable", "timeout", ...; empty when it did
}

// A Sink takes entries. It is called in the request's way and must not block, keep the entry or allocate.
type Sink interface {
	Observe(e *Entry)
}
