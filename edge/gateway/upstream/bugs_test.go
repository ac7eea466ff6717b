package upstream

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Every test here is named after a bug that other proxies have shipped.

type forwarder = func(*Pool, http.ResponseWriter, *http.Request) Result

// h2Client speaks HTTP/2 without TLS to the gate.
func h2Client(t testing.TB) *http.Client {
	tr := &http.Transport{Protocols: new(http.Protocols), DisableCompression: true}
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

// TestContinueIsSentOnce: the target's 100 and the server's own both reached the client (caddyserver/caddy#5280).
func TestContinueIsSentOnce(t *testing.T) {
	l := rawTarget(t, func(_ int, c net.Conn) {
		br := bufio.NewReader(c)
		head := ""
		for !strings.HasSuffix(head, "\r\n\r\n") {
			line, err := br.ReadString('\n')
			if err != nil {
				return
			}
			head += line
		}
		if !strings.Contains(head, "Expect: 100-continue\r\n") {
			t.Errorf("Expect did not reach the target: %q", head)
		}
		_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
		_, _ = br.Discard(5)
		_, _ = io.WriteString(c, okAnswer)
	})
	g := newGate(t, pool(t, Config{}, l.Addr().String()), (*Pool).Forward)
	c := g.dial(t)
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	br := bufio.NewReader(c)
	if line, err := br.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q %v", line, err)
	}
	_, _ = br.ReadString('\n')
	_, _ = io.WriteString(c, "hello")
	if s := read(br, "POST"); s.Body != "ok" || len(s.Informs) != 0 {
		t.Errorf("%+v", s)
	}
	if res := g.result(t); res.Rung != RungA {
		t.Errorf("rung %s", res.Rung)
	}
}

// TestExpectAnsweredAtOnce: a final answer without a 100 must come through, and must not race with the body that is not
// coming (golang/go#34902).
func TestExpectAnsweredAtOnce(t *testing.T) {
	s := rawTarget(t, func(_ int, c net.Conn) {
		br := bufio.NewReader(c)
		if skipHead(br) == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 417 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
		}
	})
	g := newGate(t, pool(t, Config{}, s.Addr().String()), (*Pool).Forward)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			got := g.send(t, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
			if got.Status != 417 || got.Body != "no" || len(got.Informs) != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
	wg.Wait()
}

// TestUploadAnsweredEarly: the whole body was written before the answer was read, so an upload that the target refuses
// hung (traefik/traefik#11258).
func TestUploadAnsweredEarly(t *testing.T) {
	l := rawTarget(t, func(_ int, c net.Conn) {
		head := make([]byte, 1)
		for seen := ""; !strings.HasSuffix(seen, "\r\n\r\n"); seen += string(head) {
			if _, err := c.Read(head); err != nil {
				return
			}
		}
		_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
	})
	g := newGate(t, pool(t, Config{}, l.Addr().String()), (*Pool).Forward)
	for name, request := range map[string]string{
		"A": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("10000\r\n"+strings.Repeat("x", 0x10000)+"\r\n", 64) + "0\r\n\r\n",
		"B": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 30000\r\n\r\n" + strings.Repeat("x", 30000),
	} {
		t.Run(name, func(t *testing.T) {
			c := g.dial(t)
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = io.WriteString(c, request) }) // the gate may hang up before the end
			if s := read(bufio.NewReader(c), "POST"); s.Status != 413 || s.Body != "big" {
				t.Errorf("%+v", s)
			}
			_ = c.Close()
			wg.Wait()
			if res := g.result(t); res.Rung.String() != strings.ToLower(name) || res.Status != 413 {
				t.Errorf("%+v", res)
			}
		})
	}
}

// TestHeadReadsNoBody: the answer to HEAD was waited for as long as its Content-Length (traefik/traefik#11442).
func TestHeadReadsNoBody(t *testing.T) {
	s := newStub(t, always("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"))
	g := newGate(t, pool(t, Config{}, s.addr()), (*Pool).Forward)
	for range 3 {
		got := g.send(t, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
		if got.Status != 200 || got.Cut || !has(got.Header, "Content-Length: 100000") {
			t.Errorf("%+v", got)
		}
	}
	if last := s.requests()[2]; last.conn != 0 {
		t.Errorf("the connection was not kept")
	}
}

// TestAnswerWithoutLength: blank pages for answers that end with the connection (traefik/traefik#11458, #11507).
func TestAnswerWithoutLength(t *testing.T) {
	onBothRungs(t, func(t *testing.T, forward forwarder) {
		s := newStub(t, func(c net.Conn, q request) bool {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("page ", 20000))
			return false
		})
		g := newGate(t, pool(t, Config{}, s.addr()), forward)
		if got := g.get(t, "/"); got.Cut || len(got.Body) != 100000 {
			t.Errorf("%d bytes, cut %v", len(got.Body), got.Cut)
		}
	})
}

