package decide_test

import (
	"fmt"
	"hash/maphash"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"glacis/decide"
	"glacis/decide/actor"
	"glacis/decide/facts"
	"glacis/decide/identity"
	"glacis/decide/identity/apikey"
	"glacis/decide/limit"
	"glacis/decide/signal"
	"glacis/decide/signal/trap"
	"glacis/decide/verdict"
	"glacis/posture"
	"glacis/store/memory"
)

// house is a small engine with everything real.
type house struct {
	engine *decide.Engine
	reader *facts.Reader
	hinge  posture.Hinge
}

// limits of one route in the test, as text: "client 10/m", "key+route 600/m monitor".
func bounds(t testing.TB, mode posture.Mode, texts ...string) (list []limit.Bound) {
	for i, text := range texts {
		words := strings.Fields(text)
		c := limit.Config{Name: fmt.Sprintf("l%d", i)}
		for d := range strings.SplitSeq(words[0], "+") {
			var dim limit.Dimension
			if err := dim.UnmarshalText([]byte(d)); err != nil {
				t.Fatal(err)
			}
			c.Per = append(c.Per, dim)
		}
		if err := c.Rate.UnmarshalText([]byte(words[1])); err != nil {
			t.Fatal(err)
		}
		if len(words) > 2 {
			if err := c.Mode.UnmarshalText([]byte(words[2])); err != nil {
				t.Fatal(err)
			}
		}
		l, err := limit.New(c)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, limit.Bound{Limit: l, Mode: c.Mode.Or(mode)})
	}
	return list
}

