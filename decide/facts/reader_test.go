package facts

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// ordinaryHeader is what a browser sends with a call to an API: twelve headers.
func ordinaryHeader() http.Header {
	return http.Header{
		"Accept":          {"application/json"},
		"Accept-Encoding": {"gzip, br"},
		"Accept-Language": {"en-GB,en;q=0.9"},
		"Authorization":   {"Bearer 0123456789abcdef0123456789abcdef"},
		"Cache-Control":   {"no-cache"},
		"Cookie":          {"theme=dark; consent=1"},
		"Origin":          {"https://shop.example"},
		"Referer":         {"https://shop.example/"},
		"Sec-Fetch-Mode":  {"cors"},
		"Sec-Fetch-Site":  {"same-origin"},
		"User-Agent":      {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
		"X-Request-Id":    {"0b2c7d1e-5a54-4f4e-9d2b-0e6f2c1a9b11"},
	}
}

func ordinaryHead(h http.Header) Head {
	return Head{Method: "GET", Target: "/api/products/4711?fields=name", Host: "shop.example", Scheme: "https", Proto: 20, Header: h,
		Remote: netip.MustParseAddrPort("203.0.113.9:4711")}
}

func TestRead(t *testing.T) {
	r := plainReader(t, Config{})
	f := Facts{Odd: OddBodyType, Client: netip.MustParseAddr("192.0.2.1")}
	f.Fields.Set(0, "of the last request")
	head := ordinaryHead(ordinaryHeader())
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC).UnixNano()
	r.Read(&f, head, at)

	if f.At != at || f.ID.Millis() != at/1e6 || f.RequestID != "0b2c7d1e-5a54-4f4e-9d2b-0e6f2c1a9b11" {
		t.Errorf("time and ids: %d, %s, %q", f.At, f.ID, f.RequestID)
	}
	if f.Method != "GET" || f.Scheme != "https" || f.Host != "shop.example" || f.Path != "/api/products/4711" || f.Query != "fields=name" || f.Proto != 20 {
		t.Errorf("%s %s://%s%s?%s %d", f.Method, f.Scheme, f.Host, f.Path, f.Query, f.Proto)
	}
	if f.Route == nil || f.Route.Class != Catalog || f.Template != "/api/products/{id}" {
		t.Errorf("route %+v, template %q", f.Route, f.Template)
	}
	if f.Remote != head.Remote || f.Client != head.Remote.Addr() || f.Trusted {
		t.Errorf("remote %v, client %v, trusted %v", f.Remote, f.Client, f.Trusted)
	}
	if f.Credential != NewCredential(Bearer, "0123456789abcdef0123456789abcdef") || !strings.HasPrefix(f.UserAgent, "Mozilla/5.0 ") {
		t.Errorf("credential %v, user agent %q", f.Credential, f.UserAgent)
	}
	if f.Odd != 0 || f.Fields.Any() {
		t.Errorf("odd %v, fields %v", f.Odd, f.Fields.Any())
	}
}

func TestReadOrigin(t *testing.T) {
	trusting := Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fe80::/10")}}
	own := trusting
	own.ClientHeader = "x-my-client"
	forged := http.Header{"X-Forwarded-For": {"192.0.2.77"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"other.example"}}
	for _, tc := range []struct {
		name    string
		config  Config
		remote  string
		header  http.Header
		client  string
		trusted bool
		scheme  string
		host    string
		odd     Odd
	}{
		{"trusted", trusting, "10.0.0.1:1", forged, "192.0.2.77", true, "https", "other.example", 0},
		{"trusted, mapped", trusting, "[::ffff:10.0.0.1]:1", forged, "192.0.2.77", true, "https", "other.example", 0},
		{"trusted, with a zone", trusting, "[fe80::1%eth0]:1", forged, "192.0.2.77", true, "https", "other.example", 0},
		{"forged", trusting, "203.0.113.9:1", forged, "203.0.113.9", false, "http", "shop.example", OddSpoof},
		{"nobody is trusted", Config{}, "10.0.0.1:1", forged, "10.0.0.1", false, "http", "shop.example", OddSpoof},
		{"forged in variables", trusting, "203.0.113.9:1", http.Header{"X_forwarded_for": {"1.1.1.1"}}, "203.0.113.9", false, "http", "shop.example", OddSpoof},
		{"forged in a header of their own", own, "203.0.113.9:1", http.Header{"X-My-Client": {"1.1.1.1"}}, "203.0.113.9", false, "http", "shop.example", OddSpoof},
		{"that header elsewhere", trusting, "203.0.113.9:1", http.Header{"X-My-Client": {"1.1.1.1"}}, "203.0.113.9", false, "http", "shop.example", 0},
		{"silent", trusting, "10.0.0.1:1", nil, "10.0.0.1", true, "http", "shop.example", 0},
		{"garbled", trusting, "10.0.0.1:1", http.Header{"X-Forwarded-For": {"%"}}, "10.0.0.1", true, "http", "shop.example", OddForwarded},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var f Facts
			plainReader(t, tc.config).Read(&f, Head{Method: "GET", Target: "/", Host: "Shop.example:80", Scheme: "http", Proto: 11, Header: tc.header,
				Remote: netip.MustParseAddrPort(tc.remote)}, 0)
			if f.Client.String() != tc.client || f.Trusted != tc.trusted || f.Scheme != tc.scheme || f.Host != tc.host || f.Odd != tc.odd {
				t.Errorf("client %v, trusted %v, %s://%s, odd %v", f.Client, f.Trusted, f.Scheme, f.Host, f.Odd)
			}
		})
	}
}

