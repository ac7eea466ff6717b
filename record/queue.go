package record

import (
	"sync"
	"sync/atomic"

	"glacis/learn/observe"
)

const (
	bufferSize = 256 << 10
	numShards  = 4
	// reserve is how many of the last free buffers are for denials only.
	reserve = 2
	// minLine is below the length of any line: time, level and id alone are longer.
	minLine  = 64
	maxLines = bufferSize / minLine
)

// buffer is whole lines on their way to the file. One goroutine at a time owns it: the shard that fills it, then the writer.
type buffer struct {
	text     []byte // never grows: a line is only begun where the longest one fits
	lines    int
	denials  [maxLines / 64]uint64 // which lines tell of denials
	reserved bool                  // taken when few were left

	written, told int // bytes and lines of text that were written
}

func (b *buffer) full() bool { return cap(b.text)-len(b.text) < maxLine }

func (b *buffer) add(text []byte, denial bool) {
	b.text = text
	if denial {
		b.denials[b.lines/64] |= 1 << (b.lines % 64)
	}
	b.lines++
}

// isDenial tells what the i-th line tells of.
func (b *buffer) isDenial(i int) bool { return b.denials[i/64]&(1<<(i%64)) != 0 }

// queue is a fixed number of buffers: some being filled, one a shard; some waiting for the writer; the rest free.
type queue struct {
	shards [numShards]shard
	full   chan *buffer // has room for every buffer there is, so sending never blocks

	mu   sync.Mutex
	free []*buffer // the last used first, so that a quiet gate touches little memory

	failing atomic.Bool // the last write failed: what is dropped now is dropped because of that
	closed  atomic.Bool
	drops   [numReasons]tally
}

// shard is a buffer being filled. There are several so that requests seldom wait for each other, and never longer than for one line.
type shard struct {
	mu      sync.Mutex
	buffer  *buffer // nil, or with room for a line
	encoder encoder
	closed  bool
	_       [64]byte // the next shard's lock is another core's business
}

func newQueue(bytes int64) *queue {
	n := int(bytes / bufferSize)
	q := &queue{full: make(chan *buffer, n), free: make([]*buffer, n)}
	for i := range q.free {
		q.free[i] = &buffer{text: make([]byte, 0, bufferSize)}
	}
	for i := range q.shards {
		q.shards[i].encoder = newEncoder()
	}
	return q
}

// put encodes an entry into a shard with room, beginning at a random one and coming back to those that were in use. It returns false,
// and counts the line as dropped, when no shard has room.
func (q *queue) put(e *observe.Entry, x *standIns, denial bool) bool {
	first := int(e.Verdict.ID[len(e.Verdict.ID)-1])
	var busy [numShards]bool
	for i := range busy {
		s := &q.shards[(first+i)%numShards]
		if busy[i] = !s.mu.TryLock(); !busy[i] && q.fill(s, e, x, denial) {
			return true
		}
	}
	for i := range busy {
		s := &q.shards[(first+i)%numShards]
		if !busy[i] {
			continue
		}
		if s.mu.Lock(); q.fill(s, e, x, denial) {
			return true
		}
	}
	q.drops[q.reason()].add(denial)
	return false
}

// fill encodes an entry into a shard, which is locked, and unlocks it: also when the encoder panics, or every request would stop there.
func (q *queue) fill(s *shard, e *observe.Entry, x *standIns, denial bool) bool {
	defer s.mu.Unlock()
	b := q.room(s, denial)
	if b == nil {
		return false
	}
	b.add(s.encoder.append(b.text, e, x), denial)
	if b.full() {
		q.full <- b
		s.buffer = nil
	}
	return true
}

// room is the buffer of a shard, with room for a line that tells of a denial or not; nil when there is none.
func (q *queue) room(s *shard, denial bool) *buffer {
	switch {
	case s.closed:
		return nil
	case s.buffer == nil:
		s.buffer = q.take(denial)
	case s.buffer.reserved && !denial && q.scarce():
		return nil
	}
	return s.buffer
}

// handOver takes the buffer being filled away from a shard, for good when closing; nil when there is nothing in it.
func (s *shard) handOver(closing bool) *buffer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = s.closed || closing
	b := s.buffer
	s.buffer = nil
	return b
}

// take gives out a free buffer, the last ones only for denials; nil when there is none.
func (q *queue) take(denial bool) *buffer {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.free)
	if n == 0 || n <= reserve && !denial {
		return nil
	}
	b := q.free[n-1]
	q.free = q.free[:n-1]
	b.reserved = n <= reserve
	return b
}

// scarce tells that only the reserve is left.
func (q *queue) scarce() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.free) <= reserve
}

// giveBack makes a written buffer free again.
func (q *queue) giveBack(b *buffer) {
	*b = buffer{text: b.text[:0]}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free = append(q.free, b)
}
