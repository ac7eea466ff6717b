package config

import (
	"reflect"
	"slices"

	"glacis/edge/gateway/upstream"
)

// DataDir is the data folder.
func (c *Config) DataDir() string {
	if c.Data == "" {
		return "glacis-data"
	}
	return c.Data
}

// UpstreamPool is how the upstream is reached: the pool's settings with every target named in upstream or in pool.
func (c *Config) UpstreamPool() upstream.Config {
	u := c.Pool
	u.Targets = slices.Concat(c.Upstream, c.Pool.Targets)
	return u
}

// FixedAtStart names the settings that differ from those of next but need a restart to change.
func (c *Config) FixedAtStart(next *Config) []string {
	var names []string
	for name, same := range map[string]bool{
		"listen": slices.Equal(c.Listen, next.Listen),
		"memory": c.Memory == next.Memory,
		"server": reflect.DeepEqual(c.Server, next.Server),
		"record": reflect.DeepEqual(c.Record, next.Record),
		"admin":  c.Admin == next.Admin,
		"trace":  c.Trace == next.Trace,
		"data":   c.DataDir() == next.DataDir(),
	} {
		if !same {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
