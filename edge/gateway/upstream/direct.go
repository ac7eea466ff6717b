package upstream

import (
	"net/http"
	"time"
)

// direct is rung B: the request written and its answer read by this goroutine. It reports whether the request never
// left. A connection from the idle stack may turn out dead only when used; then a fresh one is tried, once.
func (x *exchange) direct(t *target) (again bool) {
	x.res.Rung = RungB
	cfg := &x.pool.cfg
	for fresh := false; ; fresh = true {
		c, err := t.connect(x.r.Context(), cfg, fresh)
		if err != nil {
			kind := kindOf(x.r.Context(), err)
			x.fail(t, kind, err)
			return kind == Unreachable
		}
		c.begin()
		c.out, c.keys = appendHead(c.out[:0], c.keys[:0], x.r, x.set, x.host(t), x.uri, len(x.body))
		if len(c.out) > maxSendHead {
			c.out = nil
			t.release(c)
			return x.proxied(t)
		}
		if !x.over(t, c) || x.res.Retries >= cfg.MaxRetries {
			return false
		}
		x.res.Retries++
		x.res.Err = nil
	}
}

func (x *exchange) host(t *target) string {
	if x.r.Host == "" { // HTTP/1.0
		return t.addr
	}
	return x.r.Host
}

// over runs the exchange on c and disposes of c. It reports whether the exchange may be repeated on a fresh connection:
// c was an old one, no byte of an answer came, and either no byte of the request went out or doing it twice does no harm.
func (x *exchange) over(t *target, c *conn) (stale bool) {
	clean := false
	defer func() { // also when the ResponseWriter panics
		if t.lookout.leave(c) && clean {
			t.release(c)
		} else {
			_ = c.Close()
		}
	}()
	ctx, now := x.r.Context(), time.Now().UnixNano()
	t.lookout.enter(ctx, c, now)
	c.expire(now, x.pool.cfg.ResponseHeaderTimeout)
	res, err := x.ask(c)
	if err == nil {
		err = x.relay(c, res)
	}
	if err == nil {
		clean = !res.Close
		return false
	}
	kind := kindOf(ctx, err)
	if c.late && kind == BadResponse {
		kind = Timeout
	}
	x.fail(t, kind, err)
	return kind == BadResponse && c.reused && c.got == 0 && (c.sent == 0 || idempotent(x.r.Method))
}

// ask sends the request and waits for the head of its answer. A target may answer and close without having read all of
// the request, so a failed write is not the end of it, unless nothing went out: then nothing can be an answer to it.
func (x *exchange) ask(c *conn) (*http.Response, error) {
	failed := c.send(x.body)
	if failed != nil && (c.sent == 0 || timedOut(failed)) {
		return nil, failed
	}
	res, err := x.receive(c)
	if failed != nil {
		if err != nil {
			return nil, failed
		}
		res.Close = true
	}
	return res, err
}

// receive reads the head of the answer and relays the informational ones before it.
func (x *exchange) receive(c *conn) (*http.Response, error) {
	for n := 0; ; n++ {
		res, err := http.ReadResponse(c.br, x.r)
		switch {
		case err != nil:
			return nil, err
		case res.StatusCode < 100 || res.StatusCode > 999:
			return nil, errStatus
		case res.StatusCode == http.StatusSwitchingProtocols:
			return nil, errSwitch
		case res.StatusCode >= 200:
			return res, nil
		case n == maxInform:
			return nil, errInformative
		}
		inform(x.w, x.r, res.StatusCode, res.Header)
	}
}

// idempotent methods may be repeated (RFC 9110 section 9.2.2).
func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}