// TestTargetDiesMidBody: the answer was ended cleanly, an error text in its middle (traefik/traefik#13568).
func TestTargetDiesMidBody(t *testing.T) {
	onBothRungs(t, func(t *testing.T, forward forwarder) {
		for name, head := range map[string]string{
			"length":  "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
			"chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n",
		} {
			s := newStub(t, func(c net.Conn, _ request) bool {
				_, _ = io.WriteString(c, head+strings.Repeat("x", 50000))
				return false
			})
			g := newGate(t, pool(t, Config{}, s.addr()), forward)
			if got := g.get(t, "/"); !got.Cut || strings.Trim(got.Body, "x") != "" {
				t.Errorf("%s, HTTP/1.1: cut %v", name, got.Cut)
			}
			if res := g.result(t); !res.Started || KindOf(res.Err) != BadResponse || res.Status != 200 {
				t.Errorf("%s: %+v", name, res)
			}
			res, err := h2Client(t).Get(g.URL)
			if err == nil {
				_, err = io.ReadAll(res.Body)
				_ = res.Body.Close()
			}
			if err == nil {
				t.Errorf("%s, HTTP/2: ended cleanly", name)
			}
		}
	})
}

// TestConnectIsRefused: a gate is no tunnel.
func TestConnectIsRefused(t *testing.T) {
	s := newStub(t, always(okAnswer))
	g := newGate(t, pool(t, Config{}, s.addr()), (*Pool).Forward)
	if got := g.send(t, "CONNECT example.test:443 HTTP/1.1\r\nHost: example.test:443\r\n\r\n"); got.Status != 400 {
		t.Errorf("%+v", got)
	}
	if res := g.result(t); KindOf(res.Err) != Refused || res.Target != "" || len(s.requests()) != 0 {
		t.Errorf("%+v", res)
	}
}

// TestStatusOutOfRange: WriteHeader panics for a status it does not know.
func TestStatusOutOfRange(t *testing.T) {
	onBothRungs(t, func(t *testing.T, forward forwarder) {
		for _, status := range []string{"000", "001", "099", "-20", "+20"} {
			s := newStub(t, always("HTTP/1.1 "+status+" Odd\r\nContent-Length: 0\r\n\r\n"))
			g := newGate(t, pool(t, Config{}, s.addr()), forward)
			if got := g.get(t, "/"); got.Status != 502 {
				t.Errorf("%s: %+v", status, got)
			}
			if res := g.result(t); KindOf(res.Err) != BadResponse || res.Started {
				t.Errorf("%s: %+v", status, res)
			}
		}
	})
}

// TestInformationalHopByHop: fields of one connection passed in 1xx answers (golang/go#81319), and the caller's own
// fields were lost after one.
func TestInformationalHopByHop(t *testing.T) {
	onBothRungs(t, func(t *testing.T, forward forwarder) {
		s := newStub(t, always(oddAnswers["103 hop by hop"].raw))
		g := newGate(t, pool(t, Config{}, s.addr()), func(p *Pool, w http.ResponseWriter, r *http.Request) Result {
			w.Header().Set("X-Caller", "1")
			return forward(p, w, r)
		})
		got := g.get(t, "/")
		if len(got.Informs) != 1 || got.Informs[0] != "103 [Link: </a.css>]" {
			t.Errorf("informational: %q", got.Informs)
		}
		if !has(got.Header, "X-Caller: 1") || has(got.Header, "Link") || got.Body != "ok" {
			t.Errorf("%+v", got)
		}
	})
}

// TestInformationalRace: 1xx answers wrote the header map while the handler was leaving (golang/go#65123). The race
// detector is the judge.
func TestInformationalRace(t *testing.T) {
	onBothRungs(t, func(t *testing.T, forward forwarder) {
		l := rawTarget(t, func(_ int, c net.Conn) {
			br := bufio.NewReader(c)
			for skipHead(br) == nil {
				for range maxInform {
					_, _ = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
				}
			}
		})
		g := newGate(t, pool(t, Config{}, l.Addr().String()), func(p *Pool, w http.ResponseWriter, r *http.Request) Result {
			ctx, cancel := context.WithCancel(r.Context())
			go cancel()
			res := forward(p, w, r.WithContext(ctx))
			w.Header().Set("X-After", "1")
			return res
		})
		for range 30 {
			if got := g.get(t, "/"); got.Status != 499 && !got.Cut {
				t.Fatalf("%+v", got)
			}
		}
	})
}

