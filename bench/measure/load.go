package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// path and fields are the one request that everybody is asked: what a mobile app sends to an API.
const path = "/api/v1/items/123?expand=owner&limit=20"

var fields = [][2]string{
	{"Authorization", "Bearer example_4f7a9c2e8b1d6035a7c4e9f2b8d10365"},
	{"User-Agent", "shop-app/5.12.0 (iOS 18.2; iPhone16,2)"},
	{"Accept", "application/json"},
	{"Accept-Encoding", "gzip, deflate, br"},
	{"Accept-Language", "en-GB,en;q=0.9"},
	{"X-Request-Id", "6b1f0f1e-7c59-4a52-9a7a-53c1d9f0f9aa"},
	{"X-App-Version", "5.12.0"},
	{"Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
	{"Cache-Control", "no-cache"},
}

// load asks servers, from one CPU.
type load struct {
	place
	bin         string // where our programs are
	dir         string // where the request lies
	connections int
}

// newLoad writes the request for both generators into dir.
func newLoad(p place, bin, dir string, connections int) (*load, error) {
	var script, request strings.Builder
	fmt.Fprintf(&script, "wrk.path = %q\n", path)
	fmt.Fprintf(&request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", path)
	for _, f := range fields {
		fmt.Fprintf(&script, "wrk.headers[%q] = %q\n", f[0], f[1])
		fmt.Fprintf(&request, "%s: %s\r\n", f[0], f[1])
	}
	request.WriteString("\r\n")
	script.WriteString(`done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("counted %d %d %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(90),
    latency:percentile(99), latency:percentile(99.9), e.connect + e.read + e.write + e.status + e.timeout))
end
`)
	return &load{p, bin, dir, connections}, errors.Join(
		os.WriteFile(filepath.Join(dir, "request.lua"), []byte(script.String()), 0o644),
		os.WriteFile(filepath.Join(dir, "request.txt"), []byte(request.String()), 0o644))
}

// answers is what a load got to see. Latencies are microseconds.
type answers struct {
	requests            int
	errors              int
	seconds             float64
	p50, p90, p99, p999 float64
}

// flood asks as fast as answers come, each connection one request after the other.
func (l *load) flood(ctx context.Context, address string, span time.Duration) (answers, error) {
	seconds := max(1, int(span.Round(time.Second).Seconds()))
	out, err := l.run(ctx, span, "wrk", "-t1", fmt.Sprintf("-c%d", l.connections), fmt.Sprintf("-d%d", seconds),
		"-s", filepath.Join(l.dir, "request.lua"), "http://"+address)
	if err != nil {
		return answers{}, err
	}
	return readCounted(out)
}

// readCounted reads what the script above prints.
func readCounted(out []byte) (a answers, err error) {
	_, line, found := strings.Cut(string(out), "counted ")
	if !found {
		return a, fmt.Errorf("wrk counted nothing: %s", out)
	}
	var us float64
	_, err = fmt.Sscan(line, &a.requests, &us, &a.p50, &a.p90, &a.p99, &a.p999, &a.errors)
	a.seconds = us / 1e6
	return a, err
}

// pace asks at a fixed rate.
func (l *load) pace(ctx context.Context, address string, rate float64, span time.Duration) (a answers, err error) {
	out, err := l.run(ctx, span, filepath.Join(l.bin, "pace"), "-to", address, "-request", filepath.Join(l.dir, "request.txt"),
		"-connections", strconv.Itoa(l.connections), "-rate", strconv.FormatFloat(rate, 'f', 1, 64), "-for", span.String())
	if err != nil {
		return a, err
	}
	var told struct {
		Requests, Errors             int
		Seconds, P50, P90, P99, P999 float64
	}
	err = json.Unmarshal(out, &told)
	return answers{told.Requests, told.Errors, told.Seconds, told.P50, told.P90, told.P99, told.P999}, err
}

// run runs a generator, and ends it when it takes much longer than it should.
func (l *load) run(ctx context.Context, span time.Duration, program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, span+10*time.Second)
	defer cancel()
	out, err := l.command(ctx, program, args...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", filepath.Base(program), err, out)
	}
	return out, nil
}
