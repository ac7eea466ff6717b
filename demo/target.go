package demo

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
)

// target is the one place a crowd goes to.
type target struct {
	base string // scheme, address and port
	addr netip.AddrPort
}

// parseTarget takes only an address in numbers, because what a name means can change between the look and the leap.
func parseTarget(text string) (target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return target{}, fmt.Errorf("demo: target: %w", err)
	}
	if u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		return target{}, fmt.Errorf("demo: target %q: want http://ADDRESS:PORT and nothing more", text)
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil || !ip.Unmap().IsLoopback() {
		return target{}, fmt.Errorf("demo: target %q: want a loopback address in numbers, such as 127.0.0.1; a crowd goes nowhere else", text)
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 {
		return target{}, fmt.Errorf("demo: target %q: want a port", text)
	}
	addr := netip.AddrPortFrom(ip.Unmap(), uint16(port))
	return target{base: "http://" + addr.String(), addr: addr}, nil
}

func (t target) isV4() bool { return t.addr.Addr().Is4() }

// addresses gives every client a loopback address of its own. Everyday people live in networks (/24) of their own, as people at
// home do; the hostile of one population share a network, as rented machines do.
type addresses struct {
	binds    func(addr string) bool
	can      bool // false once it is clear that all must share
	notes    []string
	everyday byte // given out so far
	hostile  byte // networks used up so far
}

// next is the address of a population's nth client, or "" when this machine lets nobody choose.
func (a *addresses) next(hostile bool, n int) string {
	ip := [4]byte{127, 10, a.everyday + 1, 10}
	if hostile {
		ip = [4]byte{127, 66, a.hostile + 1, byte(n + 1)}
	} else {
		a.everyday++
	}
	addr := netip.AddrFrom4(ip).String()
	if a.can && a.binds(addr) {
		return addr
	}
	if len(a.notes) == 0 {
		a.can = false
		a.notes = []string{fmt.Sprintf("cannot speak from %s here: from this client on, all share one loopback address", addr)}
	}
	return ""
}

// turn ends a population.
func (a *addresses) turn(hostile bool) {
	if hostile {
		a.hostile++
	}
}

func binds(addr string) bool {
	l, err := net.Listen("tcp", net.JoinHostPort(addr, "0"))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
