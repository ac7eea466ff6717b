// Package storetest is what every limit.Store must do, case by case, each saying why. A store's own tests call Run; what is special to
// a store, such as its memory or its network, is not tested here.
package storetest

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"glacis/decide/limit"
)

// start is the time of the first call: not on a tick of anybody's clock.
const start = int64(1_790_000_000_123_456_789)

const (
	ms  = int64(time.Millisecond)
	sec = int64(time.Second)
)

// slack is how much later than the exact moment a store may meet a claim: a thousandth of the time waited, for stores that count
// in coarse ticks, and a millisecond.
func slack(wait int64) int64 { return wait/1000 + ms }

// Run runs every case against a fresh store from open.
func Run(t *testing.T, open func(t *testing.T) limit.Store) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.run(&bench{T: t, store: open(t)})
			if t.Failed() {
				t.Log("why it matters: " + c.why)
			}
		})
	}
}

var cases = []struct {
	name, why string
	run       func(*bench)
}{
	{"a fresh budget pays its whole burst and no more",
		"a client that was never seen has everything left; one unit lost to rounding is an honest user refused", burst},
	{"a budget at rest is whole, not more than whole",
		"unused time must not add up to a burst larger than the one configured", rest},
	{"a refusal costs nothing",
		"a client that hammers while refused must be let in as soon as one that waited", refusal},
	{"a debt is worked off at the rate",
		"after the burst exactly one unit fits per interval, for as long as it goes on", drain},
	{"the wait is the moment it is met",
		"Retry-After must never be earlier than the truth, nor so late that it punishes those who obey", wait},
	{"debt tells what is left",
		"remaining is computed from it and shown to clients: 10 of 10, then 9, down to 0", debt},
	{"a cost takes as many units",
		"an expensive request counts as what it is", cost},
	{"a cost above the burst takes the whole burst",
		"otherwise a dear request could never be met and its client would be barred for ever", overcost},
	{"keys are apart",
		"one client must not spend another's budget", apart},
	{"any key is a key", "0 and the largest key come out of a hash like any other", anyKey},
	{"claims are charged together or not at all",
		"a request refused by one limit must not consume the others", together},
	{"a refusal answers for every claim",
		"the caller names the limit that bound and the longest wait; both need all the answers", answers},
	{"no claims are met", "a request without limits passes", none},
	{"sixteen claims", "as many as one request may have", sixteen},
	{"what was answered before does not matter",
		"callers reuse their claims; Debt, Wait and Overflow are answers, not questions", reuse},
	{"a clock behind mints nothing",
		"requests read the clock and then wait their turn: an older now must not refill what a newer one has spent", behind},
	{"long and short intervals are kept",
		"three a day and ten thousand a second use the same store", intervals},
	{"impossible numbers are read strictly",
		"a zero interval must not mean no limit, nor a negative cost a refund", impossible},
	{"a dearer unit uses the same budget",
		"a suspicious client pays more for each request; that must not hand it a second budget", dearer},
	{"many at once get the burst and no more",
		"the budget holds under contention, which is when it matters", contention},
	{"many at once with shared claims get no more than each has",
		"several budgets are charged by one request while others do the same in another order", sharedContention},
}

// bench is a store under test.
type bench struct {
	*testing.T
	store limit.Store
}

// budget is a claim of 1 on a key.
func budget(key uint64, interval, burst int64) limit.Claim {
	return limit.Claim{Key: key, Interval: interval, Tolerance: interval * burst, Cost: 1}
}

// take asks once for a copy of the claims and returns the answers.
func (b *bench) take(now int64, claims ...limit.Claim) (bool, []limit.Claim) {
	b.Helper()
	answered := append([]limit.Claim(nil), claims...)
	ok := b.store.Take(now, answered)
	waits := false
	for i, c := range answered {
		waits = waits || c.Wait > 0
		if c.Wait < 0 || c.Debt < 0 || c.Debt > max(c.Tolerance, c.Interval, 1) {
			b.Errorf("claim %d is answered with a debt of %d of %d and a wait of %d", i, c.Debt, c.Tolerance, c.Wait)
		}
	}
	if ok == waits {
		b.Errorf("Take says %v and the waits say otherwise: %+v", ok, answered)
	}
	return ok, answered
}

// count asks n times and returns how often it was met.
func (b *bench) count(n int, now int64, claims ...limit.Claim) (met int) {
	b.Helper()
	for range n {
		if ok, _ := b.take(now, claims...); ok {
			met++
		}
	}
	return met
}

func (b *bench) expect(what string, got, want int) {
	b.Helper()
	if got != want {
		b.Errorf("%s: %d, want %d", what, got, want)
	}
}

