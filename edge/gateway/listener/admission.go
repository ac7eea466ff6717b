package listener

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

// counted is how many connections are open, in all and by address. Memory is bounded by the connections there may be.
type counted struct {
	most, mostPerAddress int64
	excepted             []netip.Prefix
	open                 atomic.Int64
	turned               atomic.Uint64

	mu        sync.Mutex
	byAddress map[netip.Addr]int64
}

func newCounted(c Config) *counted {
	return &counted{most: int64(c.MaxConnections), mostPerAddress: int64(c.MaxPerAddress), excepted: c.ProxyProtocol, byAddress: map[netip.Addr]int64{}}
}

// enter counts a connection in; false when there are too many.
func (c *counted) enter(from netip.Addr) bool {
	if c.open.Add(1) > c.most {
		c.open.Add(-1)
		c.turned.Add(1)
		return false
	}
	if !from.IsValid() {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byAddress[from] >= c.mostPerAddress {
		c.open.Add(-1)
		c.turned.Add(1)
		return false
	}
	c.byAddress[from]++
	return true
}

func (c *counted) leave(from netip.Addr) {
	c.open.Add(-1)
	if !from.IsValid() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byAddress[from]--; c.byAddress[from] == 0 {
		delete(c.byAddress, from)
	}
}

// admission closes connections that are too many at once, before anything is spent on them.
type admission struct {
	net.Listener
	counted *counted
}

func (l *admission) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := l.counted.address(c.RemoteAddr())
		if l.counted.enter(from) {
			return &admitted{Conn: c, counted: l.counted, from: from}, nil
		}
		_ = c.Close()
	}
}

// address is what connections are counted by: the peer, IPv6 by /64; invalid, and so not counted, for announced load balancers.
func (c *counted) address(a net.Addr) netip.Addr {
	ip := addrOf(a)
	if contains(c.excepted, a) {
		return netip.Addr{}
	}
	if ip.Is6() {
		p, _ := ip.Prefix(64)
		return p.Addr()
	}
	return ip
}

// admitted counts the connection out when it is closed, once.
type admitted struct {
	net.Conn
	counted *counted
	from    netip.Addr
	once    sync.Once
}

func (c *admitted) Close() error {
	c.once.Do(func() { c.counted.leave(c.from) })
	return c.Conn.Close()
}

func addrOf(a net.Addr) netip.Addr {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

func contains(list []netip.Prefix, a net.Addr) bool {
	ip := addrOf(a)
	for _, p := range list {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
