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

// ServeHTTP leaves the server's own request as it is: by its body the server sees what was not read of it, and so whether to answer at
// once and close the connection instead of waiting for the rest.
func (p *patient) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody {
		watched := *r
		r = &watched
		if p.rate > 0 {
			r.Body = newPacedBody(w, r.Body, p.rate, p.grace)
		}
		if p.maxBody > 0 {
			r.Body = http.MaxBytesReader(w, r.Body, p.maxBody)
		}
	}
	p.Handler.ServeHTTP(w, r)
}

// pacedBody gives a body the grace and the time its bytes so far take at the minimum rate. What counts is how long it was waited for:
// an upstream that takes it slowly is not held against the client.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
	rate    int64
	grace   time.Duration
	n       int64
	waited  time.Duration
	until   time.Time // the deadline set
	over    bool
}

// newPacedBody sets the first deadline: a body nobody reads is waited for as well, by the server, before the next request.
func newPacedBody(w http.ResponseWriter, body io.ReadCloser, rate int64, grace time.Duration) *pacedBody {
	b := &pacedBody{ReadCloser: body, control: http.NewResponseController(w), rate: rate, grace: grace}
	b.extend(time.Now())
	return b
}

func (b *pacedBody) Read(p []byte) (int, error) {
	if b.over {
		return b.ReadCloser.Read(p)
	}
	begun := time.Now()
	b.extend(begun)
	n, err := b.ReadCloser.Read(p)
	b.waited += time.Since(begun)
	b.n += int64(n)
	if err != nil && !b.over {
		b.over = true
		_ = b.control.SetReadDeadline(time.Time{}) // the connection goes on; net/http sets its own for the next request
	}
	return n, err
}

// extend moves the deadline when it has come nearer than what is left of the patience by a tenth of the grace.
func (b *pacedBody) extend(now time.Time) {
	left := b.grace + time.Duration(b.n/b.rate)*time.Second - b.waited
	if left-b.until.Sub(now) < b.grace/10 {
		return
	}
	b.until = now.Add(left)
	if err := b.control.SetReadDeadline(b.until); err != nil {
		b.over = true // this writer has no deadlines; the server's own timeouts stay
	}
}
