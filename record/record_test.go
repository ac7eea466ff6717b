package record

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"glacis/decide/facts"
	"glacis/learn/observe"
)

// gate is a writer that stands still while it is shut.
type gate struct {
	bytes.Buffer
	shut sync.Mutex
}

func (g *gate) Write(b []byte) (int, error) {
	g.shut.Lock()
	defer g.shut.Unlock()
	return g.Buffer.Write(b)
}

// text is what was written so far.
func (g *gate) text() *bytes.Reader {
	g.shut.Lock()
	defer g.shut.Unlock()
	return bytes.NewReader(bytes.Clone(g.Bytes()))
}

// leaky is a disk with so much room.
type leaky struct {
	bytes.Buffer
	mu   sync.Mutex
	room int
}

func (l *leaky) makeRoom() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.room = 1 << 40
}

var errNoSpace = errors.New("no space left on device")

func (l *leaky) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(b), l.room)
	l.room -= n
	_, _ = l.Buffer.Write(b[:n])
	if n < len(b) {
		return n, errNoSpace
	}
	return n, nil
}

func recorder(t testing.TB, w io.Writer, options ...Option) *Recorder {
	t.Helper()
	r, err := New(Config{Queue: minQueue}, "", &testKey, append([]Option{to(&stream{Writer: w}), WithLogger(slog.New(slog.DiscardHandler))}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fresh is an entry of its own, with a random id.
func fresh(e observe.Entry) *observe.Entry {
	v := *e.Verdict
	v.ID = facts.NewID(at)
	e.Verdict = &v
	return &e
}

// readAll reads a record that has no torn line in it.
func readAll(t testing.TB, in io.Reader) (decisions []*Line, dropped uint64) {
	t.Helper()
	for line, err := range Read(in) {
		switch {
		case err != nil:
			t.Fatal(err)
		case line.Msg == "dropped":
			dropped += line.N
		default:
			decisions = append(decisions, line)
		}
	}
	return decisions, dropped
}

func finish(t testing.TB, r *Recorder) {
	t.Helper()
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestCloseWritesEverything(t *testing.T) {
	dir := t.TempDir()
	r, err := New(Config{}, dir, &testKey)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "record.jsonl"); r.Path() != want {
		t.Errorf("path %s, want %s", r.Path(), want)
	}
	for range 2000 {
		r.Observe(fresh(*allowed()))
	}
	finish(t, r)
	text, err := os.ReadFile(r.Path())
	if err != nil {
		t.Fatal(err)
	}
	lines, _ := readAll(t, bytes.NewReader(text))
	if s := r.Stats(); len(lines) != 2000 || s != (Stats{Lines: 2000, Bytes: uint64(len(text))}) {
		t.Errorf("%d lines and %d bytes, %+v", len(lines), len(text), s)
	}
	r.Observe(allowed())
	if d := r.Dropped(Closed); d != (Dropped{Allows: 1}) {
		t.Errorf("dropped after the end: %+v", d)
	}
	if err := r.Flush(t.Context()); err != os.ErrClosed {
		t.Errorf("flush after the end: %v", err)
	}
	finish(t, r)
}

func TestLinesAreWrittenInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out gate
		r := recorder(t, &out)
		r.Observe(allowed())
		synctest.Wait()
		if out.text().Len() > 0 {
			t.Error("written at once")
		}
		time.Sleep(250 * time.Millisecond)
		synctest.Wait()
		if lines, _ := readAll(t, out.text()); len(lines) != 1 {
			t.Errorf("%d lines after the flush interval, want 1", len(lines))
		}
		r.Observe(allowed())
		err := r.Flush(t.Context())
		if lines, _ := readAll(t, out.text()); err != nil || len(lines) != 2 {
			t.Errorf("flush: %v, %d lines, want 2", err, len(lines))
		}
		finish(t, r)
	})
}

