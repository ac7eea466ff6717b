package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// admin is the operators' listener: figures and health. It answers nothing about anybody.
type admin struct {
	gateway  *Gateway
	server   *http.Server
	listener net.Listener
}

func newAdmin(g *Gateway) *admin {
	a := &admin{gateway: g}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(g.gate.Metrics(), promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", a.healthz)
	mux.HandleFunc("GET /readyz", a.readyz)
	mux.HandleFunc("GET /routes", a.routes)
	a.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	return a
}

// off is the address that turns the listener off.
const off = "off"

func (a *admin) listen(address string) (err error) {
	if address != off {
		a.listener, err = net.Listen("tcp", address)
	}
	return err
}

func (a *admin) addr() net.Addr {
	if a.listener == nil {
		return nil
	}
	return a.listener.Addr()
}

func (a *admin) serve() error {
	if a.listener == nil {
		return nil
	}
	if err := a.server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (a *admin) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return a.server.Shutdown(ctx)
}

// healthz says that the process is alive: it answers.
func (a *admin) healthz(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz says whether traffic should be sent here: not while draining, and not when every target is known to be down.
func (a *admin) readyz(w http.ResponseWriter, _ *http.Request) {
	type target struct {
		Address string `json:"address"`
		Healthy bool   `json:"healthy"`
		Ejected bool   `json:"ejected,omitempty"`
		Pending int64  `json:"pending"`
	}
	out := struct {
		Status  string   `json:"status"`
		Targets []target `json:"targets"`
	}{Status: "no healthy target"}
	code := http.StatusServiceUnavailable
	for _, t := range a.gateway.pool.Load().Targets() {
		out.Targets = append(out.Targets, target{t.Address, t.Healthy, !t.EjectedUntil.IsZero(), t.Pending})
		if t.Healthy {
			out.Status, code = "ready", http.StatusOK
		}
	}
	if a.gateway.draining.Load() {
		out.Status, code = "draining", http.StatusServiceUnavailable
	}
	reply(w, code, out)
}

// routes lists what was learnt of paths no route matches, with the class that was guessed: what to put into the configuration next.
func (a *admin) routes(w http.ResponseWriter, _ *http.Request) {
	type learnt struct {
		Template string `json:"template"`
		Get      string `json:"get"`
		Post     string `json:"post"`
	}
	out := []learnt{}
	for _, l := range a.gateway.gate.Learnt() {
		out = append(out, learnt{l.Template, l.Get.String(), l.Post.String()})
	}
	reply(w, http.StatusOK, out)
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the asker may be gone
}

// figures are the gateway's own: connections and targets, read when they are asked for.
type figures struct{ *Gateway }

var (
	connections = prometheus.NewDesc("glacis_connections", "Client connections open.", nil, nil)
	turned      = prometheus.NewDesc("glacis_connections_turned_away_total", "Client connections closed because there were too many.", nil, nil)
	healthy     = prometheus.NewDesc("glacis_upstream_healthy", "1 when the target is in use, 0 when a check failed or it is left out for a while.", []string{"target"}, nil)
	pending     = prometheus.NewDesc("glacis_upstream_pending", "Requests under way at the target.", []string{"target"}, nil)
)

// Describe implements prometheus.Collector.
func (f *figures) Describe(to chan<- *prometheus.Desc) {
	to <- connections
	to <- turned
	to <- healthy
	to <- pending
}

// Collect implements prometheus.Collector.
func (f *figures) Collect(to chan<- prometheus.Metric) {
	to <- prometheus.MustNewConstMetric(connections, prometheus.GaugeValue, float64(f.front.Connections()))
	to <- prometheus.MustNewConstMetric(turned, prometheus.CounterValue, float64(f.front.Turned()))
	for _, t := range f.pool.Load().Targets() {
		up := 0.0
		if t.Healthy && t.EjectedUntil.IsZero() {
			up = 1
		}
		to <- prometheus.MustNewConstMetric(healthy, prometheus.GaugeValue, up, t.Address)
		to <- prometheus.MustNewConstMetric(pending, prometheus.GaugeValue, float64(t.Pending), t.Address)
	}
}
