package memory

import (
	"sync"
	"sync/atomic"

	"glacis/decide/limit"
)

// overflow counts the keys that found no slot, in a count-min sketch (Cormode and Muthukrishnan, 2005) whose cells hold TATs instead of
// counts: a key owes until the earliest of its four cells. No cell is ever earlier than the TAT of a key that shares it, so a key may
// be charged for others, never for less than it took, and debts end by themselves. Cells are raised only as far as the charged key needs
// (conservative update, Estan and Varghese, 2002).
//
// A sketch alone does not survive a flood: newcomers are charged for others, which makes them look like debtors, whose charges make the
// next ones look so, until all are refused. Two things prevent it. A Bloom filter remembers who is here, so that others are not asked
// what the cells say; and the keys here are bounded by what the cells can tell apart: when there is no room, a newcomer without a slot
// is refused and leaves no trace. The filter has two generations; the older is emptied when all it knew has been worked off.
//
// Everything is written under the lock and read without it.
type overflow struct {
	mu      sync.Mutex
	cells   [hashes][]atomic.Int64 // TATs in fine ticks
	gens    [2]generation
	current atomic.Uint32 // of gens, takes newcomers
	until   atomic.Int64  // ns; nothing is owed for longer
}

const hashes = 4

// generation is a Bloom filter at 16 bits a key: one stranger in 400 is taken for known.
type generation struct {
	bits  []atomic.Uint64
	most  int64
	keys  atomic.Int64
	until atomic.Int64 // ns; none of its keys owes for longer
}

// newOverflow makes room for the given number of keys in debt, at 18 bytes each and as many cells a row, rounded up.
func newOverflow(keys int) *overflow {
	o := new(overflow)
	keys = max(64, keys)
	all := make([]atomic.Int64, hashes*keys)
	for i := range o.cells {
		o.cells[i] = all[i*keys : (i+1)*keys]
	}
	for i := range o.gens {
		o.gens[i].most = int64(keys / 2)
		o.gens[i].bits = make([]atomic.Uint64, keys/8)
	}
	return o
}

func (o *overflow) bytes() int { return 8 * (hashes*len(o.cells[0]) + 2*len(o.gens[0].bits)) }

// hash of a key for a row (double hashing: Kirsch and Mitzenmacher, 2006).
func hash(key uint64, row int) uint64 { return key + uint64(row+1)*(mixed(key)|1) }

func (g *generation) bit(key uint64, row int) (*atomic.Uint64, uint64) {
	i := within(hash(key, row), len(g.bits)*64)
	return &g.bits[i/64], 1 << (i % 64)
}

func (g *generation) knows(key uint64) bool {
	for row := range hashes {
		if p, bit := g.bit(key, row); p.Load()&bit == 0 {
			return false
		}
	}
	return true
}

func (g *generation) add(key uint64) {
	g.keys.Add(1)
	for row := range hashes {
		p, bit := g.bit(key, row)
		p.Or(bit)
	}
}

func (g *generation) clear() {
	for i := range g.bits {
		g.bits[i].Store(0)
	}
	g.keys.Store(0)
	g.until.Store(0)
}

func (g *generation) full() bool { return g.keys.Load() >= g.most }

// live says whether anything can be owed here.
func (o *overflow) live(t moment) bool { return o.until.Load() > t.ns }

// knows says whether the key may be here.
func (o *overflow) knows(key uint64) bool { return o.gens[0].knows(key) || o.gens[1].knows(key) }

// room says whether a newcomer may come.
func (o *overflow) room(t moment) bool {
	i := o.current.Load()
	return !o.gens[i].full() || o.gens[1-i].until.Load() <= t.ns
}

// debt is what the key owes at most, in ticks of s.
func (o *overflow) debt(t moment, s scale, key uint64) int64 {
	if !o.live(t) || !o.knows(key) {
		return 0
	}
	least := o.cells[0][within(hash(key, 0), len(o.cells[0]))].Load()
	for row := 1; row < hashes; row++ {
		least = min(least, o.cells[row][within(hash(key, row), len(o.cells[row]))].Load())
	}
	return s.from(fine, limit.Debt(least, t.fineTick(s)))
}

// home is the generation that answers for the key from now on; nil when there is no room.
func (o *overflow) home(t moment, key uint64) *generation {
	i := o.current.Load()
	now, old := &o.gens[i], &o.gens[1-i]
	if now.knows(key) {
		return now
	}
	if now.full() && old.until.Load() <= t.ns {
		old.clear()
		o.current.Store(1 - i)
		now, old = old, now
	}
	switch {
	case !now.full():
		now.add(key)
		return now
	case old.knows(key):
		return old
	}
	return nil
}

// charge makes the key owe at least debt ticks of s; false when there is no room for it. The caller holds the lock.
func (o *overflow) charge(t moment, s scale, key uint64, debt int64) bool {
	g := o.home(t, key)
	if g == nil {
		return false
	}
	until := t.ns + debt<<shifts[s]
	g.until.Store(max(g.until.Load(), until))
	o.until.Store(max(o.until.Load(), until))
	tat := t.fineTick(s) + debt<<(shifts[s]-shifts[fine])
	for row := range hashes {
		c := &o.cells[row][within(hash(key, row), len(o.cells[row]))]
		c.Store(max(c.Load(), tat))
	}
	return true
}

// scrub drops what is further ahead than any debt can be: the clock was set back.
func (o *overflow) scrub(t moment) {
	o.mu.Lock()
	defer o.mu.Unlock()
	most := longest[coarse] + setBack
	for row := range o.cells {
		for i := range o.cells[row] {
			if c := &o.cells[row][i]; limit.Debt(c.Load(), t.tick[fine]) > most>>shifts[fine] {
				c.Store(0)
			}
		}
	}
	for i := range o.gens {
		if limit.Debt(o.gens[i].until.Load(), t.ns) > most {
			o.gens[i].clear()
		}
	}
	if limit.Debt(o.until.Load(), t.ns) > most {
		o.until.Store(max(o.gens[0].until.Load(), o.gens[1].until.Load()))
	}
}
