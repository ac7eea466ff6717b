package memory

import (
	"fmt"
	"testing"

	"glacis/decide/limit"
)

// BenchmarkTake charges with the clock passed in, as the gate does; allowed and refused calls alternate with the rate. Twenty keys a
// microsecond, each on a rate of 120/m, are mostly dead when met again at few keys and alive at many.
func BenchmarkTake(b *testing.B) {
	for _, keys := range []int{1, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) { take(b, keys, 1) })
	}
	b.Run("keys=100000/claims=4", func(b *testing.B) { take(b, 100_000, 4) })
	b.Run("keys=1000000/claims=4", func(b *testing.B) { take(b, 1_000_000, 4) })
}

func take(b *testing.B, keys, claims int) {
	s, err := New(Config{Keys: max(1<<20, keys)})
	if err != nil {
		b.Fatal(err)
	}
	const interval, burst = 500e6, 40
	order := make([]uint32, 1<<20) // drawn before, so that the loop measures Take
	seed := uint64(1)
	for i := range order {
		seed = seed*6364136223846793005 + 1442695040888963407
		order[i] = uint32((seed >> 33) % uint64(keys))
	}
	room := make([]limit.Claim, claims)
	call := func(i int, now int64) {
		for j := range room {
			k := uint64(order[(i*claims+j)&(len(order)-1)])
			room[j] = limit.Claim{Key: k<<2 | uint64(j), Interval: interval, Tolerance: burst * interval, Cost: 1}
		}
		s.Take(now, room)
	}
	now := int64(1e18)
	for i := range len(order) {
		call(i, now)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		now += 50
		call(i, now)
	}
	b.StopTimer()
	b.ReportMetric(float64(s.Stats(now).Bytes)/float64(max(1<<20, keys)), "B/key")
}
