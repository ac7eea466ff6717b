package record

import (
	"context"
	"io"
	"log/slog"
	"runtime"
	"syscall"
	"testing"

	"glacis/learn/observe"
)

// BenchmarkObserve compares a line of ours with the same one by slog, within one run. Ours includes the writer; the file is thrown away.
// cpu-ns/op is the processor time of the whole process, and holds on a busy machine too.
func BenchmarkObserve(b *testing.B) {
	for name, e := range map[string]*observe.Entry{"allowed": allowed(), "denied": denied(b)} {
		b.Run(name, func(b *testing.B) {
			r := recorder(b, io.Discard)
			b.ReportAllocs()
			before := processorTime()
			for b.Loop() {
				observeNext(r, e)
			}
			report(b, r, before)
		})
	}
	b.Run("allowed/parallel", func(b *testing.B) {
		r := recorder(b, io.Discard)
		b.ReportAllocs()
		before := processorTime()
		b.RunParallel(func(pb *testing.PB) {
			e := allowed()
			for pb.Next() {
				observeNext(r, e)
			}
		})
		report(b, r, before)
	})
	b.Run("slog", func(b *testing.B) {
		log := slog.New(slog.NewJSONHandler(io.Discard, nil))
		e := allowed()
		b.ReportAllocs()
		before := processorTime()
		for b.Loop() {
			bySlog(log, e)
		}
		b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op")
	})
}

// observeNext now and then lets the writer run, as requests do when they wait for the network: a loop that never waits leaves it no
// processor, and measures how fast lines are dropped.
func observeNext(r *Recorder, e *observe.Entry) {
	if e.Verdict.ID[15]++; e.Verdict.ID[15] == 0 {
		runtime.Gosched()
	}
	r.Observe(e)
}

// processorTime is what this process has used, in nanoseconds.
func processorTime() int64 {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return used.Utime.Nano() + used.Stime.Nano()
}

func report(b *testing.B, r *Recorder, before int64) {
	b.StopTimer()
	finish(b, r)
	b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op")
	s := r.Stats()
	b.ReportMetric(float64(s.DroppedAllows+s.DroppedDenials)/float64(b.N), "dropped/op")
	b.ReportMetric(float64(s.Bytes)/float64(s.Lines), "B/line")
}

func bySlog(log *slog.Logger, e *observe.Entry) {
	f, v := e.Facts, e.Verdict
	log.LogAttrs(context.Background(), slog.LevelInfo, "decision",
		slog.String("id", v.ID.String()), slog.String("http.request.method", f.Method), slog.String("url.path", f.Path),
		slog.String("url.query.keys", "page,sort"), slog.String("server.address", f.Host), slog.String("http.route", f.Template),
		slog.Int("http.response.status_code", e.Status), slog.Int64("http.response.body.size", e.Out),
		slog.String("user_agent.original", f.UserAgent), slog.String("client.address", f.Client.String()),
		slog.String("network.peer.address", f.Remote.Addr().String()), slog.String("network.protocol.version", "1.1"),
		slog.String("route", f.Route.Pattern), slog.String("class", f.Route.Class.String()), slog.String("subject", v.Subject.String()),
		slog.String("mode", v.Mode.String()), slog.String("tension", v.Tension.String()), slog.String("verdict", v.Done.Action.String()),
		slog.String("outcome", e.Outcome.String()), slog.String("upstream", e.Target),
		slog.Float64("duration_ms", float64(e.Took.Microseconds())/1000), slog.Float64("upstream_ms", float64(e.Upstream.Microseconds())/1000),
		slog.String("request_id", f.RequestID))
}
