package glacis

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// The clock keeps pace with time passing, follows a wall clock that was put forward, and ignores one that was put back.
func TestClockFollowsOnlyForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		if got, want := c.now(), time.Now().UnixNano(); got != want {
			t.Errorf("begins at %d, want %d", got, want)
		}
		time.Sleep(time.Minute)
		if got, want := c.now(), time.Now().UnixNano(); got != want {
			t.Errorf("%d after a minute, want %d", got, want)
		}
		for _, s := range []struct {
			wall, moved time.Duration // against the clock
			behind      bool
		}{
			{0, 0, false},
			{step, 0, false}, // drift
			{-step, 0, false},
			{time.Hour, time.Hour, false},
			{0, 0, false},
			{-time.Hour, 0, true},
			{-time.Hour, 0, false}, // said already
			{24 * time.Hour, 24 * time.Hour, false},
			{-2 * time.Hour, 0, false},
		} {
			before := c.now()
			behind := c.follow(time.Unix(0, before).Add(s.wall))
			if moved := time.Duration(c.now() - before); moved != s.moved || behind != s.behind {
				t.Errorf("a wall clock %v ahead moves it by %v and tells %v, want %v and %v", s.wall, moved, behind, s.moved, s.behind)
			}
		}
	})
}

// Whatever the wall clock does, time never steps back, and is never further behind than drift.
func TestClockNeverStepsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		last := c.now()
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			wall := time.Unix(0, last).Add(time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "gap")))
			c.follow(wall)
			now := c.now()
			if now < last {
				t.Fatalf("stepped back by %v", time.Duration(last-now))
			}
			if gap := wall.UnixNano() - now; gap > int64(step) {
				t.Fatalf("%v behind", time.Duration(gap))
			}
			last = now
		}
	})
}
