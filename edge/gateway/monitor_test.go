package gateway_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// strict watches with every rule there is, each of them denying everything but the first request.
const strict = `
mode: monitor
trusted_proxies: [127.0.0.0/8]
limits: [{name: once, per: [client], rate: 1/31d}, {name: never, per: [all], rate: 1/31d}]
traps: [/backup.sql]
bars: [{prefix: 203.0.113.66/32, why: spray}]
routes:
  - match: POST /api/login
    class: login
    limits: [{name: account, per: [user], rate: 1/31d}]
  - match: GET /api/items/{id}
    class: catalog
    limits: [{name: item, per: ["header:X-Tenant"], rate: 1/31d}]
`

// bare has no rule at all, and reads no body.
const bare = `
trusted_proxies: [127.0.0.0/8]
paths: {malformed: pass}
routes: [{match: /, class: plain, preset: false, fields: {}}]
`

// TestMonitorChangesNoByte sends the same bytes through a gate in monitor mode whose rules deny everything, and through one
// without rules: clients and upstream must see the same, and the record must tell what the rules would have done.
func TestMonitorChangesNoByte(t *testing.T) {
	t.Parallel()
	up, plain := newTap(t), newTap(t)
	watched, free := open(t, strict, up.url), open(t, bare, plain.url)
	for _, client := range []string{"192.0.2.1", "192.0.2.9", "203.0.113.66"} { // the one request that the limits allow
		for _, s := range []*site{watched, free} {
			s.raw(call{bytes: "POST /api/login HTTP/1.1\nHost: h\nX-Tenant: a\nContent-Length: 0", from: client}.request())
		}
	}
	up.take()
	plain.take()
	want := map[string]call{} // by decision
	for name, c := range monitored {
		t.Run(name, func(t *testing.T) {
			same(t, "the client", watched.raw(c.request()), free.raw(c.request()))
			sent := up.take()
			same(t, "the upstream", sent, plain.take())
			ids := decision.FindAllStringSubmatch(sent, -1)
			if n := max(1, c.requests); len(ids) != n {
				t.Errorf("%d requests reached the upstream, want %d:\n%q", len(ids), n, sent)
			}
			for _, id := range ids {
				want[id[1]] = c
			}
		})
	}
	for name, bytes := range refused {
		t.Run(name, func(t *testing.T) {
			c := call{bytes: bytes}
			same(t, "the client", watched.raw(c.request()), free.raw(c.request()))
		})
	}
	watched.tellsWhatWouldBe(want)
}

// same compares what two gates sent, leaving out what each request has of its own.
func same(t *testing.T, who, got, want string) {
	t.Helper()
	for _, own := range []*regexp.Regexp{stamps, names, marks, targets} {
		got, want = own.ReplaceAllString(got, ""), own.ReplaceAllString(want, "")
	}
	if got != want {
		t.Errorf("%s of the watching gate gets\n%q, without a gate\n%q", who, got, want)
	}
}

var (
	decision = regexp.MustCompile(`Glacis-Decision: (\w{26})\r\n`)
	stamps   = regexp.MustCompile(`Date: [^\r]*`)
	names    = regexp.MustCompile(`"decision":"\w{26}"`)
	marks    = regexp.MustCompile(`Glacis-[A-Z][a-z]+: [^\r]*\r\n`)
	targets  = regexp.MustCompile(`127\.0\.0\.1:\d+`) // in HTTP/1.0, where the target's own address stands in for Host
)

// tellsWhatWouldBe holds the record against what the rules would have made of each request.
func (s *site) tellsWhatWouldBe(want map[string]call) {
	s.t.Helper()
	for _, l := range s.lines() {
		if l.Verdict != "allow" {
			s.t.Errorf("done in monitor mode: %+v", l)
		}
		c, sent := want[l.ID]
		if c.would == "" {
			c.would, c.cause, c.limit = "limit", "limit", "once"
		}
		if sent && (l.Would != c.would || l.WouldCause != c.cause || l.Limit.Name != c.limit) {
			s.t.Errorf("the record says %+v, want %+v", l, c)
		}
		delete(want, l.ID)
	}
	for id, c := range want {
		s.t.Errorf("no line for %s: %q", id, c.bytes)
	}
}

