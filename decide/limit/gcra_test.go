package limit

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// drawGCRA prefers everyday numbers and visits the edges of int64.
func drawGCRA(t *rapid.T) GCRA {
	interval := rapid.OneOf(rapid.Int64Range(1, 20), rapid.Int64Range(1, 1e12), rapid.Just(int64(math.MaxInt64))).Draw(t, "interval")
	burst := rapid.OneOf(rapid.Int64Range(1, 10), rapid.Int64Range(1, 1e6)).Draw(t, "burst")
	if interval > (math.MaxInt64-2)/burst {
		return GCRA{interval, math.MaxInt64}
	}
	return GCRA{interval, interval*burst + rapid.Int64Range(0, 2).Draw(t, "odd")%interval}
}

func anyTime(t *rapid.T, name string) int64 {
	return rapid.OneOf(rapid.Int64Range(0, 100), rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, -1, 0, math.MaxInt64 - 1, math.MaxInt64})).Draw(t, name)
}

// bucket is the slow obvious twin: a token bucket in exact fractions.
type bucket struct {
	g      GCRA
	tokens *big.Rat
	last   int64
}

func newBucket(g GCRA) *bucket { return &bucket{g, big.NewRat(g.Tolerance, g.Interval), 0} }

func (b *bucket) refill(now int64) {
	b.tokens.Add(b.tokens, big.NewRat(now-b.last, b.g.Interval))
	if full := big.NewRat(b.g.Tolerance, b.g.Interval); b.tokens.Cmp(full) > 0 {
		b.tokens = full
	}
	b.last = now
}

func (b *bucket) take(now, price int64) bool {
	b.refill(now)
	cost := big.NewRat(price, b.g.Interval)
	if b.tokens.Cmp(cost) < 0 {
		return false
	}
	b.tokens.Sub(b.tokens, cost)
	return true
}

func TestGCRAIsATokenBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := GCRA{Interval: rapid.Int64Range(1, 50).Draw(t, "interval")}
		g.Tolerance = g.Interval*rapid.Int64Range(1, 8).Draw(t, "burst") + rapid.Int64Range(0, g.Interval-1).Draw(t, "odd")
		twin, tat, now := newBucket(g), int64(0), int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			now += rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 2*g.Interval), rapid.Int64Range(0, 3*g.Tolerance)).Draw(t, "step")
			price := g.Price(rapid.Int64Range(1, 10).Draw(t, "cost"))
			next, ok := g.Charge(tat, now, price)
			if want := twin.take(now, price); ok != want {
				t.Fatalf("at %d with TAT %d a price of %d: %v, the token bucket says %v", now, tat, price, ok, want)
			}
			tat = next
			left := new(big.Int).Quo(twin.tokens.Num(), twin.tokens.Denom()).Int64()
			if got := g.Remaining(Debt(tat, now)); got != left {
				t.Fatalf("%d units remain, the token bucket has %d", got, left)
			}
		}
	})
}

func TestGCRAAdmitsNoMoreThanItsBoundInAnyInterval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := GCRA{Interval: rapid.Int64Range(1, 30).Draw(t, "interval")}
		g.Tolerance = g.Interval * rapid.Int64Range(1, 6).Draw(t, "burst")
		type admission struct{ at, cost int64 }
		var log []admission
		tat, now := int64(0), int64(0)
		for range rapid.IntRange(1, 80).Draw(t, "calls") {
			now += rapid.Int64Range(0, g.Interval+1).Draw(t, "step")
			cost := rapid.Int64Range(1, g.Tolerance/g.Interval).Draw(t, "cost")
			next, ok := g.Charge(tat, now, g.Price(cost))
			if ok {
				log = append(log, admission{now, cost})
			}
			tat = next
		}
		for i := range log {
			units := int64(0)
			for j := i; j < len(log); j++ {
				units += log[j].cost
				if bound := g.Tolerance/g.Interval + (log[j].at-log[i].at)/g.Interval; units > bound {
					t.Fatalf("%d units in [%d,%d], the bound is %d", units, log[i].at, log[j].at, bound)
				}
			}
		}
	})
}

func TestGCRAWaitIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGCRA(t)
		now := rapid.Int64Range(0, 1<<40).Draw(t, "now")
		tat := now + rapid.Int64Range(-5, min(g.Tolerance, 1<<60)).Draw(t, "ahead")
		price := g.Price(rapid.Int64Range(-1, 20).Draw(t, "cost"))
		wait := g.Wait(Debt(tat, now), price)
		if wait > math.MaxInt64-now {
			return
		}
		if _, ok := g.Charge(tat, now+wait, price); !ok && now+wait <= math.MaxInt64-price {
			t.Fatalf("refused after waiting %d", wait)
		}
		if wait == 0 {
			return
		}
		if _, ok := g.Charge(tat, now+wait-1, price); ok {
			t.Fatalf("admitted 1 before the wait of %d was over", wait)
		}
	})
}

func TestGCRANeverMints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, tat, now := drawGCRA(t), anyTime(t, "tat"), anyTime(t, "now")
		price := g.Price(rapid.Int64().Draw(t, "cost"))
		if price < 1 || price > g.Tolerance {
			t.Fatalf("a price of %d with a tolerance of %d", price, g.Tolerance)
		}
		next, ok := g.Charge(tat, now, price)
		switch {
		case !ok && next != tat:
			t.Fatalf("a refusal moved the TAT from %d to %d", tat, next)
		case ok && (next < tat || next-price < tat && next-price < now):
			t.Fatalf("charged %d: the TAT went from %d to %d at %d", price, tat, next, now)
		}
		if debt := Debt(tat, now); debt < 0 || g.Wait(debt, price) < 0 || g.Remaining(debt) < 0 {
			t.Fatalf("debt %d, wait %d, remaining %d", debt, g.Wait(debt, price), g.Remaining(debt))
		}
		if stale := anyTime(t, "stale"); stale <= now && Debt(tat, stale) < Debt(tat, now) {
			t.Fatalf("an older now, %d before %d, makes the debt smaller", stale, now)
		}
	})
}

func TestClaimReadsImpossibleNumbersStrictly(t *testing.T) {
	for _, c := range []struct {
		claim Claim
		want  GCRA
	}{
		{Claim{Interval: 5, Tolerance: 50}, GCRA{5, 50}},
		{Claim{}, GCRA{1, 1}},
		{Claim{Interval: -3, Tolerance: -9}, GCRA{1, 1}},
		{Claim{Interval: 7, Tolerance: 6}, GCRA{7, 7}},
		{Claim{Interval: math.MaxInt64, Tolerance: math.MinInt64}, GCRA{math.MaxInt64, math.MaxInt64}},
	} {
		if got := c.claim.GCRA(); got != c.want {
			t.Errorf("%+v is read as %+v, want %+v", c.claim, got, c.want)
		}
	}
}

func TestPriceIsBetweenOneUnitAndTheBurst(t *testing.T) {
	g := GCRA{Interval: 10, Tolerance: 100}
	for cost, want := range map[int64]int64{math.MinInt64: 10, 0: 10, 1: 10, 10: 100, 11: 100, math.MaxInt64: 100} {
		if got := g.Price(cost); got != want {
			t.Errorf("cost %d is priced %d, want %d", cost, got, want)
		}
	}
}

func BenchmarkCharge(b *testing.B) {
	g, tat := GCRA{500e6, 40 * 500e6}, int64(0)
	b.ReportAllocs()
	for i := range b.N {
		tat, _ = g.Charge(tat, int64(i)*100e6, g.Price(1))
	}
	if tat == 0 {
		b.Fatal("nothing was charged")
	}
}
