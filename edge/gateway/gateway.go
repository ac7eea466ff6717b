// Package gateway is the gate as a reverse proxy: the listening side in front, the gate's decision in the middle, the pool of upstream
// targets behind, and a listener of its own for operators. It joins these rooms and does none of their work.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"glacis"
	"glacis/config"
	"glacis/decide/facts"
	"glacis/edge"
	"glacis/edge/gateway/listener"
	"glacis/edge/gateway/upstream"
)

// Gateway is a running reverse proxy: New, Start, Addrs, Reload, Stop.
type Gateway struct {
	gate     *glacis.Gate
	front    *listener.Front
	admin    *admin
	pool     atomic.Pointer[pool]
	reload   sync.Mutex
	draining atomic.Bool
	log      *slog.Logger
	running  sync.WaitGroup
	failed   chan error
	watching context.Context // until a stop is asked for
	stop     context.CancelFunc

	serving  context.Context // until upgraded connections are cut
	cut      context.CancelFunc
	upgraded sync.WaitGroup
}

// pool is the upstream in use with the configuration it was made from.
type pool struct {
	*upstream.Pool
	config upstream.Config
}

// New builds a gateway around a gate, by the gate's configuration. Nothing is bound yet.
func New(gate *glacis.Gate, log *slog.Logger) (*Gateway, error) {
	c := gate.Config()
	g := &Gateway{gate: gate, log: log, failed: make(chan error, 2)}
	g.serving, g.cut = context.WithCancel(context.Background())
	g.watching, g.stop = context.WithCancel(context.Background())
	p, err := newPool(c)
	if err != nil {
		return nil, err
	}
	g.pool.Store(p)
	if g.front, err = listener.New(c.Server, g.counting(gate.Guard(g)), log); err != nil {
		p.Close()
		return nil, err
	}
	g.admin = newAdmin(g)
	return g, gate.Register(&figures{g})
}

func newPool(c *config.Config) (*pool, error) {
	uc := c.UpstreamPool()
	p, err := upstream.New(uc)
	if err != nil {
		return nil, err
	}
	return &pool{p, uc}, nil
}

// Start binds the addresses and serves. When one cannot be bound nothing stays bound. Errors of a listener later on come from Failed.
func (g *Gateway) Start() error {
	c := g.gate.Config()
	if err := g.front.Listen(c.Listen); err != nil {
		return err
	}
	if err := g.admin.listen(c.Admin.Listen); err != nil {
		return errors.Join(fmt.Errorf("admin: %w", err), g.front.Stop(context.Background()))
	}
	for _, serve := range []func() error{g.front.Serve, g.admin.serve} {
		g.running.Go(func() {
			if err := serve(); err != nil {
				g.failed <- err
			}
		})
	}
	g.running.Go(func() { g.watchCertificates(g.watching) })
	return nil
}

// Failed gives the error that ended serving before Stop was called; nothing as long as all is well.
func (g *Gateway) Failed() <-chan error { return g.failed }

// Addrs are the addresses clients connect to.
func (g *Gateway) Addrs() []net.Addr { return g.front.Addrs() }

// AdminAddr is the address of the operators' listener; nil when it is off.
func (g *Gateway) AdminAddr() net.Addr { return g.admin.addr() }

// Reload swaps in a new plan; a pool whose configuration did not change goes on with its connections. When anything of it cannot
// be used nothing changes. The names of settings that need a restart are returned.
func (g *Gateway) Reload(compiled *config.Plan) (unchanged []string, err error) {
	g.reload.Lock()
	defer g.reload.Unlock()
	old, next := g.pool.Load(), (*pool)(nil)
	if uc := compiled.Config.UpstreamPool(); !reflect.DeepEqual(uc, old.config) {
		if next, err = newPool(&compiled.Config); err != nil {
			return nil, err
		}
	}
	if _, err = g.front.ReloadCertificates(); err == nil { // they are read again whenever they change: no part of the plan
		unchanged, err = g.gate.Reload(compiled)
	}
	if err != nil {
		if next != nil {
			next.Close()
		}
		return nil, err
	}
	if next != nil {
		g.pool.Store(next)
		old.Close() // requests under way finish on it
	}
	return unchanged, nil
}

// Stop turns readiness off, lets requests under way end within the drain timeout, and closes what is left. Upgraded connections, which
// net/http no longer knows of and which have no end of their own, are cut then. It may be called when Start failed.
func (g *Gateway) Stop(ctx context.Context) error {
	g.draining.Store(true)
	g.stop()
	err := errors.Join(g.front.Stop(ctx), g.admin.stop(ctx))
	g.cut()
	g.upgraded.Wait()
	g.running.Wait()
	g.pool.Load().Close()
	return err
}

// certificateCheck is how often certificate files are looked at.
const certificateCheck = 10 * time.Second

func (g *Gateway) watchCertificates(ctx context.Context) {
	tick := time.NewTicker(certificateCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if changed, err := g.front.ReloadCertificates(); err != nil {
				g.log.Error("certificate not reloaded, the old one stays", "error", err)
			} else if changed {
				g.log.Info("certificate reloaded")
			}
		}
	}
}

// counting holds Stop until the exchange of an upgraded connection has ended, its line of the record included.
func (g *Gateway) counting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header["Upgrade"] != nil {
			g.upgraded.Add(1)
			defer g.upgraded.Done()
		}
		next.ServeHTTP(w, r)
	})
}

// Forward implements edge.Upstream: the pool's result in the words of the edge.
func (g *Gateway) Forward(w http.ResponseWriter, r *http.Request, set []facts.HeaderField) edge.Reply {
	if r.Header["Upgrade"] != nil {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(g.serving, cancel)()
		r = r.WithContext(ctx)
	}
	res := g.pool.Load().ForwardWith(w, r, set)
	reply := edge.Reply{Target: res.Target, Wait: res.Wait, Started: res.Started}
	if res.Status == http.StatusSwitchingProtocols {
		reply.Passed = res.Bytes // an upgraded connection's bytes do not go through w
	}
	if res.Err == nil {
		return reply
	}
	kind := upstream.KindOf(res.Err)
	reply.Failure = kind.String()
	reply.Problem = problemOf(kind, res.Err)
	if kind != upstream.ClientGone && kind != upstream.RequestBody && kind != upstream.Refused {
		g.log.Warn("upstream failed", "target", res.Target, "kind", reply.Failure, "error", res.Err)
	}
	return reply
}

// problemOf is what the client is told of a failure; nil when there is nobody left to tell.
func problemOf(kind upstream.Kind, err error) *edge.Problem {
	switch kind {
	case upstream.NoTarget:
		return &edge.Unavailable
	case upstream.Timeout:
		return &edge.Timeout
	case upstream.ClientGone:
		return nil
	case upstream.Refused:
		return &edge.Malformed
	case upstream.RequestBody:
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return &edge.TooLarge
		}
		if t, ok := errors.AsType[net.Error](err); ok && t.Timeout() {
			return &edge.SlowBody
		}
		return &edge.Malformed
	}
	return &edge.BadGateway
}
