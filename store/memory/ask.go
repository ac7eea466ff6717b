package memory

import (
	"sync/atomic"

	"glacis/decide/limit"
)

// ask is one claim on its way: its arithmetic in ticks of its scale, and what was last seen of its budget.
type ask struct {
	key   uint64
	scale scale
	gcra  limit.GCRA
	price int64

	slot    *atomic.Uint64 // the budget's, or a dead one; nil when the overflow tier has it
	seen    word           // what was in the slot
	after   word           // what was put there
	ours    bool           // seen is this key's
	crowded bool           // the overflow tier had a say
	debt    int64
	wait    int64 // 0 when the claim fits
}

func (a *ask) prepare(c *limit.Claim) {
	g := c.GCRA()
	a.key, a.scale = mixed(c.Key), scaleFor(g.Tolerance)
	a.gcra = a.scale.ticks(g)
	a.price = a.gcra.Price(c.Cost)
}

// owing is the claim's word with a debt.
func (a *ask) owing(t moment, debt int64) word { return a.scale.owing(t, tagOf(a.key), debt) }

// giveBack takes a charge back if nobody charged on top of it. With others on top, part of it may have been worked off since, and to
// subtract it all would take from what they paid.
func (a *ask) giveBack() {
	if a.slot != nil {
		a.slot.CompareAndSwap(uint64(a.after), uint64(a.seen))
	}
}

// answer fills the claim; charged says that the price was taken.
func (a *ask) answer(t moment, c *limit.Claim, charged bool) {
	debt := a.debt
	if charged {
		debt += a.price
	}
	c.Debt, c.Wait, c.Overflow = a.nanos(c.GCRA(), debt), 0, a.crowded
	if a.wait > 0 {
		// Tick n begins for us 1 ns after tick n-1 ended, because now is rounded up.
		u := shifts[a.scale]
		c.Wait = (a.wait-1)<<u + 1 + -t.ns&(1<<u-1)
	}
}

// nanos tells a debt in ns so that the units left can be counted in the claim's own interval.
func (a *ask) nanos(g limit.GCRA, debt int64) int64 {
	if debt >= a.gcra.Tolerance {
		return g.Tolerance
	}
	units := debt / a.gcra.Interval
	rest := (debt - units*a.gcra.Interval) << shifts[a.scale]
	return min(units*g.Interval+min(rest, g.Interval), g.Tolerance)
}
