package listener

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// Patience never exceeds the grace, and a client at the rate or above never runs out of it.
func TestPatience(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Int64Range(1, 1<<30).Draw(t, "rate")
		grace := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "grace"))
		p := newPatience(rate, grace)
		for range rapid.IntRange(1, 20).Draw(t, "reads") {
			n := rapid.IntRange(0, 1<<20).Draw(t, "n")
			before := p.left
			waited := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "waited"))
			p.spend(waited, n)
			if p.left > grace {
				t.Fatalf("%v is left of %v", p.left, grace)
			}
			if waited <= p.worth(n) && p.left < before {
				t.Fatalf("%d bytes in %v at %d a second cost patience", n, waited, rate)
			}
		}
	})
}

func TestSlowHead(t *testing.T) {
	bubble(t, Config{}, hello, func(t *testing.T, _ *Front, dial func() net.Conn) {
		for name, part := range map[string]string{"nothing": "", "a line": "GET / HTTP/1.1\r\n", "half a preface": "PRI * HTTP/2.0\r\n"} {
			c := dial()
			got := ""
			took := after(func() {
				_, _ = io.WriteString(c, part)
				got = rest(t, c)
			})
			between(t, name, took, 10*time.Second, 11*time.Second)
			if got != "" {
				t.Errorf("%s is answered by %q", name, got)
			}
		}
		c := dial()
		var writing sync.WaitGroup
		writing.Go(func() { // a header a second, for ever
			_, err := io.WriteString(c, "GET / HTTP/1.1\r\n")
			for ; err == nil; _, err = io.WriteString(c, "X: 1\r\n") {
				pass(time.Second)
			}
		})
		took := after(func() { rest(t, c) })
		writing.Wait()
		between(t, "a head that never ends", took, 10*time.Second, 11*time.Second)
	})
}

func TestIdleConnection(t *testing.T) {
	bubble(t, Config{}, hello, func(t *testing.T, _ *Front, dial func() net.Conn) {
		c := dial()
		r := bufio.NewReader(c)
		for range 3 {
			send(t, c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			answer(t, r)
			pass(70 * time.Second)
		}
		send(t, c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		answer(t, r)
		between(t, "an unused connection", after(func() { rest(t, c) }), 75*time.Second, 76*time.Second)
	})
}

const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n"

// failure tells how reading the body ends. The channel is a pointer because it must be made in the bubble.
func failure(errs *chan error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		*errs <- err
		if err != nil {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	}
}

func TestSlowBody(t *testing.T) {
	for name, c := range map[string]struct {
		pause       time.Duration // before every byte
		fast        int           // bytes sent at once first
		least, most time.Duration
	}{
		"nothing at all":             {time.Hour, 0, 15 * time.Second, 17 * time.Second},
		"a byte a second":            {time.Second, 0, 15 * time.Second, 17 * time.Second},
		"a byte every ten seconds":   {10 * time.Second, 0, 15 * time.Second, 20 * time.Second},
		"fast first, then no more":   {time.Hour, 15000, 15 * time.Second, 17 * time.Second},
		"half of the minimum":        {time.Second / 128, 0, 29 * time.Second, 34 * time.Second},
		"fast first, then half that": {time.Second / 128, 5000, 29 * time.Second, 34 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			var errs chan error
			bubble(t, Config{}, failure(&errs), func(t *testing.T, _ *Front, dial func() net.Conn) {
				errs = make(chan error, 1)
				conn := dial()
				took := after(func() {
					go func() {
						_, _ = io.WriteString(conn, post+repeat(c.fast))
						for {
							pass(c.pause)
							if _, err := io.WriteString(conn, "x"); err != nil {
								return
							}
						}
					}()
					if got := rest(t, conn); !strings.HasPrefix(got, "HTTP/1.1 408 ") || !strings.Contains(got, "Connection: close") {
						t.Errorf("answered by %q", got)
					}
				})
				between(t, name, took, c.least, c.most)
				if err := <-errs; !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("the handler's error is %v", err)
				}
				_ = conn.Close()
				pass(2 * time.Hour) // the writer ends
			})
		})
	}
}

// 20000 bytes at 300 a second take more than a minute, and pass; so does the next request after a long pause.
func TestSteadyBody(t *testing.T) {
	var errs chan error
	bubble(t, Config{}, failure(&errs), func(t *testing.T, _ *Front, dial func() net.Conn) {
		errs = make(chan error, 1)
		c := dial()
		r := bufio.NewReader(c)
		for range 2 {
			send(t, c, post)
			took := after(func() {
				for range 20000 {
					pass(time.Second / 300)
					send(t, c, "x")
				}
			})
			if err := <-errs; err != nil {
				t.Errorf("after %v: %v", took, err)
			}
			if status, _ := answer(t, r); status != 200 {
				t.Errorf("status %d", status)
			}
			pass(time.Minute)
		}
	})
}

