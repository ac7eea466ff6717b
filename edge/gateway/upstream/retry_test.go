package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// frail is a connection whose second exchange goes wrong in a chosen way that cannot be seen before: it hides its socket.
type frail struct {
	net.Conn
	writes int
	fail   func(c net.Conn, p []byte) (int, error) // the second write; nil leaves it be
	broken func(p []byte) (int, error)             // the reads after it
}

func (c *frail) Write(p []byte) (int, error) {
	if c.writes++; c.writes == 2 && c.fail != nil {
		return c.fail(c.Conn, p)
	}
	return c.Conn.Write(p)
}

func (c *frail) Read(p []byte) (int, error) {
	if c.writes == 2 {
		return c.broken(p)
	}
	return c.Conn.Read(p)
}

// TestRetryOnlyWhenSafe: a request is repeated on a fresh connection only when the old one died before any byte of an
// answer, and when nothing of the request went out or a second time does no harm.
func TestRetryOnlyWhenSafe(t *testing.T) {
	nothingOut := func(net.Conn, []byte) (int, error) { return 0, syscall.EPIPE }
	partOut := func(_ net.Conn, p []byte) (int, error) { return len(p) / 2, syscall.EPIPE }
	end := func([]byte) (int, error) { return 0, io.EOF }
	reset := func([]byte) (int, error) { return 0, syscall.ECONNRESET }
	partIn := func() func(p []byte) (int, error) {
		done := false
		return func(p []byte) (int, error) {
			if done {
				return 0, io.EOF
			}
			done = true
			return copy(p, "HT"), nil
		}
	}
	cases := map[string]struct {
		fail   func(net.Conn, []byte) (int, error)
		broken func() func([]byte) (int, error)
		retry  []string // methods that may
	}{
		"nothing went out":  {nothingOut, func() func([]byte) (int, error) { return end }, []string{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "POST", "PATCH", "ODD"}},
		"part went out":     {partOut, func() func([]byte) (int, error) { return reset }, []string{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}},
		"end, no answer":    {nil, func() func([]byte) (int, error) { return end }, []string{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}},
		"reset, no answer":  {nil, func() func([]byte) (int, error) { return reset }, []string{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}},
		"part of an answer": {nil, partIn, nil},
	}
	for name, test := range cases {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "POST", "PATCH", "ODD"} {
			for _, retries := range []int{0, -1} {
				s := newStub(t, always("HTTP/1.1 204 OK\r\n\r\n"))
				var mu sync.Mutex
				dials := 0
				p, err := newPool(Config{Targets: []string{s.addr()}, MaxRetries: retries}, func(ctx context.Context, network, addr string) (net.Conn, error) {
					c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
					mu.Lock()
					defer mu.Unlock()
					if dials++; dials == 1 {
						return &frail{Conn: c, fail: test.fail, broken: test.broken()}, err
					}
					return c, err
				})
				if err != nil {
					t.Fatal(err)
				}
				send := func(method, body string) Result {
					return p.Forward(httptest.NewRecorder(), httptest.NewRequest(method, "/"+method, strings.NewReader(body)))
				}
				if res := send("POST", ""); res.Err != nil {
					t.Fatal(res.Err)
				}
				res := send(method, "body")
				want := 0
				for _, m := range test.retry {
					if m == method && retries == 0 {
						want = 1
					}
				}
				if res.Retries != want || (res.Err == nil) != (want == 1) || dials != 1+want {
					t.Errorf("%s, %s, max_retries %d: %d retries, %d dials, %v", name, method, retries, res.Retries, dials, res.Err)
				}
				if got := s.requests(); want == 1 && got[len(got)-1].body != "body" {
					t.Errorf("%s, %s: repeated with body %q", name, method, got[len(got)-1].body)
				}
				p.Close()
			}
		}
	}
}

