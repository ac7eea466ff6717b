package facts

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestCleanTarget(t *testing.T) {
	for _, c := range []struct {
		target, path, query, authority string
		odd                            Odd
	}{
		{"/", "/", "", "", 0},
		{"/a/b", "/a/b", "", "", 0},
		{"/a/b/?x=1&y=%2F..//", "/a/b/", "x=1&y=%2F..//", "", 0},
		{"/a??x", "/a", "?x", "", 0},
		{"/a?", "/a", "", "", 0},
		{"/.well-known/x", "/.well-known/x", "", "", 0},
		{"/a..b/..c/c../...", "/a..b/..c/c../...", "", "", 0},
		{"/caf\xc3\xa9", "/café", "", "", 0},

		{"/a%20b", "/a b", "", "", 0},
		{"/%61%64min", "/admin", "", "", 0},
		{"/caf%c3%A9", "/café", "", "", 0},
		{"/a%3Fb?c", "/a?b", "c", "", 0},

		{"/a/./b/.", "/a/b/", "", "", OddDotSegment},
		{"/a/../b", "/b", "", "", OddDotSegment},
		{"/a/b/..", "/a/", "", "", OddDotSegment},
		{"/../../etc/passwd", "/etc/passwd", "", "", OddDotSegment},
		{"/..", "/", "", "", OddDotSegment},
		{"/a/..?q", "/", "q", "", OddDotSegment},
		{"/a/%2e%2E/b", "/b", "", "", OddDotSegment},
		{"/a/.%2e/b", "/b", "", "", OddDotSegment},
		{"/a/..;/b", "/a/..;/b", "", "", OddDotSegment},
		{"/a/..;x=1", "/a/..;x=1", "", "", OddDotSegment},
		{"/a;x=1/b;y", "/a;x=1/b;y", "", "", 0},

		{"//", "/", "", "", OddSlashes},
		{"//a///b//", "/a/b/", "", "", OddSlashes},
		{"/a//../b", "/b", "", "", OddSlashes | OddDotSegment},
		{"//evil.example/a", "/evil.example/a", "", "", OddSlashes},

		{"/a%2fb", "/a%2Fb", "", "", OddEncodedSlash},
		{"/a%2F..%2Fb", "/a%2F..%2Fb", "", "", OddEncodedSlash},
		{"/%2e%2e%2fadmin", "/..%2Fadmin", "", "", OddEncodedSlash},
		{"/a%5cb", `/a\b`, "", "", OddEncodedSlash},
		{`/a\..\b`, `/a\..\b`, "", "", OddEncodedSlash},

		{"/%2561", "/%61", "", "", OddDouble},
		{"/%25%36%31", "/%61", "", "", OddDouble},
		{"/%252e%252e/a", "/%2e%2e/a", "", "", OddDouble},
		{"/100%25", "/100%", "", "", 0},
		{"/100%25-off", "/100%-off", "", "", 0},
		{"/%", "/%", "", "", OddEncoding},
		{"/%4", "/%4", "", "", OddEncoding},
		{"/%zz/%u0061", "/%zz/%u0061", "", "", OddEncoding},

		{"/%00", "/\x00", "", "", OddControl},
		{"/a%0d%0ab", "/a\r\nb", "", "", OddControl},
		{"/a\x7f", "/a\x7f", "", "", OddControl},
		{"/%ff", "/\xff", "", "", OddUTF8},
		{"/%c0%af", "/\xc0\xaf", "", "", OddUTF8 | OddEncoding},
		{"/%c0%ae%c0%ae/", "/\xc0\xae\xc0\xae/", "", "", OddUTF8 | OddEncoding},
		{"/%e0%80%af", "/\xe0\x80\xaf", "", "", OddUTF8 | OddEncoding},
		{"/%f0%80%80%af", "/\xf0\x80\x80\xaf", "", "", OddUTF8 | OddEncoding},

		{"*", "/", "", "", OddTarget},
		{"", "/", "", "", OddTarget},
		{"http://h.example:8080/a/b?c", "/a/b", "c", "h.example:8080", OddTarget},
		{"HTTP://h", "/", "", "h", OddTarget},
		{"https://h?c", "/", "c", "h", OddTarget},
		{"http:///a", "/a", "", "", OddTarget},
		{"http://h/../a", "/a", "", "h", OddTarget | OddDotSegment},
		{"h.example:443", "/", "", "h.example:443", OddTarget},
		{"a/b?c", "/a/b", "c", "", OddTarget},
		{"?a", "/", "a", "", OddTarget},
		{"1http://h/a", "/1http:/h/a", "", "", OddTarget | OddSlashes},
		{"/a#b?c", "/a#b", "c", "", OddTarget},
		{"/a?b#c", "/a", "b#c", "", 0},
	} {
		path, query, authority, odd := cleanTarget(c.target)
		if path != c.path || query != c.query || authority != c.authority || odd != c.odd {
			t.Errorf("cleanTarget(%q) = %q, %q, %q, %v; want %q, %q, %q, %v",
				c.target, path, query, authority, odd, c.path, c.query, c.authority, c.odd)
		}
	}
}

