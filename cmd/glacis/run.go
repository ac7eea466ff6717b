package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"glacis"
	"glacis/config"
	"glacis/edge/gateway"
)

type runCommand struct {
	source
	SampleShop bool `help:"Guard a built-in sample shop instead of an API of yours."`
}

// Run guards the API until it is told to stop.
func (c *runCommand) Run(t *terminal) error {
	log := t.logger()
	if c.SampleShop {
		s, err := openSample()
		if err != nil {
			return err
		}
		defer s.close()
		c.Upstream = []string{s.url}
	}
	p, err := c.load()
	if err != nil {
		return err
	}
	g, err := start(p, log)
	if err != nil {
		return err
	}
	c.greet(t, g, p)
	err = c.serve(t.ctx, g, log)
	log.Info("stopping: requests under way may finish")
	if stopped := g.stop(); stopped != nil { // a WebSocket that had to be cut is nothing wrong with the gate
		log.Warn("stopped before everything had ended", "error", stopped)
	}
	if err == nil {
		_, err = fmt.Fprintln(t.stdout, "stopped")
	}
	return err
}

// serve waits for the end, and reloads when the file changes or the operator asks for it.
func (c *runCommand) serve(ctx context.Context, g *running, log *slog.Logger) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	changes := config.Watch(ctx, c.file(), watchEvery)
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-g.gateway.Failed():
			return err
		case <-hangup:
		case _, watching := <-changes:
			if !watching {
				return nil
			}
		}
		c.reload(g, log)
	}
}

// watchEvery is how often the file is looked at.
const watchEvery = time.Second

// reload puts the file's new contents into force, or says why not and changes nothing.
func (c *runCommand) reload(g *running, log *slog.Logger) {
	p, err := c.load()
	var fixed []string
	if err == nil {
		fixed, err = g.gateway.Reload(p)
	}
	if err != nil {
		log.Error("configuration not reloaded, nothing changed", "error", err)
		return
	}
	log.Info("configuration reloaded, counters kept", "routes", len(p.Config.Routes), "mode", p.Config.Mode.String())
	if len(fixed) > 0 {
		log.Warn("these settings need a restart", "settings", fixed)
	}
}

// running is a gate with its gateway.
type running struct {
	gate    *glacis.Gate
	gateway *gateway.Gateway
}

func start(p *config.Plan, log *slog.Logger) (*running, error) {
	gate, err := glacis.OpenPlan(p, glacis.WithLogger(log))
	if err != nil {
		return nil, err
	}
	g, err := gateway.New(gate, log)
	if err == nil {
		err = g.Start()
	}
	if err != nil {
		return nil, errors.Join(err, gate.Close())
	}
	return &running{gate, g}, nil
}

func (r *running) stop() error {
	return errors.Join(r.gateway.Stop(context.Background()), r.gate.Close())
}

// greet says where everything is and what is guarded how.
func (c *runCommand) greet(t *terminal, g *running, p *config.Plan) {
	cfg := g.gate.Config()
	for _, a := range g.gateway.Addrs() {
		scheme := "http"
		if cfg.Server.TLS.CertFile != "" {
			scheme = "https"
		}
		fmt.Fprintf(t.stdout, "gate      %s://%s → %v, mode %s\n", scheme, reachable(a), cfg.UpstreamPool().Targets, cfg.Mode)
	}
	if a := g.gateway.AdminAddr(); a != nil {
		fmt.Fprintf(t.stdout, "admin     http://%s/metrics /healthz /readyz /routes\n", a)
	}
	fmt.Fprintf(t.stdout, "record    %s\n", g.gate.RecordPath())
	if len(cfg.Routes) == 0 {
		fmt.Fprintln(t.stdout, "routes    none configured: classes are guessed from the words of each path as it is first asked for")
	} else {
		fmt.Fprintf(t.stdout, "routes    %d configured; other paths are classed by their words\n", len(cfg.Routes))
	}
	for _, guess := range p.Guesses() {
		fmt.Fprintf(t.stdout, "guessed   %s\n", guess)
	}
	if c.SampleShop {
		fmt.Fprintf(t.stdout, "try       curl -i http://%s/api/products/1\n", reachable(g.gateway.Addrs()[0]))
	}
}

// reachable writes an address so that it can be put into a browser: a wildcard becomes loopback.
func reachable(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", fmt.Sprint(tcp.Port))
	}
	return a.String()
}
