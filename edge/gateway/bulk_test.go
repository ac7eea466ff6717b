package gateway_test

import (
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"runtime"
	"testing"
)

// bulk is how much goes through in one body, flat how much the heap may grow meanwhile.
const (
	bulk = 1 << 30
	flat = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// TestABodyOfAGibibyte sends one up and one down, of unknown and of known length: every byte arrives, and memory stays flat.
func TestABodyOfAGibibyte(t *testing.T) {
	if testing.Short() {
		t.Skip("moves four GiB over loopback")
	}
	s := open(t, "mode: enforce\n", upstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "PUT" {
			sum := crc32.New(castagnoli)
			n, err := io.Copy(sum, r.Body)
			_, _ = fmt.Fprintf(w, "%d %x %v", n, sum.Sum32(), err)
			return
		}
		if r.URL.Path == "/sized" {
			w.Header().Set("Content-Length", fmt.Sprint(bulk))
		}
		_, _ = io.Copy(w, io.LimitReader(new(pattern), bulk))
	}))
	want := crc32.New(castagnoli)
	if _, err := io.Copy(want, io.LimitReader(new(pattern), bulk)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path string
		length       int64
	}{{"PUT", "/chunked", -1}, {"PUT", "/sized", bulk}, {"GET", "/chunked", 0}, {"GET", "/sized", 0}} {
		t.Run(c.method+c.path, func(t *testing.T) {
			heap := watchHeap()
			var body io.Reader = http.NoBody
			if c.method == "PUT" {
				body = io.TeeReader(io.LimitReader(new(pattern), bulk), heap)
			}
			r, err := http.NewRequestWithContext(t.Context(), c.method, s.url(c.path), body)
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = c.length
			res, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			if c.method == "PUT" {
				if got, want := read(t, res).body, fmt.Sprintf("%d %x <nil>", bulk, want.Sum32()); got != want {
					t.Errorf("the upstream got %s, want %s", got, want)
				}
			} else {
				sum := crc32.New(castagnoli)
				if n, err := io.Copy(io.MultiWriter(sum, heap), res.Body); n != bulk || err != nil || sum.Sum32() != want.Sum32() {
					t.Errorf("%d bytes, sum %x, %v; want sum %x", n, sum.Sum32(), err, want.Sum32())
				}
				_ = res.Body.Close()
			}
			t.Logf("the heap grew by %.1f MiB at most", float64(heap.grown())/(1<<20))
			if heap.grown() > flat {
				t.Errorf("the heap grew by %d bytes", heap.grown())
			}
		})
	}
	for _, l := range s.lines() {
		if l.In+l.Out < bulk || l.Failure != "" {
			t.Errorf("%+v", l)
		}
	}
}

// pattern is an endless body that shows lost, doubled and exchanged pieces: its period divides no buffer.
type pattern struct{ at int }

var period = func() []byte {
	b := make([]byte, 65521)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	return b
}()

func (p *pattern) Read(b []byte) (int, error) {
	for n := 0; n < len(b); {
		m := copy(b[n:], period[p.at:])
		n += m
		p.at = (p.at + m) % len(period)
	}
	return len(b), nil
}

// heapWatch looks at the heap now and then while bytes pass.
type heapWatch struct {
	before, most uint64
	passed, next int
}

func watchHeap() *heapWatch {
	runtime.GC()
	h := new(heapWatch)
	h.look()
	h.before = h.most
	return h
}

func (h *heapWatch) Write(b []byte) (int, error) {
	if h.passed += len(b); h.passed >= h.next {
		h.next += 16 << 20
		h.look()
	}
	return len(b), nil
}

func (h *heapWatch) look() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h.most = max(h.most, m.HeapInuse)
}

func (h *heapWatch) grown() uint64 { return h.most - h.before }
