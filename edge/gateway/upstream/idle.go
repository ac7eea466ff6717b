package upstream

import (
	"sync"
	"time"
)

// idle is the stack of a target's unused connections: the last one in is the first one out, so that a quiet hour lets
// the rest grow old and go. One timer serves them all.
type idle struct {
	limit int
	keep  time.Duration

	mu     sync.Mutex
	conns  []*conn // oldest first
	timer  *time.Timer
	armed  bool
	closed bool
}

func (s *idle) pop() *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.conns)
	if n == 0 {
		return nil
	}
	c := s.conns[n-1]
	s.conns[n-1] = nil
	s.conns = s.conns[:n-1]
	return c
}

// push reports whether the connection was taken.
func (s *idle) push(c *conn, now int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.conns) >= s.limit {
		return false
	}
	c.since = now
	s.conns = append(s.conns, c)
	if !s.armed {
		s.arm(s.keep)
	}
	return true
}

// arm has sweep called after d. s.mu is held.
func (s *idle) arm(d time.Duration) {
	s.armed = true
	if s.timer == nil {
		s.timer = time.AfterFunc(d, func() { s.sweep(time.Now().UnixNano()) })
		return
	}
	s.timer.Reset(d)
}

// sweep closes the connections that have been idle too long and comes back for the oldest of the others.
func (s *idle) sweep(now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := 0
	for old < len(s.conns) && now-s.conns[old].since >= int64(s.keep) {
		_ = s.conns[old].Close()
		old++
	}
	rest := copy(s.conns, s.conns[old:])
	clear(s.conns[rest:])
	s.conns = s.conns[:rest]
	s.armed = false
	if rest > 0 {
		s.arm(s.keep - time.Duration(now-s.conns[0].since))
	}
}

func (s *idle) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
}

func (s *idle) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}
