package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// proxied is rung A: one request through httputil.ReverseProxy. It reports whether the request never left.
func (x *exchange) proxied(t *target) (again bool) {
	x.res.Rung = RungA
	stripHop(x.r.Header) // first: a client may name in Connection what is set
	for _, f := range x.set {
		x.r.Header[f.Name] = []string{f.Value}
	}
	ctx, cancel := context.WithCancelCause(x.r.Context())
	defer cancel(nil)
	src := &source{ReadCloser: x.r.Body}
	defer src.end(x.w)
	flow := flow{idle: x.pool.cfg.BodyIdleTimeout, cancel: cancel}
	ans := &answer{ResponseWriter: x.w, x: x, flow: &flow, header: make(http.Header), cancel: cancel}
	var failed error
	upgrade := upgradeOf(x.r.Header) != ""
	transport := t.transport
	if upgrade {
		transport = t.switching
	}
	rp := httputil.ReverseProxy{
		Transport:      transport,
		BufferPool:     &x.pool.buffers,
		ErrorLog:       x.pool.quiet,
		Rewrite:        func(pr *httputil.ProxyRequest) { rewrite(pr, t.url(x.uri)) },
		ModifyResponse: func(res *http.Response) error { return flow.admit(res, upgrade) },
		ErrorHandler:   func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
	}
	serve(&rp, ans, x.outgoing(ctx, src))
	ans.finish()
	err := errors.Join(failed, ans.err, flow.err)
	if err == nil {
		return false
	}
	kind, err := x.sort(ctx, src, err)
	x.fail(t, kind, err)
	_, undialled := errors.AsType[*dialError](err)
	return kind == Unreachable && undialled && !src.read.Load() && !x.res.Started
}

// serve keeps ReverseProxy's way of cutting a started answer, a panic, from leaving this room: the Result tells of it.
func serve(rp *httputil.ReverseProxy, w http.ResponseWriter, r *http.Request) {
	defer func() {
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			panic(v)
		}
	}()
	rp.ServeHTTP(w, r)
}

// outgoing is the request as ReverseProxy gets it: the client's, with its body watched or taken from memory.
func (x *exchange) outgoing(ctx context.Context, src *source) *http.Request {
	r := x.r.WithContext(ctx)
	switch {
	case x.body != nil:
		body := bytes.Clone(x.body) // the transport may read on after the answer, the buffer goes back before
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		r.Body, _ = r.GetBody()
	case r.Body != nil && r.Body != http.NoBody:
		r.Body = src
	}
	return r
}

// rewrite undoes what ReverseProxy does to the client's words and aims the request at the target.
func rewrite(pr *httputil.ProxyRequest, u *url.URL) {
	pr.Out.URL = u
	pr.Out.Trailer = pr.In.Trailer // the very map: it is filled when the body has been read
	for _, name := range [...]string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if v, ok := pr.In.Header[name]; ok {
			pr.Out.Header[name] = v
		}
	}
}

// url makes net/http send uri as it stands. An opaque URL does that, except for a leading double slash, which would come
// out as an absolute form; such a path goes the long way.
func (t *target) url(uri string) *url.URL {
	u := &url.URL{Scheme: t.scheme, Host: t.addr}
	if !strings.HasPrefix(uri, "//") {
		u.Opaque = uri
		return u
	}
	path, query, found := strings.Cut(uri, "?")
	u.RawQuery, u.ForceQuery = query, found
	u.Path, u.RawPath = path, path
	if plain, err := url.PathUnescape(path); err == nil {
		u.Path = plain
	}
	return u
}

// sort finds the kind of a failure on rung A. What this room noticed itself comes before what it showed as elsewhere.
func (x *exchange) sort(ctx context.Context, src *source, err error) (Kind, error) {
	if body := src.err.Load(); body != nil && !x.res.Started {
		return RequestBody, *body
	}
	if x.r.Context().Err() != nil {
		return kindOf(x.r.Context(), err), err
	}
	if cause := context.Cause(ctx); cause != nil {
		return kindOf(context.WithoutCancel(ctx), cause), cause
	}
	return kindOf(ctx, err), err
}

// source is the client's body on its way up. The transport's goroutine reads it, Forward's looks.
type source struct {
	io.ReadCloser
	reading sync.Mutex // held during a read
	over    atomic.Bool
	read    atomic.Bool
	err     atomic.Pointer[error]
}

func (s *source) Read(p []byte) (int, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if s.over.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	s.read.Store(true)
	n, err := s.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		s.err.CompareAndSwap(nil, &err)
	}
	return n, err
}

// end sees to it that nobody reads the body any more, because a handler must not return while somebody does: if that read met the end
// of the body at the same moment, net/http's server would wait for the client's next request before it ended this one. A read that waits
// for the client is broken off. The server may then look for the rest of the body, but not for long.
func (s *source) end(w http.ResponseWriter) {
	s.over.Store(true)
	if s.reading.TryLock() {
		s.reading.Unlock()
		return
	}
	control := http.NewResponseController(w)
	if control.SetReadDeadline(past) != nil {
		return // the connection is closed, or none of net/http's
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	_ = control.SetReadDeadline(time.Now().Add(lingering))
}

// lingering is how long a client may take for the rest of a body that nobody wants.
const lingering = time.Second

// flow is the target's body on its way down: it limits silence, keeps the error ReverseProxy would only log, and clears
// the trailers.
type flow struct {
	io.ReadCloser
	res    *http.Response
	idle   time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
	err    error
}

// admit refuses an answer that cannot be relayed and takes charge of the body of one that can.
func (f *flow) admit(res *http.Response, upgrade bool) error {
	switch {
	case res.StatusCode < 100 || res.StatusCode > 999:
		return errStatus
	case res.StatusCode == http.StatusSwitchingProtocols:
		if !upgrade {
			_ = res.Body.Close()
			return errSwitch
		}
		return nil
	}
	dropTrailers(res.Trailer)
	f.ReadCloser, f.res, res.Body = res.Body, res, f
	return nil
}

func (f *flow) Read(p []byte) (int, error) {
	if f.idle > 0 {
		if f.timer == nil {
			f.timer = time.AfterFunc(f.idle, func() { f.cancel(errBodyIdle) })
		} else {
			f.timer.Reset(f.idle)
		}
		defer f.timer.Stop()
	}
	n, err := f.ReadCloser.Read(p)
	switch {
	case err == io.EOF:
		dropTrailers(f.res.Trailer)
	case err != nil:
		f.err = err
	}
	return n, err
}
