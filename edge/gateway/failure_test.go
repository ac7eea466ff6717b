package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// nobody is an address at which nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return "http://" + l.Addr().String()
}

// blunt is an upstream that reads the head of one request, says the given bytes, and hangs up.
func blunt(t *testing.T, says string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.WriteString(c, says)
			}
			_ = c.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

// hanging is an upstream that answers nothing, and tells when it was asked.
func hanging(t *testing.T) (url string, asked <-chan string) {
	t.Helper()
	told, end := make(chan string, 100), make(chan struct{})
	url = upstream(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		told <- r.URL.Path
		select {
		case <-end:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(end) })
	return url, told
}

// TestFailures: when the upstream fails the client is told what to make of it and by which decision, and nothing of the inside.
func TestFailures(t *testing.T) {
	t.Parallel()
	silent, _ := hanging(t)
	dead := nobody(t)
	for name, c := range map[string]struct {
		yaml, upstream string
		status         int
		failure        string
	}{
		"nobody there":      {"", dead, 502, "unreachable"},
		"no answer in time": {"pool: {response_header_timeout: 20ms}", silent, 504, "timeout"},
		"hung up":           {"", blunt(t, ""), 502, "bad response"},
		"not HTTP":          {"", blunt(t, "SSH-2.0-x\r\n\r\n"), 502, "bad response"},
		"half a head":       {"", blunt(t, "HTTP/1.1 200 OK\r\nContent-"), 502, "bad response"},
		"endless head":      {"", blunt(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<19)), 502, "bad response"},
		"unasked switch":    {"", blunt(t, "HTTP/1.1 101 Switching Protocols\r\n\r\n"), 502, "bad response"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{"GET", "POST"} {
				s := open(t, c.yaml, c.upstream)
				a := s.send(method, "/x", "")
				p := a.problem(t, c.status)
				if strings.Contains(a.body, strings.TrimPrefix(c.upstream, "http://")) || strings.Contains(fmt.Sprint(a.Header), c.upstream) {
					t.Errorf("the answer names the upstream: %v %s", a.Header, a.body)
				}
				if l := s.only(); l.ID != p.Decision || l.Failure != c.failure || l.Status != c.status || l.Outcome != "" || l.Upstream != c.upstream || l.Verdict != "allow" {
					t.Errorf("%+v", l)
				}
				if log := s.log.String(); !strings.Contains(log, c.failure) {
					t.Errorf("nothing for the operator: %s", log)
				}
			}
		})
	}
}

// TestHalfAnAnswer: an answer that the upstream breaks off must not look like a whole one.
func TestHalfAnAnswer(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{
		"sized":   "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
		"chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
			t.Run(name+" "+protocol, func(t *testing.T) {
				t.Parallel()
				s := open(t, "", blunt(t, says))
				transport := &http.Transport{Protocols: new(http.Protocols)}
				defer transport.CloseIdleConnections()
				transport.Protocols.SetHTTP1(protocol == "HTTP/1.1")
				transport.Protocols.SetUnencryptedHTTP2(protocol == "HTTP/2.0")
				r, err := http.NewRequest("GET", s.url("/x"), nil)
				if err != nil {
					t.Fatal(err)
				}
				res, err := transport.RoundTrip(r)
				if err == nil { // what there was of it may come, or not
					var body []byte
					body, err = io.ReadAll(res.Body)
					_ = res.Body.Close()
					if got := string(body); got != "" && got != "half" {
						t.Errorf("%q", got)
					}
				}
				if err == nil {
					t.Error("the answer ended cleanly")
				}
				if l := s.only(); l.Failure != "bad response" || l.Status != 200 || l.Outcome != "" {
					t.Errorf("%+v", l)
				}
			})
		}
	}
}

// TestNoTargetLeft: when the active check finds nobody well, requests are answered at once and readiness ends.
func TestNoTargetLeft(t *testing.T) {
	t.Parallel()
	ill := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }
	s := open(t, "pool: {check: {path: /healthz, interval: 5ms, unhealthy: 1}}", upstream(t, ill), nobody(t))
	until(t, "an end of readiness", func() bool { return s.admin("/readyz").StatusCode == http.StatusServiceUnavailable })
	p := s.get("/x").problem(t, http.StatusServiceUnavailable)
	if l := s.lines(); l[len(l)-1].ID != p.Decision || l[len(l)-1].Failure != "no target" {
		t.Errorf("%+v", l)
	}
}

