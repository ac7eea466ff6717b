package listener

import (
	"io"
	"net"
	"net/http"
	"time"
)

// pacing bounds how long each write to a client may take.
type pacing struct {
	net.Listener
	rate  int64
	grace time.Duration
}

func (l *pacing) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil || l.rate < 0 {
		return c, err
	}
	return &paced{Conn: c, rate: l.rate, grace: l.grace}, nil
}

// paced is a connection whose client must take what it is sent at a minimum rate. Writes go on one at a time (net/http sees to that), so
// the deadline needs no lock.
type paced struct {
	net.Conn
	rate  int64
	grace time.Duration
	until time.Time
}

// Write allows a write the grace and the time its bytes take at the minimum rate. The deadline is moved only when half of the grace is
// used up, which keeps the timer out of the way of small answers.
func (c *paced) Write(b []byte) (int, error) {
	now := time.Now()
	need := c.grace/2 + time.Duration(int64(len(b))/c.rate)*time.Second
	if c.until.Sub(now) < need {
		c.until = now.Add(need + c.grace/2)
		if err := c.Conn.SetWriteDeadline(c.until); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(b)
}

// SetDeadline and SetWriteDeadline are somebody else's wish: ours is set anew at the next write.
func (c *paced) SetDeadline(t time.Time) error {
	c.until = time.Time{}
	return c.Conn.SetDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *paced) SetWriteDeadline(t time.Time) error {
	c.until = time.Time{}
	return c.Conn.SetWriteDeadline(t)
}

// CloseWrite lets an upgraded connection be closed one way.
func (c *paced) CloseWrite() error {
	inner := c.Conn
	for {
		switch t := inner.(type) {
		case interface{ CloseWrite() error }:
			return t.CloseWrite()
		case *admitted:
			inner = t.Conn
		case interface{ Raw() net.Conn }: // PROXY protocol
			inner = t.Raw()
		default:
			return c.Close()
		}
	}
}

// patient hands requests on with bodies that must arrive at a minimum rate and end within the size limit.
type patient struct {
	http.Handler
	rate    int64
	grace   time.Duration
	maxBody int64
}

func (p *patient) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody {
		if p.rate > 0 {
			r.Body = &pacedBody{ReadCloser: r.Body, control: http.NewResponseController(w), start: time.Now(), rate: p.rate, grace: p.grace}
		}
		if p.maxBody > 0 {
			r.Body = http.MaxBytesReader(w, r.Body, p.maxBody)
		}
	}
	p.Handler.ServeHTTP(w, r)
}

// pacedBody gives a body, at every moment, the grace and the time its bytes so far take at the minimum rate.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
	start   time.Time
	rate    int64
	grace   time.Duration
	n       int64
	until   time.Duration // the deadline set, counted from start
	over    bool
}

func (b *pacedBody) Read(p []byte) (int, error) {
	if !b.over {
		b.extend()
	}
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	if err != nil && !b.over {
		b.over = true
		_ = b.control.SetReadDeadline(time.Time{}) // the connection goes on; net/http sets its own for the next request
	}
	return n, err
}

// extend moves the deadline when the bytes received since have earned at least a tenth of the grace.
func (b *pacedBody) extend() {
	due := b.grace + time.Duration(b.n/b.rate)*time.Second
	if due-b.until < b.grace/10 {
		return
	}
	b.until = due
	if err := b.control.SetReadDeadline(b.start.Add(due)); err != nil {
		b.over = true // this writer has no deadlines; the server's own timeouts stay
	}
}
