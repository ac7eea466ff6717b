package upstream

import (
	"sync/atomic"
	"time"
)

// health is what is known of a target's condition. Times are nanoseconds since the Unix epoch.
type health struct {
	up    atomic.Bool  // by the active check
	fails atomic.Int64 // consecutive failures of requests
	until atomic.Int64 // left out until then
	times int          // ejections in a row; guarded by Pool.ejecting
}

func (h *health) init() { h.up.Store(true) }

func (h *health) usable(now int64) bool { return h.up.Load() && h.until.Load() <= now }

// note takes in what became of a request at a target and leaves the target out when it has failed too often in a row.
func (p *Pool) note(now int64, t *target, kind Kind) {
	switch kind {
	case OK:
		if t.health.fails.Load() != 0 {
			t.health.fails.Store(0)
		}
	case Unreachable, Timeout, BadResponse:
		limit := int64(p.cfg.Ejection.Failures)
		if n := t.health.fails.Add(1); limit > 0 && n >= limit && len(p.targets) > 1 {
			p.eject(now, t)
		}
	}
}

// eject leaves a target out, for twice as long as the last time, unless half of the targets are out already. The count
// of failures stays: after its time a target is on probation, and one more failure sends it out again.
func (p *Pool) eject(now int64, t *target) {
	p.ejecting.Lock()
	defer p.ejecting.Unlock()
	h, e := &t.health, &p.cfg.Ejection
	until := h.until.Load()
	if until > now {
		return
	}
	out := 0
	for _, other := range p.targets {
		if other.health.until.Load() > now {
			out++
		}
	}
	if 2*(out+1) > len(p.targets) {
		return
	}
	if now-until > int64(e.AtMost) {
		h.times = 0
	}
	h.until.Store(now + int64(e.length(h.times)))
	h.times++
}

// length is how long the nth ejection in a row lasts, counted from 0.
func (e *Ejection) length(n int) time.Duration {
	d := e.For
	for ; n > 0 && d < e.AtMost; n-- {
		d *= 2
	}
	return min(d, e.AtMost)
}
