package record

import (
	"bytes"
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// destination takes whole lines.
type destination interface {
	// write returns how many bytes of whole lines are written for good. When that is less than all, err says why; what was written
	// of a line beyond it is taken back or ended, so that the lines of the next write stand alone.
	write(lines []byte) (n int, err error)
	close() error
}

// writer empties the queue into the destination. Everything in it belongs to the goroutine of run, except what is said otherwise.
//
// A crash loses what is in the queue: the lines of the last flush interval, or, while writing fails, as many as the queue holds.
type writer struct {
	queue   *queue // shared with the requests
	to      destination
	now     func() time.Time
	log     *slog.Logger
	pending []*buffer           // taken from the queue, not yet wholly written
	told    [numReasons]Dropped // in the record already
	encoder encoder
	notice  []byte
	logged  time.Time // the last complaint

	flush     chan chan error
	stop      chan struct{} // closed by Close
	abandoned chan struct{} // closed when nobody waits for the end any more
	finished  chan struct{} // closed by run
	result    error         // of the end; read after finished

	lines, bytes, errors atomic.Uint64 // read by anybody
}

// run writes until stop is closed.
func (w *writer) run(every time.Duration) {
	defer close(w.finished)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		full := w.queue.full
		if w.queue.failing.Load() {
			full = nil // tried again at the next tick; meanwhile the queue holds what it can
		}
		select {
		case b := <-full:
			w.pending = append(w.pending, b)
			_ = w.drain() // counted and logged
		case <-tick.C:
			_ = w.sweep(false)
		case reply := <-w.flush:
			reply <- w.sweep(false)
		case <-w.stop:
			w.end()
			return
		}
	}
}

// sweep writes what waits and what the shards hold, and then tells what was dropped. While writing fails the shards keep what they hold:
// half-empty buffers would only use up the queue.
func (w *writer) sweep(closing bool) error {
	err := w.drain()
	if err != nil && !closing {
		return err
	}
	for i := range w.queue.shards {
		if b := w.queue.shards[i].handOver(closing); b != nil {
			w.pending = append(w.pending, b)
		}
	}
	if err == nil {
		err = w.drain()
	}
	if err == nil {
		err = w.tellDropped()
	}
	return err
}

// drain writes what is pending and the buffers that are full by now: not those that fill meanwhile, or a rush would keep it here.
func (w *writer) drain() error {
	for range len(w.queue.full) {
		w.pending = append(w.pending, <-w.queue.full)
	}
	for len(w.pending) > 0 {
		if err := w.write(w.pending[0]); err != nil {
			return err
		}
		w.queue.giveBack(w.pending[0])
		w.pending = append(w.pending[:0], w.pending[1:]...)
	}
	return nil
}

// write writes the rest of a buffer.
func (w *writer) write(b *buffer) error {
	select {
	case <-w.abandoned:
		return context.DeadlineExceeded
	default:
	}
	rest := b.text[b.written:]
	n, err := w.to.write(rest)
	lines := b.lines - b.told
	if n < len(rest) {
		lines = bytes.Count(rest[:n], newline)
	}
	b.written += n
	b.told += lines
	w.lines.Add(uint64(lines))
	w.wrote(n, err)
	return err
}

var newline = []byte{'\n'}

// wrote takes note of how a write went.
func (w *writer) wrote(n int, err error) {
	w.bytes.Add(uint64(n))
	if err == nil {
		if w.queue.failing.Swap(false) {
			w.log.Info("the record is being written again")
		}
		return
	}
	w.queue.failing.Store(true)
	w.complain("the record cannot be written; lines are kept as long as there is room, then dropped", err)
}

// complain counts an error, and logs it unless one was logged within the last minute.
func (w *writer) complain(what string, err error) {
	w.errors.Add(1)
	if now := w.now(); w.logged.IsZero() || now.Sub(w.logged) >= time.Minute {
		w.logged = now
		w.log.Error(what, "error", err)
	}
}

// tellDropped writes a line for each reason for which lines were dropped since the last such line.
func (w *writer) tellDropped() error {
	for why := range numReasons {
		dropped := w.queue.drops[why].load()
		fresh := dropped.minus(w.told[why])
		if fresh.All() == 0 {
			continue
		}
		w.notice = w.encoder.appendDropped(w.notice[:0], w.now().UnixNano(), fresh, why)
		n, err := w.to.write(w.notice)
		w.wrote(n, err)
		if err != nil {
			return err
		}
		w.told[why] = dropped
	}
	return nil
}

// end writes everything there is, once, and counts what cannot be written as dropped.
func (w *writer) end() {
	w.queue.closed.Store(true)
	w.result = w.sweep(true)
	for range len(w.queue.full) { // sealed: nothing comes any more
		w.pending = append(w.pending, <-w.queue.full)
	}
	for _, b := range w.pending {
		for i := b.told; i < b.lines; i++ {
			w.queue.drops[Closed].add(b.isDenial(i))
		}
	}
	w.pending = nil
	if err := w.to.close(); w.result == nil {
		w.result = err
	}
}
