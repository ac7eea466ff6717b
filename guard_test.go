package glacis_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"glacis/decide/verdict"
)

// serve puts a handler behind the gate on loopback.
func (g *gate) serve(h http.HandlerFunc) *httptest.Server {
	g.t.Helper()
	s := httptest.NewUnstartedServer(g.Handler(h))
	s.Config.ErrorLog = log.New(g.log, "", 0)
	s.Start()
	g.t.Cleanup(s.Close)
	return s
}

func TestHandlerIsToldAndBelieves(t *testing.T) {
	t.Parallel()
	g := open(t, "mode: enforce\n")
	var got http.Header
	s := g.serve(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		ok(w, r)
	})
	r, err := http.NewRequest("GET", s.URL+"/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Glacis-Decision": {"untrue"}, "Glacis-Else": {"untrue"}, "X-Forwarded-For": {"192.0.2.1"}}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	s.Close()
	if got.Get("X-Forwarded-For") != "192.0.2.1" {
		t.Error("inside a program forwarding fields are its own business")
	}
	if l := g.only(); got.Get("Glacis-Decision") != l.ID || got.Get("Glacis-Score") != "0.0100" || got.Get("Glacis-Subject") != "anonymous" || got.Get("Glacis-Else") != "" {
		t.Errorf("%v, decision %s", got, l.ID)
	}
}

func TestHandlerIsNotAskedWhenRefused(t *testing.T) {
	t.Parallel()
	g := open(t, "mode: enforce\nbars: [{prefix: 127.0.0.0/8}]\n")
	s := g.serve(func(http.ResponseWriter, *http.Request) { t.Error("asked") })
	res, err := http.Get(s.URL + "/x")
	if err != nil || res.StatusCode != 403 {
		t.Fatal(res, err)
	}
	_ = res.Body.Close()
	s.Close()
	if l := g.only(); l.Status != 403 || l.Verdict != "refuse" || l.Cause != "bar" || l.Outcome != "" {
		t.Errorf("%+v", l)
	}
}

// TestHandlersKeepTheirPowers: whatever net/http's writer can do is there behind the gate.
func TestHandlersKeepTheirPowers(t *testing.T) {
	t.Parallel()
	g := open(t, "")
	next := make(chan bool)
	mux := http.NewServeMux()
	mux.HandleFunc("/flush", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first ")
		w.(http.Flusher).Flush()
		<-next
		_, _ = io.WriteString(w, "second")
	})
	mux.HandleFunc("/control", func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		err := errors.Join(c.SetReadDeadline(time.Now().Add(time.Hour)), c.SetWriteDeadline(time.Time{}), c.EnableFullDuplex(), c.Flush())
		_, _ = fmt.Fprint(w, err)
		b, _ := io.ReadAll(r.Body) // after the answer began
		_, _ = w.Write(b)
	})
	mux.HandleFunc("/copy", func(w http.ResponseWriter, _ *http.Request) {
		n, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("copied"))
		_, _ = fmt.Fprint(w, n, err)
	})
	mux.HandleFunc("/hints", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
	})
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\n\r\nraw")
		_ = c.Close()
	})
	mux.HandleFunc("/timeout", http.TimeoutHandler(http.HandlerFunc(ok), time.Hour, "").ServeHTTP)
	s := g.serve(mux.ServeHTTP)
	ask := func(path, body string) string {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		_, _ = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", path, len(body), body)
		var got bytes.Buffer
		br := bufio.NewReader(io.TeeReader(c, &got))
		if path == "/flush" {
			for !strings.Contains(got.String(), "first") {
				if _, err := br.ReadByte(); err != nil {
					t.Fatal(err)
				}
			}
			next <- true
		}
		_, _ = io.Copy(io.Discard, br)
		return got.String()
	}
	for path, want := range map[string]string{"/flush": "second", "/control": "<nil>", "/copy": "copied6 <nil>", "/hints": "418", "/hijack": "raw", "/timeout": "ok"} {
		if got := ask(path, "body"); !strings.Contains(got, want) {
			t.Errorf("%s: %q has no %q", path, got, want)
		}
	}
	s.Close()
	status := map[string]int{"/hints": 418, "/hijack": 101}
	for _, l := range g.lines() {
		want := status[l.Path]
		if want == 0 {
			want = 200
		}
		if l.Status != want || l.Failure != "" {
			t.Errorf("%+v, want status %d", l, want)
		}
	}
}

