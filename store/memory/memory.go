// Package memory keeps budgets in this process: fixed memory, one 64-bit word a key, one compare-and-swap a charge, no allocation and
// nothing the garbage collector walks. It is a limit.Store; it knows no rates, no requests and no clock, and shares with nobody.
//
// # The table
//
// A word is a tag of the key and a theoretical arrival time (TAT), see word.go. Words live in buckets of sixteen and a key may be
// in either of two. A word whose TAT has passed says exactly what an absent key says, so only such dead words are
// overwritten: a flood of new keys can never make the table forget a key that owes something. Nothing expires and nothing is swept;
// Scrub must run at least once a day because the times in the words wrap around.
//
// # The overflow tier
//
// A new key that finds both its buckets full of live words is counted by a sketch (overflow.go), which may charge it for others but
// never for less than it took. As soon as a slot is free the key moves into the table with its debt. When the sketch has no room left
// either, such a key is refused until a slot is free: what cannot be counted is not admitted.
//
// # What concurrency can do
//
// A request of several claims looks at all of them first and then charges one after the other. When a charge is lost to another
// request, those already made are given back, but only where nobody charged on top of them; otherwise, and in the overflow tier, they
// stay: the error is always on the strict side. Two calls with clocks apart may insert one new key twice; the later one sees it and
// withdraws, or else one charge is forgotten: at most one a key, when it is new.
//
// # Clocks
//
// A now that is behind only makes debts larger; a budget that was whole at a later now, though, may be whole at an earlier one too,
// because its slot was taken. A now that is behind by more than an hour over a budget's whole tolerance is taken for a
// clock that was set back: the debt becomes the full tolerance, counted from now, so nobody stays shut out for the size of the step.
package memory

import (
	"fmt"
	"math/bits"
	"sync/atomic"
	"unsafe"

	"glacis/decide/limit"
)

// Config is how much to remember.
type Config struct {
	Keys int `yaml:"keys" doc:"Budgets in debt at the same time that are kept exactly; 1048576 when 0. Takes 14 bytes each, once, at start; past one and a half times as many, new budgets are refused while a flood lasts."`
}

const (
	defaultKeys = 1 << 20
	maxKeys     = 1 << 30
)

// Store is the table and its overflow tier. It is safe for concurrent use.
type Store struct {
	buckets  []bucket
	overflow *overflow
	_        [64]byte // the fields above are only read
	crowded  atomic.Uint64
	refused  atomic.Uint64
}

var _ limit.Store = (*Store)(nil)

// New makes an empty store.
func New(c Config) (*Store, error) {
	if c.Keys == 0 {
		c.Keys = defaultKeys
	}
	if c.Keys < 0 || c.Keys > maxKeys {
		return nil, fmt.Errorf("keys: %d is out of range, 1 to %d", c.Keys, maxKeys)
	}
	slots := c.Keys * 3 / 2 // two full buckets become likely beyond four fifths of them
	return &Store{buckets: make([]bucket, max(2, (slots+ways-1)/ways)), overflow: newOverflow(c.Keys / 16)}, nil
}

// attempts bounds how often a call starts over because others took what it had seen.
const attempts = 8

// Take implements limit.Store. It allocates only when asked for more than 16 claims.
func (s *Store) Take(now int64, claims []limit.Claim) bool {
	switch n := len(claims); {
	case n <= 4: // most requests: less to clear
		var asks [4]ask
		return s.take(now, claims, asks[:n])
	case n <= 16:
		var asks [16]ask
		return s.take(now, claims, asks[:n])
	default:
		return s.take(now, claims, make([]ask, n))
	}
}

func (s *Store) take(now int64, claims []limit.Claim, asks []ask) bool {
	t := at(max(0, now)) // the overflow tier reads 0 as never charged; a clock before 1970 is at its start
	for i := range asks {
		asks[i].prepare(&claims[i])
	}
	for range attempts {
		if !s.peekAll(t, asks) {
			break
		}
		if s.chargeAll(t, asks) {
			s.answer(t, claims, asks, true)
			return true
		}
	}
	s.answer(t, claims, asks, false)
	return false
}

// peekAll looks at every budget and says whether all claims fit.
func (s *Store) peekAll(t moment, asks []ask) bool {
	fit := true
	for i := range asks {
		s.peek(t, &asks[i])
		fit = fit && asks[i].wait == 0
	}
	return fit
}

// chargeAll charges every claim or none. The last claim goes first: callers order from coarse to fine, a client that races itself
// loses on its own budget, and then the shared ones were not touched.
func (s *Store) chargeAll(t moment, asks []ask) bool {
	for i := len(asks) - 1; i >= 0; i-- {
		if s.charge(t, &asks[i]) {
			continue
		}
		for j := i + 1; j < len(asks); j++ {
			asks[j].giveBack()
		}
		return false
	}
	return true
}

// answer writes into the claims what was found or done.
func (s *Store) answer(t moment, claims []limit.Claim, asks []ask, charged bool) {
	for i := range asks {
		a := &asks[i]
		a.answer(t, &claims[i], charged)
		if a.crowded {
			s.crowded.Add(1)
			if a.wait > 0 {
				s.refused.Add(1)
			}
		}
	}
}

// Stats is what an operator watches.
type Stats struct {
	Slots    int    // budgets the table has room for; exact up to four fifths of them in debt
	Live     int    // budgets in debt, estimated from a sample
	Overflow uint64 // claims the overflow tier answered
	Refused  uint64 // and those of them it refused
	Bytes    int    // memory held, fixed
}

// Stats counts. It reads a sample of the table and takes microseconds.
func (s *Store) Stats(now int64) Stats {
	const sample = 512
	t, step, live, seen := at(now), max(1, len(s.buckets)/sample), 0, 0
	for i := 0; i < len(s.buckets); i += step {
		live += ways - s.buckets[i].dead(t)
		seen++
	}
	return Stats{
		Slots:    len(s.buckets) * ways,
		Live:     int(float64(live) / float64(seen) * float64(len(s.buckets))),
		Overflow: s.crowded.Load(), Refused: s.refused.Load(),
		Bytes: len(s.buckets)*int(unsafe.Sizeof(bucket{})) + s.overflow.bytes(),
	}
}

// Scrub empties every slot that is dead or holds a time no claim can have written, and returns how many are live. The owner calls it
// at least once a day, or words not used for 39 hours would look alive again. It may run beside Take.
func (s *Store) Scrub(now int64) (live int) {
	t := at(now)
	for i := range s.buckets {
		for j := range s.buckets[i] {
			p := &s.buckets[i][j]
			w := word(p.Load())
			if w.live(t) {
				live++
			} else if w != 0 {
				p.CompareAndSwap(uint64(w), 0)
			}
		}
	}
	s.overflow.scrub(t)
	return live
}

// mixed spreads the key over all bits, so that a caller's weak hash does not fill one bucket (the finaliser of MurmurHash3, Appleby;
// it is a permutation: distinct keys stay distinct).
func mixed(k uint64) uint64 {
	k = (k ^ k>>33) * 0xff51afd7ed558ccd
	k = (k ^ k>>33) * 0xc4ceb9fe1a85ec53
	return k ^ k>>33
}

// within maps a hash to 0..n-1 by its high bits (Lemire, "Fast random integer generation in an interval", 2019).
func within(h uint64, n int) int {
	hi, _ := bits.Mul64(h, uint64(n))
	return int(hi)
}
