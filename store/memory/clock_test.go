package memory

import (
	"math"
	"testing"
)

const (
	second = int64(1e9)
	hour   = 3600 * second
	days   = 24 * hour
)

// spend takes a whole burst and says how much was left of it.
func spend(s *Store, now int64, key uint64, interval, burst int64) (met int64) {
	for ok := true; ok; {
		if ok, _ = one(s, now, key, interval, burst); ok {
			met++
		}
	}
	return met
}

func TestClockSetBack(t *testing.T) {
	for _, back := range []int64{2 * hour, 5 * hour, 30 * hour, 40 * days, 3650 * days} {
		for _, b := range []struct{ interval, burst int64 }{{second, 10}, {100, 5}, {hour / 2, 6}, {hour, 10}} {
			s, now := open(t, 100), 20_000*days
			spend(s, now, 1, b.interval, b.burst)
			now -= back
			ok, c := one(s, now, 1, b.interval, b.burst)
			if ok && back < 39*hour { // beyond that it may have wrapped around and look dead
				t.Errorf("set back by %d h: spent budgets were forgotten", back/hour)
			}
			if c.Wait > b.interval+1024 && back > b.interval*b.burst+hour {
				t.Errorf("set back by %d h: a budget of %d/%d ns waits %d", back/hour, b.burst, b.interval, c.Wait)
			}
			if back <= b.interval*b.burst+hour {
				continue
			}
			if ok, _ := one(s, now+c.Wait, 1, b.interval, b.burst); !ok {
				t.Errorf("set back by %d h: barred after the wait", back/hour)
			}
			if n := spend(s, now+2*b.interval*b.burst+1<<20, 1, b.interval, b.burst); n != b.burst {
				t.Errorf("set back by %d h: later %d of %d", back/hour, n, b.burst)
			}
		}
	}
}

func TestClockSetForward(t *testing.T) {
	for _, by := range []int64{hour, 38 * hour, 60 * hour, 200 * hour, 100 * days, 3650 * days} {
		s, now := open(t, 100), 20_000*days
		spend(s, now, 1, second, 10)
		spend(s, now, 2, hour, 10)
		now += by
		s.Scrub(now)
		for key, interval := range map[uint64]int64{1: second, 2: hour} {
			one(s, now, key, interval, 10)
			if n := spend(s, now+11*interval, key, interval, 10); n != 10 {
				t.Errorf("set forward by %d h: %d of 10 left after the budget's own time", by/hour, n)
			}
		}
	}
}

// Words wrap around after 78 hours and 104 days. Scrubbed daily, a budget not used for any time is whole.
func TestScrubOutlivesTheWrap(t *testing.T) {
	s, now := open(t, 100), 20_000*days
	spend(s, now, 1, second, 10)
	spend(s, now, 2, hour, 10)
	for day := range 250 {
		now += days
		if live := s.Scrub(now); live != 0 {
			t.Fatalf("%d live on day %d", live, day)
		}
		if day%9 == 0 {
			k := uint64(day + 100)
			if n := spend(s, now, k, second, 10); n != 10 {
				t.Fatalf("%d of 10 left for a new key on day %d", n, day)
			}
			if live := s.Scrub(now); live != 1 {
				t.Fatalf("%d live after one was spent", live)
			}
		}
	}
	if a, b := spend(s, now, 1, second, 10), spend(s, now, 2, hour, 10); a != 10 || b != 10 {
		t.Errorf("%d and %d of 10 left after 250 days", a, b)
	}
}

func TestScrubKeepsDebts(t *testing.T) {
	s, now := open(t, 1000), 20_000*days
	for k := range uint64(500) {
		spend(s, now, k, hour, 3)
	}
	if live := s.Scrub(now + hour); live != 500 {
		t.Errorf("%d live, want 500", live)
	}
	if st := s.Stats(now + hour); st.Live < 400 || st.Live > 600 || st.Overflow != 0 {
		t.Errorf("%+v", st)
	}
	for k := range uint64(500) {
		if ok, _ := one(s, now+hour-1, k, hour, 3); ok {
			t.Fatalf("key %d was forgotten", k)
		}
	}
	if live := s.Scrub(now + 4*hour); live != 0 {
		t.Errorf("%d live after all was worked off", live)
	}
}

func TestScrubClearsAnOverflowOfTheFuture(t *testing.T) {
	s, now := open(t, 1), 20_000*days
	for k := range uint64(200) {
		spend(s, now+3650*days, k, hour, 3)
	}
	s.Scrub(now)
	for k := range uint64(20) {
		if n := spend(s, now, 1000+k, second, 3); n != 3 {
			t.Fatalf("%d of 3 left for a new key after the clock was set back by ten years", n)
		}
	}
}

func TestEdgesOfTime(t *testing.T) {
	for _, now := range []int64{math.MinInt64, -1, 0, 1, math.MaxInt64 - 1, math.MaxInt64} {
		for _, interval := range []int64{1, second, 40 * days, math.MaxInt64} {
			s := open(t, 100)
			n := 0
			for range 5 {
				ok, c := one(s, now, 1, interval, 1)
				if ok {
					n++
				}
				if c.Debt < 0 || c.Wait < 0 || !ok && c.Wait == 0 {
					t.Errorf("at %d with an interval of %d: %+v", now, interval, c)
				}
			}
			if n != 1 {
				t.Errorf("at %d with an interval of %d: %d of 1 met", now, interval, n)
			}
		}
	}
}

// The operator changes a limit: the budget carries over, also between the ticks of the two scales, and a shorter one does not bar
// anybody for the time of a longer.
func TestLimitIsChanged(t *testing.T) {
	for _, c := range []struct {
		name                       string
		was, wasBurst, is, isBurst int64
		left                       int64 // of the new one, right after the old one was spent to 2 units
		longest                    int64 // wait of the new one
	}{
		{"dearer", second, 10, 2 * second, 10, 6, 2 * second},
		{"fine to coarse", 10 * 60 * second, 6, 1000 * second, 6, 3, 1000 * second},
		{"coarse to fine", 1000 * second, 6, 10 * 60 * second, 6, 0, 1000 * second},
		{"much shorter", 10 * hour, 6, second, 6, 0, second},
	} {
		s, now := open(t, 100), 20_000*days+77
		for range c.wasBurst - 2 {
			one(s, now, 1, c.was, c.wasBurst)
		}
		left := spend(s, now, 1, c.is, c.isBurst)
		_, last := one(s, now, 1, c.is, c.isBurst)
		if left > c.left || left < c.left-1 || last.Wait > c.longest+2048 {
			t.Errorf("%s: %d left, want %d; a wait of %d", c.name, left, c.left, last.Wait)
		}
	}
}
