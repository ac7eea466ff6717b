package main

import (
	"encoding/json"
	"fmt"

	"glacis/config"
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
