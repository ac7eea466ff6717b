package listener

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// longAgo is a deadline that ends a wait at once.
var longAgo = time.Unix(1, 0)

// vigil ends waits for one side of an HTTP/2 stream that take longer than patience has left. Its timer runs only during a wait: a
// deadline of net/http would end the stream also while nobody waits for anything.
type vigil struct {
	mu       sync.Mutex
	patience patience
	stream   control
	write    bool // of the stream's two deadlines the write one
	timer    *time.Timer
	limit    time.Duration // of the wait under way
	since    time.Time     // when it began; zero: none is under way
	over     bool          // no wait is watched any more
}

// begin starts a wait that may take what is left and the time n bytes are worth.
func (v *vigil) begin(n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.over {
		return
	}
	v.since, v.limit = time.Now(), v.patience.left+v.patience.worth(n)
	if v.timer == nil {
		v.timer = time.AfterFunc(v.limit, v.expire)
		return
	}
	v.timer.Reset(v.limit)
}

// done ends a wait that brought n bytes.
func (v *vigil) done(n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.since.IsZero() {
		return
	}
	v.timer.Stop()
	v.patience.spend(time.Since(v.since), n)
	v.since = time.Time{}
}

// expire is the timer's. It may come late, for a wait that is over.
func (v *vigil) expire() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.over || v.since.IsZero() || time.Since(v.since) < v.limit {
		return
	}
	v.over = true
	// Under the lock: after end the stream belongs to net/http alone.
	if v.write {
		_ = v.stream.SetWriteDeadline(longAgo)
	} else {
		_ = v.stream.SetReadDeadline(longAgo)
	}
}

// end watches no more. Nothing is cut after it returns.
func (v *vigil) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.over, v.since = true, time.Time{}
	if v.timer != nil {
		v.timer.Stop()
	}
}

// stream is an HTTP/2 exchange whose client must send the body, and take the answer, at a minimum rate. The connection below cannot see
// to that: a client that grants no flow-control window keeps the stream waiting while the connection is well.
type stream struct {
	control
	reading, writing vigil
	answered         bool // the answer has begun
	pending          int  // bytes that net/http may hold back; more than that make it wait for the client
}

const (
	heldBack  = 4 << 10  // the size of net/http's buffer of an HTTP/2 answer
	frameSize = 16 << 10 // the default SETTINGS_MAX_FRAME_SIZE (RFC 9113, 6.5.2)
)

func newStream(w control, rate int64, grace time.Duration) *stream {
	p := newPatience(rate, grace)
	return &stream{control: w, reading: vigil{patience: p, stream: w}, writing: vigil{patience: p, stream: w, write: true}}
}

// Unwrap lets http.ResponseController reach the writer below.
func (s *stream) Unwrap() http.ResponseWriter { return s.control }

// WriteHeader sends the head. Once the answer has begun both sides talk (gRPC), and a silent one is no slow one.
func (s *stream) WriteHeader(status int) {
	if status >= http.StatusOK {
		s.answer()
	}
	s.control.WriteHeader(status)
}

func (s *stream) answer() {
	if !s.answered {
		s.answered = true
		s.reading.end()
	}
}

// Write goes by frames, so that a slow client is noticed after one.
func (s *stream) Write(b []byte) (done int, err error) {
	s.answer()
	for {
		part := b[done:min(done+frameSize, len(b))]
		n, err := s.writePart(part)
		if done += n; err != nil || done == len(b) {
			return done, err
		}
	}
}

func (s *stream) writePart(b []byte) (int, error) {
	if s.pending+len(b) <= heldBack {
		s.pending += len(b)
		return s.control.Write(b)
	}
	s.pending = heldBack
	s.writing.begin(len(b))
	n, err := s.control.Write(b)
	s.writing.done(n)
	return n, err
}

// Flush implements http.Flusher.
func (s *stream) Flush() { _ = s.FlushError() }

// FlushError is what http.ResponseController looks for.
func (s *stream) FlushError() error {
	s.answer()
	s.writing.begin(s.pending)
	err := s.control.FlushError()
	s.writing.done(s.pending)
	s.pending = 0
	return err
}

// finish sends what is held back while the wait for the client is still watched; net/http would wait for it without end.
func (s *stream) finish() {
	if s.pending > 0 {
		_ = s.FlushError()
	}
}

// end leaves the stream to net/http, also when the handler panics or something of it goes on reading.
func (s *stream) end() {
	s.reading.end()
	s.writing.end()
}

// streamBody is the request's body of a stream.
type streamBody struct {
	io.ReadCloser
	stream *stream
}

func (b *streamBody) Read(p []byte) (int, error) {
	v := &b.stream.reading
	v.begin(0)
	n, err := b.ReadCloser.Read(p)
	v.done(n)
	return n, err
}
