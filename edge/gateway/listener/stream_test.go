package listener

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// peer2 is an HTTP/2 client that does by hand what a client library would not do.
type peer2 struct {
	*xhttp2.Framer
	conn  net.Conn
	ended chan string // "<stream> end" or "<stream> reset", then closed with the connection
	data  chan int    // bytes of each DATA frame
}

// handmade opens an HTTP/2 connection whose streams begin with a window for answers.
func handmade(t *testing.T, conn net.Conn, window uint32) *peer2 {
	p := &peer2{xhttp2.NewFramer(conn, conn), conn, make(chan string, 100), make(chan int, 10000)}
	go p.listen()
	send(t, conn, xhttp2.ClientPreface)
	if err := p.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: window}); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *peer2) listen() {
	defer close(p.ended)
	for {
		f, err := p.ReadFrame()
		if err != nil {
			return
		}
		if d, ok := f.(*xhttp2.DataFrame); ok && len(d.Data()) > 0 {
			p.data <- len(d.Data())
		}
		if _, ok := f.(*xhttp2.RSTStreamFrame); ok {
			p.ended <- fmt.Sprint(f.Header().StreamID, " reset")
		} else if f.Header().Type <= xhttp2.FrameHeaders && f.Header().Flags.Has(xhttp2.FlagDataEndStream) {
			p.ended <- fmt.Sprint(f.Header().StreamID, " end")
		}
	}
}

// ask sends the head of a request.
func (p *peer2) ask(t *testing.T, stream uint32, method, path string) {
	t.Helper()
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", method}, {":scheme", "http"}, {":authority", "a"}, {":path", path}} {
		_ = enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	err := p.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: method == "GET"})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStreamSlowBody(t *testing.T) {
	for name, c := range map[string]struct {
		pause       time.Duration
		n           int
		least, most time.Duration // 0: passes
	}{
		"nothing at all":             {time.Hour, 0, 15 * time.Second, 16 * time.Second},
		"a byte a second":            {time.Second, 1 << 30, 15 * time.Second, 16 * time.Second},
		"half of the minimum":        {time.Second / 128, 1 << 30, 29 * time.Second, 31 * time.Second},
		"a little above the minimum": {time.Second / 300, 20000, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var errs chan error
			bubble(t, Config{}, failure(&errs), func(t *testing.T, _ *Front, dial func() net.Conn) {
				errs = make(chan error, 1)
				p := handmade(t, dial(), 65535)
				p.ask(t, 1, "POST", "/")
				stop, stopped := make(chan struct{}), make(chan struct{})
				go func() {
					defer close(stopped)
					for range c.n {
						select {
						case <-stop:
							return
						case <-time.After(c.pause):
							_ = p.WriteData(1, false, []byte("x"))
						}
					}
					if c.least == 0 {
						_ = p.WriteData(1, true, nil)
					}
				}()
				var err error
				took := after(func() { err = <-errs })
				if c.least == 0 {
					if err != nil {
						t.Errorf("after %v: %v", took, err)
					}
				} else {
					between(t, name, took, c.least, c.most)
					if !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("the handler's error is %v", err)
					}
				}
				if end := <-p.ended; end != "1 end" { // the answer, 408 or 200, arrives
					t.Errorf("the stream ends by %s", end)
				}
				close(stop)
				<-stopped
				p.ask(t, 3, "POST", "/")
				_ = p.WriteData(3, true, []byte("x"))
				for end := ""; end != "3 end"; { // the others go on
					end = <-p.ended
				}
				_ = p.conn.Close()
			})
		})
	}
}

// A client that grants no window holds a stream, or one small answer, no longer than patience lasts.
func TestStreamSlowReader(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/small":
			hello(w, r)
		case "/flushed":
			hello(w, r)
			_ = http.NewResponseController(w).Flush()
		default:
			_, _ = w.Write([]byte(repeat(60000)))
		}
	}
	bubble(t, Config{}, h, func(t *testing.T, _ *Front, dial func() net.Conn) {
		for _, path := range []string{"/small", "/flushed", "/big"} {
			p := handmade(t, dial(), 0)
			p.ask(t, 1, "GET", path)
			took := after(func() {
				if end := <-p.ended; end != "1 reset" {
					t.Errorf("%s: the stream ends by %s", path, end)
				}
			})
			between(t, path, took, 15*time.Second, 80*time.Second)
			_ = p.conn.Close()
		}
		p := handmade(t, dial(), 0)
		p.ask(t, 1, "GET", "/big")
		for n := 0; n < 60000; n += <-p.data {
			pass(time.Second)
			if err := p.WriteWindowUpdate(1, 300); err != nil {
				t.Fatal(err)
			}
		}
		if end := <-p.ended; end != "1 end" {
			t.Errorf("a client that takes 300 bytes a second: the stream ends by %s", end)
		}
		_ = p.conn.Close()
	})
}

