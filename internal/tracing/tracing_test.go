package tracing

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

type word string

func (w word) String() string { return string(w) }

func TestSpansReachTheCollector(t *testing.T) {
	got := make(chan *collect.ExportTraceServiceRequest, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var spans collect.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &spans); err != nil {
			t.Error(err)
		}
		got <- &spans
	}))
	defer collector.Close()
	tracer, err := Open(t.Context(), collector.URL, "glacis", 0)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/x", nil)
	r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	span := tracer.Begin(r)
	if tp := r.Header.Get("Traceparent"); !strings.HasPrefix(tp, "00-4bf92f3577b34da6a3ce929d0e0e4736-") || strings.Contains(tp, "00f067aa0ba902b7") {
		t.Errorf("traceparent for the upstream is %q: want the same trace and a new parent", tp)
	}
	span.End("GET", "/items/{id}", 200, word("01J"), word("allow"))
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	one := (<-got).ResourceSpans[0].ScopeSpans[0].Spans[0]
	if one.Name != "GET /items/{id}" || len(one.Attributes) != 5 {
		t.Errorf("span %q with %v", one.Name, one.Attributes)
	}
}

func TestNoEndpointDoesNothing(t *testing.T) {
	tracer, err := Open(t.Context(), "", "glacis", 1)
	if err != nil || tracer != nil {
		t.Fatalf("%v, %v", tracer, err)
	}
	r := httptest.NewRequest("GET", "/x", nil)
	var nothing word
	if n := testing.AllocsPerRun(10, func() { tracer.Begin(r).End("GET", "/", 200, nothing, nothing) }); n != 0 {
		t.Errorf("%v allocations without an endpoint", n)
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