func burst(b *bench) {
	for i, n := range []int64{1, 2, 10, 1000} {
		b.expect("met at once", b.count(int(n)+5, start, budget(uint64(i), 500*ms, n)), int(n))
	}
}

func rest(b *bench) {
	c := budget(1, 100*ms, 10)
	b.expect("met at first", b.count(20, start, c), 10)
	b.expect("met after an hour", b.count(20, start+3600*sec, c), 10)
	b.expect("met after a month", b.count(20, start+30*24*3600*sec, c), 10)
}

func refusal(b *bench) {
	c := budget(1, sec, 5)
	b.count(5, start, c)
	b.expect("met while the budget is empty", b.count(1000, start+sec/2, c), 0)
	b.expect("met one interval after the burst", b.count(2, start+sec+slack(sec), c), 1)
}

func drain(b *bench) {
	c := budget(1, 250*ms, 4)
	b.count(4, start, c)
	now, met := start, 0
	for range 4000 { // ten calls an interval
		now += 25 * ms
		met += b.count(1, now, c)
	}
	if met > 400 || met < 396 {
		b.Errorf("%d met in 400 intervals, want 400 or at most 4 less", met)
	}
}

func wait(b *bench) {
	c := budget(1, sec, 3)
	now := start
	for i := range 50 {
		ok, got := b.take(now, c)
		if ok {
			now += int64(i) * ms
			continue
		}
		w := got[0].Wait
		if w > sec+slack(sec) {
			b.Fatalf("a wait of %s for one unit a second", time.Duration(w))
		}
		if early, _ := b.take(now+w-min(w, ms), c); early {
			b.Fatalf("met a millisecond before the wait of %s was over", time.Duration(w))
		}
		if ok, _ := b.take(now+w, c); !ok {
			b.Fatalf("not met after the wait of %s", time.Duration(w))
		}
		now += w
	}
}

func debt(b *bench) {
	c := budget(1, 500*ms, 10)
	for left := int64(9); left >= 0; left-- {
		_, got := b.take(start, c)
		if r := (got[0].Tolerance - got[0].Debt) / got[0].Interval; r != left {
			b.Errorf("%d units remain, want %d", r, left)
		}
	}
	_, got := b.take(start, c)
	if d := got[0].Debt; d < c.Tolerance-ms {
		b.Errorf("refused with a debt of %d of %d", d, c.Tolerance)
	}
	_, got = b.take(start+2250*ms, c)
	if r := (got[0].Tolerance - got[0].Debt) / got[0].Interval; r != 3 {
		b.Errorf("%d units remain after 4.5 intervals and another charge, want 3", r)
	}
}

func cost(b *bench) {
	c := budget(1, 100*ms, 10)
	c.Cost = 4
	b.expect("met at a cost of 4", b.count(3, start, c), 2)
	c.Cost = 1
	b.expect("met at a cost of 1 after that", b.count(5, start, c), 2)
}

func overcost(b *bench) {
	c := budget(1, 100*ms, 10)
	c.Cost = math.MaxInt64
	b.expect("met at rest", b.count(2, start, c), 1)
	c.Cost = 1
	b.expect("met after it", b.count(2, start, c), 0)
	_, got := b.take(start, budget(1, 100*ms, 10))
	if got[0].Wait > 100*ms+slack(100*ms) {
		b.Errorf("a single unit waits %s", time.Duration(got[0].Wait))
	}
	c.Cost = 11
	b.expect("met when whole again", b.count(2, start+sec+slack(sec), c), 1)
}

func apart(b *bench) {
	const keys = 500
	for k := range uint64(keys) {
		b.expect("met on a new key", b.count(1, start, budget(k, sec, 1)), 1)
	}
	for k := range uint64(keys) {
		b.expect("met on a spent key", b.count(1, start, budget(k, sec, 1)), 0)
	}
}

func anyKey(b *bench) {
	for _, k := range []uint64{0, 1, math.MaxUint64, 1 << 63, 1<<44 - 1, 0xfffff << 44} {
		b.expect("met", b.count(3, start, budget(k, sec, 2)), 2)
	}
}

func together(b *bench) {
	wide, narrow := budget(1, sec, 10), budget(2, sec, 2)
	for _, order := range [][]limit.Claim{{wide, narrow}, {narrow, wide}} {
		b.count(50, start, order...)
	}
	b.expect("left of the wide budget", b.count(20, start, wide), 8)
}

