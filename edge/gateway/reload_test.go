package gateway_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// TestReloadKeepsBudgets: half of a budget is spent, a limit comes in elsewhere, and the other half is left.
func TestReloadKeepsBudgets(t *testing.T) {
	t.Parallel()
	const few = "mode: enforce\nlimits: [{name: few, per: [client], rate: 6/h}]\n"
	s := open(t, few, upstream(t, ok))
	spend := func(n int) {
		t.Helper()
		for range n {
			if a := s.get("/x"); a.StatusCode != 200 {
				t.Fatal(a.Status)
			}
		}
	}
	spend(3)
	s.reload(few + "routes: [{match: /y, limits: [{name: new, per: [client], rate: 1/h}]}]\n")
	spend(1)
	s.get("/y")
	s.get("/y").problem(t, 429)
	s.reload(few)
	if a := s.get("/y"); a.StatusCode != 200 { // its own limit is gone, the fifth and sixth of the common one were left
		t.Error(a.Status)
	}
	s.get("/x").problem(t, 429)
}

// TestReloadChangesRules: modes, bars and traps take effect at once, both ways.
func TestReloadChangesRules(t *testing.T) {
	t.Parallel()
	s := open(t, "mode: enforce\n", upstream(t, ok))
	for range 2 {
		if a := s.get("/x"); a.StatusCode != 200 {
			t.Error(a.Status)
		}
		s.reload("mode: enforce\nbars: [{prefix: 127.0.0.0/8}]\n")
		s.get("/x").problem(t, 403)
		s.reload("mode: monitor\nbars: [{prefix: 127.0.0.0/8}]\n")
	}
}

// TestReloadThatFails: what cannot be used changes nothing at all.
func TestReloadThatFails(t *testing.T) {
	t.Parallel()
	s := open(t, "mode: enforce\nlimits: [{name: few, per: [client], rate: 4/h}]\n", upstream(t, ok))
	s.get("/x")
	before := s.gate.Config()
	for _, c := range []struct{ upstream, yaml string }{
		{"ftp://127.0.0.1", "bars: [{prefix: 127.0.0.0/8}]\n"},
		{"https://127.0.0.1:1", "pool: {tls: {ca_file: no-such-file.pem}}\n"},
		{"http://127.0.0.1:1/path", ""},
		{"http://127.0.0.1:1", "pool: {balance: whatever}\n"},
	} {
		s.base.Upstream = []string{c.upstream}
		if _, err := s.gateway.Reload(s.plan(c.yaml)); err == nil {
			t.Errorf("taken: %+v", c)
		}
		if s.gate.Config() != before {
			t.Errorf("half taken: %+v", c)
		}
	}
	for range 3 {
		if a := s.get("/x"); a.StatusCode != 200 {
			t.Error(a.Status)
		}
	}
	s.get("/x").problem(t, 429)
}

// TestReloadNamesWhatItCannotChange, so that the operator does not believe it was changed.
func TestReloadNamesWhatItCannotChange(t *testing.T) {
	t.Parallel()
	s := open(t, "", upstream(t, ok))
	s.base.Listen, s.base.Data = []string{"127.0.0.1:1"}, t.TempDir()
	unchanged, err := s.gateway.Reload(s.plan("server: {grace: 3s}\nrecord: {files: 3}\n"))
	if want := []string{"data", "listen", "record", "server"}; err != nil || !slices.Equal(unchanged, want) {
		t.Errorf("%q %v, want %q", unchanged, err, want)
	}
	if a := s.get("/x"); a.StatusCode != 200 {
		t.Error(a.Status)
	}
}

// TestReloadKeepsConnections: an open WebSocket goes on, whether its pool stays or goes, and requests under way end where they began.
func TestReloadKeepsConnections(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan bool), make(chan bool)
	socket := echo(t)
	first := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/live" {
			socket(w, r)
			return
		}
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		begun <- true
		<-finish
		_, _ = io.WriteString(w, "first")
	})
	second := upstream(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "second") })
	s := open(t, "", first)
	c := s.socket()
	says(t, c, "before")
	res, err := http.Get(s.url("/slow"))
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	s.reload("mode: enforce\n")
	says(t, c, "after another plan")
	s.base.Upstream = []string{second}
	s.reload("mode: enforce\n")
	says(t, c, "after another pool")
	if a := s.get("/x"); a.body != "second" {
		t.Errorf("%q: the old pool is still asked", a.body)
	}
	finish <- true
	if a := read(t, res); a.body != "first" {
		t.Errorf("%q of the request that was under way", a.body)
	}
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}

// TestReloadKeepsWhatWasLearnt: templates of paths nobody configured.
func TestReloadKeepsWhatWasLearnt(t *testing.T) {
	t.Parallel()
	s := open(t, "", upstream(t, ok))
	s.get("/things/17/parts")
	s.send("POST", "/account/login", "")
	before := s.admin("/routes").body
	for _, want := range []string{`"template":"/things/{id}/parts","get":"plain","post":"plain"`, `"template":"/account/login","get":"login","post":"login"`} {
		if !strings.Contains(before, want) {
			t.Errorf("%s does not tell %s", before, want)
		}
	}
	s.reload("mode: enforce\nroutes: [{match: /x}]\n")
	if after := s.admin("/routes").body; after != before {
		t.Errorf("%s after the reload, %s before", after, before)
	}
}

// TestReloadUnderLoad: no request fails or is lost while plans and pools come and go.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	s := open(t, "", upstream(t, ok))
	const clients, each = 4, 50
	var asking sync.WaitGroup
	for range clients {
		asking.Go(func() {
			for range each {
				if a := s.get("/x"); a.StatusCode != 200 || a.body != "ok" {
					t.Errorf("%s %q", a.Status, a.body)
				}
			}
		})
	}
	for n := range 10 {
		s.reload([]string{"mode: enforce\n", "pool: {max_idle: 1}\n", "pool: {max_idle: 2}\nroutes: [{match: /x}]\n"}[n%3])
	}
	asking.Wait()
	if n := len(s.lines()); n != clients*each {
		t.Errorf("%d lines for %d requests", n, clients*each)
	}
}