// Many write, the file stands still now and then: every entry is a line or a drop, and every drop is told in the record.
func TestEveryEntryIsWrittenOrCounted(t *testing.T) {
	var out gate
	r := recorder(t, &out)
	samples := []*observe.Entry{allowed(), denied(t), watched(t), suspected()}
	var allows, denials atomic.Uint64
	var all sync.WaitGroup
	out.shut.Lock()
	for range 8 {
		all.Go(func() {
			for i := range 1500 {
				e := fresh(*samples[i%len(samples)])
				if isDenial(e.Verdict) {
					denials.Add(1)
				} else {
					allows.Add(1)
				}
				r.Observe(e)
				if i == 1200 && rand.IntN(4) == 0 {
					_ = r.Stats()
				}
			}
		})
	}
	all.Wait()
	dropped := r.Dropped(QueueFull)
	if dropped.All() == 0 {
		t.Error("nothing was dropped: the test proves nothing")
	}
	out.shut.Unlock()
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Observe(fresh(*allowed()))
	finish(t, r)
	lines, told := readAll(t, out.text())
	s := r.Stats()
	observed := allows.Load() + denials.Load() + 1
	if s.Lines != uint64(len(lines)) || s.Lines+s.DroppedAllows+s.DroppedDenials != observed || told != dropped.All() {
		t.Errorf("%d observed, %d read, %d told as dropped: %+v", observed, len(lines), told, s)
	}
	var kept Dropped
	seen := map[string]bool{}
	for _, l := range lines {
		if l.Level == "WARN" || l.Would != "" {
			kept.Denials++
		} else {
			kept.Allows++
		}
		if seen[l.ID] {
			t.Fatalf("%s stands there twice", l.ID)
		}
		seen[l.ID] = true
	}
	if kept.Allows+s.DroppedAllows != allows.Load()+1 || kept.Denials+s.DroppedDenials != denials.Load() {
		t.Errorf("kept %+v; %+v; observed %d allows and %d denials", kept, s, allows.Load()+1, denials.Load())
	}
}

// A file that stands still keeps neither Flush nor Close beyond their contexts, and the count is right in the end.
func TestCloseDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		still := &hanging{release: make(chan struct{})}
		r := recorder(t, still)
		for range 3000 { // more than a buffer: some lines are never tried
			r.Observe(fresh(*allowed()))
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("flush: %v", err)
		}
		if err := r.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v", err)
		}
		close(still.release)
		synctest.Wait()
		s := r.Stats()
		if s.Lines == 0 || r.Dropped(Closed).Allows == 0 || s.Lines+s.DroppedAllows != 3000 {
			t.Errorf("%+v, at the end %+v", s, r.Dropped(Closed))
		}
	})
}

// hanging takes nothing until it is released.
type hanging struct{ release chan struct{} }

func (h *hanging) Write(b []byte) (int, error) {
	<-h.release
	return len(b), nil
}

func TestAPanicLocksNobodyOut(t *testing.T) {
	var out gate
	r := recorder(t, &out)
	for range 20 {
		func() {
			defer func() { _ = recover() }()
			e := fresh(*allowed())
			e.Verdict.Done.Action = 200 // no such action
			r.Observe(e)
		}()
		r.Observe(fresh(*allowed()))
	}
	finish(t, r)
	if lines, _ := readAll(t, out.text()); len(lines) != 20 {
		t.Errorf("%d lines, want 20", len(lines))
	}
}

func TestObserveDoesNotAllocate(t *testing.T) {
	r := recorder(t, io.Discard)
	defer finish(t, r)
	for name, e := range map[string]*observe.Entry{"allowed": allowed(), "denied": denied(t), "watched": watched(t), "suspected": suspected(),
		"barred": barred(), "hostile": hostile()} {
		r.Observe(e)
		for i := range byte(numShards) { // each shard remembers the limit
			e.Verdict.ID[15] = i
			r.Observe(e)
		}
		if n := testing.AllocsPerRun(300, func() { r.Observe(e) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for want, c := range map[string]Config{
		"max_size":    {MaxSize: 1000},
		"files":       {Files: -1},
		"queue":       {Queue: 1 << 20},
		"flush":       {Flush: time.Hour},
		"neither":     {Path: t.TempDir()},
		"no such":     {Path: filepath.Join(t.TempDir(), "missing", "record.jsonl")},
		"record: max": {MaxSize: -1},
	} {
		if r, err := New(c, t.TempDir(), &testKey); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one that says %q (%v)", c, err, want, r)
		}
	}
}
