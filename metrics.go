package glacis

import (
	"math/rand/v2"
	"runtime/debug"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"glacis/decide/facts"
	"glacis/decide/verdict"
	"glacis/learn/observe"
)

// metrics are the gate's figures. Labels are routes, classes, verdicts and causes of the configuration: their number is bounded, and none
// of them names a caller.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	would    *prometheus.CounterVec
	outcomes *prometheus.CounterVec
	limited  *prometheus.CounterVec
	signals  *prometheus.CounterVec
	decision prometheus.Histogram
	took     prometheus.Histogram
	upstream prometheus.Histogram
}

func newMetrics(g *Gate) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "glacis", Name: name, Help: help}, labels)
	}
	seconds := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "glacis", Name: name, Help: help, Buckets: buckets})
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: counter("requests_total", "Requests by route, class, what was done and the status class answered (0 = no answer).", "route", "class", "verdict", "code"),
		would:    counter("would_total", "Requests that watching rules would have treated harder, by what they would have done.", "route", "class", "verdict", "cause"),
		outcomes: counter("outcomes_total", "What the upstream's answers meant.", "route", "class", "outcome"),
		limited:  counter("limited_total", "Requests a limit denied, by limit and mode.", "limit", "mode"),
		signals:  counter("signals_total", "Evidence found, by signal.", "signal"),
		decision: seconds("decision_duration_seconds", "Time to read the facts and decide; one request in 16 is measured.", []float64{1e-6, 2e-6, 4e-6, 8e-6, 16e-6, 64e-6, 256e-6, 1e-3, 1e-2}),
		took:     seconds("request_duration_seconds", "Time from a request's head to the end of its answer.", prometheus.ExponentialBuckets(0.001, 2, 15)),
		upstream: seconds("upstream_duration_seconds", "Time until the upstream's response head.", prometheus.ExponentialBuckets(0.001, 2, 15)),
	}
	m.registry.MustRegister(m.requests, m.would, m.outcomes, m.limited, m.signals, m.decision, m.took, m.upstream,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo())
	m.watch(g)
	return m
}

// watch reads the figures that other rooms keep.
func (m *metrics) watch(g *Gate) {
	read := func(name, help string, labels prometheus.Labels, of func() float64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "glacis", Name: name, Help: help, ConstLabels: labels}, of))
	}
	read("record_lines_total", "Lines written to the record.", nil, func() float64 { return float64(g.record.Stats().Lines) })
	read("record_bytes_total", "Bytes written to the record.", nil, func() float64 { return float64(g.record.Stats().Bytes) })
	for cause, of := range map[string]func() uint64{
		"allows":  func() uint64 { return g.record.Stats().DroppedAllows },
		"denials": func() uint64 { return g.record.Stats().DroppedDenials },
	} {
		read("record_dropped_total", "Lines dropped because the record could not keep up, by what they told of.", prometheus.Labels{"class": cause}, func() float64 { return float64(of()) })
	}
	read("record_errors_total", "Failed writes to the record.", nil, func() float64 { return float64(g.record.Stats().Errors) })
	read("budgets_overflow_total", "Claims answered by the overflow tier, where keys may share.", nil, func() float64 { return float64(g.budgets.Stats(g.clock.now()).Overflow) })
	read("budgets_overflow_refused_total", "Claims the overflow tier refused.", nil, func() float64 { return float64(g.budgets.Stats(g.clock.now()).Refused) })
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "glacis", Name: "budgets_live", Help: "Budgets in debt, estimated."},
		func() float64 { return float64(g.budgets.Stats(g.clock.now()).Live) }))
}

func buildInfo() prometheus.Collector {
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "glacis", Name: "build_info", Help: "Version of the running binary; always 1."}, []string{"version", "goversion"})
	version, goversion := "unknown", "unknown"
	if b, ok := debug.ReadBuildInfo(); ok {
		version, goversion = b.Main.Version, b.GoVersion
	}
	info.WithLabelValues(version, goversion).Set(1)
	return info
}

// counters are the request counters of one plan, found by index instead of by label.
type counters struct {
	routes []*facts.Route
	done   [][verdict.NumActions][6]atomic.Pointer[prometheus.Counter]
}

func (m *metrics) forRoutes(routes []*facts.Route) *counters {
	return &counters{routes, make([][verdict.NumActions][6]atomic.Pointer[prometheus.Counter], len(routes))}
}

var codes = [6]string{"0", "1xx", "2xx", "3xx", "4xx", "5xx"}

// request finds the counter of a route, an action and a status class, looking it up by its labels once.
func (m *metrics) request(c *counters, e *observe.Entry) prometheus.Counter {
	r, action, code := e.Facts.Route, e.Verdict.Done.Action, min(max(e.Status/100, 0), 5)
	place := &c.done[r.Index][action][code]
	if found := place.Load(); found != nil {
		return *found
	}
	made := m.requests.WithLabelValues(r.Pattern, r.Class.String(), action.String(), codes[code])
	place.Store(&made)
	return made
}

// sampled is the share of decisions whose time is measured, as one in so many.
const sampled = 16

func (m *metrics) decided(ns int64) {
	if rand.Uint32()%sampled == 0 {
		m.decision.Observe(float64(ns) / 1e9)
	}
}

// observed counts one exchange. What is rare is looked up by label; what happens on every request is not.
func (m *metrics) observed(c *counters, e *observe.Entry) {
	m.request(c, e).Inc()
	m.took.Observe(e.Took.Seconds())
	if e.Upstream > 0 {
		m.upstream.Observe(e.Upstream.Seconds())
	}
	r, v := e.Facts.Route, e.Verdict
	if v.Would.Action > v.Done.Action {
		m.would.WithLabelValues(r.Pattern, r.Class.String(), v.Would.Action.String(), v.Would.Cause.String()).Inc()
	}
	if v.Done.Cause == verdict.Spent {
		m.limited.WithLabelValues(v.Done.Limit.Limit.Name, "enforce").Inc()
	} else if v.Would.Cause == verdict.Spent {
		m.limited.WithLabelValues(v.Would.Limit.Limit.Name, "monitor").Inc()
	}
	for _, s := range v.Score.Reasons() {
		m.signals.WithLabelValues(s.Code).Inc()
	}
	if r.Class != facts.Plain && e.Outcome != 0 {
		m.outcomes.WithLabelValues(r.Pattern, r.Class.String(), e.Outcome.String()).Inc()
	}
}
