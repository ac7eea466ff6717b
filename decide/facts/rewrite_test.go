package facts

import (
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestKindOfHeader(t *testing.T) {
	for name, want := range map[string]headerKind{
		"X-Forwarded-For":                        headerAddress,
		"x_forwarded_for":                        headerAddress,
		"X-Forwarded-Forest":                     headerContext,
		"X-Forwarded-Proto":                      headerContext,
		"X-Forwarded-Client-Cert":                headerContext,
		"X-Forwarded-" + strings.Repeat("x", 99): headerContext,
		"Forwarded":                              headerAddress,
		"Forwarded-For":                          headerPlain,
		"X-Real-Ip":                              headerAddress,
		"True-Client-IP":                         headerAddress,
		"Cf-Connecting-Ip":                       headerAddress,
		"X-Original-Forwarded-For":               headerAddress,
		"X-Original-Forwarded-For-Sure":          headerPlain,
		"X-Original-Url":                         headerContext,
		"Glacis-Decision":                        headerReserved,
		"gLACIS_score":                           headerReserved,
		"Glacis":                                 headerPlain,
		"X-Request-Id":                           headerPlain,
		"Content-Type":                           headerPlain,
		"Accept":                                 headerPlain,
		"":                                       headerPlain,
		"X":                                      headerPlain,
	} {
		if got := kindOfHeader(name); got != want {
			t.Errorf("%q is %d, want %d", name, got, want)
		}
	}
}

func TestRewrite(t *testing.T) {
	type header = http.Header
	for _, tc := range []struct {
		name, believed, remote string
		host                   string
		in, want               http.Header
	}{
		{
			name: "untrusted, nothing sent", remote: "203.0.113.9:1234", host: "Shop.example:8080", in: header{"Accept": {"*/*"}},
			want: header{"Accept": {"*/*"}, "X-Forwarded-For": {"203.0.113.9"}, "X-Real-Ip": {"203.0.113.9"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"Shop.example:8080"}},
		},
		{
			name: "untrusted, everything sent", remote: "[2001:db8::9]:1", host: "shop.example",
			in: header{"Forwarded": {"for=1.1.1.1"}, "X-Forwarded-For": {"1.1.1.1", "2.2.2.2"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil.example"},
				"X-Forwarded-Port": {"1"}, "X-Real-Ip": {"1.1.1.1"}, "X_forwarded_for": {"1.1.1.1"}, "Cf-Connecting-Ip": {"1.1.1.1"}, "X-Original-Url": {"/admin"},
				"Glacis-Decision": {"x"}, "Glacis_score": {"0"}},
			want: header{"X-Forwarded-For": {"2001:db8::9"}, "X-Real-Ip": {"2001:db8::9"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"shop.example"}},
		},
		{
			name: "trusted, appended to", remote: "10.0.0.1:1", host: "gate",
			in: header{"X-Forwarded-For": {"198.51.100.1", "203.0.113.9, 10.2.2.2"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"Shop.example:444"}, "X-Forwarded-Port": {"444"},
				"Forwarded": {"for=1.1.1.1"}, "X-Real-Ip": {"1.1.1.1"}, "X_forwarded_proto": {"http"}, "Glacis-Score": {"0"}},
			want: header{"X-Forwarded-For": {"198.51.100.1, 203.0.113.9, 10.2.2.2, 10.0.0.1"}, "X-Real-Ip": {"203.0.113.9"}, "X-Forwarded-Proto": {"https"},
				"X-Forwarded-Host": {"Shop.example:444"}, "X-Forwarded-Port": {"444"}},
		},
		{
			name: "trusted, no chain", remote: "10.0.0.1:1", host: "gate", in: header{},
			want: header{"X-Forwarded-For": {"10.0.0.1"}, "X-Real-Ip": {"10.0.0.1"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"gate"}},
		},
		{
			name: "trusted, a chain that could not be read", remote: "10.0.0.1:1", host: "gate", in: header{"X-Forwarded-For": {"203.0.113.9, junk, 10.2.2.2"}},
			want: header{"X-Forwarded-For": {"10.2.2.2, 10.0.0.1"}, "X-Real-Ip": {"10.2.2.2"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"gate"}},
		},
		{
			name: "single", believed: "cf-connecting-ip", remote: "10.0.0.1:1", host: "gate",
			in:   header{"Cf-Connecting-Ip": {"203.0.113.9"}, "Cf_connecting_ip": {"1.1.1.1"}, "X-Forwarded-For": {"1.1.1.1"}},
			want: header{"Cf-Connecting-Ip": {"203.0.113.9"}, "X-Forwarded-For": {"203.0.113.9, 10.0.0.1"}, "X-Real-Ip": {"203.0.113.9"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"gate"}},
		},
		{
			name: "single, the one that is set anyway", believed: "x-real-ip", remote: "10.0.0.1:1", host: "gate", in: header{"X-Real-Ip": {"203.0.113.9"}},
			want: header{"X-Forwarded-For": {"203.0.113.9, 10.0.0.1"}, "X-Real-Ip": {"203.0.113.9"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"gate"}},
		},
		{
			name: "single, a name of their own, untrusted", believed: "x-my-client", remote: "203.0.113.9:1", host: "gate", in: header{"X-My-Client": {"1.1.1.1"}, "X_my_client": {"1.1.1.1"}},
			want: header{"X-Forwarded-For": {"203.0.113.9"}, "X-Real-Ip": {"203.0.113.9"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"gate"}},
		},
		{
			name: "forwarded", believed: "forwarded", remote: "[2001:db8:f::1]:1", host: "gate",
			in: header{"Forwarded": {`for=203.0.113.9;proto=https;host="Shop.example:444"`}, "X-Forwarded-For": {"1.1.1.1"}, "X-Forwarded-Host": {"evil.example"}},
			want: header{"Forwarded": {`for=203.0.113.9;proto=https;host="Shop.example:444", for="[2001:db8:f::1]";proto=https`}, "X-Forwarded-For": {"203.0.113.9, 2001:db8:f::1"},
				"X-Real-Ip": {"203.0.113.9"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"shop.example"}},
		},
		{
			name: "forwarded, untrusted", believed: "forwarded", remote: "203.0.113.9:1", host: "gate", in: header{"Forwarded": {`for=1.1.1.1`}},
			want: header{"Forwarded": {`for=203.0.113.9;proto=http`}, "X-Forwarded-For": {"203.0.113.9"}, "X-Real-Ip": {"203.0.113.9"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"gate"}},
		},
		{
			name: "without an address", host: "gate", in: header{"X-Forwarded-For": {"1.1.1.1"}, "X-Real-Ip": {"1.1.1.1"}},
			want: header{"X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"gate"}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := plainReader(t, Config{ClientHeader: tc.believed, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:f::/48")}})
			var remote netip.AddrPort
			if tc.remote != "" {
				remote = netip.MustParseAddrPort(tc.remote)
			}
			before := tc.in.Clone()
			var f Facts
			r.Read(&f, Head{Method: "GET", Target: "/", Host: tc.host, Scheme: "http", Proto: 11, Header: tc.in, Remote: remote}, 0)
			out := maps.Clone(tc.in)
			for _, field := range r.Rewrite(out, &f, tc.host, nil) {
				if out[field.Name] != nil {
					t.Errorf("%s is set beside one that stays", field.Name)
				}
				out[field.Name] = []string{field.Value}
			}
			if !maps.EqualFunc(out, tc.want, slices.Equal) {
				t.Errorf("\n got %v\nwant %v", out, tc.want)
			}
			if !maps.EqualFunc(tc.in, before, slices.Equal) {
				t.Errorf("the request's own header was changed: %v", tc.in)
			}
			for name, values := range out {
				if cap(values) != len(values) {
					t.Errorf("%s can be appended to in place, into another header's value", name)
				}
			}
		})
	}
}

func plainReader(t testing.TB, c Config) *Reader {
	t.Helper()
	routes, err := NewRoutes([]RouteSpec{{Pattern: "GET /api/products/{id}", Class: Catalog}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(c, routes)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func BenchmarkRewrite(b *testing.B) {
	r := plainReader(b, Config{})
	h := ordinaryHeader()
	var f Facts
	r.Read(&f, ordinaryHead(h), 0)
	out := maps.Clone(h)
	var set []HeaderField
	b.ReportAllocs()
	for b.Loop() {
		set = r.Rewrite(out, &f, "shop.example", set[:0])
	}
}
