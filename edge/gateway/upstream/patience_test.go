package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pipeNet is a network in memory, for tests in virtual time: serve gets the target's end of every connection.
func pipeNet(serve func(c net.Conn)) dialer {
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer func() { _ = server.Close() }()
			serve(server)
		}()
		return client, nil
	}
}

func pipePool(t *testing.T, cfg Config, dial dialer) *Pool {
	t.Helper()
	if cfg.Targets == nil {
		cfg.Targets = []string{"target:80"}
	}
	p, err := newPool(cfg, dial)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// hold answers with some bytes and then waits for the end of the connection.
func hold(answer string) func(net.Conn) {
	return func(c net.Conn) {
		br := bufio.NewReader(c)
		if skipHead(br) == nil {
			_, _ = io.WriteString(c, answer)
			_, _ = io.Copy(io.Discard, br)
		}
	}
}

// TestTargetsTakeTooLong: every wait has its end, at the time it was given, and the end is told apart.
func TestTargetsTakeTooLong(t *testing.T) {
	cfg := Config{ConnectTimeout: time.Second, ResponseHeaderTimeout: 10 * time.Second, BodyIdleTimeout: 30 * time.Second}
	for name, test := range map[string]struct {
		dial    dialer
		kind    Kind
		wait    time.Duration
		started bool
	}{
		"connect": {func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, Unreachable, time.Second, false},
		"refused":       {func(context.Context, string, string) (net.Conn, error) { return nil, io.ErrClosedPipe }, Unreachable, 0, false},
		"no answer":     {pipeNet(hold("")), Timeout, 10 * time.Second, false},
		"half a head":   {pipeNet(hold("HTTP/1.1 200 OK\r\nX-A: ")), Timeout, 10 * time.Second, false},
		"only hints":    {pipeNet(hold("HTTP/1.1 103 Early Hints\r\n\r\n")), Timeout, 10 * time.Second, false},
		"half a body":   {pipeNet(hold("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")), Timeout, 30 * time.Second, true},
		"half a chunk":  {pipeNet(hold("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf")), Timeout, 30 * time.Second, true},
		"never an end":  {pipeNet(hold("HTTP/1.1 200 OK\r\n\r\nhalf")), Timeout, 30 * time.Second, true},
		"no trailer":    {pipeNet(hold("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")), Timeout, 30 * time.Second, true},
		"reads nothing": {pipeNet(func(c net.Conn) { time.Sleep(time.Hour) }), Timeout, 10 * time.Second, false},
	} {
		for rung, forward := range rungs {
			if name == "reads nothing" && rung == "A" {
				continue // http.Transport starts its clock when the request is written; the caller's context bounds that
			}
			t.Run(name+" by "+rung, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := pipePool(t, cfg, test.dial)
					defer p.Close()
					begin := time.Now()
					res := forward(p, httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
					if KindOf(res.Err) != test.kind || res.Started != test.started {
						t.Errorf("%+v", res)
					}
					defer time.Sleep(2 * time.Hour) // until the last target has given up
					if took := time.Since(begin); took < test.wait || took > test.wait*9/8 {
						t.Errorf("took %s, want %s", took, test.wait)
					}
				})
			})
		}
	}
}

// TestSlowBodyIsNoSilence: the limit is on silence, not on the length of an answer.
func TestSlowBodyIsNoSilence(t *testing.T) {
	for rung, forward := range rungs {
		t.Run(rung, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pipePool(t, Config{ResponseHeaderTimeout: time.Second, BodyIdleTimeout: 10 * time.Second}, pipeNet(func(c net.Conn) {
					_ = skipHead(bufio.NewReader(c))
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
					for range 20 {
						time.Sleep(9 * time.Second)
						_, _ = io.WriteString(c, "tick")
					}
				}))
				defer p.Close()
				w := httptest.NewRecorder()
				res := forward(p, w, httptest.NewRequest("GET", "/", nil))
				if res.Err != nil || w.Body.String() != strings.Repeat("tick", 20) {
					t.Errorf("%+v, %d bytes", res, w.Body.Len())
				}
			})
		})
	}
}

// TestNoLimits: negative limits are none.
func TestNoLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipePool(t, Config{ResponseHeaderTimeout: -1, BodyIdleTimeout: -1}, pipeNet(func(c net.Conn) {
			_ = skipHead(bufio.NewReader(c))
			time.Sleep(24 * time.Hour)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			time.Sleep(24 * time.Hour)
			_, _ = io.WriteString(c, "at last")
		}))
		defer p.Close()
		for rung, forward := range rungs {
			w := httptest.NewRecorder()
			if res := forward(p, w, httptest.NewRequest("GET", "/", nil)); res.Err != nil || w.Body.String() != "at last" {
				t.Errorf("%s: %+v", rung, res)
			}
		}
	})
}

// TestStreamWithoutLimit: the limit on the head does not outlive it.
func TestStreamWithoutLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipePool(t, Config{ResponseHeaderTimeout: time.Second, BodyIdleTimeout: -1}, pipeNet(func(c net.Conn) {
			_ = skipHead(bufio.NewReader(c))
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			time.Sleep(24 * time.Hour)
			_, _ = io.WriteString(c, "at last")
		}))
		defer p.Close()
		for rung, forward := range rungs {
			w := httptest.NewRecorder()
			if res := forward(p, w, httptest.NewRequest("GET", "/", nil)); res.Err != nil || w.Body.String() != "at last" {
				t.Errorf("%s: %+v", rung, res)
			}
		}
	})
}

