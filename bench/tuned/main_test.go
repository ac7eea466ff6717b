package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestForwards(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "api.example" || r.Header.Get("X-Forwarded-For") != "127.0.0.1" {
			t.Errorf("host %q, forwarded for %q", r.Host, r.Header.Get("X-Forwarded-For"))
		}
		_, _ = io.WriteString(w, "hello "+r.URL.RequestURI())
	}))
	defer origin.Close()
	gate := httptest.NewServer(proxy(origin.Listener.Addr().String()))
	defer gate.Close()
	r, err := http.NewRequest(http.MethodGet, gate.URL+"/a?b=c", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "api.example"
	answer, err := gate.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "hello /a?b=c" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestBuffersComeBackWithoutAllocation(t *testing.T) {
	var b buffers
	b.Put(b.Get())
	if n := testing.AllocsPerRun(100, func() { b.Put(b.Get()) }); n >= 1 { // a garbage collection may empty the pool
		t.Errorf("%v allocations", n)
	}
}
