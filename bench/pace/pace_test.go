//go:build linux

package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

const asking = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

func planFor(address string) plan {
	return plan{to: netip.MustParseAddrPort(address), request: []byte(asking), rate: 1000, connections: 8,
		warm: 20 * time.Millisecond, span: 100 * time.Millisecond}
}

// measured counts the requests of a plan that are due in its measured time.
func (p plan) measured() (n int) {
	interval := time.Duration(float64(p.connections) / p.rate * 1e9)
	for _, phase := range p.phases(interval) {
		for due := phase; due < p.warm+p.span; due += interval {
			if due >= p.warm {
				n++
			}
		}
	}
	return n
}

func TestAsksWhatWasPlanned(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		length string
		good   bool
	}{
		"answered":       {200, "5", true},
		"refused":        {429, "5", false},
		"without length": {200, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tt.length != "" {
					w.Header().Set("Content-Length", tt.length)
				}
				w.WriteHeader(tt.status)
				_ = http.NewResponseController(w).Flush()
				_, _ = io.WriteString(w, "hello")
			}))
			defer server.Close()
			p := planFor(server.Listener.Addr().String())
			r, err := p.run()
			if !tt.good && tt.length == "" {
				if err == nil {
					t.Fatalf("%+v, want an error: no connection can be used", r)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			good, bad := p.measured(), 0
			if !tt.good {
				good, bad = bad, good
			}
			if r.Requests != good || r.Errors != bad {
				t.Errorf("%d answered and %d not, want %d and %d", r.Requests, r.Errors, good, bad)
			}
			if tt.good && (r.P50 <= 0 || r.P50 > r.P90 || r.P90 > r.P99 || r.P99 > r.P999) {
				t.Errorf("latencies out of order: %+v", r)
			}
		})
	}
}

// TestSilenceIsNoAnswer is what a closed loop would hide: a server that never answers was asked all the same.
func TestSilenceIsNoAnswer(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0") // accepts by its backlog, and that is all
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := planFor(l.Addr().String())
	r, err := p.run()
	if err != nil {
		t.Fatal(err)
	}
	if r.Requests != 0 || r.Errors != p.measured() {
		t.Errorf("%d answered and %d not, want 0 and %d", r.Requests, r.Errors, p.measured())
	}
}

func TestPhasesAreTheSameForEverybody(t *testing.T) {
	p := plan{connections: 64}
	interval := 5 * time.Millisecond
	phases := p.phases(interval)
	if !slices.Equal(phases, p.phases(interval)) {
		t.Error("two runs differ")
	}
	if !slices.IsSorted(phases) || phases[0] < 0 || phases[63] >= interval {
		t.Errorf("out of order or range: %v", phases)
	}
}

func TestAnswerRead(t *testing.T) {
	const good = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"
	for name, tt := range map[string]struct {
		text            string
		whole, ok, fail bool
	}{
		"whole":          {good, true, true, false},
		"empty body":     {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true, true, false},
		"other status":   {"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 1\r\n\r\na", true, false, false},
		"half head":      {good[:20], false, false, false},
		"half body":      {good[:len(good)-1], false, false, false},
		"no length":      {"HTTP/1.1 200 OK\r\n\r\n", false, false, true},
		"broken length":  {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", false, false, true},
		"endless header": {"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", maxHead), false, false, true},
	} {
		for _, step := range []int{len(tt.text), 1} {
			var a answer
			var whole, ok bool
			var err error
			for rest := []byte(tt.text); len(rest) > 0 && err == nil; rest = rest[step:] {
				whole, ok, err = a.read(rest[:step])
			}
			if whole != tt.whole || ok != tt.ok || (err != nil) != tt.fail {
				t.Errorf("%s, %d bytes at a time: whole %v, ok %v, %v", name, step, whole, ok, err)
			}
		}
	}
	var a answer
	if _, _, err := a.read([]byte(good + "H")); err == nil {
		t.Error("more than the answer was taken")
	}
}

func TestQuantile(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i)*time.Microsecond)
	}
	for _, tt := range []struct {
		of   []time.Duration
		q    float64
		want float64
	}{{hundred, 0.5, 50}, {hundred, 0.99, 99}, {hundred, 1, 99}, {hundred, 0, 0}, {hundred[:1], 0.9, 0}, {nil, 0.5, 0}} {
		if got := quantile(tt.of, tt.q); got != tt.want {
			t.Errorf("quantile %v of %d: %v, want %v", tt.q, len(tt.of), got, tt.want)
		}
	}
}