// TestFreshConnectionIsNotRetried: a target that hangs up on a new connection has seen the request.
func TestFreshConnectionIsNotRetried(t *testing.T) {
	s := newStub(t, func(net.Conn, request) bool { return false })
	p := pool(t, Config{MaxRetries: 5}, s.addr())
	res := p.Forward(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if KindOf(res.Err) != BadResponse || res.Retries != 0 || len(s.requests()) != 1 {
		t.Errorf("%+v, %d requests", res, len(s.requests()))
	}
}

// unreachable is an address nobody listens on.
func unreachable(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// TestOtherTargetWhenUnreachable: without a connection nothing was sent, so any request may go to another target, with
// all of its body.
func TestOtherTargetWhenUnreachable(t *testing.T) {
	onBothRungs(t, func(t *testing.T, forward forwarder) {
		s := newStub(t, always(okAnswer))
		p := pool(t, Config{Ejection: Ejection{Failures: -1}}, unreachable(t), s.addr())
		retried := 0
		for range 4 {
			w := httptest.NewRecorder()
			r := httptest.NewRequest("POST", "/", strings.NewReader("body"))
			res := forward(p, w, r)
			if res.Err != nil || w.Body.String() != "ok" || res.Target != s.addr() {
				t.Errorf("%+v", res)
			}
			retried += res.Retries
		}
		if retried != 2 {
			t.Errorf("%d retries", retried)
		}
		for _, q := range s.requests() {
			if q.body != "body" {
				t.Errorf("body %q", q.body)
			}
		}
	})
}

// TestNobodyReachable: after the last target the first error stays.
func TestNobodyReachable(t *testing.T) {
	onBothRungs(t, func(t *testing.T, forward forwarder) {
		p := pool(t, Config{MaxRetries: 9}, unreachable(t))
		res := forward(p, httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		if KindOf(res.Err) != Unreachable || res.Retries != 0 || res.Started || !errors.Is(res.Err, syscall.ECONNREFUSED) {
			t.Errorf("%+v", res)
		}
	})
}

// TestRequestBodyFails: a body that cannot be read is the client's fault, and one that is too long is told as such.
func TestRequestBodyFails(t *testing.T) {
	for name, request := range map[string]string{
		"A": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n" + strings.Repeat("x", 256) + "\r\n0\r\n\r\n",
		"B": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 256\r\n\r\n" + strings.Repeat("x", 256),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStub(t, always(okAnswer))
			p := pool(t, Config{}, s.addr())
			g := newGate(t, p, maxBytesBody(100, (*Pool).Forward))
			g.send(t, request)
			res := g.result(t)
			if KindOf(res.Err) != RequestBody || !isTooLarge(res.Err) || res.Started {
				t.Errorf("too large: %+v", res)
			}
			g = newGate(t, p, (*Pool).Forward)
			c := g.dial(t)
			_, _ = io.WriteString(c, request[:len(request)-50])
			_ = c.(*net.TCPConn).CloseWrite()
			res = g.result(t)
			if kind := KindOf(res.Err); kind != RequestBody && kind != ClientGone || res.Started {
				t.Errorf("cut: %+v", res)
			}
			if p.targets[0].health.fails.Load() != 0 {
				t.Error("held against the target")
			}
		})
	}
}

// TestBodyShorterThanDeclared: a caller that replaced the body must not let half a request out.
func TestBodyShorterThanDeclared(t *testing.T) {
	s := newStub(t, always(okAnswer))
	p := pool(t, Config{}, s.addr())
	r := httptest.NewRequest("POST", "/", strings.NewReader("body"))
	r.ContentLength = 10
	if res := p.Forward(httptest.NewRecorder(), r); KindOf(res.Err) != RequestBody {
		t.Errorf("%+v", res)
	}
	if got := s.requests(); len(got) != 0 {
		t.Errorf("the target got %+v", got)
	}
}

// TestClientCannotTakeTheAnswer: a write that fails is the client's, and the connection with the rest is not kept.
func TestClientCannotTakeTheAnswer(t *testing.T) {
	onBothRungs(t, func(t *testing.T, forward forwarder) {
		s := newStub(t, always(okAnswer))
		p := pool(t, Config{}, s.addr())
		res := forward(p, brokenWriter{httptest.NewRecorder()}, httptest.NewRequest("GET", "/", nil))
		if KindOf(res.Err) != ClientGone || !res.Started || p.Targets()[0].Idle != 0 {
			t.Errorf("%+v, %+v", res, p.Targets())
		}
	})
}

type brokenWriter struct{ http.ResponseWriter }

func (brokenWriter) Write([]byte) (int, error) { return 0, syscall.EPIPE }