func TestReadWithoutAnything(t *testing.T) {
	var f Facts
	plainReader(t, Config{}).Read(&f, Head{}, 0)
	if f.Route == nil || f.Client.IsValid() || f.Trusted || f.Host != "" || f.Path != "/" {
		t.Errorf("%+v", f)
	}
}

func TestReadAbsoluteTargetOverrulesHost(t *testing.T) {
	var f Facts
	plainReader(t, Config{}).Read(&f, Head{Method: "GET", Target: "http://u:p@Shop.example:81/a?b", Host: "other.example"}, 0)
	if f.Host != "shop.example" || f.Path != "/a" || f.Query != "b" || f.Odd != OddTarget {
		t.Errorf("%s %s %s %v", f.Host, f.Path, f.Query, f.Odd)
	}
}

func TestRequestID(t *testing.T) {
	for in, want := range map[string]string{
		"abc-1":                             "abc-1",
		"a b~":                              "a b~",
		"":                                  "",
		"a\tb":                              "",
		"a\x7f":                             "",
		"ä":                                 "",
		strings.Repeat("a", maxRequestID):   strings.Repeat("a", maxRequestID),
		strings.Repeat("a", maxRequestID+1): "",
	} {
		if got := requestID([]string{in}); got != want {
			t.Errorf("requestID(%q) = %q", in, got)
		}
	}
	if requestID(nil) != "" || requestID([]string{"a", "b"}) != "" {
		t.Error("none or two are no request id")
	}
}

func TestUserAgentIsBounded(t *testing.T) {
	if got := userAgent([]string{strings.Repeat("a", 5000)}); len(got) != maxUserAgent {
		t.Errorf("%d bytes", len(got))
	}
}

func TestMethodName(t *testing.T) {
	for in, want := range map[string]string{"GET": "GET", "post": "POST", "Patch": "PATCH", "trace": "TRACE", "PURGE": "PURGE", "purge": "purge", "": "", "getgetget": "getgetget"} {
		if got := methodName(in); got != want {
			t.Errorf("methodName(%q) = %q", in, got)
		}
	}
}

func TestNewReaderErrors(t *testing.T) {
	routes, err := NewRoutes([]RouteSpec{{Pattern: "POST /login", Body: BodySpec{Fields: []FieldSpec{{Name: "user", Paths: []string{"$."}}}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewReader(Config{}, routes)
	var be *BodyError
	var pe *PathError
	if !errors.As(err, &be) || be.Route.Pattern != "POST /login" || be.Field != "user" || !errors.As(err, &pe) || pe.Path != "$." {
		t.Errorf("a wrong path: %v", err)
	}
	if routes, err = NewRoutes(nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{
		{TrustedProxies: []netip.Prefix{{}}},
		{ClientHeader: "a b"},
		{KeyHeaders: []string{"a b"}},
		{SessionCookies: []string{"a b"}},
	} {
		if _, err := NewReader(c, routes); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

func TestReadDoesNotAllocate(t *testing.T) {
	trusting := Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, SessionCookies: []string{"sid"}}
	many := trusting
	for i := range 20 {
		many.TrustedProxies = append(many.TrustedProxies, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i)}), 16))
	}
	rfc := trusting
	rfc.ClientHeader = "forwarded"
	for name, c := range map[string]Config{"nobody trusted": {}, "trusted": trusting, "many trusted": many, "forwarded": rfc} {
		h := ordinaryHeader()
		delete(h, "Authorization")
		h["Cookie"] = []string{"theme=dark; sid=abcdef"}
		h["X-Forwarded-For"] = []string{"junk, [2001:db8::1]:4711, 203.0.113.7"}
		h["X-Forwarded-Proto"], h["X-Forwarded-Host"] = []string{"https"}, []string{"shop.example:444"}
		h["Forwarded"] = []string{`for="[2001:db8::1]:4711";proto=https;host="shop.example", for=203.0.113.7`}
		r, head := plainReader(t, c), ordinaryHead(h)
		var f Facts
		if n := testing.AllocsPerRun(200, func() { r.Read(&f, head, 1) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if f.Trusted != (len(c.TrustedProxies) > 0) || f.Trusted && f.Client != netip.MustParseAddr("2001:db8::1") {
			t.Errorf("%s: client %v", name, f.Client)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	trusting := Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}
	forwarded := ordinaryHeader()
	forwarded["X-Forwarded-For"] = []string{"198.51.100.9, 203.0.113.7"}
	forwarded["X-Forwarded-Proto"] = []string{"https"}
	for _, bc := range []struct {
		name string
		c    Config
		h    http.Header
	}{{"direct", Config{}, ordinaryHeader()}, {"behind-proxies", trusting, forwarded}} {
		b.Run(bc.name, func(b *testing.B) {
			r, head := plainReader(b, bc.c), ordinaryHead(bc.h)
			var f Facts
			b.ReportAllocs()
			for b.Loop() {
				r.Read(&f, head, 1)
			}
		})
	}
}
