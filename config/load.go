package config

import (
	"bytes"
	"context"
	"crypto/sha256"
	"os"
	"time"

	"glacis/internal/strictyaml"
	"glacis/posture"
)

// Override holds what the command line says over the file; empty means nothing.
type Override struct {
	Upstream, Listen []string
	Admin            string
	Mode             string
	Data             string
}

func (o Override) apply(c *Config) error {
	if len(o.Upstream) > 0 {
		c.Upstream, c.Pool.Targets = o.Upstream, nil
	}
	if len(o.Listen) > 0 {
		c.Listen = o.Listen
	}
	if o.Admin != "" {
		c.Admin.Listen = o.Admin
	}
	if o.Data != "" {
		c.Data = o.Data
	}
	if o.Mode != "" {
		return c.Mode.UnmarshalText([]byte(o.Mode))
	}
	return nil
}

// Load reads, checks and compiles a file. Errors carry file, line, column and the offending line.
func Load(file string, o Override) (*Plan, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Parse(file, src, strictyaml.System(), o)
}

// Parse checks and compiles the text of a file.
func Parse(name string, src []byte, lookup strictyaml.Lookup, o Override) (*Plan, error) {
	doc, err := strictyaml.Parse(name, src, lookup)
	if err != nil {
		return nil, err
	}
	var c Config
	if err := doc.Decode(&c); err != nil {
		return nil, err
	}
	if err := o.apply(&c); err != nil {
		return nil, err
	}
	return compile(c, func(path, format string, args ...any) error { return doc.Errorf(path, format, args...) })
}

// Zero is the plan without a file: everything guarded in monitor mode.
func Zero(o Override) (*Plan, error) {
	var c Config
	strictyaml.ApplyDefaults(&c)
	if err := o.apply(&c); err != nil {
		return nil, err
	}
	return Compile(c)
}

// Default is a Config with every default filled in.
func Default() Config {
	var c Config
	strictyaml.ApplyDefaults(&c)
	return c
}

// Schema is the JSON Schema of the file, made from the same structs that read it.
func Schema() ([]byte, error) {
	return strictyaml.Schema(Config{Mode: posture.Monitor}, "", "glacis.yaml")
}

// Watch tells when the contents of a file have changed, looking at them at an interval: links that are swapped and clocks that are
// wrong do not fool it. Without a file it never does. The channel is closed when the context ends.
func Watch(ctx context.Context, file string, every time.Duration) <-chan struct{} {
	changed := make(chan struct{})
	go func() {
		defer close(changed)
		tick := time.NewTicker(every)
		defer tick.Stop()
		last := sum(file)
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			now := sum(file)
			if now == nil || bytes.Equal(now, last) {
				continue // unreadable for a moment, as while an editor writes it, is no change
			}
			last = now
			select {
			case changed <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return changed
}

func sum(file string) []byte {
	b, err := os.ReadFile(file)
	if err != nil || file == "" {
		return nil
	}
	s := sha256.Sum256(b)
	return s[:]
}
