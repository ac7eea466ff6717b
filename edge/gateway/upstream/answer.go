package upstream

import (
	"bufio"
	"maps"
	"net"
	"net/http"
	"sync/atomic"
)

// answer is the ResponseWriter ReverseProxy writes to. It keeps the caller's header fields apart until the head is
// complete, because ReverseProxy clears the header after an informational answer, and lets through only what may pass.
type answer struct {
	http.ResponseWriter
	x       *exchange
	flow    *flow
	header  http.Header
	informs int
	cancel  func(error)
	tunnel  *tunnel
	err     error // of the client's side
}

func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) Header() http.Header {
	if a.x.res.Started {
		return a.ResponseWriter.Header()
	}
	return a.header
}

func (a *answer) WriteHeader(status int) {
	if status >= 100 && status < 200 {
		if a.informs++; a.informs > maxInform {
			a.cancel(errInformative)
			return
		}
		inform(a.ResponseWriter, a.x.r, status, a.header)
		return
	}
	h := a.ResponseWriter.Header()
	merge(h, a.header)
	if res := a.flow.res; res != nil {
		frame(h, a.x.r, res.ContentLength, a.flow.ReadCloser)
	}
	a.x.head(status)
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	n, err := a.ResponseWriter.Write(p)
	a.x.res.Bytes += int64(n)
	if err != nil {
		a.err = &clientError{err}
	}
	return n, err
}

// Hijack gives ReverseProxy the client's connection for an upgrade that the target has agreed to.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	a.x.head(http.StatusSwitchingProtocols)
	a.tunnel = &tunnel{Conn: c, early: rw.Reader}
	return a.tunnel, rw, nil
}

// finish puts down how much went through an upgraded connection.
func (a *answer) finish() {
	if a.tunnel != nil {
		a.x.res.Bytes = a.tunnel.sent.Load()
	}
}

// tunnel is the client's connection after an upgrade: counted, and with what the client sent too early put first.
type tunnel struct {
	net.Conn
	early *bufio.Reader
	sent  atomic.Int64
}

func (t *tunnel) Read(p []byte) (int, error) {
	if t.early.Buffered() > 0 {
		return t.early.Read(p)
	}
	return t.Conn.Read(p)
}

func (t *tunnel) Write(p []byte) (int, error) {
	n, err := t.Conn.Write(p)
	t.sent.Add(int64(n))
	return n, err
}

// CloseWrite passes on that the target has no more to say.
func (t *tunnel) CloseWrite() error {
	if c, ok := t.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return t.Close()
}

// inform relays an informational answer: with the target's fields only, without those of one connection, not to
// HTTP/1.0, and never a 100, which the server itself sends when the body is first read.
func inform(w http.ResponseWriter, r *http.Request, status int, fields http.Header) {
	if status == http.StatusContinue || !r.ProtoAtLeast(1, 1) {
		return
	}
	h := w.Header()
	kept := maps.Clone(h)
	clear(h)
	dropNamed(fields)
	for name, values := range fields {
		if !hop(name) && name != "Content-Length" {
			h[name] = values
		}
	}
	w.WriteHeader(status)
	clear(h)
	maps.Copy(h, kept)
}

// merge adds an answer's fields, already cleared of those of one connection, to the caller's, and keeps net/http from
// guessing a Content-Type the target did not give.
func merge(dst, src http.Header) {
	for name, values := range src {
		if set, ok := dst[name]; ok {
			values = append(set[:len(set):len(set)], values...)
		}
		dst[name] = values
	}
	if _, ok := dst["Content-Type"]; !ok {
		dst["Content-Type"] = nil
	}
}
