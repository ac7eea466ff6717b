package limit

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"glacis/decide/facts"
	"glacis/decide/identity"
	"glacis/posture"

	"pgregory.net/rapid"
)

// twin is the slow obvious store: a map of arrival times.
type twin map[uint64]int64

func (s twin) Take(now int64, claims []Claim) bool {
	met := true
	for i := range claims {
		c := &claims[i]
		g := c.GCRA()
		c.Debt = Debt(s[c.Key], now)
		if c.Wait = g.Wait(c.Debt, g.Price(c.Cost)); c.Wait > 0 {
			met = false
		}
	}
	for i := range claims {
		if c := &claims[i]; met {
			s[c.Key] = max(now, s[c.Key]) + c.GCRA().Price(c.Cost)
			c.Debt = s[c.Key] - now
		}
	}
	return met
}

func dims(t testing.TB, texts ...string) []Dimension {
	list := make([]Dimension, len(texts))
	for i, text := range texts {
		if err := list[i].UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func bound(t testing.TB, name, rate string, mode posture.Mode, per ...string) Bound {
	c := Config{Name: name, Per: dims(t, per...)}
	if err := c.Rate.UnmarshalText([]byte(rate)); err != nil {
		t.Fatal(err)
	}
	l, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return Bound{l, mode}
}

func set(t testing.TB, bounds ...Bound) *Set {
	s, err := NewSet(twin{}, maphash.MakeSeed(), [][]Bound{bounds})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func request(change func(*facts.Facts)) *facts.Facts {
	f := &facts.Facts{At: 1e18, Method: "POST", Host: "api.example", Template: "/login", Client: netip.MustParseAddr("198.51.100.7"),
		Header: http.Header{"X-Tenant": {"blue"}},
		Route: &facts.Route{Class: facts.Login, Body: facts.BodySpec{Fields: []facts.FieldSpec{
			{Role: facts.RoleUser, Name: "user"}, {Role: facts.RolePhone, Name: "phone"}}}}}
	f.Fields.Set(0, "Ann@example.com")
	if change != nil {
		change(f)
	}
	return f
}

// Each dimension counts apart what differs in it, and nothing else.
func TestDimensionsCountApart(t *testing.T) {
	key := identity.Subject{Mark: 5}
	address := func(a string) func(*facts.Facts) {
		return func(f *facts.Facts) { f.Client = netip.MustParseAddr(a) }
	}
	for _, c := range []struct {
		per         string
		same, other func(*facts.Facts)
	}{
		{"all", address("203.0.113.1"), nil},
		{"client", func(f *facts.Facts) { f.Template = "/x" }, address("198.51.100.8")},
		{"client", address("::ffff:198.51.100.7"), address("2001:db8::1")},
		{"network", address("198.51.100.200"), address("198.51.101.7")},
		{"route", address("203.0.113.1"), func(f *facts.Facts) { f.Template = "/logout" }},
		{"class", func(f *facts.Facts) { f.Template = "/x" }, func(f *facts.Facts) { r := *f.Route; r.Class = facts.OTP; f.Route = &r }},
		{"host", address("203.0.113.1"), func(f *facts.Facts) { f.Host = "other.example" }},
		{"method", address("203.0.113.1"), func(f *facts.Facts) { f.Method = "GET" }},
		{"header:x-tenant", address("203.0.113.1"), func(f *facts.Facts) { f.Header = http.Header{"X-Tenant": {"red"}} }},
		{"user", func(f *facts.Facts) { f.Fields.Set(0, " aNN@Example.com ") }, func(f *facts.Facts) { f.Fields.Set(0, "bob@example.com") }},
		{"field:user", address("203.0.113.1"), func(f *facts.Facts) { f.Fields.Set(0, "bob@example.com") }},
	} {
		s := set(t, bound(t, "l", "1/h", posture.Enforce, c.per))
		if s.Take(request(nil), key, 1, 1).Denied {
			t.Fatalf("%s: the first request is denied", c.per)
		}
		if !s.Take(request(c.same), key, 1, 1).Denied {
			t.Errorf("%s: the same value has a budget of its own", c.per)
		}
		if c.other != nil && s.Take(request(c.other), key, 1, 1).Denied {
			t.Errorf("%s: another value shares the budget", c.per)
		}
	}
}

func TestIPv6IsCountedByItsNetwork(t *testing.T) {
	s := set(t, bound(t, "c", "1/h", posture.Enforce, "client"))
	at := func(a string) *facts.Facts {
		return request(func(f *facts.Facts) { f.Client = netip.MustParseAddr(a) })
	}
	s.Take(at("2001:db8:1:2::1"), identity.Subject{}, 1, 1)
	if !s.Take(at("2001:db8:1:2:ffff::9"), identity.Subject{}, 1, 1).Denied {
		t.Error("two addresses of one /64 have two budgets")
	}
	if s.Take(at("2001:db8:1:3::1"), identity.Subject{}, 1, 1).Denied {
		t.Error("two /64 share a budget")
	}
}

// A limit over something the request does not have does not apply.
func TestMissingDimensionsDoNotBind(t *testing.T) {
	for _, per := range []string{"key", "subject", "header:X-None", "field:phone", "field:nonsense"} {
		s := set(t, bound(t, "l", "1/h", posture.Enforce, per))
		for range 3 {
			if s.Take(request(nil), identity.Subject{}, 1, 1).Denied {
				t.Errorf("%s: bound a request without one", per)
			}
		}
	}
}

func TestAProvenCallerHasOneBudgetForAllItsKeys(t *testing.T) {
	s := set(t, bound(t, "l", "1/h", posture.Enforce, "key"))
	s.Take(request(nil), identity.Subject{Proven: true, Name: "acme", Mark: 1}, 1, 1)
	if !s.Take(request(nil), identity.Subject{Proven: true, Name: "acme", Mark: 2}, 1, 1).Denied {
		t.Error("a second key of one caller has a budget of its own")
	}
	if s.Take(request(nil), identity.Subject{Mark: 1}, 1, 1).Denied {
		t.Error("an unproven credential spends a proven caller's budget")
	}
}

func TestTheLimitThatBoundIsTold(t *testing.T) {
	s := set(t, bound(t, "minute", "2/m", posture.Enforce, "client"), bound(t, "hour", "3/h", posture.Enforce, "client", "route"))
	who := identity.Subject{}
	first := s.Take(request(nil), who, 1, 1)
	if first.Denied || first.By.Limit.Name != "minute" || first.By.Remaining != 1 {
		t.Errorf("first: %+v", first.By)
	}
	s.Take(request(nil), who, 1, 1)
	if third := s.Take(request(nil), who, 1, 1); !third.Denied || third.By.Limit.Name != "minute" || third.By.Wait != 30*time.Second || third.By.Remaining != 0 {
		t.Errorf("third: %+v", third.By)
	}
	later := request(func(f *facts.Facts) { f.At += int64(time.Minute) })
	s.Take(later, who, 1, 1)
	if fifth := s.Take(later, who, 1, 1); !fifth.Denied || fifth.By.Limit.Name != "hour" || fifth.By.Wait != 19*time.Minute {
		t.Errorf("fifth: %+v of %s", fifth.By, fifth.By.Limit.Name)
	}
}

// Strain makes units dearer, 1 leaves them as they are, 0 charges nothing, and a whole budget always pays for one request.
func TestStrain(t *testing.T) {
	admitted := func(strain float64) (n int) {
		s := set(t, bound(t, "l", "12/h", posture.Enforce, "client"))
		for range 100 {
			if !s.Take(request(nil), identity.Subject{}, strain, strain).Denied {
				n++
			}
		}
		return n
	}
	for strain, want := range map[float64]int{1: 12, 2: 6, 4: 3, 5: 2, 12: 1, 1e300: 1, 0: 100} {
		if got := admitted(strain); got != want {
			t.Errorf("strain %v admits %d of a burst of 12, want %d", strain, got, want)
		}
	}
}

// Whatever the limits, a denied request leaves every budget as it was, and what passes is charged everywhere.
func TestAllOrNone(t *testing.T) {
	rates := []string{"1/s", "2/s", "3/m", "5/m", "7/h"}
	rapid.Check(t, func(t *rapid.T) {
		store, n := twin{}, rapid.IntRange(1, 4).Draw(t, "limits")
		var list []Bound
		for i := range n {
			l := Limit{Name: string(rune('a' + i)), Per: []Dimension{{kind: all}}}
			if err := l.Rate.UnmarshalText([]byte(rapid.SampledFrom(rates).Draw(t, "rate"))); err != nil {
				t.Fatal(err)
			}
			made, err := New(Config{Name: l.Name, Per: l.Per, Rate: l.Rate})
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, Bound{made, posture.Enforce})
		}
		s, err := NewSet(store, maphash.MakeSeed(), [][]Bound{list})
		if err != nil {
			t.Fatal(err)
		}
		f := &facts.Facts{At: 1e18, Route: &facts.Route{}}
		for range 20 {
			f.At += rapid.Int64Range(0, 2e9).Draw(t, "gap")
			before := map[uint64]int64{}
			for k, v := range store {
				before[k] = max(v, f.At)
			}
			denied := s.Take(f, identity.Subject{}, 1, 1).Denied
			for k, v := range store {
				if moved := max(v, f.At) > max(before[k], f.At); moved == denied {
					t.Fatalf("denied %v, but moved %v", denied, moved)
				}
			}
		}
	})
}

func TestNewRefuses(t *testing.T) {
	for what, c := range map[string]Config{
		"no name":         {Per: dims(t, "client"), Rate: Rate{1, time.Minute}},
		"a quoted name":   {Name: `a"b`, Per: dims(t, "client"), Rate: Rate{1, time.Minute}},
		"no dimension":    {Name: "l", Rate: Rate{1, time.Minute}},
		"five dimensions": {Name: "l", Per: dims(t, "client", "key", "user", "route", "class"), Rate: Rate{1, time.Minute}},
		"no rate":         {Name: "l", Per: dims(t, "client")},
		"a negative rate": {Name: "l", Per: dims(t, "client"), Rate: Rate{-1, time.Minute}},
		"a huge burst":    {Name: "l", Per: dims(t, "client"), Rate: Rate{1, time.Hour}, Burst: 1 << 60},
		"a negative cost": {Name: "l", Per: dims(t, "client"), Rate: Rate{1, time.Hour}, Cost: -1},
		"an unpayable":    {Name: "l", Per: dims(t, "client"), Rate: Rate{10, time.Hour}, Cost: 11},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s was accepted", what)
		}
	}
	if _, err := NewSet(twin{}, maphash.MakeSeed(), [][]Bound{make([]Bound, MaxPerRoute+1)}); err == nil {
		t.Error("endless limits on one route were accepted")
	}
	for _, text := range []string{"", "clients", "header", "header:", "client:x"} {
		if err := new(Dimension).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("dimension %q was accepted", text)
		}
	}
}
