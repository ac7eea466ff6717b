// Package tracing sends OpenTelemetry spans of HTTP exchanges, when an endpoint is configured. A nil Tracer is a valid one that does
// nothing, so that callers need no condition and untraced requests cost nothing.
package tracing

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

// Tracer makes a span for each exchange.
type Tracer struct {
	provider *trace.TracerProvider
	tracer   api.Tracer
	wire     propagation.TraceContext
}

// Open connects to an OTLP/HTTP endpoint such as http://127.0.0.1:4318; without one it returns a nil Tracer. Sample is the share of
// exchanges traced when the caller's traceparent does not decide. An endpoint that cannot be reached loses spans, never requests.
func Open(ctx context.Context, endpoint, service string, sample float64) (*Tracer, error) {
	if endpoint == "" {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint), otlptracehttp.WithTimeout(5*time.Second))
	if err != nil {
		return nil, err
	}
	provider := trace.NewTracerProvider(
		trace.WithBatcher(exporter),
		trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(sample))),
		trace.WithResource(resource.NewSchemaless(attribute.String("service.name", service))),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer(service)}, nil
}

// Close sends what is left, as long as the context allows.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Span is one exchange. The zero value does nothing.
type Span struct{ span api.Span }

// Begin starts the span of an exchange and points its traceparent at it, so that the upstream's spans hang below.
func (t *Tracer) Begin(r *http.Request) Span {
	if t == nil {
		return Span{}
	}
	parent := t.wire.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := t.tracer.Start(parent, r.Method, api.WithSpanKind(api.SpanKindServer))
	t.wire.Inject(ctx, propagation.HeaderCarrier(r.Header))
	return Span{span}
}

// End ends the span with what became of the exchange, in the names of OpenTelemetry's HTTP conventions. Decision and verdict are only
// turned into text when there is a span.
func (s Span) End(method, route string, status int, decision, verdict fmt.Stringer) {
	if s.span == nil {
		return
	}
	s.span.SetName(method + " " + route)
	s.span.SetAttributes(
		attribute.String("http.request.method", method), attribute.String("http.route", route),
		attribute.Int("http.response.status_code", status),
		attribute.Stringer("glacis.decision", decision), attribute.Stringer("glacis.verdict", verdict))
	if status >= http.StatusInternalServerError || status == 0 {
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}
