package memory

import (
	"time"

	"glacis/decide/limit"
)

// word is one budget: 1 bit scale, 19 bits tag, 44 bits TAT in ticks of the scale, modulo 2^44. The zero word is an empty slot; tags
// are never 0. A tag is that of another live word in its two buckets once in 25 000 new keys; then two keys share one
// budget. Keys are hashed with a secret, so nobody can aim.
type word uint64

const (
	timeBits = 44
	tagMask  = word(1<<63 - 1<<timeBits)
	scaleBit = 63
)

// scale is the tick a budget is counted in, by its tolerance alone: a claim that makes units dearer stays in its word.
type scale uint8

const (
	fine   scale = iota // ticks of 16 ns, tolerances to an hour; wraps after 78 h
	coarse              // ticks of 512 ns, tolerances to 45 days; wraps after 104 days
)

// shifts, the longest tolerance a scale holds (in ns) and the furthest TAT that can be real (in ticks): what lies beyond is left from
// a clock that was set back, or a time that wrapped around.
var (
	shifts   = [2]uint{4, 9}
	longest  = [2]int64{int64(time.Hour), 45 * 24 * int64(time.Hour)}
	furthest = [2]int64{(longest[fine] + setBack) >> 4, (longest[coarse] + setBack) >> 9}
)

// setBack is the excess of a debt over its tolerance that means the clock was set back. It is larger than any delay between reading
// the clock and asking the store, which a slow sender can stretch at will.
const setBack = int64(time.Hour)

func scaleFor(tolerance int64) scale {
	if tolerance <= longest[fine] {
		return fine
	}
	return coarse
}

// moment is one now: in ns and, rounded up, in ticks of both scales.
type moment struct {
	ns   int64
	tick [2]int64
}

func at(ns int64) moment {
	return moment{ns, [2]int64{ns>>4 + (ns&15+15)>>4, ns>>9 + (ns&511+511)>>9}}
}

// fineTick is now in fine ticks, rounded up to a tick of s.
func (t moment) fineTick(s scale) int64 { return t.tick[s] << (shifts[s] - shifts[fine]) }

// scale of the word.
func (w word) scale() scale { return scale(w >> scaleBit) }

// debt is how many ticks the TAT lies ahead, negative when it has passed.
func (w word) debt(t moment) int64 {
	return int64((uint64(w)-uint64(t.tick[w>>scaleBit]))<<(64-timeBits)) >> (64 - timeBits)
}

// live says that the word holds a debt. Everything else may be overwritten.
func (w word) live(t moment) bool { return w != 0 && uint64(w.debt(t)-1) < uint64(furthest[w.scale()]) }

// tagOf is the key's tag, in place.
func tagOf(key uint64) word {
	tag := word(key) << timeBits & tagMask
	if tag == 0 {
		tag = 1 << timeBits
	}
	return tag
}

// owing is the word that owes debt ticks from now on.
func (s scale) owing(t moment, tag word, debt int64) word {
	return word(s)<<scaleBit | tag | word(t.tick[s]+debt)&(1<<timeBits-1)
}

// ticks is g counted in ticks, never admitting more. Times are rounded up to ticks, which can move one arrival a whole tick closer to
// the next than it was; an interval longer by a tick, and rounded up, makes good for that:
//
//	k*(T+u-1) <= k*T' <= L+u-1  implies  k*T <= L  for every k >= 1,
//
// where u is the tick, T' the interval kept and L the time in which k units more than the burst were admitted. The tolerance holds as
// many of the longer intervals, so a whole burst still fits. The rate is low by at most 2u/T: at 16 ns 3 % at a million units a second
// and 0.003 % at a thousand. Where claims of one key differ in interval, the units of the shortest are what is bounded.
func (s scale) ticks(g limit.GCRA) limit.GCRA {
	u, edge := shifts[s], int64(1)<<shifts[s]-1
	tolerance := min(g.Tolerance, longest[s])
	interval := min(g.Interval, tolerance)
	kept := (interval + 2*edge) >> u
	burst := tolerance / interval
	most := (longest[s] + 2*edge) >> u // a burst of more ticks than the word can hold is cut
	return limit.GCRA{Interval: kept, Tolerance: min(burst*kept+(tolerance-burst*interval)>>u, most)}
}

// from converts a debt of the other scale, rounding up.
func (s scale) from(other scale, debt int64) int64 {
	switch {
	case s == other:
		return debt
	case s == fine:
		return debt << (shifts[coarse] - shifts[fine])
	}
	by := shifts[coarse] - shifts[fine]
	return (debt + 1<<by - 1) >> by
}
