package trap

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"glacis/decide/actor"
	"glacis/decide/facts"
	"glacis/decide/identity"
	"glacis/decide/signal"
)

func request(client, path string, at int64) *facts.Facts {
	return &facts.Facts{Client: netip.MustParseAddr(client), Path: path, At: at}
}

func TestAVisitSticksToAddressAndCredential(t *testing.T) {
	s := sensor(t, time.Minute, "/api/internal/export", "/admin/")
	minute := int64(time.Minute)
	nobody, thief := identity.Subject{}, identity.Subject{Mark: 77}
	for _, c := range []struct {
		what   string
		client string
		path   string
		who    identity.Subject
		at     int64
		want   string
	}{
		{"an honest request", "203.0.113.1", "/api/products", nobody, 0, ""},
		{"the visit", "198.51.100.7", "/API/internal/Export", thief, 1, "trap.hit"},
		{"the visit with a slash at its end", "198.51.100.66", "/api/internal/export/", nobody, 1, "trap.hit"},
		{"a honeypot written with a slash", "198.51.100.67", "/admin", nobody, 1, "trap.hit"},
		{"the same address later", "198.51.100.7", "/api/products", nobody, 2, "trap.address"},
		{"both, of which the credential is sure", "198.51.100.7", "/api/products", thief, 3, "trap.credential"},
		{"the same credential elsewhere", "203.0.113.9", "/api/products", thief, 3, "trap.credential"},
		{"a neighbour is untouched", "198.51.100.8", "/api/products", nobody, 4, ""},
		{"below a trap is no trap", "198.51.100.8", "/api/internal/export/x", nobody, 4, ""},
		{"after the term", "198.51.100.7", "/api/products", thief, 1 + minute, ""},
	} {
		f := request(c.client, c.path, c.at)
		if c.who.Mark != 0 {
			f.Credential = facts.NewCredential(facts.Bearer, "a thief's")
		}
		got := s.Sense(f, c.who)
		if got.Code != c.want {
			t.Errorf("%s: signal %q, want %q", c.what, got.Code, c.want)
		}
		if (got.Nats != 0) != (c.want != "") || (got.Sentence != "") != (c.want != "") {
			t.Errorf("%s: %+v", c.what, got)
		}
	}
}

// TestNothingSticksToEverybody: one visitor must not speak for all who have no address, or whose credential has no text (two lines of
// Authorization, a token that is too long).
func TestNothingSticksToEverybody(t *testing.T) {
	s := sensor(t, time.Minute, "/trap")
	unnamed := identity.Subject{Mark: 1}
	visit := &facts.Facts{Path: "/trap", Credential: facts.NewCredential(facts.Other, "")}
	if got := s.Sense(visit, unnamed); got.Code != "trap.hit" || !got.Sure {
		t.Errorf("the visit: %+v", got)
	}
	if got := s.Sense(&facts.Facts{Path: "/x"}, identity.Subject{}); got.Nats != 0 {
		t.Errorf("another without an address: %+v", got)
	}
	other := request("203.0.113.1", "/x", 1)
	other.Credential = visit.Credential
	if got := s.Sense(other, unnamed); got.Nats != 0 {
		t.Errorf("another whose credential has no text: %+v", got)
	}
}

// TestTrapsBeyondASCII: such a path is a trap as it is written.
func TestTrapsBeyondASCII(t *testing.T) {
	s := sensor(t, time.Minute, "/Ädmin", "/ȺȺ")
	for _, path := range []string{"/Ädmin", "/ÄDMIN", "/ȺȺ"} {
		if got := s.Sense(request("203.0.113.1", path, 0), identity.Subject{}); got.Code != "trap.hit" {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

func sensor(t testing.TB, term time.Duration, paths ...string) *Sensor {
	t.Helper()
	p, err := NewPaths(paths)
	if err != nil {
		t.Fatal(err)
	}
	return New(p, term, actor.New(64))
}

func TestNewRefusesWhatIsNoTrap(t *testing.T) {
	for _, p := range []string{"", "/", "api/x", "/" + strings.Repeat("x", 300)} {
		_, err := NewPaths([]string{"/fine", p})
		if e, ok := errors.AsType[*Error](err); !ok || e.Index != 1 {
			t.Errorf("trap %q: %v", p, err)
		}
	}
	if _, err := NewPaths(make([]string, MaxTraps+1)); err == nil {
		t.Error("endless traps were accepted")
	}
}

func TestSenseDoesNotAllocate(t *testing.T) {
	s := sensor(t, 0, "/trap")
	all := signal.Sensors{s}
	f := request("203.0.113.1", "/api/Products/17", 0)
	var found int
	if n := testing.AllocsPerRun(100, func() { e := all.Sense(f, identity.Subject{Mark: 5}, false); found += len(e.All()) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkSense(b *testing.B) {
	s := sensor(b, 0, "/trap")
	s.Sense(request("203.0.113.77", "/trap", 0), identity.Subject{})
	f := request("203.0.113.1", "/api/products/17", 0)
	for b.Loop() {
		s.Sense(f, identity.Subject{Mark: 5})
	}
}
