package facts

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// mustRoutes builds routes of class Plain.
func mustRoutes(t testing.TB, patterns ...string) *Routes {
	t.Helper()
	var specs []RouteSpec
	for _, p := range patterns {
		specs = append(specs, RouteSpec{Pattern: p})
	}
	r, err := NewRoutes(specs, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMatch(t *testing.T) {
	r := mustRoutes(t,
		"POST /api/auth/login", "GET /api/products/{id}", "/api/products/featured/now", "GET /api/products/featured",
		"/static/", "/exact/{$}", "GET /files/{path...}", "admin.example/", "Shop.Example/api/products/{id}", "HEAD /api/head", "GET /api/head",
		"DELETE /caf%C3%A9/{x}", "/a%2fb", "/site/{lang}/about", "/site/de/{page}/x")
	for _, c := range []struct{ method, host, path, pattern, template string }{
		{"POST", "h", "/api/auth/login", "POST /api/auth/login", "/api/auth/login"},
		{"POST", "h", "/api/auth/login/", "POST /api/auth/login", "/api/auth/login"},
		{"GET", "h", "/api/auth/login", "(login)", "/api/auth/login"},
		{"GET", "h", "/api/products/17", "GET /api/products/{id}", "/api/products/{id}"},
		{"HEAD", "h", "/api/products/17", "GET /api/products/{id}", "/api/products/{id}"},
		{"POST", "h", "/api/products/17", "(plain)", "/api/products/{id}"},
		{"GET", "h", "/api/products/featured", "GET /api/products/featured", "/api/products/featured"},
		{"GET", "h", "/api/products/", "(catalog)", "/api/products"},
		{"HEAD", "h", "/api/head", "HEAD /api/head", "/api/head"},
		{"GET", "h", "/static/a/b.css", "/static/", "/static/"},
		{"GET", "h", "/static", "/static/", "/static/"},
		{"GET", "h", "/exact/", "/exact/{$}", "/exact/{$}"},
		{"GET", "h", "/exact", "/exact/{$}", "/exact/{$}"},
		{"GET", "h", "/exact/a", "(plain)", "/exact/a"},
		{"GET", "h", "/files/a/b", "GET /files/{path...}", "/files/{path...}"},
		{"GET", "admin.example", "/anything", "admin.example/", "/"},
		{"GET", "shop.example", "/api/products/1", "Shop.Example/api/products/{id}", "/api/products/{id}"},
		{"POST", "shop.example", "/api/auth/login", "POST /api/auth/login", "/api/auth/login"},
		{"DELETE", "", "/café/1", "DELETE /caf%C3%A9/{x}", "/caf%C3%A9/{x}"},
		{"GET", "", "/a%2Fb", "/a%2fb", "/a%2fb"},
		{"GET", "", "/a/b", "(plain)", "/a/b"},
		{"GET", "", "/site/de/about", "/site/{lang}/about", "/site/{lang}/about"},
		{"GET", "", "/site/de/about/x", "/site/de/{page}/x", "/site/de/{page}/x"},
		{"GET", "", "/", "(plain)", "/"},
		{"OPTIONS", "", "/api/auth/login", "(plain)", "/api/auth/login"},
	} {
		route, template := r.Match(c.method, c.host, c.path)
		if route.Pattern != c.pattern || template != c.template {
			t.Errorf("Match(%q, %q, %q) = %q, %q; want %q, %q", c.method, c.host, c.path, route.Pattern, template, c.pattern, c.template)
		}
	}
}

func TestAll(t *testing.T) {
	body := BodySpec{Fields: []FieldSpec{{Role: RoleUser, Name: "user", Paths: []string{"$.email"}}}}
	r, err := NewRoutes([]RouteSpec{{"POST /b", Login, body}, {"/a", Internal, BodySpec{}}}, func(c Class) BodySpec { return BodySpec{Limit: int(c)} })
	if err != nil {
		t.Fatal(err)
	}
	all := r.All()
	if len(all) != 2+int(NumClasses) || all[0].Pattern != "POST /b" || all[0].Class != Login || len(all[0].Body.Fields) != 1 || all[1].Pattern != "/a" {
		t.Fatalf("the configured routes are %+v, %+v of %d", all[0], all[1], len(all))
	}
	for i, route := range all {
		if c := i - 2; route.Index != i || route.Learnt != (c >= 0) || c >= 0 && (route.Class != Class(c) || route.Body.Limit != c || route.Pattern != "("+Class(c).String()+")") {
			t.Errorf("route %d is %+v", i, route)
		}
	}
	if route, _ := r.Match("POST", "", "/signup"); route != all[2+Signup] {
		t.Errorf("an unmatched signup is of %+v", route)
	}
}

func TestNewRoutesRefuses(t *testing.T) {
	many := BodySpec{Fields: make([]FieldSpec, MaxFields+1)}
	for _, c := range []struct {
		specs   []RouteSpec
		index   int
		message string
	}{
		{[]RouteSpec{{Pattern: "/ok"}, {}}, 1, "invalid pattern"},
		{[]RouteSpec{{Pattern: "GET"}}, 0, "at offset 0: host/path missing /"},
		{[]RouteSpec{{Pattern: "/a/{b"}}, 0, "at offset 3: bad wildcard segment (must end with '}')"},
		{[]RouteSpec{{Pattern: "/a/{b...}/c"}}, 0, "at offset 3: {...} wildcard not at end"},
		{[]RouteSpec{{Pattern: "G@T /a"}}, 0, `at offset 0: invalid method "G@T"`},
		{[]RouteSpec{{Pattern: `/a"b/{`}}, 0, "bad wildcard segment"},
		{[]RouteSpec{{Pattern: "post /a"}}, 0, "write POST"},
		{[]RouteSpec{{Pattern: "h.example:8080/a"}}, 0, "without its port"},
		{[]RouteSpec{{Pattern: "/a/../b"}}, 0, `without the segment ".."`},
		{[]RouteSpec{{Pattern: "/a/%2e/b"}}, 0, `without the segment "%2e"`},
		{[]RouteSpec{{Pattern: "/a//b"}}, 0, `without the segment ""`},
		{[]RouteSpec{{Pattern: "/a", Class: NumClasses}}, 0, "no class"},
		{[]RouteSpec{{Pattern: "/a", Body: many}}, 0, "at most 8"},
		{[]RouteSpec{{Pattern: "GET /a/{x}"}, {Pattern: "/b"}, {Pattern: "GET /a/{y}"}}, 2, `conflicts with pattern "GET /a/{x}": GET /a/{y} matches the same requests as GET /a/{x}`},
		{[]RouteSpec{{Pattern: "/a/{x}"}, {Pattern: "/{x}/a"}}, 1, `conflicts with pattern "/a/{x}": /{x}/a and /a/{x} both match some paths, like "/a/a". But neither is more specific than the other.`},
		{[]RouteSpec{{Pattern: "GET /"}, {Pattern: "/a"}}, 1, `conflicts with pattern "GET /": /a matches more methods than GET /, but has a more specific path pattern`},
		{[]RouteSpec{{Pattern: "A.example/"}, {Pattern: "a.Example/"}}, 1, "matches the same requests"},
		{[]RouteSpec{{Pattern: "/a%2fb"}, {Pattern: "/a%252Fb"}}, 1, `conflicts with "/a%2fb"`},
	} {
		_, err := NewRoutes(c.specs, nil)
		var refused *RouteError
		if !errors.As(err, &refused) {
			t.Errorf("%+v gives %v", c.specs, err)
			continue
		}
		if refused.Index != c.index || refused.Pattern != c.specs[c.index].Pattern || !strings.Contains(refused.Message, c.message) ||
			strings.ContainsAny(refused.Message, "\n") || strings.Contains(refused.Message, ".go:") {
			t.Errorf("%+v gives route %d: %q; want route %d: %q", c.specs, refused.Index, refused.Message, c.index, c.message)
		}
	}
	_, err := NewRoutes(nil, func(Class) BodySpec { return many })
	var refused *RouteError
	if !errors.As(err, &refused) || refused.Index != -1 {
		t.Errorf("too many fields for a class give %v", err)
	}
}

// muxPattern is what ServeMux would say: the pattern that handles or redirects the request, or "".
func muxPattern(mux *http.ServeMux, method, host, path string) string {
	_, pattern := mux.Handler(&http.Request{Method: method, Host: host, URL: &url.URL{Path: path}})
	return pattern
}

// On every path without oddities, Match and http.ServeMux agree; and on which patterns conflict.
func TestMatchAsServeMux(t *testing.T) {
	names := []string{"a", "b", "c", "a b", "ä"}
	segment := rapid.SampledFrom(append([]string{"{x}", "{x}"}, names...))
	methods := []string{"", "GET", "HEAD", "POST"}
	hosts := []string{"", "", "h", "i.example"}
	rapid.Check(t, func(t *rapid.T) {
		mux := http.NewServeMux()
		var specs []RouteSpec
		for range rapid.IntRange(1, 12).Draw(t, "patterns") {
			method := rapid.SampledFrom(methods).Draw(t, "method")
			segments := rapid.SliceOfN(segment, 0, 4).Draw(t, "segments")
			for i, s := range segments {
				if s == "{x}" {
					segments[i] = fmt.Sprintf("{x%d}", i)
				} else {
					segments[i] = url.PathEscape(s)
				}
			}
			ending := rapid.SampledFrom([]string{"", "", "/", "/{$}", "/{rest...}"}).Draw(t, "ending")
			if len(segments) == 0 && ending == "" {
				ending = "/"
			}
			path := ending
			if len(segments) > 0 {
				path = "/" + strings.Join(segments, "/") + ending
			}
			pattern := strings.TrimSpace(method + " " + rapid.SampledFrom(hosts).Draw(t, "host") + path)
			if strings.ContainsAny(strings.TrimPrefix(pattern, method+" "), " ") {
				t.Fatalf("bad generator: %q", pattern)
			}
			refusal := register(mux, pattern)
			_, err := NewRoutes(append(slices.Clip(specs), RouteSpec{Pattern: pattern}), nil)
			if (refusal != nil) != (err != nil) {
				t.Fatalf("%q after %v: ServeMux says %v, we say %v", pattern, specs, refusal, err)
			}
			if err == nil {
				specs = append(specs, RouteSpec{Pattern: pattern})
			}
		}
		r, err := NewRoutes(specs, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			method := rapid.SampledFrom([]string{"GET", "HEAD", "POST", "PUT"}).Draw(t, "request method")
			host := rapid.SampledFrom(hosts).Draw(t, "request host")
			path := "/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(names), 0, 5).Draw(t, "path"), "/")
			if path != "/" && rapid.Bool().Draw(t, "slash") {
				path += "/"
			}
			want := muxPattern(mux, method, host, path)
			if want == "" && path != "/" {
				want = muxPattern(mux, method, host, strings.TrimSuffix(path, "/"))
			}
			got, template := r.Match(method, host, path)
			if got.Learnt != (want == "") || !got.Learnt && got.Pattern != want {
				t.Fatalf("%s %s%s with %v: %q, ServeMux says %q", method, host, path, specs, got.Pattern, want)
			}
			if !got.Learnt && !strings.HasSuffix(got.Pattern, template) {
				t.Fatalf("the template of %q is %q", got.Pattern, template)
			}
		}
	})
}

// manyPatterns is an API of 200 routes.
func manyPatterns() (patterns []string) {
	for i := range 40 {
		base := fmt.Sprintf("/api/v1/things%d", i)
		patterns = append(patterns, "GET "+base, "POST "+base, "GET "+base+"/{id}", "PUT "+base+"/{id}", "GET "+base+"/{id}/parts/{part}")
	}
	return patterns
}

func TestMatchAllocates(t *testing.T) {
	r := mustRoutes(t, append(manyPatterns(), "shop.example/", "/exact/{$}")...)
	for _, c := range []struct{ method, host, path string }{
		{"GET", "h", "/api/v1/things31/8f14e45f/parts/7"},
		{"GET", "shop.example", "/anything/at/all"},
		{"GET", "h", "/exact"},
		{"GET", "h", "/nowhere/17/8f14e45fceea167a5a36dedd4bea2543/a@b.example"},
		{"GET", "h", "/nowhere/2026-03-09/17.png"},
	} {
		r.Match(c.method, c.host, c.path)
		if n := testing.AllocsPerRun(100, func() { r.Match(c.method, c.host, c.path) }); n != 0 {
			t.Errorf("matching %v allocates %v times", c, n)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	r := mustRoutes(b, manyPatterns()...)
	for _, c := range []struct{ name, method, path string }{
		{"configured", "GET", "/api/v1/things31/8f14e45f"},
		{"deep", "GET", "/api/v1/things31/8f14e45f/parts/7"},
		{"learnt", "GET", "/api/v1/others/17/parts/8f14e45f"},
		{"static", "GET", "/img/17.png"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Match(c.method, "shop.example", c.path)
			}
		})
	}
}
