package facts

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestOrigin(t *testing.T) {
	const peer = "10.0.0.1"
	nets := []string{"10.0.0.0/8", "2001:db8:f::/48"}
	type header = http.Header
	for _, tc := range []struct {
		name, header string
		in           http.Header
		client       string
		scheme, host string
		odd          Odd
	}{
		{name: "no header", client: peer},
		{name: "one hop", in: header{"X-Forwarded-For": {"203.0.113.9"}}, client: "203.0.113.9"},
		{name: "rightmost untrusted", in: header{"X-Forwarded-For": {"198.51.100.1, 203.0.113.9, 10.2.3.4"}}, client: "203.0.113.9"},
		{name: "over lines", in: header{"X-Forwarded-For": {"198.51.100.1", "203.0.113.9", "10.2.3.4, 2001:db8:f::1"}}, client: "203.0.113.9"},
		{name: "all trusted gives the leftmost", in: header{"X-Forwarded-For": {"10.9.9.9, 10.2.3.4"}}, client: "10.9.9.9"},
		{name: "ports and brackets", in: header{"X-Forwarded-For": {"[2001:db8::7]:1234, 10.2.3.4:99"}}, client: "2001:db8::7"},
		{name: "mapped", in: header{"X-Forwarded-For": {"::ffff:203.0.113.9, ::ffff:10.1.1.1"}}, client: "203.0.113.9"},
		{name: "garbage left of the client", in: header{"X-Forwarded-For": {"<script>, 203.0.113.9"}}, client: "203.0.113.9"},
		{name: "garbage on the way", in: header{"X-Forwarded-For": {"203.0.113.9, what, 10.2.3.4"}}, client: "10.2.3.4", odd: OddForwarded},
		{name: "empty element", in: header{"X-Forwarded-For": {"203.0.113.9, , 10.2.3.4"}}, client: "10.2.3.4", odd: OddForwarded},
		{name: "garbage at once", in: header{"X-Forwarded-For": {"what"}}, client: peer, odd: OddForwarded},
		{name: "hidden", in: header{"X-Forwarded-For": {"203.0.113.9, unknown, 10.2.3.4"}}, client: "10.2.3.4"},
		{name: "another header is not believed", in: header{"Forwarded": {"for=203.0.113.9"}, "X-Real-Ip": {"203.0.113.9"}}, client: peer},
		{name: "scheme and host", in: header{"X-Forwarded-For": {"203.0.113.9"}, "X-Forwarded-Proto": {"HTTPS"}, "X-Forwarded-Host": {"Shop.example:444"}},
			client: "203.0.113.9", scheme: "https", host: "Shop.example:444"},
		{name: "our peer's word, not the client's", in: header{"X-Forwarded-Proto": {"ftp, https, http"}, "X-Forwarded-Host": {"evil.example", "a.example, b.example"}},
			client: peer, scheme: "http", host: "b.example"},
		{name: "websocket schemes", in: header{"X-Forwarded-Proto": {"wss"}}, client: peer, scheme: "https"},
		{name: "nonsense", in: header{"X-Forwarded-Proto": {"gopher"}, "X-Forwarded-Host": {"a b"}}, client: peer, odd: OddForwarded},

		{name: "forwarded", header: "Forwarded", in: header{"Forwarded": {`for=198.51.100.1;proto=http;host=evil.example, for="[2001:db8::7]:5";proto=https;host="Shop.example", for=10.2.3.4;proto=http`}},
			client: "2001:db8::7", scheme: "https", host: "Shop.example"},
		{name: "forwarded, others unheard", header: "forwarded", in: header{"X-Forwarded-For": {"203.0.113.9"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"x"}}, client: peer},
		{name: "forwarded, quote of the client's", header: "forwarded", in: header{"Forwarded": {`for="198.51.100.1, for=203.0.113.9`}}, client: "203.0.113.9"},
		{name: "forwarded, garbage", header: "forwarded", in: header{"Forwarded": {`for=203.0.113.9, x, for=10.2.3.4`}}, client: "10.2.3.4", odd: OddForwarded},
		{name: "forwarded, empty element", header: "forwarded", in: header{"Forwarded": {`for=203.0.113.9, , for=10.2.3.4`}}, client: "10.2.3.4", odd: OddForwarded},
		{name: "forwarded, broken quote", header: "forwarded", in: header{"Forwarded": {`for=203.0.113.9, for="10.2.3.4`}}, client: peer, odd: OddForwarded},
		{name: "forwarded, hidden", header: "forwarded", in: header{"Forwarded": {`for=203.0.113.9, for=_x;proto=https`}}, client: peer, scheme: "https"},
		{name: "forwarded, nobody named", header: "forwarded", in: header{"Forwarded": {`for=203.0.113.9, by=10.0.0.1`}}, client: peer},

		{name: "single", header: "CF-Connecting-IP", in: header{"Cf-Connecting-Ip": {"203.0.113.9"}, "X-Forwarded-For": {"198.51.100.1"}}, client: "203.0.113.9"},
		{name: "single, trusted too", header: "x-real-ip", in: header{"X-Real-Ip": {"10.9.9.9"}}, client: "10.9.9.9"},
		{name: "single, absent", header: "x-real-ip", client: peer},
		{name: "single, twice", header: "x-real-ip", in: header{"X-Real-Ip": {"203.0.113.9", "203.0.113.9"}}, client: peer, odd: OddForwarded},
		{name: "single, a list", header: "x-real-ip", in: header{"X-Real-Ip": {"203.0.113.9, 203.0.113.10"}}, client: peer, odd: OddForwarded},
		{name: "single, hidden", header: "x-real-ip", in: header{"X-Real-Ip": {"unknown"}}, client: peer},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := mustProxies(t, tc.header, nets...)
			got := p.origin(netip.MustParseAddr(peer), tc.in)
			if want := (origin{netip.MustParseAddr(tc.client), tc.scheme, tc.host, tc.odd}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// TestWalkAgainstTwin compares the walk with the obvious one: join, split, go from the right.
func TestWalkAgainstTwin(t *testing.T) {
	p := mustProxies(t, "", "10.0.0.0/8", "fd00::/8")
	hop := rapid.SampledFrom([]string{"10.1.1.1", "10.2.2.2:80", "fd00::1", "[fd00::2]:1", "203.0.113.9", "2001:db8::1", "unknown", "junk", "", "::ffff:10.1.1.1"})
	peer := netip.MustParseAddr("10.0.0.1")
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.Map(rapid.SliceOfN(hop, 1, 6), func(s []string) string { return strings.Join(s, " ,") }), 0, 4).Draw(t, "lines")
		want, odd := peer, Odd(0)
		if len(lines) > 0 {
			all := strings.Split(strings.Join(lines, ","), ",")
			for i := len(all) - 1; i >= 0; i-- {
				addr, kind := parseNode(strings.TrimSpace(all[i]))
				if kind == nodeGarbage {
					odd = OddForwarded
				}
				if kind != nodeAddress {
					break
				}
				if want = addr; !p.trusts(addr) {
					break
				}
			}
		}
		got := p.origin(peer, http.Header{"X-Forwarded-For": lines})
		if got.client != want || got.odd != odd {
			t.Fatalf("%q: got %v %v, want %v %v", lines, got.client, got.odd, want, odd)
		}
	})
}

