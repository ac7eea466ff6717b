package facts

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mustProxies(t testing.TB, header string, prefixes ...string) *proxies {
	t.Helper()
	var parsed []netip.Prefix
	for _, s := range prefixes {
		parsed = append(parsed, netip.MustParsePrefix(s))
	}
	p, err := newProxies(parsed, header)
	if err != nil {
		t.Fatal(err)
	}
	return &p
}

func TestParseNode(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want string // an address, "hidden" or ""
	}{
		{"192.0.2.1", "192.0.2.1"},
		{"192.0.2.1:80", "192.0.2.1"},
		{"192.0.2.1:_obf", "192.0.2.1"},
		{"192.0.2.1:", ""},
		{"192.0.2.1:65536", ""},
		{"192.0.2.1:000080", ""},
		{"192.0.2.1:8x", ""},
		{"192.0.2.256", ""},
		{"192.0.2.01", ""},
		{"192.0.2", ""},
		{"192.0.2.1%eth0", ""},
		{"[192.0.2.1]", ""},
		{"[192.0.2.1]:80", ""},
		{"2001:db8::1", "2001:db8::1"},
		{"2001:DB8::1", "2001:db8::1"},
		{"[2001:db8::1]", "2001:db8::1"},
		{"[2001:db8::1]:443", "2001:db8::1"},
		{"[2001:db8::1]443", ""},
		{"[2001:db8::1]:", ""},
		{"[2001:db8::1", ""},
		{"2001:db8::1]", ""},
		{"[]", ""},
		{"[]:1", ""},
		{"fe80::1%eth0", "fe80::1"},
		{"[fe80::1%25eth0]:1", "fe80::1"},
		{"fe80::1%", ""},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"[::ffff:192.0.2.1]:9", "192.0.2.1"},
		{"::", "::"},
		{":", ""},
		{"unknown", "hidden"},
		{"Unknown:80", "hidden"},
		{"unknown:x", ""},
		{"unknowns", ""},
		{"_hidden", "hidden"},
		{"_SEVKISEK:_p", "hidden"},
		{"_", ""},
		{"_a b", ""},
		{"", ""},
		{" 192.0.2.1", ""},
		{"example.com", ""},
		{strings.Repeat("1", 4096), ""},
	} {
		addr, kind := parseNode(tc.in)
		got := map[nodeKind]string{nodeHidden: "hidden", nodeAddress: addr.String()}[kind]
		if got != tc.want {
			t.Errorf("parseNode(%.60q) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestParseForwardedElement(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want forwardedElement
		ok   bool
	}{
		{`for=192.0.2.60;proto=http;by=203.0.113.43`, forwardedElement{"192.0.2.60", "http", ""}, true},
		{`For="[2001:db8:cafe::17]:4711"`, forwardedElement{"[2001:db8:cafe::17]:4711", "", ""}, true},
		{`for=_gazonk`, forwardedElement{"_gazonk", "", ""}, true},
		{`for=1.1.1.1 ; HOST="a.example;b" ;proto=https`, forwardedElement{"1.1.1.1", "https", "a.example;b"}, true},
		{`for=[2001:db8::1]:80`, forwardedElement{"[2001:db8::1]:80", "", ""}, true},
		{`by="a\"b";for=1.1.1.1`, forwardedElement{"1.1.1.1", "", ""}, true},
		{`;for=1.1.1.1;;proto=http;`, forwardedElement{"1.1.1.1", "http", ""}, true},
		{`secret=x`, forwardedElement{}, true},
		{``, forwardedElement{}, true},
		{`for=1.1.1.1;for=2.2.2.2`, forwardedElement{}, false},
		{`for=`, forwardedElement{}, false},
		{`for=""`, forwardedElement{}, false},
		{`for="1.1.1.1`, forwardedElement{}, false},
		{`for="1.1.1.1"x;proto=http`, forwardedElement{}, false},
		{`for="1.1.1\.1"`, forwardedElement{}, false},
		{`for=1.1.1.1 2.2.2.2`, forwardedElement{}, false},
		{`for=a=b`, forwardedElement{}, false},
		{`for`, forwardedElement{}, false},
		{`b y=x`, forwardedElement{}, false},
		{`"for"=x`, forwardedElement{}, false},
	} {
		got, ok := parseForwardedElement(tc.in)
		if ok != tc.ok || ok && got != tc.want {
			t.Errorf("parseForwardedElement(%q) = %+v, %v; want %+v, %v", tc.in, got, ok, tc.want, tc.ok)
		}
	}
}

// splitOutsideQuotes is the obvious way to take a well-formed Forwarded line apart, from the left.
func splitOutsideQuotes(s string) (parts []string) {
	var part strings.Builder
	quoted, escaped := false, false
	for i := range len(s) {
		switch c := s[i]; {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			parts = append(parts, strings.Trim(part.String(), " \t"))
			part.Reset()
			continue
		}
		part.WriteByte(s[i])
	}
	return append(parts, strings.Trim(part.String(), " \t"))
}

func TestHopChainReadsTheSameElementsFromTheRight(t *testing.T) {
	value := rapid.OneOf(
		rapid.StringMatching(`[a-z0-9.:_-]{1,12}`),
		rapid.StringMatching(`"([a-z,;= ]|\\["\\,a]){0,12}"`),
	)
	rapid.Check(t, func(t *rapid.T) {
		element := rapid.Custom(func(t *rapid.T) string { return "for=" + value.Draw(t, "value") })
		var lines, want []string
		for range rapid.IntRange(1, 3).Draw(t, "lines") {
			line := strings.Join(rapid.SliceOfN(element, 1, 5).Draw(t, "elements"), rapid.SampledFrom([]string{",", ", ", "\t, "}).Draw(t, "comma"))
			lines = append(lines, line)
			want = append(want, splitOutsideQuotes(line)...)
		}
		chain := hopChain{lines: lines, quoted: true}
		for i := len(want) - 1; i >= -1; i-- {
			got, more, intact := chain.previous()
			if !intact || more != (i >= 0) || more && got != want[i] {
				t.Fatalf("element %d of %q: got %q, %v, %v", i, lines, got, more, intact)
			}
		}
	})
}

func TestHopChainBounds(t *testing.T) {
	count := func(lines ...string) (n int, intact bool) {
		chain := hopChain{lines: lines}
		for {
			_, more, intact := chain.previous()
			if !more {
				return n, intact
			}
			n++
		}
	}
	for _, tc := range []struct {
		name   string
		lines  []string
		want   int
		intact bool
	}{
		{"none", nil, 0, true},
		{"as many hops as allowed", []string{strings.Repeat("a,", maxHops-1) + "a"}, maxHops, true},
		{"one hop more", []string{strings.Repeat("a,", maxHops) + "a"}, maxHops, false},
		{"one hop more, over lines", strings.Split(strings.Repeat("a,", maxHops)+"a", ","), maxHops, false},
		{"one long element", []string{strings.Repeat("a", maxChainBytes+1)}, 0, false},
		{"a long element behind a short one", []string{strings.Repeat("a", maxChainBytes) + ",b"}, 1, false},
		{"exactly full", []string{strings.Repeat("a", maxChainBytes-2) + ",b"}, 2, true},
		{"full, then another line", []string{"c", strings.Repeat("a", maxChainBytes)}, 1, false},
	} {
		if n, intact := count(tc.lines...); n != tc.want || intact != tc.intact {
			t.Errorf("%s: %d elements, intact %v; want %d, %v", tc.name, n, intact, tc.want, tc.intact)
		}
	}
}

func FuzzForwarded(f *testing.F) {
	for _, s := range []string{
		"203.0.113.9, 10.0.0.1",
		`for="[2001:db8::1]:80";proto=https;host="a.example", for=10.0.0.1`,
		`for="203.0.113.9, for=10.0.0.1`,
		`for=_hidden, for="\"", for=10.0.0.2`,
		"unknown,,10.0.0.1\n10.0.0.2",
	} {
		f.Add(s)
	}
	list, forwarded, single := mustProxies(f, "", "10.0.0.0/8"), mustProxies(f, "forwarded", "10.0.0.0/8"), mustProxies(f, "x-real-ip", "10.0.0.0/8")
	peer := netip.MustParseAddr("10.0.0.1")
	f.Fuzz(func(t *testing.T, s string) {
		lines := strings.Split(s, "\n")
		for _, p := range []*proxies{list, forwarded, single} {
			h := http.Header{p.header: lines, "X-Forwarded-Proto": lines, "X-Forwarded-Host": lines}
			o := p.origin(peer, h)
			if !o.client.IsValid() || o.client.Zone() != "" || o.client.Is4In6() {
				t.Fatalf("client %v", o.client)
			}
			if o.scheme != "" && o.scheme != "http" && o.scheme != "https" {
				t.Fatalf("scheme %q", o.scheme)
			}
			if o.host != "" && hostName(o.host) == "" {
				t.Fatalf("host %q", o.host)
			}
			if p.style == styleSingle {
				continue
			}
			// What a trusted proxy adds on the right decides, whatever the client has sent before it.
			added := slices.Clone(lines)
			added[len(added)-1] += map[headerStyle]string{styleList: ", 203.0.113.77", styleForwarded: ", for=203.0.113.77"}[p.style]
			h[p.header] = added
			if o := p.origin(peer, h); o.client != netip.MustParseAddr("203.0.113.77") {
				t.Fatalf("behind %q the client is %v", s, o.client)
			}
		}
	})
}