// TestMaxBytesReader: a handler's own limit on bodies works as without a gate, whether or not the gate read ahead.
func TestMaxBytesReader(t *testing.T) {
	t.Parallel()
	g := open(t, "")
	s := g.serve(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 100)
		b, err := io.ReadAll(r.Body)
		if _, over := errors.AsType[*http.MaxBytesError](err); over {
			http.Error(w, fmt.Sprint("over after ", len(b)), http.StatusRequestEntityTooLarge)
			return
		}
		_, _ = fmt.Fprint(w, len(b), err)
	})
	for _, path := range []string{"/x", "/api/login"} {
		for size, want := range map[int]string{99: "99 <nil>", 100: "100 <nil>", 101: "over after 100\n", 100_000: "over after 100\n", 1_000_000: "over after 100\n"} {
			for _, chunked := range []bool{false, true} {
				var body io.Reader = strings.NewReader(`{"email":"` + strings.Repeat("x", size-12) + `"}`)
				if chunked {
					body = io.MultiReader(body)
				}
				res, err := http.Post(s.URL+path, "application/json", body)
				if err != nil {
					t.Errorf("%s %d: %v", path, size, err)
					continue
				}
				got, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if string(got) != want || err != nil {
					t.Errorf("%s %d: %q %v, want %q", path, size, got, err, want)
				}
			}
		}
	}
}

// TestHandlerThatPanics: it is recorded, and net/http learns of it as if there were no gate.
func TestHandlerThatPanics(t *testing.T) {
	t.Parallel()
	for _, value := range []any{"boom", http.ErrAbortHandler} {
		for _, begun := range []bool{false, true} {
			g := open(t, "mode: enforce\n")
			s := g.serve(func(w http.ResponseWriter, _ *http.Request) {
				if begun {
					_, _ = io.WriteString(w, "half")
					_ = http.NewResponseController(w).Flush()
				}
				panic(value)
			})
			res, err := http.Get(s.URL + "/x")
			if err == nil {
				_, err = io.ReadAll(res.Body)
				_ = res.Body.Close()
			}
			if err == nil {
				t.Errorf("%v: a clean answer", value)
			}
			s.Close()
			want := line{Status: 0, Failure: "aborted"}
			if begun {
				want.Status, want.Out = 200, 4
			}
			if l := g.only(); l.Status != want.Status || l.Failure != want.Failure || l.Out != want.Out || l.Outcome != "" {
				t.Errorf("%v: %+v", value, l)
			}
			if told := strings.Contains(g.log.String(), "panic serving"); told != (value == "boom") {
				t.Errorf("%v: the server's log says %q", value, g.log)
			}
		}
	}
}

// TestExpectBehindTheGate: a client that waits to be told to send is not told when the handler does not want the body.
func TestExpectBehindTheGate(t *testing.T) {
	t.Parallel()
	g := open(t, "")
	s := g.serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusExpectationFailed) })
	for _, framing := range []string{"Content-Length: 5", "Transfer-Encoding: chunked"} {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = fmt.Fprintf(c, "PUT /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n%s\r\n\r\n", framing)
		if got, err := bufio.NewReader(c).ReadString('\n'); !strings.HasPrefix(got, "HTTP/1.1 417 ") || err != nil {
			t.Errorf("%s: %q %v", framing, got, err)
		}
		_ = c.Close()
	}
}

