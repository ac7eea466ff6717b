package listener

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener without a network, for tests in virtual time: there patience can be tried to the second, with the defaults.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }
func (p *pipes) dial() net.Conn { a, b := net.Pipe(); p.conns <- b; return a }

// bubble serves h in virtual time and hands over a way to connect.
func bubble(t *testing.T, c Config, h http.HandlerFunc, test func(t *testing.T, f *Front, dial func() net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f, err := New(c, h, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		f.listeners = append(f.listeners, f.wrap(l))
		served := make(chan error)
		go func() { served <- f.Serve() }()
		test(t, f, l.dial)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = f.Stop(ctx)
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// after says how long f takes in virtual time.
func after(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func between(t *testing.T, what string, got, least, most time.Duration) {
	t.Helper()
	if got < least || got > most {
		t.Errorf("%s takes %v, want between %v and %v", what, got, least, most)
	}
}

// pass lets virtual time pass; for what runs in a bubble only.
func pass(d time.Duration) { time.Sleep(d) }
