//go:build linux

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"glacis/bench/poll"
)

// plan is a load: every connection asks once in connections/rate seconds, begun at a moment of its own that is the same in every run,
// so that all servers are sent the same bunches and gaps.
type plan struct {
	to          netip.AddrPort
	request     []byte
	rate        float64
	connections int
	warm, span  time.Duration
}

// patience is how long the last answers are waited for.
const patience = time.Second

// phases are the moments within one interval at which connections ask, in order.
func (p plan) phases(interval time.Duration) []time.Duration {
	random := rand.New(rand.NewPCG(1, uint64(p.connections)))
	phases := make([]time.Duration, p.connections)
	for i := range phases {
		phases[i] = time.Duration(random.Int64N(int64(interval)))
	}
	slices.Sort(phases)
	return phases
}

// load is a run under way. Times count from its beginning.
type load struct {
	plan
	interval  time.Duration
	phases    []time.Duration
	poller    *poll.Poller
	by        map[int]*connection // by socket
	all       []*connection
	begun     time.Time
	sent      int // requests that became due so far, sent or waiting
	asked     int // of these, the ones that are measured
	latencies []time.Duration
	late      []time.Duration
	buffer    [64 << 10]byte
}

func (p plan) run() (r Report, err error) {
	l := &load{plan: p, interval: time.Duration(float64(p.connections) / p.rate * 1e9), by: map[int]*connection{}}
	l.phases = p.phases(l.interval)
	expected := int(p.rate*p.span.Seconds()*1.1) + 1
	l.latencies, l.late = make([]time.Duration, 0, expected), make([]time.Duration, 0, expected)
	if l.poller, err = poll.New(); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	for range p.connections {
		if err := l.connect(); err != nil {
			return r, err
		}
	}
	if err := l.loop(); err != nil {
		return r, err
	}
	return report(l.latencies, l.late, l.asked-len(l.latencies), p.span), nil
}

func (l *load) connect() error {
	fd, err := poll.Dial(l.to)
	if err != nil {
		return err
	}
	c := &connection{fd: fd}
	l.by[fd] = c
	l.all = append(l.all, c)
	return l.poller.Add(fd)
}

func (l *load) close() error {
	err := l.poller.Close()
	for fd := range l.by {
		err = errors.Join(err, syscall.Close(fd))
	}
	return err
}

// due is when the n-th request of all is due.
func (l *load) due(n int) time.Duration {
	return l.phases[n%l.connections] + time.Duration(n/l.connections)*l.interval
}

func (l *load) now() time.Duration { return time.Since(l.begun) }

// loop sends what is due and takes what has come, until the time is over and everything is answered or waited for in vain.
func (l *load) loop() error {
	l.begun = time.Now()
	end := l.warm + l.span
	for {
		now := l.now()
		for l.due(l.sent) < end && l.due(l.sent) <= now {
			l.ask(l.sent, now)
			l.sent++
		}
		wait := l.due(l.sent) - now
		if l.due(l.sent) >= end {
			if wait = end + patience - now; wait <= 0 || l.idle() {
				return nil
			}
		}
		ready, err := l.poller.Wait(wait)
		if err != nil {
			return err
		}
		for _, fd := range ready {
			l.take(l.by[fd])
		}
		if len(l.by) == 0 {
			return fmt.Errorf("%v closed every connection", l.to)
		}
	}
}

func (l *load) idle() bool {
	return !slices.ContainsFunc(l.all, func(c *connection) bool { return !c.broken && len(c.queue) > 0 })
}

// ask sends the n-th request on its connection, or lets it wait there for the answer to the one before.
func (l *load) ask(n int, now time.Duration) {
	c, due := l.all[n%l.connections], l.due(n)
	r := request{since: due, measured: due >= l.warm}
	if r.measured {
		l.asked++
	}
	if c.broken {
		return // and so never answered
	}
	if len(c.queue) > 0 {
		c.queue = append(c.queue, r)
		return
	}
	// The connection was free: this request leaves late only through this program's fault, and counts from when it left.
	if r.measured {
		l.late = append(l.late, now-due)
	}
	r.since = l.now()
	c.queue = append(c.queue, r)
	l.send(c)
}

func (l *load) send(c *connection) {
	if err := poll.WriteAll(c.fd, l.request); err != nil {
		l.lose(c)
	}
}

// take reads what came on a connection; when an answer is whole, the next request that waits is sent.
func (l *load) take(c *connection) {
	n, err := syscall.Read(c.fd, l.buffer[:])
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return
	case err != nil || n <= 0 || len(c.queue) == 0: // an answer that nobody asked for breaks a connection too
		l.lose(c)
		return
	}
	whole, ok, err := c.answer.read(l.buffer[:n])
	if err != nil {
		l.lose(c)
		return
	}
	if !whole {
		return
	}
	answered := c.queue[0]
	c.queue = slices.Delete(c.queue, 0, 1)
	if ok && answered.measured {
		l.latencies = append(l.latencies, l.now()-answered.since)
	}
	if len(c.queue) > 0 {
		l.send(c)
	}
}

// lose gives a connection up: what waits on it is never answered.
func (l *load) lose(c *connection) {
	c.broken = true
	delete(l.by, c.fd)
	_ = syscall.Close(c.fd)
}