// TestExchangesAreApart: exchanges are pooled, and nothing of one may turn up in another.
func TestExchangesAreApart(t *testing.T) {
	t.Parallel()
	g := open(t, "mode: enforce\nclasses: {plain: {limits: []}}\n")
	s := g.serve(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprint(w, r.Header.Get("Glacis-Decision"), " ", string(b))
	})
	const clients, each = 8, 40
	var mu sync.Mutex
	ids := map[string]int{}
	var asking sync.WaitGroup
	for n := range clients {
		asking.Go(func() {
			for m := range each {
				body := strings.Repeat("x", n*1000+m)
				res, err := http.Post(s.URL+"/x", "text/plain", io.MultiReader(strings.NewReader(body)))
				if err != nil {
					t.Error(err)
					return
				}
				text, _ := io.ReadAll(res.Body)
				_ = res.Body.Close()
				id, rest, _ := strings.Cut(string(text), " ")
				if rest != body {
					t.Errorf("%d bytes came back of %d", len(rest), len(body))
				}
				mu.Lock()
				ids[id] = len(body)
				mu.Unlock()
			}
		})
	}
	asking.Wait()
	s.Close()
	if len(ids) != clients*each {
		t.Errorf("%d decisions for %d requests", len(ids), clients*each)
	}
	for _, l := range g.lines() {
		if n, known := ids[l.ID]; !known || l.In != int64(n) || l.Out != int64(n)+27 {
			t.Errorf("%+v, sent %d", l, n)
		}
	}
}

// suspicious opens a gate to which the address of httptest's requests is suspicious: it visited a honeypot.
func suspicious(t *testing.T, mode string, h http.HandlerFunc) (*gate, http.Handler) {
	t.Helper()
	g := open(t, "mode: "+mode+"\ntraps: [/backup.sql]\nlimits: [{name: no, per: [client], rate: 1000/s, burst: 1000000}]\nclasses: {plain: {limits: []}}\n")
	guarded := g.Handler(h)
	guarded.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/backup.sql", nil))
	return g, guarded
}

// TestSuspiciousRequestsAreHeldBack, for as long as the verdict says and not a moment longer or shorter.
func TestSuspiciousRequestsAreHeldBack(t *testing.T) {
	for mode, want := range map[string]time.Duration{"enforce": verdict.SlowBy, "monitor": 0} {
		synctest.Test(t, func(t *testing.T) {
			g, h := suspicious(t, mode, ok)
			begun := time.Now()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/x", nil))
			if got := time.Since(begun); got != want || w.Code != 200 {
				t.Errorf("%s: status %d after %v, want it after %v", mode, w.Code, got, want)
			}
			l := g.about("/x")
			if mode == "enforce" && (l.Verdict != "slow" || l.Cause != "risk") || mode == "monitor" && (l.Verdict != "allow" || l.Would != "slow" || l.WouldCause != "risk") {
				t.Errorf("%s: %+v", mode, l)
			}
		})
	}
}

// TestHeldBackClientMayLeave: the handler is never asked, and no answer is made up.
func TestHeldBackClientMayLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, h := suspicious(t, "enforce", func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/x" {
				t.Error("asked for a client that left")
			}
		})
		ctx, leave := context.WithCancel(t.Context())
		w := httptest.NewRecorder()
		ended := make(chan any, 1)
		go func() {
			defer func() { ended <- recover() }()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/x", nil).WithContext(ctx))
		}()
		synctest.Wait()
		if len(ended) != 0 {
			t.Fatal("not held back")
		}
		leave()
		if v := <-ended; v != http.ErrAbortHandler {
			t.Errorf("ended with %v", v)
		}
		if l := g.about("/x"); l.Failure != "client gone" || l.Status != 0 || l.Verdict != "slow" || l.Outcome != "" {
			t.Errorf("%+v", l)
		}
	})
}

// TestHoldingBackIsBounded: an attacker cannot use up the gate by being suspicious.
func TestHoldingBackIsBounded(t *testing.T) {
	const most = 2048
	synctest.Test(t, func(t *testing.T) {
		_, h := suspicious(t, "enforce", ok)
		var waiting sync.WaitGroup
		ask := func() time.Duration {
			begun := time.Now()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/x", nil))
			return time.Since(begun)
		}
		for range most {
			waiting.Go(func() {
				if d := ask(); d != verdict.SlowBy {
					t.Errorf("held back for %v", d)
				}
			})
		}
		synctest.Wait()
		if d := ask(); d != 0 {
			t.Errorf("one too many was held back for %v", d)
		}
		waiting.Wait()
		if d := ask(); d != verdict.SlowBy {
			t.Errorf("afterwards held back for %v", d)
		}
	})
}