// call is one exchange on a connection of its own: bytes, and what the rules would have made of them.
type call struct {
	bytes               string // a head without its last empty line
	rest                string // what follows it
	from                string // client; 192.0.2.1 when empty
	requests            int    // that reach the upstream; 1 when 0
	would, cause, limit string // denied by the limit "once" when empty
}

func (c call) request() string {
	from := c.from
	if from == "" {
		from = "192.0.2.1"
	}
	return strings.ReplaceAll(c.bytes, "\n", "\r\n") + "\r\nX-Forwarded-For: " + from + "\r\nConnection: close\r\n\r\n" + c.rest
}

const credentials = `{"email":"ann@example.com","password":"open sesame","x":[1,{"y":"\u00e9"}]}`

var monitored = map[string]call{
	"get":             {bytes: "GET /api/items/1 HTTP/1.1\nHost: h\nX-Tenant: a"},
	"head":            {bytes: "HEAD /api/items/1 HTTP/1.1\nHost: h"},
	"login":           {bytes: "POST /api/login HTTP/1.1\nHost: h\nContent-Type: application/json\nContent-Length: " + fmt.Sprint(len(credentials)), rest: credentials},
	"login in chunks": {bytes: "POST /api/login HTTP/1.1\nHost: h\nContent-Type: application/json\nTransfer-Encoding: chunked\nTrailer: X-Sum", rest: "5\r\n{\"ema\r\n14;x=y\r\nil\":\"b@example.com\"}\r\n0\r\nX-Sum: 7\r\n\r\n"},
	"login by form":   {bytes: "POST /api/login HTTP/1.1\nHost: h\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 27", rest: "email=ann%40example.com&a=%z"},
	"long login":      {bytes: "POST /api/login HTTP/1.1\nHost: h\nContent-Type: application/json\nContent-Length: 100014", rest: `{"email":"` + strings.Repeat("x", 100000) + `"}  `},
	"broken login":    {bytes: "POST /api/login HTTP/1.1\nHost: h\nContent-Type: application/json\nContent-Length: 4", rest: "}}}}"},
	"login refused":   {bytes: "POST /api/login HTTP/1.1\nHost: h\nX-Want: 401\nContent-Length: 0"},
	"expect":          {bytes: "POST /api/login HTTP/1.1\nHost: h\nExpect: 100-continue\nContent-Type: application/json\nContent-Length: 2", rest: "{}"},
	"not found":       {bytes: "GET /nothing HTTP/1.1\nHost: h\nX-Want: 404"},
	"redirect":        {bytes: "GET /old HTTP/1.1\nHost: h\nX-Want: 302"},
	"not modified":    {bytes: "GET /same HTTP/1.1\nHost: h\nX-Want: 304"},
	"no content":      {bytes: "DELETE /gone HTTP/1.1\nHost: h\nX-Want: 204"},
	"fault":           {bytes: "PUT /x HTTP/1.1\nHost: h\nX-Want: 500\nContent-Length: 3", rest: "abc"},
	"trailers":        {bytes: "GET /trailers HTTP/1.1\nHost: h\nTE: trailers"},
	"hints":           {bytes: "GET /hints HTTP/1.1\nHost: h"},
	"events":          {bytes: "GET /events HTTP/1.1\nHost: h"},
	"own names":       {bytes: "GET /names HTTP/1.1\nHost: h\nGlacis-Decision: mine\nGlacis-Other: x\nX-Real-IP: 8.8.8.8\nForwarded: for=8.8.8.8"},
	"old protocol":    {bytes: "GET /old HTTP/1.0"},
	"absolute":        {bytes: "GET http://other/api/items/2?a=b HTTP/1.1\nHost: h"},
	"odd method":      {bytes: "BREW /pot HTTP/1.1\nHost: h"},
	"dot segments":    {bytes: "GET /a/../api/./items/1 HTTP/1.1\nHost: h", would: "refuse", cause: "malformed"},
	"encoded dots":    {bytes: "GET /a/%2e%2e/%2E/x HTTP/1.1\nHost: h", would: "refuse", cause: "malformed"},
	"NUL in path":     {bytes: "GET /a%00b HTTP/1.1\nHost: h", would: "refuse", cause: "malformed"},
	"no UTF-8":        {bytes: "GET /a%ff%fe HTTP/1.1\nHost: h"},
	"twice encoded":   {bytes: "GET /a%252e HTTP/1.1\nHost: h"},
	"slashes":         {bytes: "GET //a///b%2Fc\\d HTTP/1.1\nHost: h"},
	"honeypot":        {bytes: "GET /backup.sql HTTP/1.1\nHost: h", from: "192.0.2.9", would: "refuse", cause: "risk"},
	"barred":          {bytes: "GET /api/items/1 HTTP/1.1\nHost: h", from: "203.0.113.66", would: "refuse", cause: "bar"},
	"far too many":    {bytes: strings.Repeat("GET /many HTTP/1.1\nHost: h\nX-Forwarded-For: 192.0.2.1\n\n", 29) + "GET /many HTTP/1.1\nHost: h", requests: 30},
}

