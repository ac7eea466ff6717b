// Package record is the forensic memory: one structured line for every decision, written off the request's way and found again by
// its id. It tells secrets not at all and personal data by stand-ins only. It judges nothing, and it never makes a request wait: what
// it cannot keep up with it drops, and says how much.
package record

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"glacis/decide/verdict"
	"glacis/internal/pseudonym"
	"glacis/learn/observe"
)

// Recorder writes the record. It is safe for concurrent use.
type Recorder struct {
	path  string
	key   *pseudonym.Key
	queue *queue
	w     *writer

	stop, giveUp sync.Once
}

var _ observe.Sink = (*Recorder)(nil)

// Option changes how a recorder is made.
type Option func(*writer)

// WithLogger makes the recorder complain to l instead of slog.Default().
func WithLogger(l *slog.Logger) Option { return func(w *writer) { w.log = l } }

// WithClock makes the recorder take the time of its own lines and of file names from now. Decisions bring their own.
func WithClock(now func() time.Time) Option { return func(w *writer) { w.now = now } }

// to makes the recorder write to another destination than the configured one.
func to(d destination) Option { return func(w *writer) { w.to = d } }

// New makes a recorder and starts writing. Without a path the record is record.jsonl in dataDir, which must exist. The key makes the
// stand-ins of personal data. The error is a sentence about the configuration or the file.
func New(c Config, dataDir string, key *pseudonym.Key, options ...Option) (*Recorder, error) {
	c, err := c.effective(dataDir)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	w := &writer{queue: newQueue(int64(c.Queue)), now: time.Now, log: slog.Default(), encoder: newEncoder(), flush: make(chan chan error),
		stop: make(chan struct{}), abandoned: make(chan struct{}), finished: make(chan struct{})}
	for _, option := range options {
		option(w)
	}
	if w.to == nil {
		if w.to, err = w.openDestination(c); err != nil {
			return nil, fmt.Errorf("record: %w", err)
		}
	}
	go w.run(c.Flush)
	return &Recorder{path: c.Path, key: key, queue: w.queue, w: w}, nil
}

func (w *writer) openDestination(c Config) (destination, error) {
	if c.Path == standardOutput {
		return &stream{Writer: os.Stdout}, nil
	}
	f := &file{path: c.Path, most: int64(c.MaxSize), kept: c.Files, now: w.now, complain: w.complain}
	return f, f.reopen()
}

// Path is where the record is being written; "-" is standard output.
func (r *Recorder) Path() string { return r.path }

// Observe puts the line of one request into the queue, or drops and counts it when the queue is full: denials last. It does not wait
// for the file and keeps nothing of the entry. Lines are not quite in the order of time: sort by time or id where it matters.
func (r *Recorder) Observe(e *observe.Entry) {
	x := standInsFor(r.key, e.Facts, &e.Verdict.Subject)
	r.queue.put(e, &x, isDenial(e.Verdict))
}

// isDenial tells lines worth keeping from the many: whatever was done, or would have been done, other than letting the request through.
func isDenial(v *verdict.Verdict) bool {
	return v.Done.Action != verdict.Allow || v.Would.Action != verdict.Allow
}

// Stats are the figures of a recorder since it was made. Every entry observed is in Lines, in the drops, or still in the queue.
type Stats struct {
	Lines          uint64 // of decisions, written
	Bytes          uint64 // written, of whole lines
	DroppedAllows  uint64
	DroppedDenials uint64
	Errors         uint64 // failed writes, renames and removals
}

// Stats reads the figures.
func (r *Recorder) Stats() Stats {
	s := Stats{Lines: r.w.lines.Load(), Bytes: r.w.bytes.Load(), Errors: r.w.errors.Load()}
	for why := range numReasons {
		d := r.Dropped(why)
		s.DroppedAllows += d.Allows
		s.DroppedDenials += d.Denials
	}
	return s
}

// Dropped is how many lines were dropped for one reason.
func (r *Recorder) Dropped(why Reason) Dropped { return r.queue.drops[why].load() }

// Flush waits until what was observed before is handed to the operating system. The error is that of the write, or the context's.
func (r *Recorder) Flush(ctx context.Context) error {
	reply := make(chan error, 1)
	select {
	case r.w.flush <- reply:
	case <-r.w.finished:
		return os.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close writes everything that was observed and stops; what comes later, or cannot be written before the context ends, is dropped and
// counted as Closed. After a context that ended the counts are complete once the write under way returns.
func (r *Recorder) Close(ctx context.Context) error {
	r.stop.Do(func() { close(r.w.stop) })
	select {
	case <-r.w.finished:
		return r.w.result
	case <-ctx.Done():
		r.giveUp.Do(func() { close(r.w.abandoned) })
		return ctx.Err()
	}
}
