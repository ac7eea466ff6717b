package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// admin asks the operators' listener.
func (s *site) admin(path string) answer {
	s.t.Helper()
	res, err := http.Get("http://" + s.gateway.AdminAddr().String() + path)
	if err != nil {
		s.t.Fatal(err)
	}
	return read(s.t, res)
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := open(t, `
mode: enforce
trusted_proxies: [127.0.0.0/8]
traps: [/backup.sql]
routes: [{match: POST /api/login, limits: [{name: account, per: [user], rate: 1/d}], preset: false}, {match: /watched, mode: monitor, limits: [{name: w, per: [all], rate: 1/d}]}]
`, upstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/missing" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	client := from("203.0.113.77")
	s.get("/missing", client...)
	s.get("/users/ann.secret@example.com/orders", append(client, "X-Api-Key", "key-secret-3")...)
	s.login("ann.secret@example.com", "x", client...)
	s.login("ann.secret@example.com", "x", client...)
	s.get("/backup.sql", from("203.0.113.78")...)
	s.get("/watched")
	s.get("/watched")
	want := `
# HELP glacis_limited_total Requests a limit denied, by limit and mode.
# TYPE glacis_limited_total counter
glacis_limited_total{limit="account",mode="enforce"} 1
glacis_limited_total{limit="w",mode="monitor"} 1
# HELP glacis_outcomes_total What the upstream's answers meant.
# TYPE glacis_outcomes_total counter
glacis_outcomes_total{class="login",outcome="success",route="POST /api/login"} 1
# HELP glacis_requests_total Requests by route, class, what was done and the status class answered (0 = no answer).
# TYPE glacis_requests_total counter
glacis_requests_total{class="login",code="2xx",route="POST /api/login",verdict="allow"} 1
glacis_requests_total{class="login",code="4xx",route="POST /api/login",verdict="limit"} 1
glacis_requests_total{class="plain",code="2xx",route="(plain)",verdict="allow"} 1
glacis_requests_total{class="plain",code="2xx",route="/watched",verdict="allow"} 2
glacis_requests_total{class="plain",code="4xx",route="(plain)",verdict="allow"} 1
glacis_requests_total{class="plain",code="4xx",route="(plain)",verdict="refuse"} 1
# HELP glacis_signals_total Evidence found, by signal.
# TYPE glacis_signals_total counter
glacis_signals_total{signal="trap.hit"} 1
# HELP glacis_would_total Requests that watching rules would have treated harder, by what they would have done.
# TYPE glacis_would_total counter
glacis_would_total{cause="limit",class="plain",route="/watched",verdict="limit"} 1
`
	url := "http://" + s.gateway.AdminAddr().String() + "/metrics"
	names := []string{"glacis_requests_total", "glacis_limited_total", "glacis_outcomes_total", "glacis_would_total", "glacis_signals_total"}
	if err := testutil.ScrapeAndCompare(url, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
	text := s.admin("/metrics").body
	for _, secret := range []string{"203.0.113", "ann.secret", "key-secret-3", "users"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in the metrics", secret)
		}
	}
	for _, name := range []string{"glacis_request_duration_seconds_count 7", "glacis_upstream_duration_seconds_count 5", "glacis_connections ", "glacis_upstream_healthy{target=", "glacis_upstream_pending{target=", "glacis_budgets_live ", "glacis_record_dropped_total{class=\"denials\"} 0", "glacis_build_info{", "go_goroutines "} {
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("no %s in the metrics", name)
		}
	}
	problems, err := testutil.GatherAndLint(s.gate.Metrics())
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

// TestHealth: alive for as long as it answers, ready for as long as it should be sent requests.
func TestHealth(t *testing.T) {
	t.Parallel()
	up, asked := hanging(t)
	s := open(t, "server: {drain_timeout: 10s}", up)
	if a := s.admin("/healthz"); a.StatusCode != 200 || a.body != "{\"status\":\"ok\"}\n" {
		t.Errorf("%s %s", a.Status, a.body)
	}
	var ready struct {
		Status  string
		Targets []struct {
			Address string
			Healthy bool
		}
	}
	if a := s.admin("/readyz"); a.StatusCode != 200 || json.Unmarshal([]byte(a.body), &ready) != nil || ready.Status != "ready" || len(ready.Targets) != 1 || ready.Targets[0].Address != up || !ready.Targets[0].Healthy {
		t.Errorf("%s %s", a.Status, a.body)
	}
	for _, path := range []string{"/", "/debug/pprof/", "/metrics/x"} {
		if a := s.admin(path); a.StatusCode != 404 {
			t.Errorf("%s: %s", path, a.Status)
		}
	}
	// While a request is under way a stop waits for it, and readiness is gone from the start.
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	ended := make(chan bool)
	go func() {
		r, err := http.NewRequestWithContext(ctx, "GET", s.url("/x"), nil)
		if err == nil {
			_, err = http.DefaultTransport.RoundTrip(r)
		}
		ended <- err != nil
	}()
	within(t, "the request", asked)
	stopped := make(chan bool)
	go func() {
		s.stop()
		close(stopped)
	}()
	until(t, "an end of readiness", func() bool {
		a := s.admin("/readyz")
		return a.StatusCode == http.StatusServiceUnavailable && strings.Contains(a.body, `"draining"`)
	})
	if s.admin("/healthz").StatusCode != 200 {
		t.Error("not alive while draining")
	}
	leave()
	<-ended
	within(t, "the stop", stopped)
}

// TestAdminOff: no listener, no address.
func TestAdminOff(t *testing.T) {
	t.Parallel()
	s := open(t, "", upstream(t, ok))
	other := &site{t: t, log: new(notes), data: t.TempDir(), base: s.base}
	other.base.Admin, other.base.Data = "off", other.data
	other.start(other.plan(""))
	if a := other.gateway.AdminAddr(); a != nil {
		t.Errorf("listens on %v", a)
	}
	if other.get("/x").StatusCode != 200 {
		t.Error("the gate does not work without")
	}
	other.stop()
	select {
	case err := <-other.gateway.Failed():
		t.Errorf("said to have failed: %v", err)
	default:
	}
}
