package listener

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// pacing is the outermost layer: its connections are what net/http gets.
type pacing struct {
	net.Listener
	rate  int64 // negative: however slow
	grace time.Duration
}

func (l *pacing) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &paced{Conn: c, socket: socketOf(c), writing: l.rate > 0, patience: newPatience(l.rate, l.grace)}, nil
}

// socketOf finds the socket below the layers of this room; nil when there is none.
func socketOf(c net.Conn) *net.TCPConn {
	for {
		switch t := c.(type) {
		case *net.TCPConn:
			return t
		case *admitted:
			c = t.Conn
		case interface{ Raw() net.Conn }: // PROXY protocol
			c = t.Raw()
		default:
			return nil
		}
	}
}

// paced is a connection whose client must send a request's body, and take whatever it is sent, at a minimum rate. As long as nothing is
// waited for nothing is measured: a connection may be silent, or have little to say, for as long as the layers above like.
type paced struct {
	net.Conn
	socket  *net.TCPConn
	writing bool // writes are paced
	sent    atomic.Int64

	mu       sync.Mutex
	body     bool      // what is read now is a request's body
	patience patience  // with that body
	until    time.Time // the deadline in force for it
	wish     time.Time // the write deadline of the layers above
	armed    time.Time // the write deadline in force
}

// SetReadDeadline implements net.Conn; see bodyAhead.
func (c *paced) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.body = t.Equal(bodyAhead); c.body {
		c.patience.left, c.until = c.patience.grace, time.Time{}
		t = time.Time{}
	}
	return c.Conn.SetReadDeadline(t)
}

// Read waits for a body's bytes as long as patience is left, for others as long as the layers above said.
func (c *paced) Read(b []byte) (int, error) {
	start, err := c.expect()
	if err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if !start.IsZero() {
		c.mu.Lock()
		c.patience.spend(time.Since(start), n)
		c.mu.Unlock()
	}
	return n, err
}

// expect sets the deadline of one read of a body, and tells when it began. Up to an eighth of the grace is added, so that the timer is
// not touched for each of many reads. The lock keeps a deadline set from above meanwhile, to end the wait, from being overwritten.
func (c *paced) expect() (start time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.body {
		return start, nil
	}
	start = time.Now()
	slack := c.patience.grace / 8
	if over := c.until.Sub(start) - c.patience.left; 0 <= over && over <= slack {
		return start, nil
	}
	c.until = start.Add(c.patience.left + slack)
	return start, c.Conn.SetReadDeadline(c.until)
}

// Write takes as long as the client does, if that takes at least the minimum rate. What counts is what its side has acknowledged: the
// socket's buffer, which takes bytes in lumps, would hide a slow reader and make a steady one look stalled.
func (c *paced) Write(b []byte) (int, error) {
	if !c.writing {
		return c.Conn.Write(b)
	}
	if err := c.arm(c.patience.grace, c.patience.grace/2); err != nil {
		return 0, err
	}
	var last mark
	done := 0
	for {
		n, err := c.Conn.Write(b[done:])
		done += n
		c.sent.Add(int64(n))
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || !c.moves(&last) {
			return done, err
		}
		if err := c.arm(c.patience.grace/2, c.patience.grace/2); err != nil {
			return done, err
		}
	}
}

// arm sees to it that a write has at least least to go on; when it has less it gets most. A deadline from above stays the earlier one.
// So the timer is not touched for each of many small writes.
func (c *paced) arm(most, least time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.armed.Sub(now) >= least {
		return nil
	}
	return c.set(now.Add(most))
}

// set puts a write deadline in force, or the one from above when that is earlier.
func (c *paced) set(t time.Time) error {
	if !c.wish.IsZero() && c.wish.Before(t) {
		t = c.wish
	}
	c.armed = t
	return c.Conn.SetWriteDeadline(t)
}

// mark is how many bytes the client had taken at a moment of a long write.
type mark struct {
	at    time.Time
	taken int64
}

// moves says whether a write whose deadline is over may go on: not when the deadline was from above, and not when the client took less
// than the minimum since the last mark. The first time only the mark is set.
func (c *paced) moves(last *mark) bool {
	c.mu.Lock()
	now := time.Now()
	theirs := !c.wish.IsZero() && !now.Before(c.wish)
	c.mu.Unlock()
	if theirs {
		return false
	}
	next := mark{now, c.sent.Load() - unacknowledged(c.socket)}
	if !last.at.IsZero() && c.patience.worth(int(next.taken-last.taken)) < next.at.Sub(last.at) {
		return false
	}
	*last = next
	return true
}

// SetWriteDeadline implements net.Conn: it makes the deadline of writes earlier, not later.
func (c *paced) SetWriteDeadline(t time.Time) error {
	if !c.writing {
		return c.Conn.SetWriteDeadline(t)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.IsZero() && c.wish.IsZero() {
		return nil
	}
	c.wish = t
	return c.set(time.Now().Add(c.patience.grace))
}

// SetDeadline implements net.Conn.
func (c *paced) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// CloseWrite lets net/http end an answer before the connection, and an upgraded connection be closed one way.
func (c *paced) CloseWrite() error {
	if c.socket == nil {
		return c.Close()
	}
	return c.socket.CloseWrite()
}