// TestCallersDeadline: the end of the caller's context is a timeout when its time is up, and the client's doing when not.
func TestCallersDeadline(t *testing.T) {
	for rung, forward := range rungs {
		t.Run(rung, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pipePool(t, Config{}, pipeNet(hold("")))
				defer p.Close()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				res := forward(p, httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(ctx))
				if KindOf(res.Err) != Timeout {
					t.Errorf("%+v", res)
				}
				ctx, cancel = context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				res = forward(p, httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(ctx))
				if KindOf(res.Err) != ClientGone {
					t.Errorf("%+v", res)
				}
			})
		})
	}
}

// keepAlive answers every request on a connection.
func keepAlive(c net.Conn) {
	br := bufio.NewReader(c)
	for skipHead(br) == nil {
		if _, err := io.WriteString(c, okAnswer); err != nil {
			return
		}
	}
}

// TestIdleConnectionsGrowOld: an unused connection is closed when its time is up, the others stay, and no more are kept
// than allowed.
func TestIdleConnectionsGrowOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var open atomic.Int64
		p := pipePool(t, Config{IdleTimeout: time.Minute, MaxIdle: 3}, pipeNet(func(c net.Conn) {
			open.Add(1)
			defer open.Add(-1)
			keepAlive(c)
		}))
		tgt := p.targets[0]
		conns := make([]*conn, 5)
		for i := range conns {
			c, err := tgt.connect(t.Context(), &p.cfg, true)
			if err != nil {
				t.Fatal(err)
			}
			conns[i] = c
		}
		expect := func(idle, want int) {
			t.Helper()
			synctest.Wait()
			if n := tgt.idle.len(); n != idle || open.Load() != int64(want) {
				t.Errorf("%d idle, %d open; want %d, %d", n, open.Load(), idle, want)
			}
		}
		expect(0, 5)
		tgt.release(conns[0])
		time.Sleep(40 * time.Second)
		for _, c := range conns[1:] {
			tgt.release(c)
		}
		expect(3, 3)
		if c := tgt.idle.pop(); c != conns[2] {
			t.Error("not the last one in")
		}
		expect(2, 3)
		time.Sleep(20 * time.Second)
		expect(1, 2)
		time.Sleep(40 * time.Second)
		expect(0, 1)
		tgt.release(conns[2])
		expect(1, 1)
		p.Close()
		expect(0, 0)
		c, err := tgt.connect(t.Context(), &p.cfg, false)
		if err != nil {
			t.Fatal(err)
		}
		tgt.release(c)
		expect(0, 0)
	})
}

// TestDeadlineOfOneExchangeIsNotTheNext: a long limit on a body must not be what the next head is measured by, nor a
// past deadline kill a later exchange.
func TestDeadlineOfOneExchangeIsNotTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		p := pipePool(t, Config{ResponseHeaderTimeout: time.Second, BodyIdleTimeout: time.Hour, IdleTimeout: 24 * time.Hour}, pipeNet(func(c net.Conn) {
			br := bufio.NewReader(c)
			for skipHead(br) == nil {
				n++
				switch n {
				case 1:
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
					time.Sleep(time.Minute)
					_, _ = io.WriteString(c, "ok")
				case 2:
					_, _ = io.WriteString(c, okAnswer)
				default:
					time.Sleep(time.Minute)
				}
			}
		}))
		defer p.Close()
		get := func() Result {
			return p.Forward(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		}
		if res := get(); res.Err != nil {
			t.Fatal(res.Err)
		}
		time.Sleep(3 * time.Hour)
		if res := get(); res.Err != nil || n != 2 {
			t.Fatal(res.Err, n)
		}
		begin := time.Now()
		defer time.Sleep(time.Hour) // until the target has given up
		if res := get(); KindOf(res.Err) != Timeout || time.Since(begin) > 2*time.Second {
			t.Errorf("%+v after %s", res, time.Since(begin))
		}
	})
}

// TestPanicClosesConnection: a ResponseWriter that panics must not leave the connection with half an answer in it.
func TestPanicClosesConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := false
		p := pipePool(t, Config{}, pipeNet(func(c net.Conn) { keepAlive(c); closed = true }))
		defer p.Close()
		func() {
			defer func() {
				if v := recover(); v != errPanic {
					t.Errorf("recovered %v", v)
				}
			}()
			p.Forward(panicWriter{httptest.NewRecorder()}, httptest.NewRequest("GET", "/", nil))
		}()
		synctest.Wait()
		if !closed || p.Targets()[0].Pending != 0 || p.Targets()[0].Idle != 0 {
			t.Errorf("closed %v, %+v", closed, p.Targets())
		}
	})
}

var errPanic = errors.New("writer panics")

type panicWriter struct{ http.ResponseWriter }

func (panicWriter) Write([]byte) (int, error) { panic(errPanic) }
