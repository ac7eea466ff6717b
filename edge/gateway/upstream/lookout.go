package upstream

import (
	"context"
	"sync"
	"time"
)

// lookoutAfter is how old an exchange is before anyone looks out for its client. Most are over by then, and
// context.AfterFunc for each of them would be the dearest step of rung B that is our own.
const lookoutAfter = 20 * time.Millisecond

// lookout sees to it that an exchange of rung B ends when its context does: one timer, which runs only while there are
// exchanges, binds those that take their time to their contexts.
type lookout struct {
	mu    sync.Mutex
	conns []*conn // under way; each knows its slot
	timer *time.Timer
	armed bool
}

// enter puts an exchange that begins now on the list.
func (l *lookout) enter(ctx context.Context, c *conn, now int64) {
	if c.watched = ctx.Done() != nil; !c.watched {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c.ctx, c.entered, c.slot = ctx, now, len(l.conns)
	l.conns = append(l.conns, c)
	if !l.armed {
		l.arm()
	}
}

// leave takes an exchange off the list and reports whether its connection is untouched: when false, abort has been
// called or will be.
func (l *lookout) leave(c *conn) bool {
	if !c.watched {
		return true
	}
	l.mu.Lock()
	last := len(l.conns) - 1
	l.conns[c.slot] = l.conns[last]
	l.conns[c.slot].slot = c.slot
	l.conns[last] = nil
	l.conns = l.conns[:last]
	stop := c.stop
	c.ctx, c.stop = nil, nil
	l.mu.Unlock()
	return stop == nil || stop()
}

// arm has the next look taken. l.mu is held.
func (l *lookout) arm() {
	l.armed = true
	if l.timer == nil {
		l.timer = time.AfterFunc(lookoutAfter, func() { l.look(time.Now().UnixNano()) })
		return
	}
	l.timer.Reset(lookoutAfter)
}

// look binds the exchanges that are old enough to their contexts.
func (l *lookout) look(now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		if c.stop == nil && now-c.entered >= int64(lookoutAfter) {
			c.stop = context.AfterFunc(c.ctx, c.abortFn)
		}
	}
	l.armed = false
	if len(l.conns) > 0 {
		l.arm()
	}
}
