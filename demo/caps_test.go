package demo

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestCaps(t *testing.T) {
	var now, most, sum atomic.Int64
	full := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		n := now.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		if sum.Add(1) == 3 {
			close(full)
		}
		<-full // nobody goes on before three are here together
		now.Add(-1)
	}))
	defer server.Close()
	// Time stands still and nobody waits, so that only the caps end this and all come at once.
	got, err := Crowd{
		Target: server.URL, Requests: 70, Concurrent: 3,
		Clock: func() time.Time { return time.Unix(0, 0) },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}.Run(t.Context())
	if err != nil || got.Ended != "the request cap" || got.Requests != 70 || sum.Load() != 70 {
		t.Errorf("ended by %s after %d requests, %d seen (%v)", got.Ended, got.Requests, sum.Load(), err)
	}
	if most.Load() != 3 {
		t.Errorf("%d at once, want 3", most.Load())
	}
}

func TestCancellationEndsAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var once sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not notice who leaves
		once.Do(cancel)
		<-r.Context().Done() // never answers: only the client's leaving ends it
	}))
	defer server.Close()
	got, err := Crowd{
		Target: server.URL, Duration: time.Hour,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, // arrive at once
	}.Run(ctx)
	if err != nil || got.Ended != "cancellation" || got.Requests != 0 {
		t.Errorf("ended by %q after %d requests (%v)", got.Ended, got.Requests, err)
	}
}

func TestRefusedCrowds(t *testing.T) {
	const here = "http://127.0.0.1:9"
	for name, c := range map[string]Crowd{
		"too long":          {Target: here, Duration: MostDuration + 1},
		"negative duration": {Target: here, Duration: -1},
		"too many requests": {Target: here, Requests: MostRequests + 1},
		"too wide":          {Target: here, Concurrent: MostConcurrent + 1},
		"too many clients":  {Target: here, Populations: []Population{{Clients: 150, Behave: scraper}, {Clients: 101, Behave: scraper}}},
		"negative clients":  {Target: here, Populations: []Population{{Clients: -1, Behave: scraper}}},
		"no behaviour":      {Target: here, Populations: []Population{{Clients: 1}}},
	} {
		if _, err := c.Run(t.Context()); err == nil {
			t.Errorf("%s: let out", name)
		}
	}
}
