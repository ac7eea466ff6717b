package upstream

import (
	"fmt"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// view is all that can be seen of one exchange from outside: what the client got, what the target got, what Forward said.
type view struct {
	Client seen
	Target []string // head, the fields sorted
	Body   string
	Kind   Kind
	Result Result // without times and rung
	Again  bool   // the connection carried the next request
}

// exchangeBy sends one raw request by one rung to a target that answers with raw bytes, then another request to see
// whether the connection was kept.
func exchangeBy(t *testing.T, rung, raw, answer string, hangUp bool) view {
	t.Helper()
	s := newStub(t, func(c net.Conn, q request) bool {
		if q.path() == "/next" {
			return always("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext")(c, q)
		}
		_, _ = io.WriteString(c, answer)
		return !hangUp
	})
	p := pool(t, Config{Ejection: Ejection{Failures: -1}}, s.addr())
	g := newGate(t, p, rungs[rung])
	v := view{Client: g.send(t, raw)}
	v.Client.Header = slices.DeleteFunc(v.Client.Header, func(l string) bool { return l == "Connection: close" }) // the gate's server's business
	got := s.requests()
	if len(got) == 0 {
		return v
	}
	res := g.result(t)
	v.Kind = KindOf(res.Err)
	v.Result = Result{Status: res.Status, Bytes: res.Bytes, Retries: res.Retries, Started: res.Started}
	v.Target, v.Body = got[0].lines(), got[0].body
	for i, line := range v.Target {
		v.Target[i] = strings.ReplaceAll(line, s.addr(), "TARGET")
	}
	if strings.Contains(raw, "HTTP/1.0") { // rung B measures a short answer of unknown length for it, rung A hangs up after it
		v.Client.Header = slices.DeleteFunc(v.Client.Header, func(l string) bool { return strings.HasPrefix(l, "Content-Length") })
	}
	if next := g.get(t, "/next"); next.Body != "next" {
		t.Errorf("rung %s: next request: %+v", rung, next)
	}
	v.Client.Header = append([]string(nil), v.Client.Header...)
	if res.Err != nil && res.Started { // how much of it had gone out is chance, that it is cut must show
		if !v.Client.Cut && !strings.Contains(raw, "HTTP/1.0") {
			t.Errorf("rung %s: a cut answer ended cleanly: %+v", rung, v.Client)
		}
		v.Client = seen{Cut: true}
	}
	got = s.requests()
	v.Again = got[len(got)-1].conn == got[len(got)-2].conn
	g.Close()
	p.Close()
	return v
}

var oddRequests = map[string]string{
	"plain":                 "GET /a HTTP/1.1\r\nHost: h\r\nUser-Agent: ua\r\nAccept: */*\r\n\r\n",
	"no user agent":         "GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
	"http/1.0":              "GET /a HTTP/1.0\r\n\r\n",
	"http/1.0 with host":    "GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
	"close":                 "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	"hop by hop":            "GET /a HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nProxy-Connection: a\r\nProxy-Authorization: b\r\nTE: trailers, deflate\r\nX-Yours: 2\r\n\r\n",
	"te named":              "GET /a HTTP/1.1\r\nHost: h\r\nConnection: TE\r\nTE: trailers\r\n\r\n",
	"connection names all":  "POST /a HTTP/1.1\r\nHost: h\r\nConnection: Host, Content-Length, Cookie, close, ,,x y\r\nContent-Length: 2\r\nCookie: a=1\r\n\r\nok",
	"upgrade not connected": "GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n",
	"double slash":          "GET //a//b HTTP/1.1\r\nHost: h\r\n\r\n",
	"escapes":               "GET /a%2Fb%2f%41;p=1/%E4%BD%A0?q=%zz&a;b&+ HTTP/1.1\r\nHost: h\r\n\r\n",
	"empty query":           "GET /a? HTTP/1.1\r\nHost: h\r\n\r\n",
	"many question marks":   "GET /a??x=?&y HTTP/1.1\r\nHost: h\r\n\r\n",
	"odd bytes":             "GET /a\"<b>|{c}^`\\\xff\xc3\xa4?\"<>\xff HTTP/1.1\r\nHost: h\r\n\r\n",
	"fragment":              "GET /a#b?c#d HTTP/1.1\r\nHost: h\r\n\r\n",
	"dots":                  "GET /a/../b/./c/.. HTTP/1.1\r\nHost: h\r\n\r\n",
	"absolute":              "GET http://other.test:81//x%2F?y HTTP/1.1\r\nHost: h\r\n\r\n",
	"absolute without path": "GET http://other.test HTTP/1.1\r\nHost: h\r\n\r\n",
	"absolute query only":   "GET http://other.test?q HTTP/1.1\r\nHost: h\r\n\r\n",
	"asterisk":              "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
	"ipv6 host":             "GET /a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
	"empty host":            "GET /a HTTP/1.1\r\nHost:\r\n\r\n",
	"head":                  "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n",
	"delete":                "DELETE /a HTTP/1.1\r\nHost: h\r\n\r\n",
	"odd method":            "M-SEARCH /a HTTP/1.1\r\nHost: h\r\n\r\n",
	"lower case method":     "get /a HTTP/1.1\r\nHost: h\r\n\r\n",
	"post":                  "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello",
	"post empty":            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
	"post no length":        "POST /a HTTP/1.1\r\nHost: h\r\n\r\n",
	"post 20k":              "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("0123456789", 2000),
	"post 40k":              "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 40000\r\n\r\n" + strings.Repeat("0123456789", 4000),
	"post chunked":          "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"post te and cl":        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"post chunk extension":  "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\n\r\n",
	"put":                   "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx",
	"get with body":         "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
	"get with length 0":     "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
	"repeated fields":       "GET /a HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nX-B: 2\r\nX-A: 3\r\nCookie: a=1\r\nCookie: b=2\r\nX-Empty:\r\n\r\n",
	"odd values":            "GET /a HTTP/1.1\r\nHost: h\r\nX-Tab: a\tb\r\nX-Bytes: \xff\xc3\xa4\r\nx-LOWER:   spaced   \r\nForwarded: for=1\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Host: x\r\nX-Forwarded-Proto: y\r\n\r\n",
	"obs-fold":              "GET /a HTTP/1.1\r\nHost: h\r\nX-Fold: a\r\n b\r\n\r\n",
	"bare lf":               "GET /a HTTP/1.1\nHost: h\nX-A: 1\n\n",
	"long head":             "GET /a HTTP/1.1\r\nHost: h\r\nX-Long: " + strings.Repeat("x", 20000) + "\r\n\r\n",
	"range and conditions":  "GET /a HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\nIf-None-Match: \"x\"\r\nAccept-Encoding: gzip\r\n\r\n",
	"two lengths":           "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
	"two same lengths":      "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
	"cr in target":          "GET /a\rb HTTP/1.1\r\nHost: h\r\n\r\n",
	"cr in value":           "GET /a HTTP/1.1\r\nHost: h\r\nX-A: a\rb\r\n\r\n",
	"nul in value":          "GET /a HTTP/1.1\r\nHost: h\r\nX-A: a\x00b\r\n\r\n",
	"space before colon":    "GET /a HTTP/1.1\r\nHost: h\r\nX-A : b\r\n\r\n",
	"two te":                "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
	"connect":               "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n",
}

// oddAnswers are raw answers; hangUp closes the connection after it; again is whether rung B may use the connection for
// the next request after a GET. (http.Transport looks for bytes nobody asked for in its own time, so it is not compared.)
var oddAnswers = map[string]struct {
	raw    string
	hangUp bool
	again  bool
}{
	"plain":                    {raw: okAnswer, again: true},
	"empty":                    {raw: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", again: true},
	"no content type":          {raw: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", again: true},
	"fields":                   {raw: "HTTP/1.1 201 Made\r\nContent-Length: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nx-lower: v\r\nX-Empty:\r\nX-Bytes: \xff\r\nLocation: /x y\r\n\r\nok", again: true},
	"hop by hop":               {raw: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\nTE: x\r\nTrailer: X-T\r\n\r\nok", again: true},
	"close":                    {raw: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"},
	"close and hang up":        {raw: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", hangUp: true},
	"until close":              {raw: "HTTP/1.1 200 OK\r\n\r\nall of it", hangUp: true},
	"until close, nothing":     {raw: "HTTP/1.1 200 OK\r\n\r\n", hangUp: true},
	"http/1.0":                 {raw: "HTTP/1.0 200 OK\r\n\r\nold", hangUp: true},
	"http/1.0 keep-alive":      {raw: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nold", again: true},
	"http/1.0 chunked":         {raw: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nold\r\n0\r\n\r\n", hangUp: true},
	"chunked":                  {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n", again: true},
	"chunked empty":            {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", again: true},
	"chunked cut":              {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\nde", hangUp: true},
	"chunked no last":          {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", hangUp: true},
	"chunked bad size":         {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"},
	"chunked no crlf":          {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"},
	"te and cl":                {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n3\r\nabc\r\n0\r\n\r\n", again: true},
	"te unknown":               {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc", hangUp: true},
	"te twice":                 {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	"two lengths":              {raw: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"},
	"two same lengths":         {raw: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", again: true},
	"bad length":               {raw: "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc"},
	"plus length":              {raw: "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc"},
	"short body":               {raw: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", hangUp: true},
	"long body":                {raw: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"},
	"two answers":              {raw: okAnswer + okAnswer},
	"big body":                 {raw: "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("0123456789", 10000), again: true},
	"204":                      {raw: "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n", again: true},
	"204 with body":            {raw: "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc"},
	"204 chunked":              {raw: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	"304":                      {raw: "HTTP/1.1 304 Not Modified\r\nContent-Length: 300\r\nETag: \"x\"\r\n\r\n", again: true},
	"205":                      {raw: "HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n", again: true},
	"404":                      {raw: "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope", again: true},
	"500 no reason":            {raw: "HTTP/1.1 500\r\nContent-Length: 0\r\n\r\n", again: true},
	"500 empty reason":         {raw: "HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n", again: true},
	"status 999":               {raw: "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", again: true},
	"status 099":               {raw: "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n"},
	"status 000":               {raw: "HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n"},
	"status +20":               {raw: "HTTP/1.1 +20 Plus\r\nContent-Length: 0\r\n\r\n"},
	"status 1000":              {raw: "HTTP/1.1 1000 High\r\nContent-Length: 0\r\n\r\n"},
	"status abc":               {raw: "HTTP/1.1 abc Letters\r\nContent-Length: 0\r\n\r\n"},
	"not http":                 {raw: "SSH-2.0-OpenSSH\r\n", hangUp: true},
	"http/2 by name":           {raw: "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", again: true},
	"http/0.9 by name":         {raw: "HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nok", hangUp: true},
	"nothing":                  {raw: "", hangUp: true},
	"cut head":                 {raw: "HTTP/1.1 200 OK\r\nContent-Le", hangUp: true},
	"obs-fold":                 {raw: "HTTP/1.1 200 OK\r\nX-Fold: a\r\n  b\r\nContent-Length: 2\r\n\r\nok", again: true},
	"fold first":               {raw: "HTTP/1.1 200 OK\r\n X-Fold: a\r\nContent-Length: 2\r\n\r\nok"},
	"bare lf":                  {raw: "HTTP/1.1 200 OK\nX-A: 1\nContent-Length: 2\n\nok", again: true},
	"no colon":                 {raw: "HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 2\r\n\r\nok"},
	"space before colon":       {raw: "HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length: 2\r\n\r\nok", again: true},
	"nul in value":             {raw: "HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 2\r\n\r\nok"},
	"trailers announced":       {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-More\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n", again: true},
	"trailers unannounced":     {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", again: true},
	"trailers both":            {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nX-Late: 2\r\n\r\n", again: true},
	"trailers missing":         {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\n\r\n", again: true},
	"trailers without body":    {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n0\r\nX-Sum: 1\r\n\r\n", again: true},
	"trailers that frame":      {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\nConnection: close\r\nX-Ok: 1\r\n\r\n", again: true},
	"trailer forbidden":        {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\n\r\n"},
	"trailer endless":          {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: " + strings.Repeat("x", 10000) + "\r\n\r\n"},
	"103":                      {raw: "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + okAnswer, again: true},
	"103 twice":                {raw: "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\nX-B: 1\r\n\r\n" + okAnswer, again: true},
	"103 hop by hop":           {raw: "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTransfer-Encoding: chunked\r\nContent-Length: 7\r\nUpgrade: x\r\n\r\n" + okAnswer, again: true},
	"100 unasked":              {raw: "HTTP/1.1 100 Continue\r\n\r\n" + okAnswer, again: true},
	"102":                      {raw: "HTTP/1.1 102 Processing\r\n\r\n" + okAnswer, again: true},
	"101 unasked":              {raw: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
	"101 unasked and unnamed":  {raw: "HTTP/1.1 101 Switching Protocols\r\n\r\n"},
	"103 and nothing":          {raw: "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", hangUp: true},
	"103 with a body":          {raw: "HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\n\r\nabc" + okAnswer},
	"103 without end":          {raw: strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", 100)},
	"head too large":           {raw: "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: "+strings.Repeat("x", 1000)+"\r\n", 400) + "\r\n"},
	"content type empty":       {raw: "HTTP/1.1 200 OK\r\nContent-Type:\r\nContent-Length: 6\r\n\r\n<html>", again: true},
	"pragma":                   {raw: "HTTP/1.1 200 OK\r\nPragma: no-cache\r\nContent-Length: 0\r\n\r\n", again: true},
	"gzip":                     {raw: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08", again: true},
	"event stream with length": {raw: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\ndata: 1\n\n", again: true},
}

// TestRungsLookAlike is the differential test: whatever a client and a target say to each other, nobody can tell the
// rungs apart.
func TestRungsLookAlike(t *testing.T) {
	compare := func(t *testing.T, raw, answer string, hangUp bool) view {
		t.Helper()
		a := exchangeBy(t, "A", raw, answer, hangUp)
		b := exchangeBy(t, "B", raw, answer, hangUp)
		again := b.Again
		a.Again, b.Again = false, false
		if !reflect.DeepEqual(a, b) {
			t.Errorf("request %s\nanswer %s\nA %s\nB %s", brief(raw), brief(answer), brief(fmt.Sprintf("%+v", a)), brief(fmt.Sprintf("%+v", b)))
		}
		b.Again = again
		return b
	}
	for name, raw := range oddRequests {
		t.Run("request "+name, func(t *testing.T) {
			t.Parallel()
			compare(t, raw, okAnswer, false)
			compare(t, raw, oddAnswers["trailers both"].raw, false)
		})
	}
	for name, answer := range oddAnswers {
		t.Run("answer "+name, func(t *testing.T) {
			t.Parallel()
			v := compare(t, oddRequests["plain"], answer.raw, answer.hangUp)
			if v.Again != answer.again {
				t.Errorf("connection used again: %v", v.Again)
			}
			if len(v.Target) == 0 {
				t.Error("target never asked")
			}
			for _, request := range []string{"head", "post", "http/1.0"} {
				compare(t, oddRequests[request], answer.raw, answer.hangUp)
			}
		})
	}
}

func brief(s string) string {
	if len(s) > 700 {
		s = s[:700] + "..."
	}
	return fmt.Sprintf("%q", s)
}
