package listener

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// A request that is not well-formed gets net/http's own short answer, or none, and never reaches the handler; what looks odd and is
// allowed reaches it as one request. Nothing of either names what is inside.
func TestMalformedRequests(t *testing.T) {
	var mu sync.Mutex
	seen := ""
	_, addr := start(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		mu.Lock()
		seen += r.Method + " " + r.Host + " " + r.RequestURI + " " + string(b) + "\n"
		mu.Unlock()
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
	for name, c := range map[string]struct {
		request, status string // status "" means closed without an answer
		seen            string
	}{
		"no version":                {"GET /a-long-enough-path\r\n\r\n", "400", ""},
		"no target":                 {"GET HTTP/1.1\r\nHost: a\r\n\r\n", "400", ""},
		"empty target":              {"GET  HTTP/1.1\r\nHost: a\r\n\r\n", "400", ""},
		"space in target":           {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "400", ""},
		"wrong version":             {"GET / HTTP/1.x\r\nHost: a\r\n\r\n", "400", ""},
		"version 0.9":               {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", "505", ""},
		"version 3":                 {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505", ""},
		"method with a colon":       {"G:T / HTTP/1.1\r\nHost: a\r\n\r\n", "400", ""},
		"leading space":             {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400", ""},
		"bad escape":                {"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400", ""},
		"control in target":         {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", "400", ""},
		"NUL in target":             {"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", "400", ""},
		"no Host":                   {"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", "400", ""},
		"two Hosts":                 {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400", ""},
		"Host with a space":         {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400", ""},
		"header without colon":      {"GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n", "400", ""},
		"space before colon":        {"GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", "400", ""},
		"empty header name":         {"GET / HTTP/1.1\r\nHost: a\r\n: 1\r\n\r\n", "400", ""},
		"NUL in header":             {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", "400", ""},
		"control in header":         {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x07b\r\n\r\n", "400", ""},
		"bare CR in header":         {"GET / HTTP/1.1\r\nHost: a\r\nX: a\rEvil: 1\r\n\r\n", "400", ""},
		"NUL in header name":        {"GET / HTTP/1.1\r\nHost: a\r\nX\x00: 1\r\n\r\n", "400", ""},
		"first line folded":         {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400", ""},
		"two lengths":               {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "400", ""},
		"a list of lengths":         {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\nxx", "400", ""},
		"signed length":             {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx", "400", ""},
		"negative length":           {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nx", "400", ""},
		"length too big":            {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nx", "400", ""},
		"hexadecimal length":        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\nx", "400", ""},
		"empty length":              {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n", "400", ""},
		"unknown coding":            {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501", ""},
		"two codings":               {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501", ""},
		"coding twice":              {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "501", ""},
		"coding with a tab":         {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", "400", ""},
		"unknown expectation":       {"POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 1\r\n\r\nx", "417", ""},
		"bad chunk size":            {"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + smuggled, "400", "POST a /c \n"},
		"chunk longer than stated":  {"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n" + smuggled, "400", "POST a /c x\n"},
		"body cut short":            {"POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx", "400", "POST a /c x\n"},
		"absolute target":           {"GET http://b/p?q HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "200", "GET b http://b/p?q \n"},
		"double slash":              {"GET //b/p HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "200", "GET a //b/p \n"},
		"asterisk":                  {"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "200", "OPTIONS a * \n"},
		"invalid UTF-8 in target":   {"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "200", "GET a /\xff\xfe \n"},
		"bare LF":                   {"GET / HTTP/1.1\nHost: a\nConnection: close\n\n", "200", "GET a / \n"},
		"folded header":             {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\tmore\r\nConnection: close\r\n\r\n", "200", "GET a / \n"},
		"same length twice":         {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx", "200", "POST a / x\n"},
		"length and coding":         {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\nx\r\n0\r\n\r\n" + smuggled, "200", "POST a / x\n"},
		"HTTP/2 preface, cut short": {"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "400", ""},
		"HTTP/2, then garbage":      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + repeat(64), "", ""},
	} {
		conn := dial(t, addr)
		_, _ = io.WriteString(conn, c.request)
		if c.status != "200" && c.seen != "" || c.status == "417" {
			_ = closeWrite(conn)
		}
		got := rest(t, conn)
		mu.Lock()
		reached := seen
		seen = ""
		mu.Unlock()
		if reached != c.seen {
			t.Errorf("%s: the handler saw %q, want %q", name, reached, c.seen)
		}
		if c.status == "" {
			if strings.Contains(got, "HTTP/1") {
				t.Errorf("%s: answered by %q", name, got)
			}
			continue
		}
		res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil)
		if err != nil {
			t.Errorf("%s: answered by %q: %v", name, got, err)
			continue
		}
		if res.Status[:3] != c.status {
			t.Errorf("%s: status %s, want %s", name, res.Status, c.status)
		}
		for _, inner := range []string{".go", "goroutine", "/work", "127.0.0.1", "net/http", "Server:", "smuggled"} {
			if strings.Contains(got, inner) {
				t.Errorf("%s: the answer names %q: %q", name, inner, got)
			}
		}
	}
}

func closeWrite(c io.Writer) error { return c.(interface{ CloseWrite() error }).CloseWrite() }

func TestHeadTooLarge(t *testing.T) {
	_, addr := start(t, Config{MaxHeader: 8 << 10}, hello)
	head := func(n int) string {
		return "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: " + repeat(n) + "\r\n\r\n"
	}
	if got := talk(t, addr, head(7<<10)); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("7 KiB: %.40q", got)
	}
	if got := talk(t, addr, head(13<<10)); !strings.HasPrefix(got, "HTTP/1.1 431 ") {
		t.Errorf("13 KiB: %.40q", got)
	}
	c := client(t, h2c, nil)
	req, err := http.NewRequest("GET", "http://"+addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X", repeat(13<<10))
	if res, err := c.Do(req); err == nil && res.StatusCode != 431 {
		t.Errorf("13 KiB of HTTP/2: %s", res.Status)
	}
}

// What broken clients cause is for those who look for it; a panic is for everybody.
func TestWhatOperatorsAreTold(t *testing.T) {
	var out bytes.Buffer
	c := complaints{slog.New(slog.NewTextHandler(&out, nil))}
	for line, told := range map[string]string{
		"http: TLS handshake error from 203.0.113.9:1: EOF\n":                        "",
		"http: panic serving 203.0.113.9:1: oh\ngoroutine 1\n":                       "level=ERROR",
		"http2: panic serving 203.0.113.9:1: oh\n":                                   "level=ERROR",
		"http: Accept error: accept4: too many open files; retrying in 5ms\n":        "level=WARN",
		"http: URL query contains semicolon, which is no longer a supported separat": "",
	} {
		out.Reset()
		if n, err := c.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("wrote %d of %d: %v", n, len(line), err)
		}
		if got := out.String(); (got == "") != (told == "") || !strings.Contains(got, told) {
			t.Errorf("%q is logged as %q", line, got)
		}
	}
}
