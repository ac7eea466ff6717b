package posture

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func term(prefix, why string, until int64) Term {
	return Term{Prefix: netip.MustParsePrefix(prefix), Why: why, Until: until}
}

func TestForTellsBarsAndExcuses(t *testing.T) {
	p := New(map[uint8]Tension{1: Siege, 200: Siege},
		[]Term{term("198.51.100.0/24", "spray", 0), term("198.51.100.7/32", "stuffing", 100), term("2001:db8::/32", "scrape", 0)},
		[]Term{term("198.51.100.9/32", "the office", 0), term("2001:db8:1::/48", "partner", 50)})
	for _, c := range []struct {
		client      string
		now         int64
		bar, excuse string
	}{
		{"203.0.113.1", 0, "", ""},
		{"198.51.100.1", 0, "spray", ""},
		{"198.51.100.7", 99, "stuffing", ""},
		{"198.51.100.7", 100, "spray", ""}, // its own term is over, the wider one runs on
		{"198.51.100.9", 0, "", "the office"},
		{"2001:db8:1::5", 49, "", "partner"},
		{"2001:db8:1::5", 50, "scrape", ""},
	} {
		s := p.For(0, netip.MustParseAddr(c.client), c.now)
		if got := why(s.Bar); got != c.bar {
			t.Errorf("%s at %d: bar %q, want %q", c.client, c.now, got, c.bar)
		}
		if got := why(s.Excuse); got != c.excuse {
			t.Errorf("%s at %d: excuse %q, want %q", c.client, c.now, got, c.excuse)
		}
	}
	if got := p.For(1, netip.Addr{}, 0).Tension; got != Siege {
		t.Errorf("tension of class 1 is %s, want siege", got)
	}
}

func why(t *Term) string {
	if t == nil {
		return ""
	}
	return t.Why
}

// An excuse always beats a bar, whatever the prefixes and terms: the slow twin walks the lists.
func TestAnExcuseAlwaysBeatsABar(t *testing.T) {
	address := rapid.Custom(func(t *rapid.T) netip.Addr {
		return netip.AddrFrom4([4]byte{10, 0, byte(rapid.IntRange(0, 3).Draw(t, "c")), byte(rapid.IntRange(0, 3).Draw(t, "d"))})
	})
	terms := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Term {
		prefix, _ := address.Draw(t, "address").Prefix(rapid.IntRange(8, 32).Draw(t, "bits"))
		return Term{Prefix: prefix, Until: rapid.Int64Range(0, 3).Draw(t, "until")}
	}), 0, 6)
	rapid.Check(t, func(t *rapid.T) {
		bars, excuses := terms.Draw(t, "bars"), terms.Draw(t, "excuses")
		client, now := address.Draw(t, "client"), rapid.Int64Range(0, 3).Draw(t, "now")
		covered := func(list []Term) bool {
			for _, x := range list {
				if x.Prefix.Contains(client) && (x.Until == 0 || now < x.Until) {
					return true
				}
			}
			return false
		}
		s := New(nil, bars, excuses).For(0, client, now)
		if want := covered(excuses); (s.Excuse != nil) != want {
			t.Fatalf("excused: %v, want %v", s.Excuse != nil, want)
		}
		if want := covered(bars) && !covered(excuses); (s.Bar != nil) != want {
			t.Fatalf("barred: %v, want %v", s.Bar != nil, want)
		}
	})
}

func TestForDoesNotAllocate(t *testing.T) {
	p := New(nil, []Term{term("198.51.100.0/24", "spray", 0)}, nil)
	client := netip.MustParseAddr("198.51.100.7")
	if n := testing.AllocsPerRun(100, func() { p.For(1, client, 5) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkFor(b *testing.B) {
	p := New(nil, []Term{term("198.51.100.0/24", "spray", 0)}, []Term{term("192.0.2.0/24", "office", 0)})
	client := netip.MustParseAddr("203.0.113.7")
	for b.Loop() {
		p.For(1, client, 5)
	}
}

// TestMappedPrefixes: a network of IPv4 may be written as IPv6 has it.
func TestMappedPrefixes(t *testing.T) {
	p := New(nil, []Term{{Prefix: netip.MustParsePrefix("::ffff:198.51.100.0/120")}}, []Term{{Prefix: netip.MustParsePrefix("::ffff:198.51.100.7/128")}})
	if s := p.For(0, netip.MustParseAddr("198.51.100.9"), 0); s.Bar == nil {
		t.Error("not barred")
	}
	if s := p.For(0, netip.MustParseAddr("198.51.100.7"), 0); s.Excuse == nil || s.Bar != nil {
		t.Error("not excused")
	}
}
