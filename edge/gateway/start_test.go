package gateway_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"glacis"
	"glacis/edge/gateway"
)

// TestStartThatFails says which address it was, and leaves nothing bound.
func TestStartThatFails(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*site){
		"gate":  func(s *site) { s.base.Listen = []string{address, taken.Addr().String()} },
		"admin": func(s *site) { s.base.Listen, s.base.Admin = []string{address}, taken.Addr().String() },
	} {
		s := &site{t: t, log: new(notes), data: t.TempDir()}
		s.base.Upstream, s.base.Data, s.base.Admin = []string{"http://127.0.0.1:1"}, s.data, "127.0.0.1:0"
		change(s)
		gate, err := glacis.OpenPlan(s.plan(""))
		if err != nil {
			t.Fatal(err)
		}
		g, err := gateway.New(gate, slog.New(slog.NewTextHandler(io.Discard, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Start(); err == nil || !strings.Contains(err.Error(), taken.Addr().String()) {
			t.Errorf("%s: %v", name, err)
		}
		again, err := net.Listen("tcp", address)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else {
			_ = again.Close()
		}
		if err := g.Stop(context.Background()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := gate.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestNewThatFails: what is wrong with an upstream or a certificate is known before anything is bound.
func TestNewThatFails(t *testing.T) {
	t.Parallel()
	for yaml, upstream := range map[string]string{
		"":                          "ftp://127.0.0.1",
		"pool: {balance: whatever}": "http://127.0.0.1:1",
		"server: {tls: {cert_file: no-such-file.pem, key_file: no-such-file.pem}}": "http://127.0.0.1:1",
	} {
		s := &site{t: t, log: new(notes), data: t.TempDir()}
		s.base.Upstream, s.base.Data = []string{upstream}, s.data
		gate, err := glacis.OpenPlan(s.plan(yaml))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gateway.New(gate, slog.New(slog.NewTextHandler(io.Discard, nil))); err == nil {
			t.Errorf("%s in front of %s was taken", yaml, upstream)
		}
		if err := gate.Close(); err != nil {
			t.Error(err)
		}
	}
}
