package upstream

import (
	"bufio"
	"context"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// conn is one connection of rung B. Between two exchanges the idle stack owns it; during one, the serving goroutine
// does, and nobody else touches it but abort.
type conn struct {
	net.Conn
	raw  syscall.RawConn // nil where the socket cannot be looked at
	br   *bufio.Reader
	out  []byte   // scratch: the head of the request
	keys []string // scratch: its field names

	gone    atomic.Bool // the client went away: the connection is lost and every deadline is past
	abortFn func()      // c.abort, bound once
	probeFn func(fd uintptr)
	quiet   bool // what probe found

	watched bool // by the lookout, which guards the four below
	ctx     context.Context
	entered int64
	slot    int
	stop    func() bool

	reused   bool
	since    int64         // when it became idle
	deadline int64         // as last set; 0 none
	silence  time.Duration // in a body: the longest wait for more; 0 for ever
	inBody   bool
	budget   int   // bytes left for the head of the answer
	sent     int   // bytes of this request that went out
	got      int64 // bytes of this answer that came in
	late     bool  // a read ran out of time; net/http does not always pass that on
}

func newConn(nc net.Conn) *conn {
	c := &conn{Conn: nc}
	c.br = bufio.NewReaderSize(c, readBuffer)
	c.abortFn, c.probeFn = c.abort, c.probe
	inner := nc
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		inner = t.NetConn()
	}
	if sc, ok := inner.(syscall.Conn); ok {
		c.raw, _ = sc.SyscallConn()
	}
	return c
}

// begin readies the connection for an exchange.
func (c *conn) begin() {
	c.inBody, c.budget, c.sent, c.got = false, maxHead, 0, 0
}

// body goes from the head of the answer to its body.
func (c *conn) body(silence time.Duration) { c.inBody, c.silence = true, silence }

// Read implements io.Reader for br: it bounds the head by size, the body by silence, and counts.
func (c *conn) Read(p []byte) (int, error) {
	switch {
	case c.inBody:
		c.expire(time.Now().UnixNano(), c.silence)
	case c.budget <= 0:
		return 0, errHeadSize
	}
	n, err := c.Conn.Read(p)
	c.got += int64(n)
	c.budget -= n
	c.late = c.late || err != nil && timedOut(err)
	return n, err
}

// send writes the head in c.out and the body after it.
func (c *conn) send(body []byte) error {
	if len(body) > joinUpTo {
		parts := net.Buffers{c.out, body}
		n, err := parts.WriteTo(c.Conn)
		c.sent = int(n)
		return err
	}
	c.out = append(c.out, body...)
	n, err := c.Conn.Write(c.out)
	c.sent = n
	return err
}

// expire lets everything on the connection fail once d has passed, 0 meaning never. Setting a deadline costs, so one
// that lies between d and 9/8 d away is left: waits may be overrun by an eighth, never cut short.
func (c *conn) expire(now int64, d time.Duration) {
	left := c.deadline - now
	switch {
	case d == 0:
		if c.deadline == 0 {
			return
		}
		c.deadline = 0
		_ = c.SetDeadline(time.Time{})
	case left >= int64(d) && left <= int64(d+d/8):
		return
	default:
		c.deadline = now + int64(d+d/8)
		_ = c.SetDeadline(time.Unix(0, c.deadline))
	}
	if c.gone.Load() { // abort may have come between: its deadline is the one that counts
		_ = c.SetDeadline(past)
	}
}

// past is a deadline that has gone by.
var past = time.Unix(1, 0)

// abort makes every read and write of the exchange fail, now and later. It runs on another goroutine.
func (c *conn) abort() {
	c.gone.Store(true)
	_ = c.SetDeadline(past)
}

// alive reports whether an idle connection may carry another request: the target has neither closed it nor said
// anything on it. What it says unasked would be taken for the answer to the next request.
func (c *conn) alive() bool {
	if c.raw == nil {
		return true
	}
	return c.raw.Control(c.probeFn) == nil && c.quiet
}

// connect returns a connection to the target: an idle one, or with fresh a new one.
func (t *target) connect(ctx context.Context, cfg *Config, fresh bool) (*conn, error) {
	for !fresh {
		c := t.idle.pop()
		if c == nil {
			break
		}
		if c.alive() {
			c.reused = true
			return c, nil
		}
		_ = c.Close()
	}
	nc, err := t.dial(ctx, cfg.ConnectTimeout)
	if err != nil {
		return nil, err
	}
	return newConn(nc), nil
}

// release takes back a connection whose exchange ended cleanly, unless the target has said more than it was asked.
func (t *target) release(c *conn) {
	if c.br.Buffered() > 0 || !t.idle.push(c, time.Now().UnixNano()) {
		_ = c.Close()
	}
}
