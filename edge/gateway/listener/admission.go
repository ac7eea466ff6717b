package listener

import (
	"context"
	"net"
	"net/netip"
	"sync"
)

// counted is the connections that are open, in all and by address. Memory is bounded by how many there may be.
type counted struct {
	most, mostPerAddress int
	excepted             []netip.Prefix

	mu        sync.Mutex
	open      map[*admitted]struct{}
	byAddress map[netip.Addr]int
	turned    uint64        // turned away
	none      chan struct{} // closed when no connection is left; nil while nobody waits for that
}

func newCounted(c Config) *counted {
	return &counted{
		most: c.MaxConnections, mostPerAddress: c.MaxPerAddress, excepted: c.ProxyProtocol,
		open: map[*admitted]struct{}{}, byAddress: map[netip.Addr]int{},
	}
}

// enter counts a connection in; nil when there are too many.
func (c *counted) enter(conn net.Conn) *admitted {
	a := &admitted{Conn: conn, counted: c, from: c.address(conn.RemoteAddr())}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) >= c.most || a.from.IsValid() && c.byAddress[a.from] >= c.mostPerAddress {
		c.turned++
		return nil
	}
	c.open[a] = struct{}{}
	if a.from.IsValid() {
		c.byAddress[a.from]++
	}
	return a
}

// leave counts a connection out; a second time changes nothing.
func (c *counted) leave(a *admitted) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, in := c.open[a]; !in {
		return
	}
	delete(c.open, a)
	if len(c.open) == 0 && c.none != nil {
		close(c.none)
		c.none = nil
	}
	if !a.from.IsValid() {
		return
	}
	if c.byAddress[a.from]--; c.byAddress[a.from] == 0 {
		delete(c.byAddress, a.from)
	}
}

func (c *counted) figures() (open int, turned uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open), c.turned
}

// wait returns when no connection is open, or with the error of the context. Nothing may be let in any more.
func (c *counted) wait(ctx context.Context) error {
	c.mu.Lock()
	if len(c.open) == 0 {
		c.mu.Unlock()
		return nil
	}
	if c.none == nil {
		c.none = make(chan struct{})
	}
	none := c.none
	c.mu.Unlock()
	select {
	case <-none:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cut closes every open connection, also those the server has handed over to a handler, and says how many they were.
func (c *counted) cut() int {
	c.mu.Lock()
	open := make([]*admitted, 0, len(c.open))
	for a := range c.open {
		open = append(open, a)
	}
	c.mu.Unlock()
	for _, a := range open {
		_ = a.Close()
	}
	return len(open)
}

// address is what connections are counted by: the peer, IPv6 by /64; invalid, and so not counted, for announced load balancers.
func (c *counted) address(a net.Addr) netip.Addr {
	if contains(c.excepted, a) {
		return netip.Addr{}
	}
	ip := addrOf(a)
	if ip.Is6() {
		p, _ := ip.Prefix(64)
		return p.Addr()
	}
	return ip
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
		if a := l.counted.enter(c); a != nil {
			return a, nil
		}
		_ = c.Close()
	}
}

// admitted is a connection that is counted out when it is closed.
type admitted struct {
	net.Conn
	counted *counted
	from    netip.Addr
}

// Close gives the place back last: who finds a place free finds a file descriptor free as well.
func (a *admitted) Close() error {
	err := a.Conn.Close()
	a.counted.leave(a)
	return err
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
