package upstream

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// watch asks a target how it is until ctx ends.
func (p *Pool) watch(ctx context.Context, t *target) {
	every := time.NewTicker(p.cfg.Check.Interval)
	defer every.Stop()
	run := 0
	for {
		run = p.cfg.Check.judge(t, run, p.ask(ctx, t) == nil)
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// judge takes in one check and changes the target's state when enough agree against it. run counts those so far.
func (c *Check) judge(t *target, run int, good bool) int {
	if good == t.health.up.Load() {
		return 0
	}
	need := c.Unhealthy
	if good {
		need = c.Healthy
	}
	if run++; run < need {
		return run
	}
	if good { // it has just proved itself better than requests could
		t.health.fails.Store(0)
		t.health.until.Store(0)
	}
	t.health.up.Store(good)
	return 0
}

// ask does one check.
func (p *Pool) ask(ctx context.Context, t *target) error {
	c := &p.cfg.Check
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.scheme+"://"+t.addr+"/", nil)
	if err != nil {
		return err
	}
	req.URL = t.url(c.Path)
	req.Host = c.Host
	req.Header.Set("User-Agent", "health-check")
	res, err := t.transport.RoundTrip(req)
	if err != nil {
		return err
	}
	_, err = io.CopyN(io.Discard, res.Body, bufferSize)
	_ = res.Body.Close()
	if err != nil && err != io.EOF {
		return err
	}
	if res.StatusCode < 200 || res.StatusCode > 399 {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	return nil
}
