package memory

import (
	"fmt"
	"testing"

	"glacis/decide/limit"

	"pgregory.net/rapid"
)

// twin is the slow obvious store: a map of TATs in ticks that never forget, with all or nothing by looking first. It must agree with a
// store that has room to the last nanosecond.
type twin map[uint64]int64

func (m twin) take(now int64, claims []limit.Claim) bool {
	t, fit := at(now), true
	look := func(c limit.Claim) (scale, limit.GCRA, int64) {
		s := scaleFor(c.Tolerance)
		return s, s.ticks(c.GCRA()), limit.Debt(m[c.Key], t.tick[s])
	}
	for _, c := range claims {
		_, g, debt := look(c)
		fit = fit && g.Wait(debt, g.Price(c.Cost)) == 0
	}
	if !fit {
		return false
	}
	for _, c := range claims {
		s, g, _ := look(c)
		m[c.Key], _ = g.Charge(m[c.Key], t.tick[s], g.Price(c.Cost))
	}
	return true
}

// shapes are the budgets of the model: by key, so that each key keeps its own. Some lie on the edges of ticks and of scales.
var shapes = []struct{ interval, burst int64 }{
	{1, 1}, {15, 3}, {16, 4}, {17, 4}, {100, 1000}, {511, 2}, {512, 3}, {513, 3}, {999_983, 5}, {1e6, 1}, {5e8, 40}, {1e9, 10},
	{3600e9, 1}, {514_285_714_286, 7}, {1800e9, 3}, {86_400e9, 3}, {30 * 86_400e9, 1}, {3_000_017, 1_000_000},
}

func shaped(k int, cost int64) limit.Claim {
	s := shapes[k%len(shapes)]
	return limit.Claim{Key: uint64(k), Interval: s.interval, Tolerance: s.interval * s.burst, Cost: cost}
}

func drawClaims(t *rapid.T, keys int) []limit.Claim {
	first := rapid.IntRange(0, keys-1).Draw(t, "key")
	claims := make([]limit.Claim, rapid.IntRange(1, 4).Draw(t, "claims"))
	for i := range claims {
		claims[i] = shaped((first+i)%keys, rapid.Int64Range(1, 3).Draw(t, "cost"))
	}
	return claims
}

func TestAgreesWithTheTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := New(Config{Keys: 1000})
		if err != nil {
			t.Fatal(err)
		}
		m, now, top, scrubbed := twin{}, int64(1.79e18)+rapid.Int64Range(0, 1024).Draw(t, "phase"), int64(0), int64(0)
		// Every key has its slot at all times, or a dead one could be taken at a later now and missed at an earlier.
		fill := func() {
			for k := range 2 * len(shapes) {
				c := []limit.Claim{shaped(k, 1)}
				if s.Take(now, c) != m.take(now, c) {
					t.Fatalf("at %d store and twin differ about %+v", now, c)
				}
			}
		}
		for range rapid.IntRange(1, 80).Draw(t, "calls") {
			now += rapid.OneOf(rapid.Int64Range(0, 40), rapid.Int64Range(0, 2e9), rapid.Int64Range(-1800e9, 3600e9), rapid.Int64Range(0, 10*3600e9)).Draw(t, "step")
			top = max(top, now)
			now = max(now, top-3000e9) // further back is a clock that was set back
			if now-scrubbed > 24*3600e9 {
				s.Scrub(now)
				fill()
				scrubbed = now
			}
			claims := drawClaims(t, 2*len(shapes))
			got, want := s.Take(now, claims), m.take(now, claims)
			if got != want {
				t.Fatalf("at %d the store says %v, the twin %v: %+v", now, got, want, claims)
			}
			checkAnswers(t, m, now, claims, got)
		}
	})
}

// checkAnswers holds the answers against the twin: what remains, and that a wait is exact to the nanosecond.
func checkAnswers(t *rapid.T, m twin, now int64, claims []limit.Claim, met bool) {
	for _, c := range claims {
		s := scaleFor(c.Tolerance)
		g, clock := s.ticks(c.GCRA()), at(now)
		if left, want := c.GCRA().Remaining(c.Debt), g.Remaining(limit.Debt(m[c.Key], clock.tick[s])); left != want {
			t.Fatalf("%d units remain by the answer, %d by the twin: %+v", left, want, c)
		}
		if met || c.Wait == 0 {
			if c.Wait != 0 {
				t.Fatalf("met and told to wait: %+v", c)
			}
			continue
		}
		for after, want := range map[int64]bool{c.Wait - 1: false, c.Wait: true} {
			then := at(now + after)
			if got := g.Wait(limit.Debt(m[c.Key], then.tick[s]), g.Price(c.Cost)) == 0; got != want {
				t.Fatalf("%d ns of a wait of %d later the claim fits: %v", after, c.Wait, got)
			}
		}
	}
}

// log is every admission of one key, to hold against the bound in every interval.
type log struct {
	interval, burst int64
	at, units       []int64
}

func (l *log) add(now, units int64) {
	l.at, l.units = append(l.at, now), append(l.units, units)
}

