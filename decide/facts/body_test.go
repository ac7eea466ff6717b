package facts

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// loginRoute declares an e-mail and reads limit bytes ahead.
func loginReader(t testing.TB, limit int) (*Reader, *Facts) {
	t.Helper()
	routes, err := NewRoutes([]RouteSpec{
		{Pattern: "GET /plain"},
		{Pattern: "POST /login", Class: Login, Body: BodySpec{Limit: limit, Fields: []FieldSpec{{Role: RoleUser, Name: "user", Paths: []string{"email"}}}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(Config{}, routes)
	if err != nil {
		t.Fatal(err)
	}
	return r, &Facts{Route: routes.All()[1]}
}

func contentType(s string) http.Header { return http.Header{"Content-Type": {s}} }

// watched is a body that counts what is done to it.
type watched struct {
	io.Reader
	read   int
	closed int
	err    error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.read += n
	return n, err
}

func (w *watched) Close() error { w.closed++; return w.err }

func TestMediaOf(t *testing.T) {
	for in, want := range map[string]mediaKind{
		"application/json":                                  mediaJSON,
		"application/json; charset=utf-8":                   mediaJSON,
		"Application/JSON;charset=\"UTF-8\"":                mediaJSON,
		"application/json;":                                 mediaJSON,
		"application/json; junk":                            mediaJSON,
		"application/vnd.api+json":                          mediaJSON,
		"application/problem+json; charset=UTF8":            mediaJSON,
		"application/json; charset=utf-16":                  mediaNone,
		"application/jsonp":                                 mediaNone,
		"text/json":                                         mediaNone,
		"text/plain":                                        mediaNone,
		"application/x-www-form-urlencoded":                 mediaForm,
		"application/x-www-form-urlencoded; charset=UTF-8":  mediaForm,
		"application/x-www-form-urlencoded; charset=latin1": mediaNone,
		"multipart/form-data; boundary=B":                   mediaMultipart,
		"multipart/form-data; boundary=\"B C\"":             mediaMultipart,
		"multipart/form-data":                               mediaNone,
		"multipart/mixed; boundary=B":                       mediaNone,
		"":                                                  mediaNone,
		";":                                                 mediaNone,
	} {
		if got, _ := mediaOf(contentType(in)); got != want {
			t.Errorf("%q is %d, want %d", in, got, want)
		}
	}
	for _, h := range []http.Header{
		{},
		{"Content-Type": {"application/json", "application/json"}},
		{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}},
		{"Content-Type": {"application/json"}, "Content-Encoding": {"identity", "gzip"}},
	} {
		if got, _ := mediaOf(h); got != mediaNone {
			t.Errorf("%v is %d", h, got)
		}
	}
	if got, _ := mediaOf(http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"Identity"}}); got != mediaJSON {
		t.Error("identity is no encoding")
	}
}

func TestReadBodyKinds(t *testing.T) {
	for _, tc := range []struct {
		kind, body, want string
		odd              Odd
	}{
		{"application/json", `{"email":"a"}`, "a", 0},
		{"application/x-www-form-urlencoded", `email=a`, "a", 0},
		{"multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=email\r\n\r\na\r\n--B--\r\n", "a", 0},
		{"text/plain", `email=a`, "-", OddBodyType},
		{"application/json", `{"email":`, "-", OddBodySyntax},
		{"application/json", ``, "-", 0},
	} {
		r, f := loginReader(t, 0)
		w := &watched{Reader: strings.NewReader(tc.body)}
		body, err := r.ReadBody(f, w, contentType(tc.kind))
		if err != nil {
			t.Fatal(err)
		}
		if got := texts(&f.Fields, 1); got != tc.want || f.Odd != tc.odd {
			t.Errorf("%s %s: got %s (%v), want %s (%v)", tc.kind, tc.body, got, f.Odd, tc.want, tc.odd)
		}
		if got, err := io.ReadAll(body); err != nil || string(got) != tc.body {
			t.Errorf("%s: the upstream gets %q, %v", tc.kind, got, err)
		}
	}
}

func TestReadBodyLeavesAlone(t *testing.T) {
	r, f := loginReader(t, 0)
	w := &watched{Reader: strings.NewReader("x")}
	plain := &Facts{Route: r.routes.All()[0]}
	for _, tc := range []struct {
		name string
		f    *Facts
		in   io.ReadCloser
	}{
		{"no fields declared", plain, w},
		{"no route", &Facts{}, w},
		{"a route of other routes", &Facts{Route: &Route{Index: 1000}}, w},
		{"no body", f, nil},
		{"an empty body", f, http.NoBody},
	} {
		body, err := r.ReadBody(tc.f, tc.in, contentType("application/json"))
		if err != nil || body != tc.in || tc.f.Odd != 0 || w.read != 0 {
			t.Errorf("%s: %v, %v, odd %v, %d bytes read", tc.name, body, err, tc.f.Odd, w.read)
		}
	}
}

// TestReadBodyIsTransparent: whatever the limit, the chunks and the end, the upstream reads what the client sent, and no more than
// the limit was read ahead.
func TestReadBodyIsTransparent(t *testing.T) {
	broken := errors.New("connection reset")
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int{1, 100, 4096, 5000, 1 << 17, 300 << 10}).Draw(t, "limit")
		size := rapid.SampledFrom([]int{0, 1, 99, 100, 101, 4095, 4096, 4097, 70000, 1 << 19}).Draw(t, "size")
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(i * 7 >> 3)
		}
		var source io.Reader = bytes.NewReader(want)
		switch rapid.IntRange(0, 2).Draw(t, "chunks") {
		case 1:
			source = iotest.HalfReader(source)
		case 2:
			source = iotest.DataErrReader(source)
		}
		wantErr := rapid.SampledFrom([]error{nil, broken}).Draw(t, "end")
		if wantErr != nil {
			source = io.MultiReader(source, iotest.ErrReader(wantErr))
		}
		w := &watched{Reader: source, err: broken}
		r, f := readerOf(limit)
		body, err := r.ReadBody(f, w, contentType("application/json"))
		if w.read > limit {
			t.Fatalf("%d bytes read ahead with a limit of %d", w.read, limit)
		}
		if err != nil && (err != wantErr || w.read < size) {
			t.Fatalf("error %v after %d bytes", err, w.read)
		}
		got, err := io.ReadAll(iotest.OneByteReader(io.LimitReader(body, 50)))
		if err == nil && len(got) == min(50, size) {
			var rest []byte
			rest, err = io.ReadAll(body)
			got = append(got, rest...)
		}
		if err != wantErr || !bytes.Equal(got, want) {
			t.Fatalf("got %d bytes and %v, want %d and %v", len(got), err, size, wantErr)
		}
		if err := body.Close(); err != broken || w.closed != 1 {
			t.Fatalf("close: %v, closed %d times", err, w.closed)
		}
		if err := body.Close(); err != nil || w.closed != 1 {
			t.Fatalf("second close: %v, closed %d times", err, w.closed)
		}
		if n, err := body.Read(make([]byte, 1)); n != 0 || err != http.ErrBodyReadAfterClose {
			t.Fatalf("read after close: %d, %v", n, err)
		}
	})
}

