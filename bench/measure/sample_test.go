package main

import (
	"strings"
	"testing"
	"time"
)

// made are samples of two rounds in which the gate costs 30 and 36, tuned 40 and 60, nginx 10.
func made() samples {
	of := func(phase string, round int, target string, us, p99 int) sample {
		return sample{phase, round, target, answers{requests: 1000, seconds: 2, p50: 100, p90: 150, p99: float64(p99), p999: 900},
			time.Duration(1000*us) * time.Microsecond, time.Second, 10 << 20}
	}
	return samples{
		of(flood, 1, gateName, 30, 500), of(flood, 1, openGateName, 29, 500), of(flood, 1, tunedName, 40, 600), of(flood, 1, nginxName, 10, 200),
		of(flood, 2, nginxName, 10, 200), of(flood, 2, tunedName, 60, 600), of(flood, 2, openGateName, 33, 500), of(flood, 2, gateName, 36, 500),
		of(paced, 1, gateName, 50, 320), of(paced, 1, tunedName, 50, 200), of(paced, 2, tunedName, 50, 300), of(paced, 2, gateName, 50, 360),
	}
}

func TestTablesTellRatiosRoundByRound(t *testing.T) {
	var out strings.Builder
	if err := made().tell(&out); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"glacis 33.0 0.68 3.30 500 100 500 10 0.03 0", // medians; (30/40 + 36/60) / 2 = 0.675
		"tuned 50.0 1.00 5.00",
		"Paced: 500 requests a second",
		"glacis 50.0 1.00 100 340 +0 +90 0",
		"gate to tuned: 0.68 (rounds 0.60 to 0.75); at most 0.80: kept",
		"four limits: +2.0 us (rounds +1.0 to +3.0)",
		"gate over tuned: +90 us (rounds +60 to +120); at most +60: NOT KEPT",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
}

func TestTablesDoWithoutWhatWasNotMeasured(t *testing.T) {
	var out strings.Builder
	if err := (made()[:1]).tell(&out); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Contains(text, "Paced") || strings.Contains(text, "kept") || !strings.Contains(text, " - ") {
		t.Errorf("told:\n%s", text)
	}
}

func TestSamplesAreKept(t *testing.T) {
	var out strings.Builder
	if err := (made()[:1]).write(&out); err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(out.String(), "\n")
	if want := "flood,1,glacis,1000,0,2.000,30.000,0.030,10.000,100.000,150.000,500.000,900.000\n"; line != want {
		t.Errorf("%q, want %q", line, want)
	}
}

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{3, 1}, 2}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 9, 2}, 3}} {
		if got := median(tt.of); got != tt.want {
			t.Errorf("median of %v: %v, want %v", tt.of, got, tt.want)
		}
	}
	if got := (sample{}).cpuPerRequest(); got != 0 {
		t.Errorf("CPU per request of no requests: %v", got)
	}
}
