package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"glacis/config"
	"glacis/edge/gateway/listener"
	"glacis/edge/gateway/upstream"
)

type checkCommand struct {
	source
	File   string `arg:"" optional:"" help:"Configuration file; same as --config."`
	Schema bool   `help:"Print the JSON Schema of the configuration instead."`
	JSON   bool   `name:"json" help:"Print the plan as JSON."`
}

// Run checks the configuration and prints the effective plan.
func (c *checkCommand) Run(t *terminal) error {
	if c.Schema {
		schema, err := config.Schema()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.stdout, "%s\n", schema)
		return err
	}
	if c.File != "" {
		c.Config = c.File
	}
	p, err := c.load()
	if err == nil {
		err = rehearse(p)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(t.stdout)
		out.SetIndent("", "  ")
		return out.Encode(p.Summary())
	}
	return p.Write(t.stdout)
}

// rehearse makes the two ends of the wire without a connection, so that what run would refuse about them is refused here: targets,
// addresses, certificates. A file without an upstream is left alone: run takes one from the command line too.
func rehearse(p *config.Plan) error {
	for _, a := range p.Config.Listen {
		if _, err := net.ResolveTCPAddr("tcp", a); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
	}
	if _, err := listener.New(p.Config.Server, http.NotFoundHandler(), slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	pool := p.Config.UpstreamPool()
	if len(pool.Targets) == 0 {
		return nil
	}
	pool.Check.Path = "" // nobody is asked anything
	u, err := upstream.New(pool)
	if err == nil {
		u.Close()
	}
	return err
}
