package listener

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// held holds every request but OPTIONS until it is opened.
type held struct{ arrived, open chan struct{} }

func newHeld() *held { return &held{make(chan struct{}, 100), make(chan struct{})} }

func (g *held) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions { // answered at once, so that a connection can be used and idle
		return
	}
	g.arrived <- struct{}{}
	select {
	case <-g.open:
		hello(w, r)
	case <-r.Context().Done():
	}
}

func TestStopLetsRequestsEnd(t *testing.T) {
	for name, only := range map[string]func(*http.Protocols){"HTTP/1.1": http1, "HTTP/2": h2c} {
		h := newHeld()
		f, addr := start(t, Config{}, h.ServeHTTP)
		c := client(t, only, nil)
		body, stopped := make(chan string, 1), make(chan error, 1)
		go func() {
			_, b := get(t, c, "http://"+addr)
			body <- b
		}()
		wait(t, h.arrived, "the request")
		idle := dial(t, addr)
		send(t, idle, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
		r := bufio.NewReader(idle)
		answer(t, r)
		go func() { stopped <- f.Stop(context.Background()) }()
		if _, err := r.ReadByte(); err != io.EOF {
			t.Errorf("%s: an unused connection ends by %v", name, err)
		}
		if c, err := net.Dial("tcp", addr); err == nil {
			t.Errorf("%s: a connection is accepted after Stop", name)
			_ = c.Close()
		}
		select {
		case err := <-stopped:
			t.Fatalf("%s: Stop returns before the request ends: %v", name, err)
		default:
		}
		close(h.open)
		if b := wait(t, body, "the answer"); b != "hello" {
			t.Errorf("%s: the answer is %q", name, b)
		}
		if err := wait(t, stopped, "Stop"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What does not end in time is cut: requests of both protocols, one upgraded and one in the middle of a TLS handshake.
func TestStopCuts(t *testing.T) {
	h := newHeld()
	upgraded := make(chan net.Conn, 1)
	f, addr := start(t, Config{DrainTimeout: 50 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/upgrade" {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
			}
			upgraded <- c
			return
		}
		h.ServeHTTP(w, r)
	})
	one, two, three := dial(t, addr), dial(t, addr), client(t, h2c, nil)
	send(t, one, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	send(t, two, "GET /upgrade HTTP/1.1\r\nHost: a\r\n\r\n")
	cut := make(chan error, 1)
	go func() {
		res, err := three.Get("http://" + addr)
		if err == nil {
			_ = res.Body.Close()
		}
		cut <- err
	}()
	wait(t, h.arrived, "a request")
	wait(t, h.arrived, "the other request")
	c := wait(t, upgraded, "the upgrade")
	err := f.Stop(context.Background())
	if err == nil || !strings.Contains(err.Error(), "3 connections did not end in time") {
		t.Errorf("Stop says %v", err)
	}
	rest(t, one)
	rest(t, two)
	if err := wait(t, cut, "the end of the HTTP/2 request"); err == nil {
		t.Error("the HTTP/2 request is answered")
	}
	if _, err := c.Write([]byte("x")); err == nil {
		t.Error("the upgraded connection is open")
	}
	if n := f.Connections(); n != 0 {
		t.Errorf("%d connections are counted after Stop", n)
	}
}

// Upgraded connections are waited for as well.
func TestStopWaitsForUpgraded(t *testing.T) {
	upgraded := make(chan net.Conn, 1)
	f, addr := start(t, Config{}, func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
		}
		upgraded <- c
	})
	send(t, dial(t, addr), request)
	c := wait(t, upgraded, "the upgrade")
	stopped := make(chan error, 1)
	go func() { stopped <- f.Stop(context.Background()) }()
	until(t, "refusing connections", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	select {
	case err := <-stopped:
		t.Fatalf("Stop returns while a connection is open: %v", err)
	default:
	}
	_ = c.Close()
	if err := wait(t, stopped, "Stop"); err != nil {
		t.Error(err)
	}
}

func TestStopAtAnyTime(t *testing.T) {
	fresh := func() *Front {
		f, err := New(Config{}, http.HandlerFunc(hello), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if err := fresh().Stop(context.Background()); err != nil {
		t.Errorf("before Listen: %v", err)
	}
	f := fresh()
	if err := f.Listen([]string{"127.0.0.1:0", "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Stop(context.Background()); err != nil {
			t.Errorf("before Serve: %v", err)
		}
	}
	for _, a := range f.Addrs() {
		if c, err := net.Dial("tcp", a.String()); err == nil {
			t.Error("stopped before Serve, an address is still bound")
			_ = c.Close()
		}
	}
	if err := f.Serve(); err != nil {
		t.Errorf("Serve after Stop: %v", err)
	}

	h := newHeld()
	f, addr := start(t, Config{}, h.ServeHTTP)
	c := dial(t, addr)
	send(t, c, request)
	wait(t, h.arrived, "the request")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := f.Stop(context.Background()); err != nil {
				t.Errorf("at the same time: %v", err)
			}
		})
	}
	close(h.open)
	if got := rest(t, c); !strings.HasSuffix(got, "hello") {
		t.Errorf("answered by %q", got)
	}
	all.Wait()
}

// A listener that fails ends serving on the others, too, and is told.
func TestServeEndsWhenAListenerFails(t *testing.T) {
	f, err := New(Config{}, http.HandlerFunc(hello), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Listen([]string{"127.0.0.1:0", "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- f.Serve() }()
	if got := talk(t, f.Addrs()[1].String(), request); !strings.HasSuffix(got, "hello") {
		t.Errorf("answered by %q", got)
	}
	_ = f.listeners[0].Close()
	if err := wait(t, served, "the end of Serve"); err == nil {
		t.Error("no error")
	}
	if c, err := net.Dial("tcp", f.Addrs()[1].String()); err == nil {
		t.Error("the other address is still bound")
		_ = c.Close()
	}
}