func TestHowSlowDoesNotMatterWhenNegative(t *testing.T) {
	var errs chan error
	bubble(t, Config{MinRate: -1}, failure(&errs), func(t *testing.T, _ *Front, dial func() net.Conn) {
		errs = make(chan error, 1)
		c := dial()
		send(t, c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
		for range 3 {
			pass(time.Hour)
			send(t, c, "x")
		}
		if err := <-errs; err != nil {
			t.Error(err)
		}
		pass(time.Hour) // nobody takes the answer either
		if status, _ := answer(t, bufio.NewReader(c)); status != 200 {
			t.Errorf("status %d", status)
		}
	})
}

// What the handler does between reads, before and after, is no fault of the client; nor does any deadline outlast the body.
func TestSlowHandlerIsNotASlowClient(t *testing.T) {
	for name, length := range map[string]string{"length": "Content-Length: 8", "chunked": "Transfer-Encoding: chunked"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
				pass(time.Minute)
				b := make([]byte, 4)
				if _, err := io.ReadFull(r.Body, b); err != nil {
					t.Errorf("first half: %v", err)
				}
				pass(time.Minute)
				more, err := io.ReadAll(r.Body)
				if err != nil {
					t.Errorf("second half: %v", err)
				}
				pass(time.Minute)
				if err := r.Context().Err(); err != nil {
					t.Errorf("long after the body: %v", err)
				}
				_, _ = w.Write(append(b, more...))
			}, func(t *testing.T, _ *Front, dial func() net.Conn) {
				c := dial()
				r := bufio.NewReader(c)
				for range 2 {
					head, first, second := "POST / HTTP/1.1\r\nHost: a\r\n"+length+"\r\n\r\n", "abcd", "efgh"
					if name == "chunked" {
						first, second = "4\r\nabcd\r\n", "4\r\nefgh\r\n0\r\n\r\n"
					}
					send(t, c, head)
					go func() { _, _ = io.WriteString(c, first); _, _ = io.WriteString(c, second) }()
					if status, body := answer(t, r); status != 200 || body != "abcdefgh" {
						t.Errorf("%d %q", status, body)
					}
					pass(time.Minute)
				}
			})
		})
	}
}

// A handler that answers and leaves the body alone, as a refusal does, is done with at once or, when the client never sends what it
// declared, after the grace; the stream it then sends goes on for as long as it likes.
func TestBodyLeftUnread(t *testing.T) {
	var gone chan error
	refuse := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/events":
			_ = http.NewResponseController(w).Flush()
			pass(time.Hour)
			gone <- r.Context().Err()
		case "/late":
			pass(time.Minute)
		}
		w.WriteHeader(http.StatusTooManyRequests)
	}
	bubble(t, Config{}, refuse, func(t *testing.T, _ *Front, dial func() net.Conn) {
		gone = make(chan error, 1)
		for _, path := range []string{"/", "/late"} {
			c := dial()
			send(t, c, strings.Replace(post, "/", path, 1))
			took := after(func() {
				if got := rest(t, c); !strings.HasPrefix(got, "HTTP/1.1 429 ") {
					t.Errorf("%s: answered by %q", path, got)
				}
			})
			between(t, path, took, 15*time.Second, 80*time.Second)
		}
		c := dial()
		send(t, c, strings.Replace(post, "/", "/events", 1)+repeat(20000))
		r := bufio.NewReader(c)
		if res, err := http.ReadResponse(r, nil); err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
		if err := <-gone; err != nil {
			t.Errorf("an hour after a body that was not read: %v", err)
		}
	})
}

func TestExpectContinue(t *testing.T) {
	const expect = "POST %s HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
	h := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			// What a handler may do to its request must not keep net/http from seeing that the client waits.
			r.Body = io.NopCloser(strings.NewReader(""))
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		echo(w, r)
	}
	bubble(t, Config{}, h, func(t *testing.T, _ *Front, dial func() net.Conn) {
		c := dial()
		r := bufio.NewReader(c)
		send(t, c, strings.Replace(expect, "%s", "/", 1))
		if line, err := r.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("%q, %v", line, err)
		}
		_, _ = r.ReadString('\n')
		send(t, c, "12345")
		if status, body := answer(t, r); status != 200 || body != "12345" {
			t.Errorf("%d %q", status, body)
		}
		send(t, c, strings.Replace(expect, "%s", "/refuse", 1))
		took := after(func() {
			if status, _ := answer(t, r); status != http.StatusTooManyRequests {
				t.Errorf("status %d", status)
			}
		})
		between(t, "a refusal of what is not sent yet", took, 0, 0)
		between(t, "the end of what is never sent", after(func() { rest(t, c) }), 0, 17*time.Second)
		c = dial()
		send(t, c, strings.Replace(expect, "%s", "/", 1))
		took = after(func() { rest(t, c) })
		between(t, "a client that goes back on its word", took, 15*time.Second, 17*time.Second)
	})
}

