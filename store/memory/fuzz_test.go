package memory

import (
	"encoding/binary"
	"testing"

	"glacis/decide/limit"
)

// FuzzTake plays hostile claims and clocks against a store of 32 slots. Whatever they are, answers are in range, nothing is admitted
// that a budget at rest would not pay, and a key asked twice at one moment never gets more than its burst.
func FuzzTake(f *testing.F) {
	f.Add([]byte("\x01\x01\x00\x00\x00\x00\x00\x00\x00\x01\x10\x01"))
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := New(Config{Keys: 1})
		if err != nil {
			t.Fatal(err)
		}
		now := int64(1e18)
		for range 200 {
			if len(in) < 26 {
				return
			}
			number := func() int64 { // wide and narrow numbers alike
				n := int64(binary.LittleEndian.Uint64(in)) >> (in[8] % 64)
				in = in[8:]
				return n
			}
			claims := make([]limit.Claim, in[0]%3+1)
			now += number()
			shape := limit.Claim{Interval: number(), Tolerance: number(), Cost: int64(in[0])}
			for i := range claims {
				claims[i] = shape
				claims[i].Key = uint64(in[1]) + uint64(i)
			}
			in = in[2:]
			checkHostile(t, s, now, claims)
			if in = in[min(len(in), 2):]; len(in) > 0 && in[0] == 0 {
				s.Scrub(now)
			}
		}
	})
}

func checkHostile(t *testing.T, s *Store, now int64, claims []limit.Claim) {
	most := int64(1 << 40)
	for i := range claims {
		g := claims[i].GCRA()
		most = min(most, g.Tolerance/g.Price(claims[i].Cost))
	}
	for n := int64(0); n < 20; n++ {
		met := s.Take(now, claims)
		if met && n >= most {
			t.Fatalf("met %d times at once, the budget holds %d: %+v", n+1, most, claims)
		}
		waits := false
		for _, c := range claims {
			waits = waits || c.Wait > 0
			if c.Wait < 0 || c.Debt < 0 || c.Debt > c.GCRA().Tolerance {
				t.Fatalf("out of range at %d: %+v", now, c)
			}
		}
		if met == waits {
			t.Fatalf("met %v and told to wait %v: %+v", met, waits, claims)
		}
		if !met {
			return
		}
	}
}
