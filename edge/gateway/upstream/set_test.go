package upstream

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Fields set for the target arrive whatever the client names in Connection, on both rungs, and cannot be used to inject others.
func TestFieldsSetForTheTarget(t *testing.T) {
	var got http.Header
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Clone() }))
	defer target.Close()
	p, err := New(Config{Targets: []string{target.URL}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var set []Field
	var last Result
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if last = p.ForwardWith(w, r, set); last.Err != nil && !last.Started {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer front.Close()
	ask := func(body io.Reader) {
		t.Helper()
		r, err := http.NewRequest("POST", front.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Connection", "X-Forwarded-For, X-Mine")
		r.Header.Set("X-Mine", "the client's")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
	}
	set = []Field{{"X-Forwarded-For", "203.0.113.9"}, {"X-Mine", "ours"}}
	for rung, body := range map[Rung]io.Reader{RungB: strings.NewReader("short"), RungA: strings.NewReader(strings.Repeat("long ", 20_000))} {
		got = nil
		if ask(body); last.Rung != rung || last.Err != nil {
			t.Errorf("rung %s instead of %s, %v", last.Rung, rung, last.Err)
		}
		if got.Get("X-Forwarded-For") != "203.0.113.9" || strings.Join(got["X-Mine"], "|") != "ours" {
			t.Errorf("rung %s: the target got %v", rung, got)
		}
	}
	set = []Field{{"X-Mine", "a\r\nX-Other: b"}}
	if ask(strings.NewReader("x")); KindOf(last.Err) != Refused {
		t.Errorf("a field with a line end: %v", last.Err)
	}
}
