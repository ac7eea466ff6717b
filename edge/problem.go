package edge

import (
	"net/http"
	"strconv"
	"sync"

	"glacis/decide/facts"
)

// Problem is a refusal as RFC 9457 has it. It tells the caller what to do and the operator where to look, and an attacker nothing:
// no evidence, no dimension, no number that is not in the header fields anyway.
type Problem struct {
	Type   string // URI; "about:blank" when empty
	Title  string
	Status int
	// Violated names the policies that bound (draft-ietf-httpapi-ratelimit-headers).
	Violated string
}

// The problems an edge answers with.
var (
	QuotaExceeded = Problem{Type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
		Title: "Request cannot be satisfied as assigned quota has been exceeded", Status: http.StatusTooManyRequests}
	Refused     = Problem{Title: "Forbidden", Status: http.StatusForbidden}
	Malformed   = Problem{Title: "Bad Request", Status: http.StatusBadRequest}
	TooLarge    = Problem{Title: "Content Too Large", Status: http.StatusRequestEntityTooLarge}
	BadGateway  = Problem{Title: "Bad Gateway", Status: http.StatusBadGateway}
	Unavailable = Problem{Title: "Service Unavailable", Status: http.StatusServiceUnavailable}
	Timeout     = Problem{Title: "Gateway Timeout", Status: http.StatusGatewayTimeout}
	SlowBody    = Problem{Title: "Request Timeout", Status: http.StatusRequestTimeout}
)

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

// Write answers with the problem, naming the decision.
func (p Problem) Write(w http.ResponseWriter, r *http.Request, id facts.ID) {
	buf := buffers.Get().(*[]byte)
	b := p.appendJSON((*buf)[:0], id)
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set(DecisionHeader, id.String())
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b) // the client may be gone; there is nobody left to tell
	}
	*buf = b
	buffers.Put(buf)
}

func (p Problem) appendJSON(b []byte, id facts.ID) []byte {
	if p.Type == "" {
		p.Type = "about:blank"
	}
	b = append(b, `{"type":`...)
	b = strconv.AppendQuote(b, p.Type)
	b = append(b, `,"title":`...)
	b = strconv.AppendQuote(b, p.Title)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(p.Status), 10)
	b = append(b, `,"decision":"`...)
	b = id.AppendText(b)
	b = append(b, '"')
	if p.Violated != "" {
		b = append(b, `,"violated-policies":[`...)
		b = strconv.AppendQuote(b, p.Violated)
		b = append(b, ']')
	}
	return append(b, '}', '\n')
}
