// Package glacis is the front door for Go programs: a gate that decides about every request before a handler sees it, records what it
// decided, and tells the handler. The gateway and the other ways in are built on it.
package glacis

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"glacis/config"
	"glacis/decide/actor"
	"glacis/decide/facts"
	"glacis/internal/pseudonym"
	"glacis/internal/tracing"
	"glacis/posture"
	"glacis/record"
	"glacis/store/memory"
)

// Gate decides, answers and records. It is safe for concurrent use.
//
// What it owns outlasts every plan: budgets, actors, posture, the record. A crash loses the budgets and the actors' marks, and at most
// the last moments of the record.
type Gate struct {
	plan     atomic.Pointer[plan]
	reload   sync.Mutex // one reload at a time
	budgets  *memory.Store
	actors   *actor.Table
	posture  posture.Hinge
	seed     maphash.Seed
	record   *record.Recorder
	metrics  *metrics
	tracer   *tracing.Tracer
	clock    *clock
	slow     chan struct{} // one place per request being slowed
	log      *slog.Logger
	stop     context.CancelFunc
	finished sync.WaitGroup
}

// maxSlow bounds the requests held back at once: beyond it suspicious requests go through without delay, so that slowing down an
// attacker never uses up the gate.
const maxSlow = 2048

// Option changes how a gate is opened.
type Option func(*Gate)

// WithLogger makes the gate log to l instead of slog.Default().
func WithLogger(l *slog.Logger) Option { return func(g *Gate) { g.log = l } }

// Open makes a gate from a configuration. It makes the data folder when it is missing.
func Open(c config.Config, options ...Option) (*Gate, error) {
	compiled, err := config.Compile(c)
	if err != nil {
		return nil, err
	}
	return OpenPlan(compiled, options...)
}

// OpenPlan makes a gate from a compiled configuration.
func OpenPlan(compiled *config.Plan, options ...Option) (*Gate, error) {
	c := &compiled.Config
	ctx, stop := context.WithCancel(context.Background())
	g := &Gate{actors: actor.New(c.Memory.Actors), seed: maphash.MakeSeed(), clock: newClock(), log: slog.Default(),
		slow: make(chan struct{}, maxSlow), stop: stop}
	for _, option := range options {
		option(g)
	}
	if err := g.open(ctx, c); err != nil {
		stop()
		return nil, err
	}
	g.metrics = newMetrics(g)
	p, err := g.bind(compiled)
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	g.plan.Store(p)
	g.posture.Store(compiled.Posture)
	g.finished.Go(func() { g.housekeep(ctx) })
	return g, nil
}

// open makes what outlasts every plan.
func (g *Gate) open(ctx context.Context, c *config.Config) (err error) {
	if err = os.MkdirAll(c.DataDir(), 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	key, err := pseudonym.LoadKey(filepath.Join(c.DataDir(), "pseudonym.key"))
	if err != nil {
		return fmt.Errorf("pseudonym key: %w", err)
	}
	if g.budgets, err = memory.New(memory.Config{Keys: c.Memory.Budgets}); err != nil {
		return fmt.Errorf("memory: %w", err)
	}
	if g.tracer, err = tracing.Open(ctx, c.Trace.Endpoint, "glacis", c.Trace.Sample); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	g.record, err = record.New(c.Record, c.DataDir(), &key, record.WithLogger(g.log))
	return err
}

// Reload swaps in a new plan. Every budget, mark and open connection is kept; what is fixed at start (addresses, memory, record, data,
// trace) is not changed, and named in the returned list so that it can be told to the operator. When the plan cannot be
// bound nothing changes.
func (g *Gate) Reload(compiled *config.Plan) (unchanged []string, err error) {
	g.reload.Lock()
	defer g.reload.Unlock()
	p, err := g.bind(compiled)
	if err != nil {
		return nil, err
	}
	old := g.plan.Load()
	g.plan.Store(p)
	g.posture.Store(compiled.Posture)
	return old.Config.FixedAtStart(&compiled.Config), nil
}

// Config is the configuration in force.
func (g *Gate) Config() *config.Config { return &g.plan.Load().Config }

// Metrics gives the gate's figures in Prometheus form. No label holds an address, a key or a name of a person.
func (g *Gate) Metrics() prometheus.Gatherer { return g.metrics.registry }

// Register adds figures of another room to Metrics.
func (g *Gate) Register(c prometheus.Collector) error { return g.metrics.registry.Register(c) }

// Handler guards next inside a Go program: requests that are let through reach it with Glacis-Decision, Glacis-Score and
// Glacis-Subject set.
func (g *Gate) Handler(next http.Handler) http.Handler {
	return &guard{gate: g, upstream: program{next}}
}

// Learnt lists the templates learnt of paths no route matches, with the classes guessed for them.
func (g *Gate) Learnt() []facts.Learnt { return g.plan.Load().Routes.Learnt() }

// RecordPath is where the record is being written; "-" is standard output.
func (g *Gate) RecordPath() string { return g.record.Path() }

// Close writes what is left of the record and stops. Requests under way may still be decided, but are no longer recorded.
func (g *Gate) Close() error {
	g.stop()
	g.finished.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(g.record.Close(ctx), g.tracer.Close(ctx))
}

// housekeep does what is due now and then: the clock follows the wall, and dead budgets are scrubbed before their stamps wrap around.
func (g *Gate) housekeep(ctx context.Context) {
	follow, scrub := time.NewTicker(10*time.Second), time.NewTicker(time.Hour)
	defer follow.Stop()
	defer scrub.Stop()
	told := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-follow.C:
			if behind := g.clock.follow(time.Now()); behind {
				g.log.Warn("the system clock stepped back; records keep the earlier clock until restart")
			}
			g.tellLearnt(told)
		case <-scrub.C:
			g.budgets.Scrub(g.clock.now())
		}
	}
}

// tellLearnt says, once for each, which unmatched paths were taken for a sensitive kind of route, so that a wrong guess is noticed.
func (g *Gate) tellLearnt(told map[string]bool) {
	for _, l := range g.Learnt() {
		if told[l.Template] || l.Get == facts.Plain && l.Post == facts.Plain {
			continue
		}
		told[l.Template] = true // bounded as the learnt templates are
		g.log.Info("guessed", "path", l.Template, "get", l.Get.String(), "post", l.Post.String())
	}
}

var _ io.Closer = (*Gate)(nil)
