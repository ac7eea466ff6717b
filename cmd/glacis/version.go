package main

import (
	"encoding/json"
	"fmt"
	"runtime"
)

type versionCommand struct {
	JSON bool `name:"json" help:"Print as JSON."`
}

// Run prints the version.
func (c *versionCommand) Run(t *terminal) error {
	if c.JSON {
		return json.NewEncoder(t.stdout).Encode(map[string]string{"version": version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
	}
	_, err := fmt.Fprintln(t.stdout, versionLine())
	return err
}

func versionLine() string {
	return fmt.Sprintf("glacis %s %s %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