// A client that takes nothing is cut, one that takes a little steadily is not.
func TestSlowReader(t *testing.T) {
	const size = 20000
	var errs chan error
	big := func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.WriteString(w, repeat(size))
		errs <- err
	}
	bubble(t, Config{}, big, func(t *testing.T, _ *Front, dial func() net.Conn) {
		errs = make(chan error, 1)
		c := dial()
		send(t, c, request)
		took := after(func() {
			if err := <-errs; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the handler's error is %v", err)
			}
		})
		between(t, "a client that takes nothing", took, 7*time.Second, 23*time.Second)
		c = dial()
		send(t, c, request)
		n := 0
		for b := make([]byte, 3); n < size; {
			pass(time.Second / 100)
			m, err := c.Read(b)
			n += m
			if err != nil {
				break
			}
		}
		if err := <-errs; err != nil || n < size {
			t.Errorf("a client that takes 300 bytes a second gets %d: %v", n, err)
		}
	})
}

// One long write is looked at again and again: who takes 300 bytes a second gets all of it, who takes 200 does not.
func TestLongWrite(t *testing.T) {
	for rate, whole := range map[int]bool{300: true, 200: false} {
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			c := &paced{Conn: b, writing: true, patience: newPatience(256, 15*time.Second)}
			var reading sync.WaitGroup
			reading.Go(func() {
				for one := make([]byte, 1); ; pass(time.Second / time.Duration(rate)) {
					if _, err := a.Read(one); err != nil {
						return
					}
				}
			})
			n, err := c.Write(make([]byte, 20000))
			if (err == nil) != whole || (n == 20000) != whole {
				t.Errorf("%d bytes a second: wrote %d: %v", rate, n, err)
			}
			_, _ = a.Close(), b.Close()
			reading.Wait()
		})
	}
}

// An upgraded connection, and a stream of events, may be silent for hours in both directions.
func TestSilentConnections(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.URL.Path == "/events" {
			for range 3 {
				pass(time.Hour)
				_, _ = io.WriteString(w, "data\n")
				if err := control.Flush(); err != nil || r.Context().Err() != nil {
					t.Errorf("an event: %v, %v", err, r.Context().Err())
				}
			}
			return
		}
		c, rw, err := control.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = c.Close() }()
		for range 3 {
			b := make([]byte, 1)
			if _, err := rw.Read(b); err != nil {
				t.Errorf("upgraded, read: %v", err)
			}
			pass(time.Hour)
			if _, err := c.Write(b); err != nil {
				t.Errorf("upgraded, write: %v", err)
			}
		}
	}
	bubble(t, Config{}, h, func(t *testing.T, _ *Front, dial func() net.Conn) {
		c := dial()
		send(t, c, "GET /events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if got := rest(t, c); strings.Count(got, "data\n") != 3 {
			t.Errorf("events: %q", got)
		}
		c = dial()
		send(t, c, request)
		for range 3 {
			pass(time.Hour)
			send(t, c, "x")
			if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
				t.Error(err)
			}
		}
		rest(t, c)
	})
}

// Deadlines from above hold: an earlier one, one that ends a wait under way, and none again.
func TestWriteDeadlineFromAbove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer func() { _, _ = a.Close(), b.Close() }()
		c := &paced{Conn: b, writing: true, patience: newPatience(256, 15*time.Second)}
		fails := func(what string, least, most time.Duration) {
			t.Helper()
			var err error
			between(t, what, after(func() { _, err = c.Write([]byte("x")) }), least, most)
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: %v", what, err)
			}
		}
		fails("no deadline", 15*time.Second, 23*time.Second)
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		fails("an earlier deadline", time.Second, time.Second)
		_ = c.SetWriteDeadline(time.Now().Add(time.Hour))
		fails("a later deadline", 15*time.Second, 23*time.Second)
		_ = c.SetDeadline(time.Time{})
		fails("none again", 15*time.Second, 23*time.Second)
		time.AfterFunc(3*time.Second, func() { _ = c.SetWriteDeadline(time.Unix(1, 0)) })
		fails("a wait that is ended", 3*time.Second, 3*time.Second)
		_ = c.SetWriteDeadline(time.Time{})
		go func() { _, _ = io.ReadFull(a, make([]byte, 1)) }()
		if _, err := c.Write([]byte("x")); err != nil {
			t.Error(err)
		}
	})
}

// Something of a handler that reads on after it returned must not touch the connection's next request.
func TestReaderThatOutlivesItsHandler(t *testing.T) {
	var left chan io.Reader
	h := func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			left <- r.Body
		}
	}
	bubble(t, Config{}, h, func(t *testing.T, _ *Front, dial func() net.Conn) {
		left = make(chan io.Reader, 1)
		c := dial()
		r := bufio.NewReader(c)
		send(t, c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
		answer(t, r)
		body := <-left
		send(t, c, "GET / HTTP/1.1\r\n")
		if _, err := body.Read(make([]byte, 1)); err == nil {
			t.Error("the body can still be read")
		}
		between(t, "the head of the next request", after(func() { rest(t, c) }), 10*time.Second, 11*time.Second)
	})
}