// TestTrustsAgainstTwin compares both ways of looking up with the prefixes themselves.
func TestTrustsAgainstTwin(t *testing.T) {
	addr := rapid.Custom(func(t *rapid.T) netip.Addr {
		if rapid.Bool().Draw(t, "v4") {
			return netip.AddrFrom4([4]byte{10, byte(rapid.IntRange(0, 3).Draw(t, "b")), rapid.Byte().Draw(t, "c"), rapid.Byte().Draw(t, "d")})
		}
		return netip.AddrFrom16([16]byte{0xfd, 14: byte(rapid.IntRange(0, 3).Draw(t, "o")), 15: rapid.Byte().Draw(t, "p")})
	})
	rapid.Check(t, func(t *rapid.T) {
		var prefixes []netip.Prefix
		for range rapid.IntRange(0, 20).Draw(t, "n") {
			a := addr.Draw(t, "net")
			bits := rapid.IntRange(a.BitLen()/2, a.BitLen()).Draw(t, "bits")
			if a.Is4() && rapid.Bool().Draw(t, "mapped") {
				a, bits = netip.AddrFrom16(a.As16()), bits+96
			}
			prefixes = append(prefixes, netip.PrefixFrom(a, bits))
		}
		p, err := newProxies(prefixes, "")
		if err != nil {
			t.Fatal(err)
		}
		if (p.many != nil) != (len(prefixes) > fewPrefixes) {
			t.Fatal("the wrong table")
		}
		a := addr.Draw(t, "addr")
		want := false
		for _, prefix := range prefixes {
			want = want || unmapPrefix(prefix).Contains(a)
		}
		if p.trusts(a) != want {
			t.Fatalf("trusts(%v) = %v with %v", a, !want, prefixes)
		}
	})
}

func TestNobodyTrustsAnUnknownPeer(t *testing.T) {
	for n := range 2 * fewPrefixes {
		prefixes := []string{"0.0.0.0/0", "::/0"}
		for i := range n {
			prefixes = append(prefixes, fmt.Sprintf("10.%d.0.0/16", i))
		}
		if mustProxies(t, "", prefixes...).trusts(netip.Addr{}) {
			t.Errorf("%d prefixes trust a peer without an address", n)
		}
	}
}

func TestProxiesConfigErrors(t *testing.T) {
	if _, err := newProxies([]netip.Prefix{{}}, ""); err == nil {
		t.Error("an invalid prefix is accepted")
	}
	for _, header := range []string{"x real ip", "x-real-ip:", "é"} {
		if _, err := newProxies(nil, header); err == nil {
			t.Errorf("client_header %q is accepted", header)
		}
	}
}

func TestHostName(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"a.example":              "a.example",
		"A.Example:8080":         "a.example",
		"a.example.":             "a.example",
		"a.example.:80":          "a.example",
		"user:pw@a.example":      "a.example",
		"[2001:DB8::1]:80":       "2001:db8::1",
		"[2001:db8::1]":          "2001:db8::1",
		"[2001:db8::1]x":         "",
		"[2001:db8::1":           "",
		"192.0.2.1:1":            "192.0.2.1",
		"a b":                    "",
		"a/b":                    "",
		"a\x00b":                 "",
		"müller.example":         "",
		"_dmarc.x":               "_dmarc.x",
		strings.Repeat("a", 300): "",
	} {
		if got := hostName(in); got != want {
			t.Errorf("hostName(%q) = %q, want %q", in, got, want)
		}
	}
}
