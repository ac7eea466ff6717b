package facts

import (
	"io"
	"net/http"
	"sync"
)

// bufferSizes are the sizes a read ahead grows through. It starts small and grows with what has come, not with what a
// Content-Length promises: a promise costs a client nothing.
var bufferSizes = [...]int{4 << 10, 16 << 10, 64 << 10, 256 << 10}

// buffers lends the memory of reads ahead. Larger buffers than it keeps are made and left to the collector.
type buffers struct {
	pools [len(bufferSizes)]sync.Pool // of *[]byte
}

// lend gives a buffer larger than size.
func (p *buffers) lend(size int) *[]byte {
	for i, n := range bufferSizes {
		if n > size {
			if b, ok := p.pools[i].Get().(*[]byte); ok {
				return b
			}
			b := make([]byte, n)
			return &b
		}
	}
	b := make([]byte, 4*size)
	return &b
}

func (p *buffers) giveBack(b *[]byte) {
	for i, n := range bufferSizes {
		if n == len(*b) {
			p.pools[i].Put(b)
		}
	}
}

// maxEmptyReads is how often a body may yield nothing, and no error, in a row.
const maxEmptyReads = 100

// readAhead reads body until limit, its end or an error.
func (p *buffers) readAhead(body io.ReadCloser, limit int) *replayed {
	buffer := p.lend(0)
	var n, empty int
	var err error
	for n < limit && err == nil {
		if n == len(*buffer) {
			larger := p.lend(n)
			copy(*larger, *buffer)
			p.giveBack(buffer)
			buffer = larger
		}
		var m int
		m, err = body.Read((*buffer)[n:min(len(*buffer), limit)])
		n += m
		if empty++; m > 0 {
			empty = 0
		}
		if empty == maxEmptyReads && err == nil {
			err = io.ErrNoProgress
		}
	}
	r := &replayed{rest: body, err: err, buffers: p, buffer: buffer, pending: (*buffer)[:n]}
	if n == 0 {
		r.release()
	}
	return r
}

// replayed is a body whose beginning has been read: it yields that, then the error that ended the reading or else the rest.
//
// A transport may close a body while another goroutine still reads it, or read after that. So the buffer is only touched under the
// lock, goes back once, and a replayed is never used for another request.
type replayed struct {
	rest    io.ReadCloser
	err     error
	buffers *buffers

	mu      sync.Mutex // not held while rest is read
	buffer  *[]byte    // nil once given back
	pending []byte     // what of buffer has not been yielded
	closed  bool
}

func (r *replayed) Read(p []byte) (int, error) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return 0, http.ErrBodyReadAfterClose
	}
	if len(r.pending) > 0 {
		n := copy(p, r.pending)
		if r.pending = r.pending[n:]; len(r.pending) == 0 {
			r.release()
		}
		r.mu.Unlock()
		return n, nil
	}
	r.mu.Unlock()
	if r.err != nil {
		return 0, r.err
	}
	return r.rest.Read(p)
}

// Close gives the buffer back and closes the request's body, once.
func (r *replayed) Close() error {
	r.mu.Lock()
	closed := r.closed
	r.closed = true
	r.release()
	r.mu.Unlock()
	if closed {
		return nil
	}
	return r.rest.Close()
}

func (r *replayed) release() {
	if r.buffer != nil {
		r.buffers.giveBack(r.buffer)
	}
	r.buffer, r.pending = nil, nil
}
