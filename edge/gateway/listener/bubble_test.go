package listener

import (
	"context"
	"io"
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

// bubbleClient speaks HTTP/2 without TLS over the pipes.
func bubbleClient(dial func() net.Conn) *http.Client {
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	tr.DialContext = func(context.Context, string, string) (net.Conn, error) { return dial(), nil }
	return &http.Client{Transport: tr}
}

// trickle is a body of n bytes, each after a pause, that then stays open for as long as the client lives.
type trickle struct {
	n     int
	pause time.Duration
	end   bool // ends after n bytes
}

func (b *trickle) Read(p []byte) (int, error) {
	if b.n == 0 {
		if b.end {
			return 0, io.EOF
		}
		time.Sleep(time.Hour)
	}
	time.Sleep(b.pause)
	b.n--
	p[0] = 'x'
	return 1, nil
}
