package upstream

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzHead: what vet lets through comes out of a parser as exactly what went in, and as one request.
func FuzzHead(f *testing.F) {
	f.Add("GET", "/a?b", "h", "X-A", "v", "")
	f.Add("POST", "//a%2F;?", "[::1]:80", "Content-Length", "7", "body")
	f.Add("GET", "/ HTTP/1.1\r\nX: y", "h\r\n", "X:\r\n", "a\r\nb", "")
	f.Add("OPTIONS", "*", "", "Connection", "X-B", "x")
	f.Fuzz(func(t *testing.T, method, uri, host, name, value, body string) {
		r := &http.Request{Method: method, RequestURI: uri, Host: host, URL: &url.URL{}, Header: http.Header{name: {value}, "X-B": {"b"}}}
		uri = originForm(r)
		if vet(r, uri, nil) != nil {
			return
		}
		head, _ := appendHead(nil, nil, r, nil, host, uri, len(body))
		br := bufio.NewReader(io.MultiReader(bytes.NewReader(head), strings.NewReader(body)))
		got, err := http.ReadRequest(br)
		if err != nil {
			if strings.HasPrefix(err.Error(), "parse ") { // net/url is stricter with escapes than a request line needs to be
				return
			}
			t.Fatalf("%q: %v", head, err)
		}
		if got.Method != method || got.RequestURI != uri || got.ContentLength != int64(len(body)) {
			t.Errorf("%q: %+v", head, got)
		}
		if !hop(name) && name == http.CanonicalHeaderKey(name) && name != "Host" && name != "Content-Length" && name != "X-B" {
			if v := got.Header[name]; len(v) != 1 || v[0] != strings.Trim(value, " \t") {
				t.Errorf("%q: %q is %q", head, name, v)
			}
		}
		if b, err := io.ReadAll(got.Body); err != nil || string(b) != body {
			t.Errorf("%q: body %q %v", head, b, err)
		}
		if _, err := br.ReadByte(); err != io.EOF {
			t.Errorf("%q: more than one request", head)
		}
	})
}

// canned is a connection on which the answer lies ready and what is written is lost.
type canned struct{ *bytes.Reader }

func (canned) Write(p []byte) (int, error)        { return len(p), nil }
func (canned) Close() error                       { return nil }
func (canned) LocalAddr() net.Addr                { return &net.TCPAddr{} }
func (canned) RemoteAddr() net.Addr               { return &net.TCPAddr{} }
func (canned) SetDeadline(time.Time) error        { return nil }
func (canned) SetReadDeadline(t time.Time) error  { return nil }
func (canned) SetWriteDeadline(t time.Time) error { return nil }

// FuzzAnswer: whatever a target says, the client gets one well-formed answer or none, and the Result is true.
func FuzzAnswer(f *testing.F) {
	for _, a := range oddAnswers {
		if len(a.raw) < 2000 {
			f.Add([]byte(a.raw), "GET")
		}
	}
	f.Add([]byte(okAnswer), "HEAD")
	f.Fuzz(func(t *testing.T, answer []byte, method string) {
		if method == "" || !all(&tokenByte, method) || method == http.MethodConnect {
			return
		}
		p, err := newPool(Config{Targets: []string{"t"}}, func(context.Context, string, string) (net.Conn, error) {
			return canned{bytes.NewReader(answer)}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		w := &keeper{header: make(http.Header)}
		r := httptest.NewRequest("GET", "/", nil)
		r.Method = method
		res := p.Forward(w, r)
		switch {
		case res.Err == nil && !res.Started, res.Started != (w.status != 0), res.Started && res.Status != w.status:
			t.Errorf("%+v, status %d", res, w.status)
		case res.Bytes != int64(w.body.Len()):
			t.Errorf("%+v, body of %d", res, w.body.Len())
		case res.Started && (res.Status < 200 || res.Status > 999):
			t.Errorf("%+v", res)
		}
		for name := range w.Header() {
			if hop(name) && name != "Trailer" && name != "Transfer-Encoding" {
				t.Errorf("%s passed", name)
			}
		}
		if te := w.Header()["Transfer-Encoding"]; te != nil && (len(te) != 1 || te[0] != "chunked") {
			t.Errorf("Transfer-Encoding %q", te)
		}
	})
}

// TestHeadAllocatesNothing: neither looking at a request nor writing its head costs an allocation.
func TestHeadAllocatesNothing(t *testing.T) {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(benchRequest)))
	if err != nil {
		t.Fatal(err)
	}
	buf, keys := make([]byte, 0, 4096), make([]string, 0, 32)
	if n := testing.AllocsPerRun(100, func() {
		uri := originForm(r)
		if vet(r, uri, nil) != nil || !short(r) {
			t.Fatal("refused")
		}
		buf, keys = appendHead(buf[:0], keys[:0], r, nil, r.Host, uri, 0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
