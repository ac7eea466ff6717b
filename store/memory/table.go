package memory

import "sync/atomic"

// ways is the number of words in a bucket: two neighbouring cache lines. A key looks into one line first and, when it came while there
// was a slot, stays there. With one line a bucket, keys that come and go overflow from 65 % of the slots in debt on, 2 % of them at 80 %;
// with two it is 0.005 % at 80 %.
const ways = 16

type bucket [ways]atomic.Uint64

// dead counts the slots that may be overwritten.
func (b *bucket) dead(t moment) (n int) {
	for i := range b {
		if !word(b[i].Load()).live(t) {
			n++
		}
	}
	return n
}

// homes are the two buckets a key may be in.
func (s *Store) homes(key uint64) (*bucket, *bucket) {
	n := len(s.buckets)
	i, j := within(key, n), within(key*0x9e3779b97f4a7c15, n)
	if i == j {
		if j++; j == n {
			j = 0
		}
	}
	return &s.buckets[i], &s.buckets[j]
}

// find returns the key's slot and true, or else a slot it may take, or nil when both buckets are full of others' debts. Everyone
// walks a key's slots in the same order, so two who insert one key at once meet in one slot.
func (s *Store) find(t moment, key uint64) (slot *atomic.Uint64, seen word, ours bool) {
	tag, start := tagOf(key), int(key>>19)
	b, c := s.homes(key)
	for i := range ways {
		p := &b[(i^start)&(ways-1)]
		if w := word(p.Load()); (w^tag)&tagMask == 0 {
			return p, w, true
		}
	}
	for i := range ways {
		p := &c[(i^start)&(ways-1)]
		if w := word(p.Load()); (w^tag)&tagMask == 0 {
			return p, w, true
		}
	}
	if c.dead(t) > b.dead(t) {
		b = c
	}
	for i := range ways {
		p := &b[(i^start)&(ways-1)]
		if w := word(p.Load()); !w.live(t) {
			return p, w, false
		}
	}
	return nil, 0, false
}

// twin says whether the key is in another slot too.
func (s *Store) twin(key uint64, slot *atomic.Uint64) bool {
	tag := tagOf(key)
	b, c := s.homes(key)
	for i := range ways {
		for _, p := range [2]*atomic.Uint64{&b[i], &c[i]} {
			if p != slot && (word(p.Load())^tag)&tagMask == 0 {
				return true
			}
		}
	}
	return false
}

// peek looks up the budget and says in a.wait whether the claim fits. It writes only what leaves the debt as it is or mends it after
// a clock was set back.
func (s *Store) peek(t moment, a *ask) {
	for {
		a.slot, a.seen, a.ours = s.find(t, a.key)
		if a.ours {
			a.debt = a.scale.from(a.seen.scale(), max(0, a.seen.debt(t)))
			if a.debt <= a.gcra.Tolerance+setBack>>shifts[a.scale] {
				break
			}
			a.slot.CompareAndSwap(uint64(a.seen), uint64(a.owing(t, a.gcra.Tolerance)))
			continue
		}
		a.debt = s.overflow.debt(t, a.scale, a.key)
		if a.slot == nil || a.debt == 0 {
			break
		}
		s.moveIn(t, a)
	}
	if a.slot == nil {
		a.crowded = true
		if !s.overflow.room(t) && !s.overflow.knows(a.key) {
			a.debt = a.gcra.Tolerance // as if spent: try again when a unit would be back
		}
	}
	a.wait = a.gcra.Wait(a.debt, a.price)
}

// moveIn brings a key with its debt from the overflow tier into the table, where it drains undisturbed by others.
func (s *Store) moveIn(t moment, a *ask) {
	a.crowded = true
	s.overflow.mu.Lock()
	defer s.overflow.mu.Unlock()
	if slot, w, ours := s.find(t, a.key); slot != nil && !ours {
		owed := min(s.overflow.debt(t, a.scale, a.key), a.gcra.Tolerance)
		slot.CompareAndSwap(uint64(w), uint64(a.owing(t, owed)))
	}
}

// charge takes the price if the claim still fits. What it finds changed it looks at again; each such turn is another call's success.
func (s *Store) charge(t moment, a *ask) bool {
	for a.wait == 0 {
		var done bool
		switch {
		case a.slot == nil:
			done = s.chargeOverflow(t, a)
		case a.ours:
			a.after = a.owing(t, a.debt+a.price)
			done = a.slot.CompareAndSwap(uint64(a.seen), uint64(a.after))
		default:
			done = s.insert(t, a)
		}
		if done {
			return true
		}
		s.peek(t, a)
	}
	return false
}

// insert puts a new key into a dead slot. While the overflow tier holds debts it does so under its lock, so that no charge made there at
// the same time is left behind.
func (s *Store) insert(t moment, a *ask) bool {
	if s.overflow.live(t) {
		s.overflow.mu.Lock()
		defer s.overflow.mu.Unlock()
		if s.overflow.debt(t, a.scale, a.key) > 0 {
			return false
		}
	}
	a.after = a.owing(t, a.price)
	if !a.slot.CompareAndSwap(uint64(a.seen), uint64(a.after)) {
		return false
	}
	return !s.twin(a.key, a.slot) || !a.slot.CompareAndSwap(uint64(a.after), 0)
}

// chargeOverflow charges the overflow tier, unless the key has found a slot meanwhile.
func (s *Store) chargeOverflow(t moment, a *ask) bool {
	s.overflow.mu.Lock()
	defer s.overflow.mu.Unlock()
	if slot, _, _ := s.find(t, a.key); slot != nil {
		return false
	}
	a.debt = s.overflow.debt(t, a.scale, a.key)
	return a.gcra.Wait(a.debt, a.price) == 0 && s.overflow.charge(t, a.scale, a.key, a.debt+a.price)
}
