package upstream

import (
	"net"
	"sync"
)

// attentive is a connection of rung A whose writer hears the target out. A target that refuses an upload answers and
// closes; the next write then fails, and http.Transport would report that and drop the answer that is already here. So a
// failed write waits until the reader, which is sure to meet the answer or the same end, has had it and closes.
type attentive struct {
	net.Conn
	hears  bool // not HTTP/2, which ends streams and not connections; set before use
	closed chan struct{}
	once   sync.Once
}

func (c *attentive) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil && c.hears && !timedOut(err) {
		<-c.closed
	}
	return n, err
}

func (c *attentive) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// CloseWrite passes on, after an upgrade, that the client has no more to say.
func (c *attentive) CloseWrite() error {
	if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return c.Close()
}
