package upstream

import (
	"context"
	"io"
	"log"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	bufferSize  = 32 << 10  // copy buffers, and the longest body kept in memory by rung B
	readBuffer  = 8 << 10   // per connection to a target; a trailer section must fit in it
	maxHead     = 256 << 10 // the longest head of an answer, informational ones included
	maxInform   = 16        // informational answers to one request
	joinUpTo    = 4 << 10   // a longer request body is not copied behind its head
	maxSendHead = 16 << 10  // a longer request head goes by rung A, which reads while it writes
)

// Pool is a set of targets and the connections to them. It is made whole by New and lives until Close; to change its
// configuration make another one.
type Pool struct {
	cfg     Config
	targets []*target
	turn    atomic.Uint64
	buffers buffers
	quiet   *log.Logger // where httputil's remarks go: nowhere, the Result says it all

	ejecting sync.Mutex // held while deciding whom to eject, so that no more than half ever are
	stop     context.CancelFunc
	checks   sync.WaitGroup
}

// New returns a pool for the configuration, with its health checks running. Nothing is dialled before the first request
// or check.
func New(cfg Config) (*Pool, error) {
	return newPool(cfg, (&net.Dialer{}).DialContext)
}

func newPool(cfg Config, dial dialer) (*Pool, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Pool{cfg: cfg, quiet: log.New(io.Discard, "", 0)}
	for _, name := range cfg.Targets {
		t, err := newTarget(name, &p.cfg, dial)
		if err != nil {
			return nil, err
		}
		p.targets = append(p.targets, t)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	if cfg.Check.Path != "" {
		for _, t := range p.targets {
			p.checks.Go(func() { p.watch(ctx, t) })
		}
	}
	return p, nil
}

// Close ends the health checks and closes every unused connection. Requests under way finish, and their connections are
// closed with them.
func (p *Pool) Close() {
	p.stop()
	p.checks.Wait()
	for _, t := range p.targets {
		t.idle.close()
		t.transport.CloseIdleConnections()
		t.switching.CloseIdleConnections()
	}
}

// TargetState is how a target is doing.
type TargetState struct {
	Address      string    // as configured
	Healthy      bool      // by the active check; true without one
	EjectedUntil time.Time // zero when not left out by passive health
	Pending      int64     // requests under way
	Idle         int       // unused connections of rung B
}

// Targets tells how every target is doing, in the order of the configuration.
func (p *Pool) Targets() []TargetState {
	now := time.Now().UnixNano()
	states := make([]TargetState, 0, len(p.targets))
	for _, t := range p.targets {
		s := TargetState{Address: t.name, Healthy: t.health.up.Load(), Pending: t.pending.Load(), Idle: t.idle.len()}
		if until := t.health.until.Load(); until > now {
			s.EjectedUntil = time.Unix(0, until)
		}
		states = append(states, s)
	}
	return states
}

// pick chooses a target other than avoid, or nil. Passive health is advice: when nobody else is left, a target that was
// left out is asked all the same. The active check is not.
func (p *Pool) pick(now int64, avoid *target) *target {
	if len(p.targets) == 1 {
		if t := p.targets[0]; t != avoid && t.health.up.Load() {
			return t
		}
		return nil
	}
	turn := p.turn.Load()
	if avoid == nil { // a second try takes nobody's turn, or with two targets every first one would be the same
		turn = p.turn.Add(1)
	}
	if t := p.among(turn, func(t *target) bool { return t != avoid && t.health.usable(now) }); t != nil {
		return t
	}
	return p.among(turn, func(t *target) bool { return t != avoid && t.health.up.Load() })
}

// among chooses by the configured balance from the targets that may be chosen.
func (p *Pool) among(turn uint64, may func(*target) bool) *target {
	n := 0
	for _, t := range p.targets {
		if may(t) {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	var best *target
	skip := int(turn % uint64(n)) // turns go round those that may be chosen, or a gap would double its neighbour's load
	for i := range 2 * len(p.targets) {
		t := p.targets[i%len(p.targets)]
		if !may(t) {
			continue
		}
		if skip--; skip >= 0 {
			continue
		}
		if p.cfg.Balance == RoundRobin {
			return t
		}
		if best == nil || t.pending.Load() < best.pending.Load() {
			best = t
		}
	}
	return best
}

// buffers lends 32 KiB buffers; it is an httputil.BufferPool.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[bufferSize]byte); ok {
		return p[:]
	}
	return make([]byte, bufferSize)
}

func (b *buffers) Put(p []byte) {
	if cap(p) >= bufferSize {
		b.pool.Put((*[bufferSize]byte)(p[:bufferSize]))
	}
}
