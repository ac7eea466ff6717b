package listener

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestBodyTooLarge(t *testing.T) {
	errs := make(chan error, 1)
	read := make(chan int64, 1)
	_, addr := start(t, Config{MaxBody: 1000}, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		read <- n
		errs <- err
		if err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	for _, proto := range []struct {
		name string
		only func(*http.Protocols)
	}{{"HTTP/1.1", http1}, {"HTTP/2", h2c}} {
		c := client(t, proto.only, nil)
		for name, body := range map[string]struct {
			size     int
			declared bool
			passes   bool
			read     int64
		}{
			"declared, the limit":    {1000, true, true, 1000},
			"declared, more":         {1001, true, false, 0},
			"declared, much more":    {1 << 20, true, false, 0},
			"undeclared, the limit":  {1000, false, true, 1000},
			"undeclared, more":       {1001, false, false, 1000},
			"undeclared, much more":  {1 << 20, false, false, 1000},
			"undeclared, nothing":    {0, false, true, 0},
			"declared to be nothing": {0, true, true, 0},
		} {
			req, err := http.NewRequest("POST", "http://"+addr, io.MultiReader(strings.NewReader(repeat(body.size))))
			if err != nil {
				t.Fatal(err)
			}
			if body.declared {
				req.ContentLength = int64(body.size)
			}
			if req.ContentLength == 0 && body.declared {
				req.Body = http.NoBody
			}
			res, err := c.Do(req)
			if err == nil { // the client may notice the end of the connection first
				_ = res.Body.Close()
				if passed := res.StatusCode == 200; passed != body.passes {
					t.Errorf("%s, %s: status %d", proto.name, name, res.StatusCode)
				}
			} else if body.passes {
				t.Errorf("%s, %s: %v", proto.name, name, err)
			}
			n, err := wait(t, read, "reading"), wait(t, errs, "the end of the body")
			if n != body.read {
				t.Errorf("%s, %s: the handler reads %d bytes, want %d", proto.name, name, n, body.read)
			}
			tooLarge, is := errors.AsType[*http.MaxBytesError](err)
			if is == body.passes || is && tooLarge.Limit != 1000 {
				t.Errorf("%s, %s: the handler's error is %v", proto.name, name, err)
			}
		}
	}
}

// A client that asks first is not told to send what is too large anyway.
func TestTooLargeIsNotAskedFor(t *testing.T) {
	_, addr := start(t, Config{MaxBody: 1000}, echo)
	c := dial(t, addr)
	send(t, c, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n")
	if status, _ := answer(t, bufio.NewReader(c)); status != http.StatusBadRequest {
		t.Errorf("status %d", status)
	}
}

// Trailers reach the handler, announced or not, through its own copy of the request.
func TestTrailersOfBody(t *testing.T) {
	_, addr := start(t, Config{MaxBody: 1000}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, r.Trailer.Get("Sum"))
	})
	for _, announced := range []string{"", "Trailer: Sum\r\n"} {
		got := talk(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"+announced+"\r\n1\r\nx\r\n0\r\nSum: 42\r\n\r\n")
		if !strings.HasSuffix(got, "42") {
			t.Errorf("%q: answered by %q", announced, got)
		}
	}
}
