package listener

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
)

// round makes one kind of request again and again on one connection, against this room and against net/http alone.
func round(b *testing.B, head string, size int) {
	h := func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		hello(w, r)
	}
	_, ours := start(b, Config{}, h)
	b.Run("listener", func(b *testing.B) { asks(b, ours, head, size) })
	b.Run("net/http", func(b *testing.B) { asks(b, bare(b, h), head, size) })
}

func bare(b *testing.B, h http.HandlerFunc) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), Protocols: new(http.Protocols)}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = s.Serve(l) }()
	b.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

func asks(b *testing.B, addr, head string, size int) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	ask, r := []byte(head+repeat(size)), bufio.NewReader(c)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(ask); err != nil {
			b.Fatal(err)
		}
		for { // the head
			line, err := r.ReadSlice('\n')
			if err != nil {
				b.Fatal(err)
			}
			if len(line) == len("\r\n") {
				break
			}
		}
		if _, err := r.Discard(len("hello")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBodyless(b *testing.B) { round(b, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0) }

func BenchmarkSmallBody(b *testing.B) {
	round(b, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n", 100)
}

func BenchmarkMegabyteBody(b *testing.B) {
	b.SetBytes(1 << 20)
	round(b, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n", 1<<20)
}

func BenchmarkHTTP2(b *testing.B) {
	for _, kind := range []string{"bodyless", "empty", "body"} {
		h := func(w http.ResponseWriter, r *http.Request) {
			if kind == "empty" {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			echo(w, r)
			hello(w, r)
		}
		_, ours := start(b, Config{}, h)
		for name, addr := range map[string]string{"listener": ours, "net/http": bare(b, h)} {
			b.Run(kind+"/"+name, func(b *testing.B) {
				c := client(b, h2c, nil)
				b.ReportAllocs()
				for b.Loop() {
					req, _ := http.NewRequest("GET", "http://"+addr, nil)
					if kind == "body" {
						req, _ = http.NewRequest("POST", "http://"+addr, strings.NewReader("some words"))
					}
					fetch(b, c, req)
				}
			})
		}
	}
}

// A request without a body costs no allocation more than net/http alone.
func TestBodylessCostsNoAllocation(t *testing.T) {
	h := &patient{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), rate: 256, grace: 1, maxBody: 1}
	r, err := http.NewRequest("GET", "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { h.ServeHTTP(nil, r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	a, b := net.Pipe()
	defer func() { _, _ = a.Close(), b.Close() }()
	go func() { _, _ = io.Copy(io.Discard, a) }()
	c := &paced{Conn: b, writing: true, patience: newPatience(256, 1e9)}
	one := []byte("x")
	if _, err := c.Write(one); err != nil {
		t.Fatal(err)
	}
	bare := testing.AllocsPerRun(100, func() { _, _ = b.Write(one) })
	if n := testing.AllocsPerRun(100, func() { _, _ = c.Write(one) }); n > bare {
		t.Errorf("%v allocations a write, %v without pacing", n, bare)
	}
}