func answers(b *bench) {
	a, c, d := budget(1, sec, 5), budget(2, sec, 2), budget(3, 10*sec, 2)
	b.count(2, start, a, c, d)
	ok, got := b.take(start, a, c, d)
	if ok || got[0].Wait != 0 || got[1].Wait == 0 || got[2].Wait <= got[1].Wait {
		b.Errorf("met %v, waits %d, %d and %d; want none, about 1 s and about 10 s", ok, got[0].Wait, got[1].Wait, got[2].Wait)
	}
	for i, want := range []int64{2 * sec, 2 * sec, 20 * sec} {
		if got[i].Debt < want-ms || got[i].Debt > want {
			b.Errorf("claim %d owes %d, want %d", i, got[i].Debt, want)
		}
	}
}

func none(b *bench) {
	if ok, _ := b.take(start); !ok {
		b.Error("refused")
	}
}

func sixteen(b *bench) {
	var claims []limit.Claim
	for k := range uint64(16) {
		claims = append(claims, budget(k, sec, 20-int64(k)))
	}
	b.expect("met", b.count(30, start, claims...), 5)
	b.expect("left of the first", b.count(30, start, claims[0]), 15)
}

func reuse(b *bench) {
	dirty := budget(1, sec, 2)
	dirty.Debt, dirty.Wait, dirty.Overflow = math.MaxInt64, -1, true
	ok, got := b.take(start, dirty)
	if !ok || got[0].Wait != 0 || got[0].Overflow {
		b.Errorf("met %v, answered %+v", ok, got[0])
	}
}

func behind(b *bench) {
	c := budget(1, sec, 5)
	b.count(5, start, c)
	for _, back := range []int64{1, ms, sec, 60 * sec, 1800 * sec} {
		b.expect("met with an older now", b.count(3, start-back, c), 0)
	}
	b.expect("met once the time has come", b.count(2, start+sec+slack(sec), c), 1)
	b.count(5, start+10*sec, c)
	b.count(5, start+5*sec, c)
	b.expect("met after going there and back", b.count(2, start+10*sec, c), 0)
}

func intervals(b *bench) {
	for i, every := range []int64{ms / 10, ms, 10 * ms, 60 * sec, 8 * 3600 * sec, 24 * 3600 * sec} {
		c := budget(uint64(i), every, 3)
		b.expect("met at once", b.count(5, start, c), 3)
		b.expect("met just before an interval has passed", b.count(5, start+every-1-min(every/2, ms), c), 0)
		b.expect("met after two intervals", b.count(5, start+2*every+slack(2*every), c), min(3, 2+int(slack(2*every)/every)))
	}
}

func impossible(b *bench) {
	for i, c := range []limit.Claim{
		{Interval: sec, Tolerance: 0, Cost: 1},
		{Interval: sec, Tolerance: -sec, Cost: 1},
		{Interval: sec, Tolerance: sec, Cost: 0},
		{Interval: sec, Tolerance: sec, Cost: math.MinInt64},
		{Interval: 0, Tolerance: sec, Cost: math.MaxInt64},
		{Interval: math.MaxInt64, Tolerance: math.MaxInt64, Cost: 1},
	} {
		c.Key = uint64(i)
		b.expect("met", b.count(10, start, c), 1)
	}
}

func dearer(b *bench) {
	c := budget(1, ms, 1000)
	b.count(1000, start, c)
	for _, by := range []int64{2, 5, 100, 1000} {
		c.Interval = by * ms
		b.expect("met at a higher price on a spent budget", b.count(2, start, c), 0)
	}
	c.Interval = 100 * ms
	b.expect("met at a hundredfold price when whole again", b.count(20, start+2*sec, c), 10)
}

func contention(b *bench) {
	const callers, calls, burst = 64, 25, 100
	var met atomic.Int64
	atOnce(callers, func(int) {
		for range calls {
			c := [1]limit.Claim{budget(7, 3600*sec, burst)}
			if b.store.Take(start, c[:]) {
				met.Add(1)
			}
		}
	})
	b.expect("met", int(met.Load()), burst)
}

func sharedContention(b *bench) {
	const callers, calls, burst = 32, 40, 60
	var met [4]atomic.Int64
	atOnce(callers, func(i int) {
		for n := range calls {
			x, y := (i+n)%4, (i+n+1+n%3)%4
			claims := [2]limit.Claim{budget(uint64(x), 3600*sec, burst), budget(uint64(y), 3600*sec, burst)}
			if b.store.Take(start, claims[:]) {
				met[x].Add(1)
				met[y].Add(1)
			}
		}
	})
	for k := range met {
		n := met[k].Load() + int64(b.count(burst+1, start, budget(uint64(k), 3600*sec, burst)))
		if n > burst {
			b.Errorf("key %d: %d met, its burst is %d", k, n, burst)
		}
	}
}

// atOnce runs f in n goroutines that start at once.
func atOnce(n int, f func(i int)) {
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-gate
			f(i)
		})
	}
	close(gate)
	wg.Wait()
}