// TestBodyTooLarge: whether its length was told or not, and whether it is read for its fields or passed by.
func TestBodyTooLarge(t *testing.T) {
	t.Parallel()
	s := open(t, "server: {max_body: 1KiB}", upstream(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		ok(w, r)
	}))
	for _, path := range []string{"/x", "/api/login"} {
		for _, size := range []int{1024, 1025, 100_000, 1_000_000} {
			for _, length := range []int64{int64(size), -1} {
				body := `{"email":"` + strings.Repeat("x", size-12) + `"}`
				r, err := http.NewRequest("POST", s.url(path), strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				r.ContentLength = length
				r.Header.Set("Content-Type", "application/json")
				res, err := http.DefaultTransport.RoundTrip(r)
				if err != nil {
					t.Fatalf("%s with %d bytes, length %d: %v", path, size, length, err)
				}
				a := read(t, res)
				if size == 1024 {
					if a.StatusCode != 200 {
						t.Errorf("%s with %d bytes, length %d: %s", path, size, length, a.Status)
					}
				} else {
					a.problem(t, http.StatusRequestEntityTooLarge)
				}
			}
		}
	}
	for _, l := range s.lines() {
		if l.Status == 413 && l.Failure != "request body" {
			t.Errorf("%+v", l)
		}
	}
}

// TestSlowBody: a client that does not go on sending is told so, and no target is blamed.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/x", "/api/login"} {
		for _, framing := range []string{"Content-Length: 10\r\n\r\n{", "Content-Length: 100000\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"} {
			s := open(t, "server: {min_rate: 1KiB, grace: 30ms}", upstream(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
			got := s.raw("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n" + framing)
			if !strings.HasPrefix(got, "HTTP/1.1 408 Request Timeout\r\n") {
				t.Errorf("%s %q: %q", path, framing, got)
			}
			if l := s.only(); l.Status != 408 || l.Failure != "request body" {
				t.Errorf("%s %q: %+v", path, framing, l)
			}
		}
	}
}

// TestRefusedBodyIsNotAwaited: a refusal does not wait for what the client may never send.
func TestRefusedBodyIsNotAwaited(t *testing.T) {
	t.Parallel()
	for _, framing := range []string{"Content-Length: 10\r\n\r\n", "Content-Length: 1000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n", "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n"} {
		s := open(t, "mode: enforce\nserver: {grace: 30ms}\nbars: [{prefix: 127.0.0.1/32}]", upstream(t, ok))
		if got := s.raw("POST /x HTTP/1.1\r\nHost: h\r\n" + framing); !strings.HasPrefix(got, "HTTP/1.1 403 Forbidden\r\n") {
			t.Errorf("%q: %q", framing, got)
		}
	}
}

// TestClientGone: a client that does not wait for the answer is recorded, and the upstream is told.
func TestClientGone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, body string }{{"GET", ""}, {"POST", "short"}, {"PUT", strings.Repeat("long", 10_000)}} {
		up, asked := hanging(t)
		s := open(t, "", up)
		ctx, leave := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, c.method, s.url("/x"), strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		gone := make(chan error)
		go func() {
			_, err := http.DefaultTransport.RoundTrip(r)
			gone <- err
		}()
		within(t, "the request", asked)
		leave()
		if err := within(t, "the end", gone); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if l := s.only(); l.Failure != "client gone" || l.Status != 0 || l.Outcome != "" {
			t.Errorf("%s: %+v", c.method, l)
		}
		if strings.Contains(s.log.String(), "upstream failed") {
			t.Errorf("the upstream is blamed: %s", s.log)
		}
	}
}

// TestAnswerInTheMiddleOfABody: an answer that comes while the client still sends never leaves it waiting. net/http waits for ever when the
// handler ends at the very moment at which somebody else reads the end of the body.
func TestAnswerInTheMiddleOfABody(t *testing.T) {
	t.Parallel()
	for _, says := range []string{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"} {
		s := open(t, "", blunt(t, says))
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		for n := range 300 {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			r, err := http.NewRequestWithContext(ctx, "POST", s.url("/x"), strings.NewReader(strings.Repeat("x", 60_000+100*n)))
			if err != nil {
				t.Fatal(err)
			}
			res, err := transport.RoundTrip(r)
			if err == nil {
				_ = res.Body.Close()
			}
			if ctx.Err() != nil {
				t.Fatalf("request %d waits for ever", n)
			}
			cancel()
		}
	}
}