// excess describes an interval in which more than burst + floor(L/interval) units were admitted, if there is one.
func (l *log) excess() string {
	for i := range l.at {
		sum := int64(0)
		for j := i; j < len(l.at); j++ {
			sum += l.units[j]
			if bound := l.burst + (l.at[j]-l.at[i])/l.interval; sum > bound {
				return fmt.Sprintf("%d units in [%d,%d], a bound of %d at %d ns and a burst of %d", sum, l.at[i], l.at[j], bound, l.interval, l.burst)
			}
		}
	}
	return ""
}

// The bound is in the nanoseconds stated, not in ticks: rounding must never let more through, wherever in a tick the calls fall.
func TestRoundingToTicksKeepsTheBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := New(Config{Keys: 10})
		if err != nil {
			t.Fatal(err)
		}
		// A tolerance above an hour is counted in the coarse ticks.
		interval := rapid.OneOf(rapid.Int64Range(1, 70), rapid.Int64Range(500, 1100), rapid.Int64Range(1, 1e7)).Draw(t, "interval")
		burst := rapid.Int64Range(1, 5).Draw(t, "burst")
		l, now := &log{interval: interval, burst: burst}, rapid.Int64Range(0, 2000).Draw(t, "start")
		for i := range rapid.IntRange(1, 100).Draw(t, "calls") {
			ok, c := one(s, now, 1, interval, burst)
			if ok {
				l.add(now, 1)
			}
			if i < int(burst) && now == l.at[0] && !ok {
				t.Fatalf("unit %d of a burst of %d was lost to rounding", i+1, burst)
			}
			now += rapid.OneOf(rapid.Just(int64(0)), rapid.Just(c.Wait), rapid.Int64Range(0, 2*interval)).Draw(t, "step")
		}
		if x := l.excess(); x != "" {
			t.Fatal(x)
		}
	})
}

// The same in arithmetic alone, for both ticks: k units beyond the burst, each at the very moment it is met, take no less than k intervals.
func TestTicksNeverAdmitMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scale(rapid.IntRange(0, 1).Draw(t, "scale"))
		interval := rapid.OneOf(rapid.Int64Range(1, 2000), rapid.Int64Range(1, 1e12)).Draw(t, "interval")
		burst := rapid.Int64Range(1, max(1, min(2000, longest[s]/interval))).Draw(t, "burst")
		claimed := limit.GCRA{Interval: interval, Tolerance: interval*burst + rapid.Int64Range(0, interval-1).Draw(t, "odd")}
		g, first := s.ticks(claimed), rapid.Int64Range(0, 1<<50).Draw(t, "first")
		if g.Tolerance/g.Interval != burst && claimed.Tolerance <= longest[s] && burst*g.Interval <= longest[s]>>shifts[s] {
			t.Fatalf("a burst of %d holds %d", burst, g.Tolerance/g.Interval)
		}
		if slowest := claimed.Interval + 2*(1<<shifts[s]); interval <= longest[s] && g.Interval<<shifts[s] > slowest {
			t.Fatalf("an interval of %d ns is kept as %d", interval, g.Interval<<shifts[s])
		}
		tat := at(first).tick[s] + g.Tolerance/g.Interval*g.Interval
		for k := int64(1); k <= 40; k++ {
			// The last nanosecond before the tick in which the next unit fits, and the first of it.
			tick := tat + g.Interval - g.Tolerance
			now := (tick-1)<<shifts[s] + 1
			if clock := at(now); clock.tick[s] != tick || at(now - 1).tick[s] != tick-1 {
				t.Fatalf("%d is not the start of tick %d", now, tick)
			}
			units := claimed.Tolerance / interval // what the bound grants for the odd rest comes later than this
			if now-first < k*interval-(claimed.Tolerance-units*interval) {
				t.Fatalf("%d units beyond the burst after %d ns, intervals are %d", k, now-first, interval)
			}
			tat += g.Interval
		}
	})
}

// A store of sixteen slots and 64 cells for a hundred keys: nearly everything is in the overflow tier, keys move into the table when
// a slot is free and out of it when theirs was taken. No key may ever get more than its bound.
func TestOverflowNeverUnderLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := New(Config{Keys: 1})
		if err != nil {
			t.Fatal(err)
		}
		logs, now := map[uint64]*log{}, int64(1e18)
		for range rapid.IntRange(1, 300).Draw(t, "calls") {
			now += rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 2e6), rapid.Int64Range(0, 2e9)).Draw(t, "step")
			k := rapid.Uint64Range(0, 100).Draw(t, "key")
			shape := shapes[9+k%4]
			c := []limit.Claim{{Key: k, Interval: shape.interval, Tolerance: shape.interval * shape.burst, Cost: rapid.Int64Range(1, shape.burst).Draw(t, "cost")}}
			if logs[k] == nil {
				logs[k] = &log{interval: shape.interval, burst: shape.burst}
			}
			if s.Take(now, c) {
				logs[k].add(now, c[0].Cost)
			}
		}
		for k, l := range logs {
			if x := l.excess(); x != "" {
				t.Fatalf("key %d: %s", k, x)
			}
		}
	})
}
