package memory

import (
	"testing"

	"glacis/decide/limit"
)

// The moments between looking and charging, one by one: what races can do, without a race.

func TestAKeyInsertedTwiceIsWithdrawn(t *testing.T) {
	s, clock := open(t, 100), at(20_000*days)
	claim := limit.Claim{Key: 9, Interval: second, Tolerance: 3 * second, Cost: 1}
	var late ask
	late.prepare(&claim)
	s.peek(clock, &late) // it has seen no such key, and a slot to take
	claims := []limit.Claim{claim}
	s.Take(clock.ns, claims)
	b, c := s.homes(late.key)
	for i := range b { // another slot than the one the key got meanwhile
		if word(b[i].Load()) == 0 {
			late.slot, late.seen = &b[i], 0
		}
	}
	if s.insert(clock, &late) {
		t.Fatal("inserted beside itself")
	}
	n := 0
	for i := range b {
		for _, w := range []word{word(b[i].Load()), word(c[i].Load())} {
			if (w^tagOf(late.key))&tagMask == 0 {
				n++
			}
		}
	}
	if n != 1 {
		t.Errorf("the key is in %d slots", n)
	}
	if !s.charge(clock, &late) || late.debt != late.price {
		t.Errorf("charged on a debt of %d, want %d", late.debt, late.price)
	}
}

func TestGiveBack(t *testing.T) {
	s, clock := open(t, 100), at(20_000*days)
	claim := limit.Claim{Key: 9, Interval: second, Tolerance: 3 * second, Cost: 1}
	take := func() *ask {
		a := new(ask)
		a.prepare(&claim)
		s.peek(clock, a)
		if !s.charge(clock, a) {
			t.Fatal("refused")
		}
		return a
	}
	take().giveBack()
	if n := spend(s, clock.ns, 9, second, 3); n != 3 {
		t.Errorf("%d of 3 left after a charge was given back", n)
	}
	claim.Key = 10
	first := take()
	take()
	first.giveBack() // another charged on top: it stays
	if n := spend(s, clock.ns, 10, second, 3); n != 1 {
		t.Errorf("%d of 3 left, want 1", n)
	}
}

func TestLosingTheSecondChargeGivesBackTheFirst(t *testing.T) {
	s, clock := open(t, 100), at(20_000*days)
	claims := []limit.Claim{{Key: 1, Interval: second, Tolerance: 3 * second, Cost: 1}, {Key: 2, Interval: second, Tolerance: 3 * second, Cost: 1}}
	for lost := range claims {
		asks := make([]ask, len(claims))
		for i := range asks {
			asks[i].prepare(&claims[i])
		}
		if !s.peekAll(clock, asks) {
			t.Fatal("refused on whole budgets")
		}
		spend(s, clock.ns, claims[lost].Key, second, 3) // by somebody else
		if s.chargeAll(clock, asks) {
			t.Fatal("charged a spent budget")
		}
		if n := spend(s, clock.ns, claims[1-lost].Key, second, 3); n != 3 {
			t.Errorf("%d of 3 left of the other budget", n)
		}
		clock = at(clock.ns + hour)
	}
}

func TestAChargeInTheOverflowTierIsNotLeftBehind(t *testing.T) {
	s, clock := open(t, 100), at(20_000*days)
	claim := limit.Claim{Key: 9, Interval: second, Tolerance: 3 * second, Cost: 1}
	var a ask
	a.prepare(&claim)
	s.peek(clock, &a) // nothing owed, a slot free
	if s.overflow.charge(clock, a.scale, a.key, 3*a.price); s.insert(clock, &a) {
		t.Error("inserted without its debt")
	}
	if s.charge(clock, &a) {
		t.Error("charged beyond its burst")
	}
	if n := spend(s, clock.ns+second+100, 9, second, 3); n != 1 {
		t.Errorf("%d units an interval later, want 1", n)
	}
}

// Keys without a slot fill both generations of the filter: what they owe is not forgotten to make room for others.
func TestNoRoomIsMadeByForgetting(t *testing.T) {
	s, now := open(t, 1), 20_000*days
	met, in := [500]int64{}, 0
	for range 3 {
		for k := range met {
			met[k] += spend(s, now, uint64(k), hour, 3)
		}
		now += second
	}
	for k, n := range met {
		if n > 3 {
			t.Errorf("key %d was met %d times of 3", k, n)
		}
		in += int(min(n, 1))
	}
	if in < 32+48 || in == len(met) {
		t.Errorf("%d of %d keys came in, there is room for 32 and 64", in, len(met))
	}
	now += 4 * hour
	if n := spend(s, now, 1000, hour, 3); n != 3 {
		t.Errorf("%d of 3 left for a new key after all was worked off", n)
	}
}
