//go:build linux

package main

import (
	"slices"
	"time"
)

// Report is what a run tells. Latencies are microseconds.
type Report struct {
	Requests int     `json:"requests"` // answered by 200
	Errors   int     `json:"errors"`   // other answers, broken connections, and requests never answered
	Seconds  float64 `json:"seconds"`
	P50      float64 `json:"p50"`
	P90      float64 `json:"p90"`
	P99      float64 `json:"p99"`
	P999     float64 `json:"p999"`
	Late     float64 `json:"late"` // p99 of how much later than due requests left that waited for no answer: pace's own fault, in no latency
}

func report(latencies, late []time.Duration, failed int, span time.Duration) Report {
	slices.Sort(latencies)
	slices.Sort(late)
	return Report{
		Requests: len(latencies), Errors: failed, Seconds: span.Seconds(),
		P50: quantile(latencies, 0.5), P90: quantile(latencies, 0.9), P99: quantile(latencies, 0.99), P999: quantile(latencies, 0.999),
		Late: quantile(late, 0.99),
	}
}

// quantile is the smallest value that at least the share q of sorted does not exceed, in microseconds; 0 of none.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	i := int(q * float64(len(sorted)))
	return float64(sorted[min(i, len(sorted)-1)].Nanoseconds()) / 1e3
}
