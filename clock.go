package glacis

import (
	"sync/atomic"
	"time"
)

// clock tells nanoseconds since the Unix epoch and never steps back: a limit must neither forget nor punish because somebody set the
// system clock. It runs on the monotonic clock and follows the wall clock only forward.
type clock struct {
	start  time.Time
	base   int64
	ahead  atomic.Int64 // added since start, to follow the wall
	warned bool         // owned by the goroutine that calls follow
}

// step is how far the clocks must differ to be more than drift.
const step = time.Second

func newClock() *clock {
	now := time.Now()
	return &clock{start: now, base: now.UnixNano()}
}

func (c *clock) now() int64 { return c.base + int64(time.Since(c.start)) + c.ahead.Load() }

// follow catches up with a wall clock that is ahead, and tells, once, when the wall clock stepped back.
func (c *clock) follow(wall time.Time) (behind bool) {
	gap := wall.UnixNano() - c.now()
	if gap > int64(step) {
		c.ahead.Add(gap)
	}
	behind = gap < -int64(step) && !c.warned
	c.warned = c.warned || behind
	return behind
}