// TestUnsolicitedBytes: what a target says on an idle connection was taken for the answer to the next request.
func TestUnsolicitedBytes(t *testing.T) {
	said := make(chan bool)
	next := make(chan bool)
	l := rawTarget(t, func(i int, c net.Conn) {
		br := bufio.NewReader(c)
		for skipHead(br) == nil {
			_, _ = io.WriteString(c, okAnswer)
			if i == 0 {
				<-next
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
				said <- true
			}
		}
	})
	g := newGate(t, pool(t, Config{}, l.Addr().String()), (*Pool).Forward)
	if got := g.get(t, "/"); got.Body != "ok" {
		t.Fatalf("%+v", got)
	}
	next <- true
	<-said
	got := g.send(t, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
	if got.Body != "ok" {
		t.Errorf("%+v", got)
	}
}

// TestClosedIdleConnection: a connection that the target has closed meanwhile is seen before use, so that even a request
// that may not be repeated gets through.
func TestClosedIdleConnection(t *testing.T) {
	s := newStub(t, func(c net.Conn, _ request) bool {
		_, _ = io.WriteString(c, okAnswer) // and closes, unannounced
		return false
	})
	p := pool(t, Config{MaxRetries: -1}, s.addr())
	g := newGate(t, p, (*Pool).Forward)
	for range 5 {
		if got := g.send(t, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"); got.Body != "ok" {
			t.Fatalf("%+v", got)
		}
		c := p.targets[0].idle.pop()
		if c == nil {
			continue
		}
		waitClosed(c)
		p.targets[0].release(c)
	}
}

// waitClosed waits until the peer has closed; the end of file stays to be seen by the next to look.
func waitClosed(c *conn) {
	_, _ = c.Conn.Read(make([]byte, 1))
}

// TestHTTP2TransferEncoding: a Transfer-Encoding field in HTTP/2 smuggles a request into an HTTP/1.1 target.
func TestHTTP2TransferEncoding(t *testing.T) {
	s := newStub(t, always(okAnswer))
	g := newGate(t, pool(t, Config{}, s.addr()), (*Pool).Forward)
	for _, field := range [][2]string{
		{"transfer-encoding", "chunked"}, {"connection", "close"}, {"te", "gzip"}, {"x-a", "a\r\nx-b: c"}, {"x a", "b"}, {"upgrade", "x"},
	} {
		c := g.dial(t)
		_, _ = io.WriteString(c, http2.ClientPreface)
		fr := http2.NewFramer(c, c)
		var block bytes.Buffer
		enc := hpack.NewEncoder(&block)
		for _, f := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":authority", "h"}, {":path", "/"}, field} {
			_ = enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
		}
		_ = fr.WriteSettings()
		_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true})
		refused := false
		for !refused {
			f, err := fr.ReadFrame()
			if err != nil {
				t.Fatalf("%q: %v", field, err)
			}
			switch f := f.(type) {
			case *http2.RSTStreamFrame, *http2.GoAwayFrame:
				refused = true
			case *http2.HeadersFrame:
				fields, _ := hpack.NewDecoder(4096, nil).DecodeFull(f.HeaderBlockFragment())
				if refused = len(fields) > 0 && fields[0].Value == "400"; !refused {
					t.Fatalf("%q: answered %v", field, fields)
				}
			}
		}
		_ = c.Close()
	}
	if got := s.requests(); len(got) != 0 {
		t.Errorf("the target got %+v", got)
	}
}

// TestClientGone: the target went on working for a client that had left.
func TestClientGone(t *testing.T) {
	onBothRungs(t, func(t *testing.T, forward forwarder) {
		for name, answer := range map[string]string{"before the head": "", "in the body": "HTTP/1.1 200 OK\r\n\r\nabc"} {
			asked, gone := make(chan bool), make(chan bool)
			l := rawTarget(t, func(_ int, c net.Conn) {
				br := bufio.NewReader(c)
				_ = skipHead(br)
				_, _ = io.WriteString(c, answer)
				asked <- true
				_, _ = br.ReadByte() // until the gate hangs up
				close(gone)
			})
			p := pool(t, Config{}, l.Addr().String())
			g := newGate(t, p, forward)
			c := g.dial(t)
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
			await(t, asked)
			if answer != "" {
				if line, err := bufio.NewReader(c).ReadString('\n'); err != nil {
					t.Fatalf("%q %v", line, err)
				}
			}
			_ = c.Close()
			await(t, gone)
			res := g.result(t)
			if KindOf(res.Err) != ClientGone || res.Started != (answer != "") {
				t.Errorf("%s: %+v", name, res)
			}
			if p.targets[0].health.fails.Load() != 0 {
				t.Errorf("%s: held against the target", name)
			}
		}
	})
}

