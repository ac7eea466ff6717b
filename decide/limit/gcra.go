package limit

import (
	"math"
	"math/bits"
)

// GCRA is the generic cell rate algorithm (ITU-T I.371, virtual scheduling) with integer prices. The whole state of a budget is one
// number, its theoretical arrival time (TAT): the moment at which nothing will be owed any more. In any interval of length L it
// admits at most Tolerance/Interval + floor(L/Interval) units.
//
// Both fields, every time, debt and price are in one unit, usually nanoseconds; stores may count in coarser ticks. A budget never
// seen is the same as one whose TAT has passed, so 0 will do. TAT never decreases, and a stale now makes the debt larger, never
// smaller: a clock read too early cannot mint. Everything saturates; nothing overflows.
type GCRA struct {
	Interval  int64 // per unit, >= 1 (T)
	Tolerance int64 // most debt at once, >= Interval (tau): burst * Interval
}

// Debt is how far tat lies ahead of now, never negative. It is also the time until the budget is whole again.
func Debt(tat, now int64) int64 {
	d := tat - now
	switch {
	case tat <= now:
		return 0
	case d < 0: // the distance does not fit
		return math.MaxInt64
	}
	return d
}

// Price is what cost units are charged: at least one unit, at most the whole tolerance, so that a budget at rest always pays.
func (g GCRA) Price(cost int64) int64 {
	hi, lo := bits.Mul64(uint64(max(1, cost)), uint64(g.Interval))
	if hi != 0 || lo > uint64(g.Tolerance) {
		return g.Tolerance
	}
	return int64(lo)
}

// Wait is the exact time after which the same price would be met if nobody else charged: 0 when it is met now, and with any shorter
// wait it is not.
func (g GCRA) Wait(debt, price int64) int64 {
	if debt <= g.Tolerance-price {
		return 0
	}
	return debt - (g.Tolerance - price)
}

// Charge takes price from the budget and returns its new TAT. When the price is not met the TAT comes back as it was: a refusal does
// not consume.
func (g GCRA) Charge(tat, now, price int64) (next int64, ok bool) {
	base := max(tat, now)
	if g.Wait(Debt(tat, now), price) > 0 || base > math.MaxInt64-price { // past the end of time nothing is granted
		return tat, false
	}
	return base + price, true
}

// Remaining is how many units could be taken at once with this debt.
func (g GCRA) Remaining(debt int64) int64 { return max(0, g.Tolerance-debt) / g.Interval }