// refused are requests that the gate itself answers, and sends on whole to nobody.
var refused = map[string]string{
	"broken chunks": "POST /api/login HTTP/1.1\nHost: h\nContent-Type: application/json\nTransfer-Encoding: chunked\nConnection: close\n\nzz\n{}",
	"broken escape": "GET /a%zz HTTP/1.1\nHost: h",
	"broken head":   "GET / HTTP/1.1\nHost: h\nbad header",
	"two lengths":   "POST / HTTP/1.1\nHost: h\nContent-Length: 1\nContent-Length: 2",
	"two framings":  "POST / HTTP/1.1\nHost: h\nContent-Length: 1\nTransfer-Encoding: chunked, identity",
	"tunnel":        "CONNECT other:443 HTTP/1.1\nHost: other:443",
}

// odd answers as asked, each time the same.
func odd(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["X-Twice"] = []string{"a", "b"}
	switch r.URL.Path {
	case "/trailers":
		h.Set("Trailer", "X-Told")
		_, _ = io.WriteString(w, "body")
		h.Set("X-Told", "1")
		h.Set(http.TrailerPrefix+"X-Untold", "2")
		return
	case "/hints":
		h.Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
	case "/events":
		h.Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: 0\n\n") // one: several might come in one piece, or in pieces
		_ = http.NewResponseController(w).Flush()
		return
	}
	body, _ := io.ReadAll(r.Body)
	status := http.StatusOK
	_, _ = fmt.Sscan(r.Header.Get("X-Want"), &status)
	if status == http.StatusFound {
		h.Set("Location", "/new?a=b")
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "%s %s %d %q", r.Method, r.RequestURI, len(body), body)
}

// tap is an upstream that keeps every byte it reads.
type tap struct {
	url string
	mu  sync.Mutex
	got bytes.Buffer
}

func newTap(t *testing.T) *tap {
	t.Helper()
	p := new(tap)
	s := httptest.NewUnstartedServer(http.HandlerFunc(odd))
	s.Listener = &tapped{s.Listener, p}
	s.Start()
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

// take gives what was read since the last time.
func (p *tap) take() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.got.Reset()
	return p.got.String()
}

type tapped struct {
	net.Listener
	tap *tap
}

func (l *tapped) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tappedConn{c, l.tap}, nil
}

type tappedConn struct {
	net.Conn
	tap *tap
}

func (c *tappedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.tap.mu.Lock()
	defer c.tap.mu.Unlock()
	c.tap.got.Write(b[:n])
	return n, err
}
