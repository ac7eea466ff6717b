package listener

import (
	"errors"
	"io"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"
)

var impatient = Config{Grace: 50 * time.Millisecond, MinRate: 64 << 10}

// The same as in virtual time, over sockets, with TLS and both protocols: who sends or takes nothing is cut.
func TestSlowClientsOverSockets(t *testing.T) {
	p := newPair(t)
	pool := p.write(t, 1)
	secure := impatient
	secure.TLS = TLS{CertFile: p.cert, KeyFile: p.key}
	errs := make(chan error, 1)
	h := func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			_, err := io.Copy(io.Discard, r.Body)
			errs <- err
			return
		}
		b := []byte(repeat(1 << 20))
		for {
			if _, err := w.Write(b); err != nil {
				errs <- err
				return
			}
		}
	}
	_, plainAddr := start(t, impatient, h)
	_, secureAddr := start(t, secure, h)
	for _, c := range []struct {
		name, url string
		only      func(*http.Protocols)
	}{
		{"HTTP/1.1", "http://" + plainAddr, http1},
		{"h2c", "http://" + plainAddr, h2c},
		{"HTTP/1.1 over TLS", "https://" + secureAddr, http1},
		{"HTTP/2 over TLS", "https://" + secureAddr, http2},
	} {
		cl := client(t, c.only, pool)
		silent, w := io.Pipe()
		go func() { _, _ = w.Write([]byte("x")) }() // and no more
		done := make(chan struct{})
		go func() {
			defer close(done)
			if res, err := cl.Post(c.url, "text/plain", silent); err == nil {
				_ = res.Body.Close()
			}
		}()
		if err := wait(t, errs, "the end of the body"); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: a silent body ends by %v", c.name, err)
		}
		_ = w.Close()
		wait(t, done, "the client's end")

		res, err := cl.Get(c.url)
		if err != nil {
			t.Fatal(err)
		}
		if err := wait(t, errs, "the end of the answer"); err == nil {
			t.Errorf("%s: no error", c.name)
		}
		if _, err := io.Copy(io.Discard, res.Body); err == nil {
			t.Errorf("%s: an answer that was cut seems whole", c.name)
		}
		_ = res.Body.Close()
	}
}

// What a client has taken is known before the socket's buffer says so.
func TestUnacknowledged(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("bytes in the socket's buffer are counted on Linux only")
	}
	f, addr := start(t, Config{}, hello)
	l := f.listeners[0].(*pacing)
	c := dial(t, addr)
	send(t, c, "GET / HTTP/1.1\r\n") // served, and then held here
	until(t, "accepting", func() bool { return f.Connections() == 1 })
	f.counted.mu.Lock()
	var conn *admitted
	for a := range f.counted.open {
		conn = a
	}
	f.counted.mu.Unlock()
	socket := socketOf(conn)
	if l.rate <= 0 || socket == nil {
		t.Fatal("no socket below the connection")
	}
	_ = socket.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	n, err := socket.Write(make([]byte, 64<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("wrote %d: %v", n, err)
	}
	before := unacknowledged(socket)
	if before <= 0 || before > int64(n) {
		t.Fatalf("%d of %d bytes are unacknowledged", before, n)
	}
	if _, err := io.CopyN(io.Discard, c, int64(n)-before/2); err != nil {
		t.Fatal(err)
	}
	until(t, "acknowledging", func() bool { return unacknowledged(socket) <= before/2 })
	_ = socket.Close()
	if n := unacknowledged(socket); n != 0 {
		t.Errorf("a closed socket has %d bytes unacknowledged", n)
	}
}
