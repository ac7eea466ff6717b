package strictyaml

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"strings"
	"time"
)

// rate is a type of somebody else, read from a text.
type rate struct {
	count int
	per   byte
}

func (r *rate) UnmarshalText(b []byte) error {
	if _, err := fmt.Sscanf(string(b), "%d/%c", &r.count, &r.per); err != nil {
		return fmt.Errorf("%q is not a rate such as 10/s", b)
	}
	return nil
}

func (r rate) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d/%c", r.count, r.per), nil }

func (rate) JSONSchema() map[string]any {
	return map[string]any{"type": "string", "pattern": "^[0-9]+/[smh]$"}
}

// endpoint may be written as its URL alone.
type endpoint struct {
	URL     string        `yaml:"url" required:"true"`
	Timeout time.Duration `yaml:"timeout" default:"2s"`
}

func (e *endpoint) UnmarshalText(b []byte) error {
	if !strings.Contains(string(b), "://") {
		return errors.New("a URL has a scheme")
	}
	e.URL = string(b)
	return nil
}

type limit struct {
	Per   []string `yaml:"per" enum:"client,key,user" oneormany:"true" default:"client"`
	Rate  rate     `yaml:"rate" required:"true" doc:"How much in how long."`
	Burst int      `yaml:"burst" default:"5"`
}

type common struct {
	Why string `yaml:"why"`
}

type route struct {
	Match  string        `yaml:"match" required:"true" doc:"Method and path." example:"GET /"`
	Class  string        `yaml:"class" enum:"plain,login,reset"`
	Limits []limit       `yaml:"limits"`
	Wait   time.Duration `yaml:"wait"`
	On     *bool         `yaml:"on"`
	common
}

type tree struct {
	Name string  `yaml:"name"`
	Kids []*tree `yaml:"kids"`
}

type sample struct {
	Listen   string            `yaml:"listen" default:":8080" doc:"Where to listen."`
	Proxies  []netip.Prefix    `yaml:"trusted_proxies" default:"[10.0.0.0/8, 127.0.0.1/32]"`
	Routes   []route           `yaml:"routes" doc:"What is guarded."`
	Password Secret            `yaml:"password"`
	Share    float64           `yaml:"share" default:"0.5"`
	Small    uint8             `yaml:"small"`
	Signed   int32             `yaml:"signed"`
	Strict   bool              `yaml:"strict" default:"true"`
	Level    int               `yaml:"level" enum:"1,2,3"`
	Upstream endpoint          `yaml:"upstream"`
	Labels   map[string]string `yaml:"labels"`
	Classes  map[string]limit  `yaml:"classes"`
	Tree     *tree             `yaml:"tree"`
	Extra    any               `yaml:"extra"`
	Until    time.Time         `yaml:"until"`
	Unread   chan int          // no tag: no part of the file
}

func fakeLookup() Lookup {
	env := map[string]string{"PORT": "8080", "EMPTY": "", "TEXT": "hunter2", "LIST": "[a, b]", "REF": "${env:TEXT}", "BAD": "\xff", "DAYS": "7d"}
	return Lookup{
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		File: func(name string) (io.ReadCloser, error) {
			switch name {
			case "/run/key":
				return io.NopCloser(strings.NewReader("s3cret\nline\r\n")), nil
			case "/run/big":
				return io.NopCloser(strings.NewReader(strings.Repeat("x", maxSecret+1))), nil
			case "/run/full":
				return io.NopCloser(strings.NewReader(strings.Repeat("x", maxSecret))), nil
			}
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		},
	}
}

func decode(src string, into any) error {
	d, err := Parse("f.yaml", []byte(src), fakeLookup())
	if err != nil {
		return err
	}
	return d.Decode(into)
}
