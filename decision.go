package glacis

import (
	"net/http"
	"sync/atomic"

	"glacis/decide/verdict"
	"glacis/edge"
)

// Decision is the gate's word on one request, for programs that act on it themselves instead of wrapping a handler.
type Decision struct {
	x        exchange
	reported atomic.Bool
}

// Decide reads a request and decides. Where the route declares payload fields the body is read ahead and r.Body replaced by one that
// gives the same bytes. Every decision must be given back with Report, once the request was answered.
func (g *Gate) Decide(r *http.Request) *Decision {
	d := new(Decision)
	d.x.begin(g, nil, r)
	d.x.decide(r)
	return d
}

// Verdict is what was decided, and why. It must not be changed.
func (d *Decision) Verdict() *verdict.Verdict { return &d.x.verdict }

// Allowed tells whether the request may go on. A verdict of Slow is allowed: the program holds it back for Verdict().Done.Delay if it can.
func (d *Decision) Allowed() bool { return d.x.verdict.Done.Action < verdict.Limit }

// Answer refuses the request as the gateway does and returns the status written. It must not be called when Allowed.
func (d *Decision) Answer(w http.ResponseWriter, r *http.Request) int {
	return edge.Answer(w, r, &d.x.verdict)
}

// Report tells what was answered, which completes the line of the record: without it nothing is recorded, and what the gate learns
// from outcomes is lost. A second report of the same decision is ignored.
func (g *Gate) Report(d *Decision, status int, bytes int64) {
	if d.reported.Swap(true) {
		return
	}
	d.x.writer.Status, d.x.writer.Bytes, d.x.done = status, bytes, true
	d.x.end(false)
}
