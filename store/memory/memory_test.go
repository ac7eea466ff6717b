package memory

import (
	"math"
	"strings"
	"testing"
	"unsafe"

	"glacis/decide/limit"
	"glacis/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) limit.Store { return open(t, 10_000) })
}

func open(t testing.TB, keys int) *Store {
	t.Helper()
	s, err := New(Config{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// one asks for one unit of one budget.
func one(s *Store, now int64, key uint64, interval, burst int64) (bool, limit.Claim) {
	c := [1]limit.Claim{{Key: key, Interval: interval, Tolerance: interval * burst, Cost: 1}}
	ok := s.Take(now, c[:])
	return ok, c[0]
}

func TestConfig(t *testing.T) {
	for _, keys := range []int{-1, maxKeys + 1, math.MinInt} {
		if _, err := New(Config{Keys: keys}); err == nil || !strings.Contains(err.Error(), "out of range") {
			t.Errorf("%d keys: %v", keys, err)
		}
	}
	for _, keys := range []int{1, 2, 1000, 1 << 16} {
		s := open(t, keys)
		if b := s.Stats(0); b.Slots*3/4 < keys || keys >= 1<<16 && b.Bytes > 16*keys {
			t.Errorf("%d keys: %+v", keys, b)
		}
		for i := range s.buckets {
			if uintptr(unsafe.Pointer(&s.buckets[i]))%64 != 0 {
				t.Fatalf("%d keys: bucket %d straddles two cache lines", keys, i)
			}
		}
	}
}

func TestTakeDoesNotAllocate(t *testing.T) {
	s := open(t, 1000)
	for _, n := range []int{0, 1, 4, 5, 16} {
		claims, now := make([]limit.Claim, n), int64(1e18)
		if allocs := testing.AllocsPerRun(200, func() {
			now += 1e6
			for i := range claims {
				claims[i] = limit.Claim{Key: uint64(i), Interval: 1e7, Tolerance: 1e8, Cost: 1}
			}
			s.Take(now, claims)
		}); allocs != 0 {
			t.Errorf("%d claims: %v allocations", n, allocs)
		}
	}
}