func build(t testing.TB, mode posture.Mode, limits ...string) *house {
	routes, err := facts.NewRoutes([]facts.RouteSpec{{Pattern: "GET /api/v1/items/{id}", Class: facts.Catalog}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{}
	if h.reader, err = facts.NewReader(facts.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, routes); err != nil {
		t.Fatal(err)
	}
	keys, err := apikey.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	actors := actor.New(1 << 17)
	paths, err := trap.NewPaths([]string{"/api/internal/export"})
	if err != nil {
		t.Fatal(err)
	}
	traps := trap.New(paths, time.Hour, actors)
	all := make([][]limit.Bound, len(routes.All()))
	policies := make([]verdict.Policy, len(all))
	for i := range all {
		all[i], policies[i] = bounds(t, mode, limits...), verdict.Policy{Mode: mode, RefuseMalformed: true}
	}
	seed := maphash.MakeSeed()
	budgets, err := memory.New(memory.Config{Keys: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	set, err := limit.NewSet(budgets, seed, all)
	if err != nil {
		t.Fatal(err)
	}
	h.engine = &decide.Engine{Posture: &h.hinge, Identities: identity.New(seed, keys), Sensors: signal.Sensors{traps}, Limits: set, Policies: policies}
	return h
}

func (h *house) ask(client, target string, at int64) verdict.Verdict {
	var f facts.Facts
	h.reader.Read(&f, facts.Head{Method: "GET", Target: target, Host: "shop.example", Scheme: "http", Proto: 11, Header: http.Header{},
		Remote: netip.AddrPortFrom(netip.MustParseAddr(client), 4711)}, at)
	return h.engine.Decide(&f)
}

func TestTheHardestSpeaks(t *testing.T) {
	h := build(t, posture.Enforce, "client 2/m")
	at := int64(1e18)
	for i, want := range []string{"allow", "allow", "limit", "limit"} {
		if v := h.ask("198.51.100.7", "/api/v1/items/1", at); v.Done.Action.String() != want {
			t.Errorf("request %d: %s, want %s", i+1, v.Done.Action, want)
		}
	}
	if v := h.ask("198.51.100.8", "/api/v1/items/1", at); v.Done.Action != verdict.Allow {
		t.Errorf("another client: %s", v.Done.Action)
	}
	if v := h.ask("198.51.100.11", "/api/internal/export", at); v.Done.Action != verdict.Refuse || v.Done.Cause != verdict.Suspected {
		t.Errorf("a honeypot: %s for %s", v.Done.Action, v.Done.Cause)
	}
	if v := h.ask("198.51.100.11", "/api/v1/items/1", at+1); v.Done.Action != verdict.Slow {
		t.Errorf("the address after the honeypot: %s, want slow", v.Done.Action)
	}
	if v := h.ask("198.51.100.9", "/api/v1/../v1/items/1", at); v.Done.Cause != verdict.Malformed {
		t.Errorf("dot segments: %s for %q", v.Done.Action, v.Done.Cause)
	}
	h.hinge.Store(posture.New(nil, []posture.Term{{Prefix: netip.MustParsePrefix("198.51.100.0/24"), Why: "spray"}}, nil))
	if v := h.ask("198.51.100.10", "/api/v1/items/1", at); v.Done.Cause != verdict.Barred || v.Done.Term.Why != "spray" {
		t.Errorf("a barred network: %+v", v.Done)
	}
	any4 := []posture.Term{{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Why: "us"}}
	h.hinge.Store(posture.New(nil, any4, any4))
	for range 5 {
		if v := h.ask("198.51.100.7", "/api/internal/export", at); v.Done.Action != verdict.Allow || v.Done.Cause != verdict.Excused {
			t.Fatalf("an excuse must beat bar, trap and limit: %+v", v.Done)
		}
	}
	h.hinge.Store(posture.New(nil, nil, nil))
	if v := h.ask("198.51.100.13", "/api/v1/items/1", at); v.Done.Action != verdict.Allow {
		t.Fatalf("a stranger: %+v", v.Done)
	}
	h.hinge.Store(posture.New(nil, nil, any4))
	h.ask("198.51.100.14", "/api/internal/export", at)
	h.hinge.Store(posture.New(nil, nil, nil))
	if v := h.ask("198.51.100.14", "/api/v1/items/1", at); len(v.Score.Reasons()) != 0 {
		t.Errorf("what was done under an excuse stuck: %v", v.Score.Reasons())
	}
}

func TestMonitorOnlySays(t *testing.T) {
	h := build(t, posture.Monitor, "client 2/m")
	at := int64(1e18)
	for i, want := range []string{"allow", "allow", "limit", "limit"} {
		v := h.ask("198.51.100.7", "/api/v1/items/1", at)
		if v.Done.Action != verdict.Allow || v.Would.Action.String() != want {
			t.Errorf("request %d: done %s, would %s; want allow, %s", i+1, v.Done.Action, v.Would.Action, want)
		}
	}
	// Thirty seconds later (and the store's unit of 8 µs) there is one unit more, as if the denied requests had been denied.
	if v := h.ask("198.51.100.7", "/api/v1/items/1", at+30e9+1e5); v.Would.Action != verdict.Allow {
		t.Errorf("after the wait: would %s, want allow", v.Would.Action)
	}
	if v := h.ask("198.51.100.9", "/api/internal/export", at); v.Done.Action != verdict.Allow || v.Would.Action != verdict.Refuse {
		t.Errorf("a honeypot: done %s, would %s", v.Done.Action, v.Would.Action)
	}
}

func TestAWatchingLimitBesideALiveOne(t *testing.T) {
	h := build(t, posture.Enforce, "client 3/m", "client+route 1/m monitor")
	at := int64(1e18)
	for i, want := range []struct{ done, would string }{{"allow", "allow"}, {"allow", "limit"}, {"allow", "limit"}, {"limit", "limit"}} {
		v := h.ask("198.51.100.7", "/api/v1/items/1", at)
		if v.Done.Action.String() != want.done || v.Would.Action.String() != want.would {
			t.Errorf("request %d: done %s, would %s; want %s, %s", i+1, v.Done.Action, v.Would.Action, want.done, want.would)
		}
	}
}

// apiHeader is a realistic API request's.
func apiHeader(key string) http.Header {
	return http.Header{
		"Authorization": {"Bearer " + key}, "User-Agent": {"acme-mobile/5.12.0 (iOS 18.2; iPhone16,2)"}, "Accept": {"application/json"},
		"Accept-Encoding": {"gzip, deflate, br"}, "Accept-Language": {"en-GB,en;q=0.9"}, "X-Request-Id": {"6b1f0f1e-7c59-4a52-9a7a-53c1d9f0f9aa"},
		"X-App-Version": {"5.12.0"}, "Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, "Cache-Control": {"no-cache"},
	}
}

var fourLimits = []string{"client 1000000/s", "network 1000000/s", "key 1000000/s", "key+route 1000000/s"}

func TestDecisionDoesNotAllocate(t *testing.T) {
	h := build(t, posture.Enforce, "client 1000/s", "network 1000/s", "key 1000/s", "key+route 1000/s")
	var f facts.Facts
	head := facts.Head{Method: "GET", Target: "/api/v1/items/123?expand=owner&limit=20", Host: "api.example.com", Scheme: "http", Proto: 11,
		Header: apiHeader("sk_live_4f7a9c2e8b1d6035a7c4e9f2b8d10365"), Remote: netip.MustParseAddrPort("198.51.100.7:4711")}
	at := int64(1e18)
	if n := testing.AllocsPerRun(200, func() {
		h.reader.Read(&f, head, at)
		if v := h.engine.Decide(&f); v.Done.Action != verdict.Allow {
			t.Fatal(v.Done.Action)
		}
		at += 1e7
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// BenchmarkDecision is the whole decision: facts without a body, identity, evidence, four limits, verdict; 100,000 actors in turn, each with
// an address and a key of its own.
func BenchmarkDecision(b *testing.B) {
	for _, actors := range []int{1, 100_000} {
		b.Run(fmt.Sprint("actors=", actors), func(b *testing.B) {
			h := build(b, posture.Enforce, fourLimits...)
			keys, remotes := make([]string, actors), make([]netip.AddrPort, actors)
			for i := range actors {
				keys[i] = fmt.Sprintf("Bearer sk_live_%032x", i)
				remotes[i] = netip.AddrPortFrom(netip.AddrFrom4([4]byte{100, byte(i >> 16), byte(i >> 8), byte(i)}), 4711)
			}
			// One header for all: a request's own header has just been parsed and is warm, what is remembered of its actor is not.
			head := facts.Head{Method: "GET", Target: "/api/v1/items/123?expand=owner&limit=20", Host: "api.example.com", Scheme: "http", Proto: 11, Header: apiHeader("")}
			var f facts.Facts
			at, i := int64(1e18), 0
			b.ReportAllocs()
			for b.Loop() {
				n := i * 7919 % actors
				head.Remote, head.Header["Authorization"][0] = remotes[n], keys[n]
				h.reader.Read(&f, head, at)
				h.engine.Decide(&f)
				at += 2000
				i++
			}
		})
	}
}

// On a route that only watches, a limit that acts is no dearer to a suspect.
func TestWatchedSuspicionTightensNothing(t *testing.T) {
	h := build(t, posture.Monitor, "client 8/h enforce")
	at := int64(1e18)
	h.ask("198.51.100.7", "/api/internal/export", at)
	admitted := 0
	for range 20 {
		if h.ask("198.51.100.7", "/api/v1/items/1", at+6e10).Done.Action == verdict.Allow {
			admitted++
		}
	}
	if admitted != 7 { // the visit itself took one
		t.Errorf("%d admitted after the honeypot, want the 7 that are left", admitted)
	}
}