func readerOf(limit int) (*Reader, *Facts) {
	route := &Route{Body: BodySpec{Limit: limit, Fields: []FieldSpec{{Name: "user", Paths: []string{"email"}}}}}
	plan, err := compileFields(route)
	if err != nil {
		panic(err)
	}
	return &Reader{plans: []*fieldPlan{plan}}, &Facts{Route: route}
}

func TestReadBodyBounds(t *testing.T) {
	for _, tc := range []struct {
		name  string
		limit int
		body  io.Reader
		want  string
		odd   Odd
	}{
		{"found before the limit", 20, strings.NewReader(`{"email":"a","x":"` + strings.Repeat("x", 100) + `"}`), "a", OddBodyTruncated},
		{"behind the limit", 20, strings.NewReader(`{"x":"` + strings.Repeat("x", 100) + `","email":"a"}`), "-", OddBodyTruncated},
		{"the end comes with the last byte", 13, iotest.DataErrReader(strings.NewReader(`{"email":"a"}`)), "a", 0},
		{"the end does not show at the limit", 13, strings.NewReader(`{"email":"a"}`), "a", OddBodyTruncated},
		{"larger than the smallest buffer", 0, strings.NewReader(`{"x":"` + strings.Repeat("x", 50<<10) + `","email":"a"}`), "a", 0},
		{"endless", 0, endless{}, "-", OddBodySyntax | OddBodyTruncated},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, f := loginReader(t, tc.limit)
			if _, err := r.ReadBody(f, io.NopCloser(tc.body), contentType("application/json")); err != nil {
				t.Fatal(err)
			}
			if got := texts(&f.Fields, 1); got != tc.want || f.Odd != tc.odd {
				t.Errorf("got %s (%v), want %s (%v)", got, f.Odd, tc.want, tc.odd)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '['
	}
	return len(p), nil
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

func TestReadBodyThatYieldsNothing(t *testing.T) {
	r, f := loginReader(t, 0)
	if _, err := r.ReadBody(f, io.NopCloser(nothing{}), contentType("application/json")); err != io.ErrNoProgress {
		t.Errorf("got %v", err)
	}
}

func TestReadBodyPassesMaxBytesErrorOn(t *testing.T) {
	r, f := loginReader(t, 0)
	limited := http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(strings.NewReader(`{"email":"a","x":"too long"}`)), 20)
	body, err := r.ReadBody(f, limited, contentType("application/json"))
	var tooLarge *http.MaxBytesError
	if !errors.As(err, &tooLarge) || tooLarge.Limit != 20 {
		t.Errorf("ReadBody: %v", err)
	}
	if got := texts(&f.Fields, 1); got != "a" || f.Odd != OddBodyTruncated {
		t.Errorf("got %s (%v)", got, f.Odd)
	}
	got, err := io.ReadAll(body)
	if string(got) != `{"email":"a","x":"too long"}`[:20] || !errors.As(err, &tooLarge) {
		t.Errorf("the upstream gets %q, %v", got, err)
	}
}

// TestBuffersAreNotSharedWhileInUse lets many bodies be read, closed early and closed while being read. Any byte of another
// body would show; the race detector sees the rest.
func TestBuffersAreNotSharedWhileInUse(t *testing.T) {
	r, _ := readerOf(8 << 10)
	route := &Route{Body: BodySpec{Fields: []FieldSpec{{}}}}
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			want := bytes.Repeat([]byte{'a' + byte(g)}, 6000)
			for i := range 50 {
				w := &watched{Reader: bytes.NewReader(want)}
				body, err := r.ReadBody(&Facts{Route: route}, w, contentType("application/json"))
				if err != nil {
					t.Error(err)
					return
				}
				var closing sync.WaitGroup
				if i%2 == 0 {
					closing.Go(func() { _ = body.Close() })
					closing.Go(func() { _ = body.Close() })
				}
				got, err := io.ReadAll(body)
				closing.Wait()
				if !bytes.HasPrefix(want, got) || err == nil && len(got) != len(want) || err != nil && err != http.ErrBodyReadAfterClose {
					t.Errorf("read %d bytes, %v", len(got), err)
				}
				if _ = body.Close(); w.closed != 1 {
					t.Errorf("closed %d times", w.closed)
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkReadBody(b *testing.B) {
	login := `{"email":"someone@shop.example","password":"correct horse battery staple","remember":true}`
	for _, bc := range []struct{ name, kind, body string }{
		{"json", "application/json", login},
		{"form", "application/x-www-form-urlencoded", "email=someone%40shop.example&password=correct+horse&remember=1"},
		{"json-60k", "application/json", `{"email":"a","x":[` + strings.Repeat(`{"id":12345,"name":"some product name"},`, 1500) + `null]}`},
	} {
		b.Run(bc.name, func(b *testing.B) {
			r, f := loginReader(b, 0)
			h, source := contentType(bc.kind), strings.NewReader("")
			in := io.NopCloser(source)
			var sink [32 << 10]byte
			b.SetBytes(int64(len(bc.body)))
			b.ReportAllocs()
			for b.Loop() {
				source.Reset(bc.body)
				f.Fields, f.Odd = Fields{}, 0
				body, err := r.ReadBody(f, in, h)
				if err != nil {
					b.Fatal(err)
				}
				for err == nil {
					_, err = body.Read(sink[:])
				}
				_ = body.Close()
			}
			if f.Odd != 0 || !f.Fields.Any() {
				b.Fatal(f.Odd)
			}
		})
	}
}
