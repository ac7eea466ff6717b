// Package demo is a crowd for the sample shop: everyday people and programs, and hostile ones, each with an address of its own, for
// as long as a demonstration lasts. It is there to show, on one machine and without preparation, what a gate does to whom. It is
// neither a load generator nor a tool against anybody's API: it talks to a loopback address and to nothing else, and the number
// of its clients and requests, its concurrency and its time are all capped.
package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// The caps that no Crowd gets over.
const (
	MostClients    = 250
	MostRequests   = 200_000
	MostConcurrent = 256
	MostDuration   = time.Hour
)

// requestTime is how long a client waits for an answer, so a run is over this long after its Duration at the latest.
const requestTime = 10 * time.Second

// Crowd says who visits what, for how long. Only Target is needed.
type Crowd struct {
	// Target is what is visited: http, a loopback address in numbers and a port, as in http://127.0.0.1:8080.
	Target string
	// Duration is how long clients send requests; default two minutes, at most MostDuration. The hostile ones arrive after a
	// tenth of it, so that there is a calm to compare with.
	Duration time.Duration
	// Seed chooses what the clients do and when. Equal seeds send equal requests to a target that answers equally.
	Seed uint64
	// Requests is how many are sent in all; default 20,000, at most MostRequests.
	Requests int
	// Concurrent is how many are under way at once; default 64, at most MostConcurrent.
	Concurrent int
	// Populations are the visitors; nil means Everyone.
	Populations []Population
	// APIKey is what the programs with a key present; default "demo-batch-key".
	APIKey string
	// Inbox finds the one-time code last sent to a phone, so that honest people can type it in. Nil means that nobody asks for
	// codes but the hostile.
	Inbox func(phone string) (code string, ok bool)
	// Log gets a line now and then about how it goes, one call at a time; nil means silence.
	Log func(format string, args ...any)

	// Clock and Sleep are how the clients tell and spend time; nil means the real ones. They must be safe for concurrent use, and
	// Sleep returns early, with an error, when the context is done.
	Clock func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error

	// fresh makes every request a connection of its own: an idle one would hold the virtual time of a test.
	fresh bool
	// binds replaces the question whether this machine lets a client speak from an address.
	binds func(addr string) bool
}

// run is a Crowd under way.
type run struct {
	Crowd
	ctx     context.Context // of the whole run: it has no other life
	target  target
	start   time.Time
	end     time.Time
	spent   atomic.Int64 // requests begun, and with them those that came too late for the cap
	running chan struct{}
	saying  sync.Mutex
}

// Run sends the crowd and returns when all have gone: when the time is up, when the requests are, or when ctx is done. The error
// is about the Crowd; that a target does not answer is part of the Tally.
func (c Crowd) Run(ctx context.Context) (Tally, error) {
	r, err := c.prepare(ctx)
	if err != nil {
		return Tally{}, err
	}
	clients, notes := r.clients()
	for _, note := range notes {
		r.say("%s", note)
	}
	var all sync.WaitGroup
	for _, one := range clients {
		all.Go(one.live)
	}
	all.Wait()
	t := r.tally(clients)
	t.Notes = notes
	r.say("%d requests in %.0f s, ended by %s", t.Requests, t.Seconds, t.Ended)
	return t, nil
}

func (c Crowd) prepare(ctx context.Context) (*run, error) {
	aim, err := parseTarget(c.Target)
	if err != nil {
		return nil, err
	}
	c = c.withDefaults()
	n := 0
	for _, p := range c.Populations {
		if p.Behave == nil || p.Clients < 0 || p.Clients > MostClients {
			return nil, fmt.Errorf("demo: population %q needs a behaviour and 0 to %d clients", p.Name, MostClients)
		}
		n += p.Clients
	}
	if n > MostClients || len(c.Populations) > MostClients {
		return nil, fmt.Errorf("demo: %d clients in %d populations; at most %d are let out", n, len(c.Populations), MostClients)
	}
	if c.Duration < 0 || c.Duration > MostDuration || c.Requests < 0 || c.Requests > MostRequests ||
		c.Concurrent < 0 || c.Concurrent > MostConcurrent {
		return nil, fmt.Errorf("demo: a crowd lasts at most %s and sends at most %d requests, %d at once",
			MostDuration, MostRequests, MostConcurrent)
	}
	now := c.Clock()
	return &run{
		Crowd: c, ctx: ctx, target: aim, start: now, end: now.Add(c.Duration),
		running: make(chan struct{}, c.Concurrent),
	}, nil
}

func (c Crowd) withDefaults() Crowd {
	if c.Duration == 0 {
		c.Duration = 2 * time.Minute
	}
	if c.Requests == 0 {
		c.Requests = 20_000
	}
	if c.Concurrent == 0 {
		c.Concurrent = 64
	}
	if c.Populations == nil {
		c.Populations = Everyone()
	}
	if c.APIKey == "" {
		c.APIKey = "demo-batch-key"
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.binds == nil {
		c.binds = binds
	}
	return c
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// clients makes everybody, each with a source of chance that depends on nothing but the seed and the place in the crowd.
func (r *run) clients() (all []*Client, notes []string) {
	home := addresses{binds: r.binds, can: r.target.isV4()}
	for p, people := range r.Populations {
		for n := range people.Clients {
			all = append(all, newClient(r, people, p, n, home.next(people.Hostile, n), rand.NewPCG(r.Seed, uint64(p)<<32|uint64(n))))
		}
		home.turn(people.Hostile)
		r.say("%d × %s: %s", people.Clients, people.Name, people.Does)
	}
	return all, home.notes
}

// over says whether no further request may begin.
func (r *run) over() bool {
	return r.ctx.Err() != nil || r.spent.Load() >= int64(r.Requests) || !r.Clock().Before(r.end)
}

// ended says what a run that is over was ended by.
func (r *run) ended() string {
	switch {
	case errors.Is(r.ctx.Err(), context.DeadlineExceeded):
		return "deadline"
	case r.ctx.Err() != nil:
		return "cancellation"
	case r.spent.Load() >= int64(r.Requests):
		return "the request cap"
	default:
		return "time"
	}
}

// enter waits for a free place among the concurrent requests; false when the run is over first.
func (r *run) enter() bool {
	if r.over() {
		return false
	}
	select {
	case <-r.ctx.Done():
		return false
	case r.running <- struct{}{}:
	}
	if r.over() || r.spent.Add(1) > int64(r.Requests) {
		r.leave()
		return false
	}
	return true
}

func (r *run) leave() { <-r.running }

func (r *run) say(format string, args ...any) {
	if r.Log == nil {
		return
	}
	r.saying.Lock()
	defer r.saying.Unlock()
	r.Log(format, args...)
}