func TestCleanTargetIsBounded(t *testing.T) {
	exact := "/" + strings.Repeat("a", MaxPath-1)
	if path, query, _, odd := cleanTarget(exact + "?q"); path != exact || query != "q" || odd != 0 {
		t.Errorf("a path of MaxPath: %d bytes, query %q, %v", len(path), query, odd)
	}
	if path, query, _, odd := cleanTarget(exact + "b?q"); path != exact || query != "q" || odd != OddLong {
		t.Errorf("a longer path: %d bytes, query %q, %v", len(path), query, odd)
	}
	// The cut must not leave a dot segment behind.
	cut := "/" + strings.Repeat("a", MaxPath-4) + "/..b"
	if path, _, _, odd := cleanTarget(cut); path != "/" || odd != OddLong|OddDotSegment {
		t.Errorf("a path cut after its dots: %d bytes, %v", len(path), odd)
	}
	if path, _, _, _ := cleanTarget("/" + strings.Repeat("%2f", MaxPath)); len(path) > MaxPath {
		t.Errorf("a path of encoded slashes grew to %d bytes", len(path))
	}
}

func TestCleanTargetAllocates(t *testing.T) {
	for _, target := range []string{"/", "/api/v1/products/123?page=2&sort=%20", "/.well-known/openid-configuration", "/caf\xc3\xa9/a;b=1", "/a%2Fb"} {
		n := testing.AllocsPerRun(100, func() {
			if path, _, _, _ := cleanTarget(target); path[0] != '/' {
				t.Fatal(path)
			}
		})
		if n != 0 {
			t.Errorf("cleaning %q allocates %v times", target, n)
		}
	}
}

// slowClean is cleanPath the obvious way: split first, so that nothing decoded can be a separator.
func slowClean(raw string) string {
	raw = raw[:min(len(raw), MaxPath)]
	var done []string
	last := ""
	for _, segment := range strings.Split(raw[1:], "/") {
		last = slowDecode(segment)
		switch last {
		case "", ".":
		case "..":
			done = done[:max(0, len(done)-1)]
		default:
			done = append(done, last)
		}
	}
	path := "/" + strings.Join(done, "/")
	if len(done) > 0 && (last == "" || last == "." || last == "..") {
		path += "/"
	}
	return path
}

func slowDecode(s string) string {
	if len(s) >= 3 && s[0] == '%' {
		if c, err := url.PathUnescape(s[:3]); err == nil {
			if c == "/" {
				c = "%2F"
			}
			return c + slowDecode(s[3:])
		}
	}
	if s == "" {
		return ""
	}
	return s[:1] + slowDecode(s[1:])
}

// encodePath encodes all that needs it, and the percent sign of a kept %2F too.
func encodePath(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return strings.Join(segments, "/")
}

// checkPath holds what must hold of every target. It returns the first thing that does not.
func checkPath(target string) error {
	path, query, authority, odd := cleanTarget(target)
	segments := strings.Split(path, "/")
	switch {
	case path == "" || path[0] != '/':
		return fmt.Errorf("the path %q does not begin with a slash", path)
	case strings.Contains(path, "//"):
		return fmt.Errorf("the path %q has repeated slashes", path)
	case slices.Contains(segments, "..") || slices.Contains(segments, "."):
		return fmt.Errorf("the path %q has a dot segment", path)
	case len(path) > MaxPath || len(query)+len(authority) > len(target):
		return fmt.Errorf("%d bytes became more", len(target))
	case !odd.Has(OddUTF8) && !utf8.ValidString(path):
		return fmt.Errorf("the path %q is flagged %v", path, odd)
	}
	if raw, rest, _ := strings.Cut(target, "?"); strings.HasPrefix(target, "/") && (path != slowClean(raw) || query != rest) {
		return fmt.Errorf("path %q and query %q, the twin says %q and %q", path, query, slowClean(raw), rest)
	}
	if again, _, _, _ := cleanTarget(path); again != path && !strings.ContainsAny(path, "%?") {
		return fmt.Errorf("cleaning the clean %q gives %q", path, again)
	}
	if encoded := encodePath(path); len(encoded) <= MaxPath {
		if again, _, _, _ := cleanTarget(encoded); again != path {
			return fmt.Errorf("cleaning %q, which is %q encoded, gives %q", encoded, path, again)
		}
	}
	return nil
}

func TestCleanTargetProperties(t *testing.T) {
	pieces := []string{"/", "/", ".", "..", "%2e", "%2E.", "%2f", "%2F", "%5c", `\`, "%25", "%", "a", "b", "6", ";x", "?", "#", "%00", "%c0%af", "\xff", "é", "http://h", ":"}
	rapid.Check(t, func(t *rapid.T) {
		target := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 24).Draw(t, "pieces"), "")
		if err := checkPath(target); err != nil {
			t.Fatalf("%q: %v", target, err)
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/a/b?c", "/%2e%2e/%2f//..", "http://h/a", "*", "/%c0%ae/", "/a/..;/b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		if err := checkPath(target); err != nil {
			t.Fatalf("%q: %v", target, err)
		}
	})
}

func BenchmarkCleanTarget(b *testing.B) {
	for _, c := range []struct{ name, target string }{
		{"clean", "/api/v1/products/8f14e45f/reviews?page=2&sort=new"},
		{"encoded", "/api/v1/products/caf%C3%A9%20noir/reviews?page=2"},
		{"hostile", "/api/./v1//../v1/%2e%2e/%2fproducts/..;/%252e"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				cleanTarget(c.target)
			}
		})
	}
}
