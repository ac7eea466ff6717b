package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// A sample is one target under one load, once.
type sample struct {
	phase  string
	round  int
	target string
	answers
	cpu  time.Duration // of all processes of the target
	took time.Duration
	rss  int64 // bytes, right after the load
}

// The phases of a measurement.
const (
	flood = "flood" // as fast as answers come: what a request costs
	paced = "paced" // half of what tuned can take: how long a request takes
)

func (s sample) cpuPerRequest() float64 {
	return perRequest(float64(s.cpu.Nanoseconds())/1e3, s.requests)
}

func perRequest(sum float64, requests int) float64 {
	if requests == 0 {
		return 0
	}
	return sum / float64(requests)
}

func (s sample) rate() float64 { return float64(s.requests) / s.seconds }

// share is how much of its CPU the target had. Below 1 under flood, something else was running: the latencies and the rate are then
// too bad, and the CPU per request is somewhat.
func (s sample) share() float64 { return float64(s.cpu) / float64(s.took) }

func (s sample) mebibytes() float64 { return float64(s.rss) / (1 << 20) }

// A figure is something a sample tells.
type figure func(sample) float64

func p50(s sample) float64    { return s.p50 }
func p99(s sample) float64    { return s.p99 }
func errs(s sample) float64   { return float64(s.errors) }
func asked(s sample) float64  { return float64(s.requests + s.errors) }
func cpu(s sample) float64    { return s.cpuPerRequest() }
func rate(s sample) float64   { return s.rate() }
func share(s sample) float64  { return s.share() }
func memory(s sample) float64 { return s.mebibytes() }

// samples are what was measured, in order.
type samples []sample

// of are the samples of one target in one phase.
func (all samples) of(phase, target string) samples {
	var some samples
	for _, s := range all {
		if s.phase == phase && s.target == target {
			some = append(some, s)
		}
	}
	return some
}

// names are the targets of one phase, in the order of their first visit.
func (all samples) names(phase string) []string {
	var names []string
	for _, s := range all {
		if s.phase == phase && !slices.Contains(names, s.target) {
			names = append(names, s.target)
		}
	}
	return names
}

// all values of a figure.
func (all samples) values(f figure) []float64 {
	values := make([]float64, len(all))
	for i, s := range all {
		values[i] = f(s)
	}
	return values
}

// against joins the values of a figure with those of other targets' samples, round by round: what disturbed a round disturbed both.
func (all samples) against(base samples, f figure, join func(a, b float64) float64) []float64 {
	var joined []float64
	for _, s := range all {
		for _, b := range base {
			if b.round == s.round {
				joined = append(joined, join(f(s), f(b)))
			}
		}
	}
	return joined
}

func ratio(a, b float64) float64      { return a / b }
func difference(a, b float64) float64 { return a - b }

// median of some values; 0 of none.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[n/2] + sorted[(n-1)/2]) / 2
}

// total of some values.
func total(values []float64) (sum float64) {
	for _, v := range values {
		sum += v
	}
	return sum
}

// write puts every sample on a line of its own.
func (all samples) write(to io.Writer) error {
	w := csv.NewWriter(to)
	lines := [][]string{{"phase", "round", "target", "requests", "errors", "seconds", "cpu_us_per_request", "cpu_share", "rss_mib",
		"p50_us", "p90_us", "p99_us", "p999_us"}}
	for _, s := range all {
		line := []string{s.phase, strconv.Itoa(s.round), s.target, strconv.Itoa(s.requests), strconv.Itoa(s.errors)}
		for _, v := range []float64{s.seconds, s.cpuPerRequest(), s.share(), s.mebibytes(), s.p50, s.p90, s.p99, s.p999} {
			line = append(line, fmt.Sprintf("%.3f", v))
		}
		lines = append(lines, line)
	}
	return w.WriteAll(lines)
}