// TestHeaderInjection: nothing a caller puts into a request may end a line of what the target gets.
func TestHeaderInjection(t *testing.T) {
	s := newStub(t, always(okAnswer))
	p := pool(t, Config{}, s.addr())
	for name, spoil := range map[string]func(*http.Request){
		"value":       func(r *http.Request) { r.Header["X-A"] = []string{"a\r\nX-B: c"} },
		"value lf":    func(r *http.Request) { r.Header["X-A"] = []string{"a\nX-B: c"} },
		"value nul":   func(r *http.Request) { r.Header["X-A"] = []string{"a\x00"} },
		"name":        func(r *http.Request) { r.Header["X-A: b\r\nX-B"] = []string{"c"} },
		"name colon":  func(r *http.Request) { r.Header["X-A:"] = []string{"c"} },
		"name empty":  func(r *http.Request) { r.Header[""] = []string{"c"} },
		"host":        func(r *http.Request) { r.Host = "h\r\nX-B: c" },
		"host space":  func(r *http.Request) { r.Host = "h x" },
		"method":      func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\nX-B: c\r\n\r\nGET" },
		"target":      func(r *http.Request) { r.RequestURI = "/ HTTP/1.1\r\nX-B: c" },
		"target bare": func(r *http.Request) { r.RequestURI = "a" },
		"authority":   func(r *http.Request) { r.RequestURI = "h:80" },
		"no target":   func(r *http.Request) { r.RequestURI, r.URL.Path, r.URL.Opaque = "", "", " x" },
		"star":        func(r *http.Request) { r.RequestURI = "*" },
	} {
		for rung, forward := range rungs {
			r, err := http.NewRequest("GET", "http://h/", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.RequestURI = "/"
			spoil(r)
			w := &keeper{header: make(http.Header)}
			if res := forward(p, w, r); KindOf(res.Err) != Refused {
				t.Errorf("%s by %s: %+v", name, rung, res)
			}
		}
	}
	if got := s.requests(); len(got) != 0 {
		t.Errorf("the target got %+v", got)
	}
}

// keeper is a ResponseWriter that keeps the final answer.
type keeper struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *keeper) Header() http.Header         { return w.header }
func (w *keeper) Write(p []byte) (int, error) { return w.body.Write(p) }

func (w *keeper) WriteHeader(status int) {
	if status >= 200 {
		w.status = status
	}
}

// TestConnectionCannotRemoveCallersFields: a client that names X-Forwarded-For in Connection gets rid of it, unless
// StripHop comes before the caller's own fields.
func TestConnectionCannotRemoveCallersFields(t *testing.T) {
	onBothRungs(t, func(t *testing.T, forward forwarder) {
		s := newStub(t, always(okAnswer))
		g := newGate(t, pool(t, Config{}, s.addr()), func(p *Pool, w http.ResponseWriter, r *http.Request) Result {
			stripHop(r.Header)
			r.Header.Set("X-Forwarded-For", "192.0.2.1")
			return forward(p, w, r)
		})
		g.send(t, "GET / HTTP/1.1\r\nHost: h\r\nConnection: X-Forwarded-For, TE\r\nTE: trailers\r\nX-Forwarded-For: 1\r\n\r\n")
		lines := s.requests()[0].lines()
		if !has(lines, "X-Forwarded-For: 192.0.2.1") || !has(lines, "Te: trailers") || len(lines) != 4 {
			t.Errorf("%q", lines)
		}
	})
}

// TestNoCrossTalk: whatever is cancelled, cut or retried, nobody ever gets another's answer.
func TestNoCrossTalk(t *testing.T) {
	answer := func(c net.Conn, q request) bool {
		n := len(q.path())
		body := strings.Repeat(q.path(), 1+n%3*500)
		switch n % 7 {
		case 0:
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body)+1, body)
			return false
		case 1:
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
			return true
		case 2:
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%s", len(body), body, okAnswer)
			return true
		case 3:
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			return false
		}
		_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		return true
	}
	a, b := newStub(t, answer), newStub(t, answer)
	g := newGate(t, pool(t, Config{MaxIdle: 4, Ejection: Ejection{Failures: -1}}, a.addr(), b.addr()), (*Pool).Forward)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 100 {
				path := "/" + strings.Repeat(string(rune('a'+i)), 1+j%11)
				c := g.dial(t)
				_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: h\r\n\r\n")
				if j%5 == 4 { // leaves at once
					_ = c.Close()
					continue
				}
				got := read(bufio.NewReader(c), "GET")
				if !got.Cut && got.Status == 200 && strings.ReplaceAll(got.Body, path, "") != "" {
					t.Errorf("%s got %.100q", path, got.Body)
				}
				_ = c.Close()
			}
		})
	}
	wg.Wait()
}
