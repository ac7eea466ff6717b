package listener

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// full says whether a new connection is turned away: closed without a word.
func full(t *testing.T, addr string) bool {
	t.Helper()
	c := dial(t, addr)
	_, _ = io.WriteString(c, request)
	return rest(t, c) == ""
}

func TestTooManyConnections(t *testing.T) {
	for name, c := range map[string]Config{
		"in all":        {MaxConnections: 3},
		"of an address": {MaxPerAddress: 3},
	} {
		f, addr := start(t, c, hello)
		var open []net.Conn
		for range 3 {
			open = append(open, dial(t, addr))
		}
		until(t, "counting three connections", func() bool { return f.Connections() == 3 })
		for range 2 {
			if !full(t, addr) {
				t.Errorf("%s: a fourth connection is served", name)
			}
		}
		if f.Connections() != 3 || f.Turned() != 2 {
			t.Errorf("%s: %d connections are open and %d were turned away, want 3 and 2", name, f.Connections(), f.Turned())
		}
		_ = open[0].Close()
		until(t, "counting a connection out", func() bool { return f.Connections() == 2 })
		if full(t, addr) {
			t.Errorf("%s: a connection is turned away after another closed", name)
		}
	}
}

func TestLoadBalancersMayHaveMany(t *testing.T) {
	f, addr := start(t, Config{ProxyProtocol: loopback, MaxPerAddress: 1, MaxConnections: 4}, remote)
	for range 4 {
		dial(t, addr)
	}
	until(t, "counting four connections", func() bool { return f.Connections() == 4 })
	if f.Turned() != 0 {
		t.Error("a load balancer's connection is turned away")
	}
	c := dial(t, addr)
	_, _ = io.WriteString(c, "PROXY TCP4 203.0.113.9 10.0.0.1 4321 80\r\n"+request)
	if rest(t, c) != "" || f.Turned() != 1 {
		t.Error("a load balancer may have more than max_connections")
	}
}

// Many at once open, ask, keep alive, upgrade and go away in every manner; in the end nobody is counted.
func TestCountingIsExact(t *testing.T) {
	f, addr := start(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/upgrade" {
			hello(w, r)
			return
		}
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		_ = c.Close()
		_ = c.Close()
	})
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			head := " HTTP/1.1\r\nHost: a\r\n\r\n"
			switch i % 5 {
			case 0: // goes without a word
			case 1:
				_, _ = io.WriteString(c, "GET /upgrade"+head)
				_, _ = io.Copy(io.Discard, c)
			case 2:
				_, _ = io.WriteString(c, "nonsense and more\r\n\r\n")
				_, _ = io.Copy(io.Discard, c)
			case 3: // goes before the answer
				_, _ = io.WriteString(c, "GET /"+head)
			default:
				for range 3 {
					_, _ = io.WriteString(c, "GET /"+head)
					if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	until(t, "counting all out", func() bool { return f.Connections() == 0 })
	if f.counted.byAddress[netip.MustParseAddr("127.0.0.1")] != 0 || f.Turned() != 0 {
		t.Errorf("left over: %v, turned away: %d", f.counted.byAddress, f.Turned())
	}
}

// from is a connection that has an address and nothing else.
type from struct {
	net.Conn
	addr net.Addr
}

func (c from) RemoteAddr() net.Addr { return c.addr }
func (from) Close() error           { return nil }

func peer(ip string) net.Conn {
	return from{addr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), 1))}
}

func TestWhoIsCountedTogether(t *testing.T) {
	excepted := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	for _, c := range []struct {
		a, b     string
		together bool
	}{
		{"203.0.113.1", "203.0.113.1", true},
		{"203.0.113.1", "203.0.113.2", false},
		{"203.0.113.1", "::ffff:203.0.113.1", true},
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::1%eth1", true},
		{"192.0.2.1", "192.0.2.1", false},
		{"::ffff:192.0.2.1", "192.0.2.1", false},
	} {
		n := newCounted(Config{MaxConnections: 2, MaxPerAddress: 1, ProxyProtocol: excepted})
		if n.enter(peer(c.a)) == nil {
			t.Fatalf("%s is the first and turned away", c.a)
		}
		if together := n.enter(peer(c.b)) == nil; together != c.together {
			t.Errorf("%s and %s are counted together: %v", c.a, c.b, together)
		}
	}
}

// Against an obvious twin: a list of who is in.
func TestCountedAgainstList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := newCounted(Config{MaxConnections: 6, MaxPerAddress: 2})
		in := map[*admitted]string{}
		var known []*admitted
		turned := uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"enter": func(t *rapid.T) {
				ip := "203.0.113." + strconv.Itoa(rapid.IntRange(1, 5).Draw(t, "ip"))
				same := 0
				for _, other := range in {
					if other == ip {
						same++
					}
				}
				a := n.enter(peer(ip))
				if want := len(in) < 6 && same < 2; (a != nil) != want {
					t.Fatalf("let in: %v, want %v", a != nil, want)
				}
				if a == nil {
					turned++
					return
				}
				in[a] = ip
				known = append(known, a)
			},
			"close": func(t *rapid.T) { // also again
				if len(known) == 0 {
					t.Skip()
				}
				a := rapid.SampledFrom(known).Draw(t, "conn")
				_ = a.Close()
				delete(in, a)
			},
			"": func(t *rapid.T) {
				open, gone := n.figures()
				if open != len(in) || gone != turned || len(n.byAddress) > len(in) {
					t.Fatalf("%d open, %d turned away, %d addresses; want %d, %d", open, gone, len(n.byAddress), len(in), turned)
				}
			},
		})
	})
}
