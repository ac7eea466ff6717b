package upstream

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

func TestSplitTarget(t *testing.T) {
	for in, want := range map[string]string{
		"http://a":               "http a:80",
		"http://a/":              "http a:80",
		"https://a":              "https a:443",
		"h2c://a":                "h2c a:80",
		"a:8080":                 "http a:8080",
		"127.0.0.1:1":            "http 127.0.0.1:1",
		"http://[::1]:81":        "http [::1]:81",
		"http://[::1]":           "http [::1]:80",
		"https://a.test:8443":    "https a.test:8443",
		"a":                      "http a:80",
		"":                       "",
		"http://":                "",
		"ftp://a":                "",
		"http://a/path":          "",
		"http://a?q":             "",
		"http://user@a":          "",
		"http://a:b:c":           "",
		"http://a:99999":         "",
		"http://:80":             "",
		"http://a b":             "",
		"HTTP://a":               "",
		"http://a#f":             "",
		"http://[::1":            "",
		"]":                      "",
		"http://a:nosuchservice": "",
	} {
		scheme, addr, err := splitTarget(in)
		if got := strings.TrimSpace(scheme + " " + addr); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func FuzzSplitTarget(f *testing.F) {
	f.Add("http://a:80")
	f.Add("[::1]")
	f.Fuzz(func(t *testing.T, s string) {
		scheme, addr, err := splitTarget(s)
		if err != nil {
			return
		}
		scheme2, addr2, err := splitTarget(scheme + "://" + addr)
		if err != nil || scheme2 != scheme || addr2 != addr {
			t.Errorf("%q: %s %s, then %s %s %v", s, scheme, addr, scheme2, addr2, err)
		}
	})
}

func TestConfigDefaults(t *testing.T) {
	got, err := Config{Targets: []string{"a"}}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Targets: []string{"a"}, Balance: RoundRobin, ConnectTimeout: 2 * time.Second, ResponseHeaderTimeout: time.Minute,
		BodyIdleTimeout: 5 * time.Minute, IdleTimeout: 90 * time.Second, MaxIdle: 256, MaxRetries: 1,
		Ejection: Ejection{Failures: 5, For: 10 * time.Second, AtMost: 5 * time.Minute},
		Check:    Check{Interval: 10 * time.Second, Timeout: 2 * time.Second, Healthy: 2, Unhealthy: 3},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestConfigRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.pem")
	if err := os.WriteFile(file, []byte("no pem"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, cfg := range map[string]Config{
		"no targets":        {},
		"none of http":      {Targets: []string{"gopher://a"}},
		"balance":           {Targets: []string{"a"}, Balance: "random"},
		"negative":          {Targets: []string{"a"}, ConnectTimeout: -1},
		"check path":        {Targets: []string{"a"}, Check: Check{Path: "health"}},
		"belong together":   {Targets: []string{"a"}, TLS: TLS{CertFile: file}},
		"tls.ca_file":       {Targets: []string{"https://a"}, TLS: TLS{CAFile: file}},
		"no certificate in": {Targets: []string{"https://a"}, TLS: TLS{CAFile: file}},
		"tls.cert_file":     {Targets: []string{"https://a"}, TLS: TLS{CertFile: file, KeyFile: file}},
		"no such file":      {Targets: []string{"https://a"}, TLS: TLS{CAFile: file + "x"}},
	} {
		p, err := New(cfg)
		if p != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}

// TestConfigIsItsManual: every field can be written in YAML and says what it does.
func TestConfigIsItsManual(t *testing.T) {
	var walk func(typ reflect.Type)
	walk = func(typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Tag.Get("yaml") == "" || len(f.Tag.Get("doc")) < 20 {
				t.Errorf("%s.%s: yaml %q, doc %q", typ.Name(), f.Name, f.Tag.Get("yaml"), f.Tag.Get("doc"))
			}
			if f.Type.Kind() == reflect.Struct {
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[Config]())
	var cfg Config
	err := yaml.NewDecoder(bytes.NewReader([]byte(`
targets: [a:1, https://b]
balance: least_pending
connect_timeout: 1s
check: { path: /h, interval: 5s }
tls: { server_name: x }
`)), yaml.Strict()).Decode(&cfg)
	if err != nil || cfg.ConnectTimeout != time.Second || cfg.Check.Interval != 5*time.Second || cfg.Balance != LeastPending {
		t.Errorf("%+v, %v", cfg, err)
	}
}
