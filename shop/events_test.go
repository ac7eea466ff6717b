package shop

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestEvents reads a stream over a pipe, in virtual time: a tick at once, then one a second, and an end when the client goes.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		line := &oneConn{conn: make(chan net.Conn, 1)}
		line.conn <- server
		host := &http.Server{Handler: New(Options{Streams: 1})}
		go func() { _ = host.Serve(line) }()
		defer func() { _ = host.Close() }()

		start := time.Now()
		go func() { _, _ = client.Write([]byte("GET /api/events HTTP/1.1\r\nHost: shop\r\n\r\n")) }()
		answer, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Fatal(err)
		}
		if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
			t.Errorf("Content-Type %q", kind)
		}
		text := bufio.NewScanner(answer.Body)
		for second := 0; second < 3; second++ {
			for text.Scan() && text.Text() != "" {
				stamp, ok := strings.CutPrefix(text.Text(), `data: {"time":"`)
				if !ok {
					continue
				}
				at, err := time.Parse(time.RFC3339Nano, strings.TrimSuffix(stamp, `"}`))
				if want := start.Add(time.Duration(second) * time.Second); err != nil || !at.Equal(want) {
					t.Errorf("tick %d at %s, want %s (%v)", second, at, want, err)
				}
			}
		}
		if got := time.Since(start); got != 2*time.Second {
			t.Errorf("three ticks took %s", got)
		}

		w := httptest.NewRecorder()
		host.Handler.ServeHTTP(w, httptest.NewRequest("GET", "/api/events", nil))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("a second stream of one: %d", w.Code)
		}

		_ = client.Close()
		synctest.Wait()
		w = httptest.NewRecorder()
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		host.Handler.ServeHTTP(w, httptest.NewRequest("GET", "/api/events", nil).WithContext(gone))
		if w.Code != http.StatusOK {
			t.Errorf("a stream after the first client has gone: %d", w.Code)
		}
	})
}

// oneConn is a listener with a single connection to give.
type oneConn struct{ conn chan net.Conn }

func (l *oneConn) Accept() (net.Conn, error) {
	if c, ok := <-l.conn; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (l *oneConn) Close() error   { close(l.conn); return nil }
func (l *oneConn) Addr() net.Addr { return &net.UnixAddr{} }
