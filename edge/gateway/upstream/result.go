package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// Result is what became of one request.
type Result struct {
	Target  string        // the target tried last, as configured; empty when none was
	Status  int           // status of the answer relayed, 0 when there was none
	Wait    time.Duration // from the call of Forward to the head of the answer (or to the failure)
	Bytes   int64         // body bytes handed to the client; for an upgraded connection all bytes sent to it
	Rung    Rung          // the way that was taken
	Retries int           // how often it was tried again
	Started bool          // the head of the answer was written: an error can no longer be answered, only shown by a cut
	Err     error         // nil, or an *Error
}

// Rung is the way a request took to its target.
type Rung byte

// The ways; NoRung when no target was reached for.
const (
	NoRung Rung = iota
	RungA       // httputil.ReverseProxy on http.Transport
	RungB       // synchronous on a pooled connection
)

func (r Rung) String() string { return [...]string{"none", "a", "b"}[min(r, RungB)] }

// Kind says what went wrong, for the program that has to answer the client.
type Kind byte

// The kinds of failure and the status that usually fits.
const (
	OK          Kind = iota
	NoTarget         // 503: every target is unhealthy
	Unreachable      // 502: no connection came about
	Timeout          // 504: no answer, or no more of it, in time
	BadResponse      // 502: the answer is not HTTP, too large, cut short, or the connection died before it
	ClientGone       // none: the client went away
	RequestBody      // 400, or 413 when the error is an *http.MaxBytesError: the client's body could not be read
	Refused          // 400, for CONNECT 501: a request that is never passed on
)

func (k Kind) String() string {
	return [...]string{"ok", "no target", "unreachable", "timeout", "bad response", "client gone", "request body", "refused"}[min(k, Refused)]
}

// Error is the error of a Result: a kind for programs, the target, and the cause for us. None of it is fit for the
// client's eyes.
type Error struct {
	Kind   Kind
	Target string
	Err    error
}

func (e *Error) Error() string {
	if e.Target == "" {
		return fmt.Sprintf("upstream: %s: %v", e.Kind, e.Err)
	}
	return fmt.Sprintf("upstream %s: %s: %v", e.Target, e.Kind, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of an error of this room, OK for nil, BadResponse for anything strange.
func KindOf(err error) Kind {
	if err == nil {
		return OK
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return BadResponse
}

// dialError marks an error before any byte of the request went out.
type dialError struct{ error }

func (e *dialError) Unwrap() error { return e.error }

// clientError marks a failed write to the client.
type clientError struct{ error }

func (e *clientError) Unwrap() error { return e.error }

// The causes this room finds itself.
var (
	errNoTarget    = errors.New("no healthy target")
	errConnect     = errors.New("method CONNECT is not passed on")
	errMethod      = errors.New("malformed method")
	errURI         = errors.New("malformed request target")
	errHost        = errors.New("malformed host")
	errField       = errors.New("malformed header field")
	errStatus      = errors.New("status outside 100-999")
	errSwitch      = errors.New("101 without an upgrade asked for")
	errInformative = errors.New("too many informational answers")
	errHeadSize    = errors.New("head of the answer too large")
	errBodyIdle    = errors.New("target fell silent in the middle of its answer")
	errShortBody   = errors.New("body shorter than declared")
)

// kindOf sorts an error met while talking to a target. The client's going away comes first, because it shows as almost
// anything else.
func kindOf(ctx context.Context, err error) Kind {
	if cause := ctx.Err(); cause != nil {
		if errors.Is(cause, context.DeadlineExceeded) {
			return Timeout
		}
		return ClientGone
	}
	if _, ok := errors.AsType[*clientError](err); ok {
		return ClientGone
	}
	if _, ok := errors.AsType[*dialError](err); ok {
		return Unreachable
	}
	if timedOut(err) {
		return Timeout
	}
	return BadResponse
}

func timedOut(err error) bool {
	if errors.Is(err, errBodyIdle) {
		return true
	}
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout()
}
