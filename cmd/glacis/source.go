package main

import (
	"errors"
	"io/fs"
	"os"

	"glacis/config"
)

// source is where a command gets its configuration from: a file, and flags that go before it.
type source struct {
	Config   string   `short:"c" placeholder:"FILE" help:"Configuration file. glacis.yaml when there is one, else none."`
	Upstream []string `placeholder:"URL" help:"Where the API is; overrides the file."`
	Listen   []string `placeholder:"ADDRESS" help:"Address to listen on; overrides the file."`
	Admin    string   `placeholder:"ADDRESS" help:"Address of metrics and health, or off; overrides the file."`
	Mode     string   `enum:",monitor,enforce" default:"" help:"monitor or enforce; overrides the file."`
	Data     string   `placeholder:"FOLDER" help:"Data folder; overrides the file."`
}

// defaultFile is read when no file is named and it is there.
const defaultFile = "glacis.yaml"

// file is the configuration file in use; empty when there is none.
func (s *source) file() string {
	if s.Config != "" {
		return s.Config
	}
	if _, err := os.Stat(defaultFile); !errors.Is(err, fs.ErrNotExist) {
		return defaultFile
	}
	return ""
}

// load reads and compiles the configuration.
func (s *source) load() (*config.Plan, error) {
	override := config.Override{Upstream: s.Upstream, Listen: s.Listen, Admin: s.Admin, Mode: s.Mode, Data: s.Data}
	if file := s.file(); file != "" {
		return config.Load(file, override)
	}
	return config.Zero(override)
}