// What the handler does between reads is no fault of the client, and once the answer has begun neither side must keep talking.
func TestStreamMayBeSilent(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		pause := time.Minute
		if r.URL.Path == "/talk" {
			if err := control.Flush(); err != nil {
				t.Error(err)
			}
			pause = time.Hour
		}
		b := make([]byte, 1)
		for range 3 {
			pass(pause)
			if _, err := io.ReadFull(r.Body, b); err != nil {
				t.Errorf("%s: %v", r.URL.Path, err)
				return
			}
		}
		pass(pause)
		_, _ = w.Write(b)
	}
	bubble(t, Config{}, h, func(t *testing.T, _ *Front, dial func() net.Conn) {
		p := handmade(t, dial(), 65535)
		p.ask(t, 1, "POST", "/once")
		_ = p.WriteData(1, true, []byte("xxx"))
		p.ask(t, 3, "POST", "/talk")
		go func() {
			for range 3 {
				pass(3 * time.Hour)
				_ = p.WriteData(3, false, []byte("x"))
			}
		}()
		for _, want := range []string{"1 end", "3 end"} {
			if end := <-p.ended; end != want {
				t.Errorf("%s instead of %s", end, want)
			}
		}
		_ = p.conn.Close()
		pass(24 * time.Hour)
	})
}

// A reader that outlives its handler, and a handler that panics, leave nothing behind that fires later.
func TestStreamAfterItsHandler(t *testing.T) {
	var failed chan error
	h := func(_ http.ResponseWriter, r *http.Request) {
		go func() {
			_, err := io.Copy(io.Discard, r.Body)
			failed <- err
		}()
		pass(5 * time.Second)
		if r.URL.Path == "/panic" {
			panic(http.ErrAbortHandler)
		}
	}
	bubble(t, Config{}, h, func(t *testing.T, _ *Front, dial func() net.Conn) {
		failed = make(chan error, 2)
		p := handmade(t, dial(), 65535)
		p.ask(t, 1, "POST", "/")
		p.ask(t, 3, "POST", "/panic")
		for range 2 {
			took := after(func() {
				if err := <-failed; err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("the reader's error is %v", err)
				}
			})
			between(t, "the end of the handler", took, 0, 6*time.Second)
		}
		pass(time.Hour)
		_ = p.conn.Close()
	})
}

// A connection without a request under way, and one that never ends a head, are closed.
func TestStreamlessConnection(t *testing.T) {
	bubble(t, Config{}, hello, func(t *testing.T, _ *Front, dial func() net.Conn) {
		p := handmade(t, dial(), 65535)
		between(t, "an unused connection", after(func() { <-p.ended }), 75*time.Second, 80*time.Second)
		p = handmade(t, dial(), 65535)
		if err := p.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}}); err != nil {
			t.Fatal(err)
		}
		between(t, "a head without end", after(func() { <-p.ended }), 0, 80*time.Second)
	})
}

// Pacing changes nothing of an answer: head, trailers, and lengths as the handler wrote them.
func TestStreamAnswersAsWritten(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Grpc-Status")
		w.Header().Set("Content-Type", "application/grpc")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusAccepted)
		if n, err := w.Write([]byte(repeat(50000))); r.Method == "GET" && (n != 50000 || err != nil) {
			t.Errorf("wrote %d: %v", n, err)
		}
		_, _ = w.Write(nil)
		w.Header().Set("Grpc-Status", "0")
		w.Header().Set(http.TrailerPrefix+"More", r.Method)
	}
	_, addr := start(t, Config{}, h)
	c := client(t, h2c, nil)
	res, body := get(t, c, "http://"+addr)
	if res.StatusCode != 202 || len(body) != 50000 || res.Trailer.Get("Grpc-Status") != "0" || res.Trailer.Get("More") != "GET" {
		t.Errorf("%s, %d bytes, trailers %v", res.Status, len(body), res.Trailer)
	}
	req, err := http.NewRequest("HEAD", "http://"+addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, body := fetch(t, c, req); res.StatusCode != 202 || body != "" {
		t.Errorf("HEAD: %s, %q", res.Status, body)
	}
}
