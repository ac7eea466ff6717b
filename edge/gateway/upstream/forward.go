package upstream

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// Field is one header field to be sent. It is an unnamed struct by another name, so that rooms that do not know each
// other can pass lists of it on.
type Field = struct{ Name, Value string }

// exchange is one request on its way; it lives on the stack of Forward. body holds the request body when it is in
// memory, which is whenever rung B may be taken.
type exchange struct {
	pool  *Pool
	w     http.ResponseWriter
	r     *http.Request
	uri   string
	body  []byte
	set   []Field
	short bool // fit for rung B
	begun time.Time
	res   Result
}

// Forward sends r to a target and its answer to w.
//
// The request goes out as it is: method, r.Host, the request target byte for byte (r.RequestURI; scheme and authority of
// an absolute form are left off), r.Header but for the fields of one connection, nothing added. The one exception is
// a path that begins with two slashes and holds bytes no URI may hold: rung A sends those percent-encoded. Header fields
// already in w are kept, the answer's are added to
// them. Forward may change r.Header and r.Body and must be the last reader of both; it keeps neither.
//
// Forward writes no answer of its own: with Err and not Started the caller can answer, with Err and Started it must
// panic with http.ErrAbortHandler, so that the client does not take a cut body for a whole one.
func (p *Pool) Forward(w http.ResponseWriter, r *http.Request) Result {
	return p.ForwardWith(w, r, nil)
}

// ForwardWith is Forward with fields set for the target. They stand beside r.Header, where no client can have them removed
// by naming them in Connection, and where they cost the least; r.Header may not hold fields of the same names.
func (p *Pool) ForwardWith(w http.ResponseWriter, r *http.Request, set []Field) Result {
	x := exchange{pool: p, w: w, r: r, set: set, uri: originForm(r), begun: time.Now()}
	if err := vet(r, x.uri, set); err != nil {
		x.fail(nil, Refused, err)
		return x.res
	}
	x.short = short(r)
	if x.short && r.Header["Connection"] != nil {
		stripHop(r.Header)
	}
	if x.short && r.ContentLength > 0 {
		buf := p.buffers.Get()
		defer p.buffers.Put(buf)
		x.body = buf[:r.ContentLength]
		if err := readBody(r, x.body); err != nil {
			x.fail(nil, RequestBody, err)
			return x.res
		}
	}
	x.run()
	return x.res
}

// run tries targets until one has answered, or it would not be safe or any use to try another.
func (x *exchange) run() {
	p := x.pool
	t := p.pick(x.begun.UnixNano(), nil)
	if t == nil {
		x.fail(nil, NoTarget, errNoTarget)
		return
	}
	for {
		again := x.try(t)
		if !again || x.res.Retries >= p.cfg.MaxRetries {
			return
		}
		if t = p.pick(x.begun.UnixNano(), t); t == nil {
			return
		}
		x.res.Retries++
		x.res.Err = nil
	}
}

// try sends the request to one target and reports whether it never left, so that another may be tried.
func (x *exchange) try(t *target) (again bool) {
	t.pending.Add(1)
	defer t.pending.Add(-1)
	x.res.Target = t.name
	if x.short && !t.h2c {
		again = x.direct(t)
	} else {
		again = x.proxied(t)
	}
	kind := KindOf(x.res.Err)
	now := x.begun
	if kind != OK {
		now = time.Now()
	}
	x.pool.note(now.UnixNano(), t, kind)
	return again
}

// fail puts down what went wrong.
func (x *exchange) fail(t *target, kind Kind, err error) {
	e := &Error{Kind: kind, Err: err}
	if t != nil {
		e.Target = t.name
	}
	x.res.Err = e
	if !x.res.Started {
		x.res.Wait = time.Since(x.begun)
	}
}

// head notes that the head of the answer is here.
func (x *exchange) head(status int) {
	x.res.Status, x.res.Started, x.res.Wait = status, true, time.Since(x.begun)
}

// short reports whether a request is fit for rung B: no body or one of a known size that fits in memory, and nothing in
// its head that concerns more than one request and one answer.
func short(r *http.Request) bool {
	if r.ContentLength < 0 || r.ContentLength > bufferSize || len(r.TransferEncoding) > 0 || len(r.Trailer) > 0 {
		return false
	}
	h := r.Header
	if h["Expect"] != nil || h["Upgrade"] != nil || strings.IndexByte(r.Host, '%') >= 0 {
		return false
	}
	ct := h["Content-Type"]
	return len(ct) == 0 || !strings.HasPrefix(ct[0], "application/grpc")
}

// readBody reads a body of exactly len(b) bytes.
func readBody(r *http.Request, b []byte) error {
	_, err := io.ReadFull(r.Body, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errShortBody
	}
	return err
}
