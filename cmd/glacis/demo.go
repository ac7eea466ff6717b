package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"glacis/config"
	"glacis/decide/identity/apikey"
	"glacis/demo"
)

type demoCommand struct {
	Duration time.Duration `default:"2m" help:"How long clients send requests."`
	Mode     string        `enum:"monitor,enforce" default:"enforce" help:"monitor or enforce."`
	Seed     uint64        `default:"1" help:"Chooses what the clients do and when."`
	JSON     bool          `name:"json" help:"Print the tally as JSON."`
}

// demoKey is the key of the honest program in the crowd; the gate knows it by its hash.
const demoKey = "demo-batch-key"

// Validate refuses a duration before anything is opened for it.
func (c *demoCommand) Validate() error {
	if c.Duration <= 0 || c.Duration > demo.MostDuration {
		return fmt.Errorf("--duration must be more than 0 and at most %s", demo.MostDuration)
	}
	return nil
}

// Run opens the sample shop behind a gate, sends the crowd, and says what the gate did to whom.
func (c *demoCommand) Run(t *terminal) error {
	data, err := os.MkdirTemp("", "glacis-demo-")
	if err != nil {
		return err
	}
	sample, err := openSample()
	if err != nil {
		return err
	}
	defer sample.close()
	p, err := c.plan(data, sample.url)
	if err != nil {
		return err
	}
	g, err := start(p, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	target := "http://" + g.gateway.Addrs()[0].String()
	say := func(format string, args ...any) { fmt.Fprintf(t.stderr, format+"\n", args...) }
	say("the shop is behind %s, mode %s; record: %s", target, c.Mode, g.gate.RecordPath())
	tally, err := c.crowd(t.ctx, target, sample, say)
	if stopped := g.stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(t.stdout).Encode(tally)
	}
	return tally.Write(t.stdout)
}

func (c *demoCommand) crowd(ctx context.Context, target string, s *sample, say func(string, ...any)) (demo.Tally, error) {
	return demo.Crowd{Target: target, Duration: c.Duration, Seed: c.Seed, APIKey: demoKey, Inbox: s.inbox.last, Log: say}.Run(ctx)
}

// plan guards the shop as it comes: classes are guessed, nothing is tuned. Only the honest program's key and the honeypots are told.
func (c *demoCommand) plan(data, upstream string) (*config.Plan, error) {
	cfg := config.Default()
	if err := cfg.Mode.UnmarshalText([]byte(c.Mode)); err != nil {
		return nil, err
	}
	hash := sha256.Sum256([]byte(demoKey))
	cfg.Listen, cfg.Upstream, cfg.Data = []string{"127.0.0.1:0"}, []string{upstream}, data
	cfg.Admin.Listen = "127.0.0.1:0"
	cfg.Keys = []apikey.Config{{Name: "batch", SHA256: hex.EncodeToString(hash[:])}}
	cfg.Traps = []string{"/api/internal/export", "/.env", "/api/v1/users/all"}
	return config.Compile(cfg)
}
