package facts

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestFormFields(t *testing.T) {
	paths := []string{"email", "$.user.id", `$["odd key"]`, "$.items[0]"}
	long := strings.Repeat("v", maxFieldValue)
	for _, tc := range []struct {
		in, want string
		more     bool
		odd      Odd
	}{
		{in: "email=a%40b.example&id=7", want: "a@b.example|7|-|-"},
		{in: "odd+key=x+y&odd%20key2=z&items=i", want: "-|-|x y|i"},
		{in: "e%6dail=a&&=x&y", want: "a|-|-|-"},
		{in: "email", want: "|-|-|-"},
		{in: "email=a=b", want: "a=b|-|-|-"},
		{in: "email=a;id=7", want: "a;id=7|-|-|-"},
		{in: "email=a&x=1&x=2", want: "a|-|-|-"},
		{in: "email=a&email=b", want: "b|-|-|-", odd: OddBodyDuplicate},
		{in: "email=a&%65mail=b", want: "b|-|-|-", odd: OddBodyDuplicate},
		{in: "email=%zz&id=7", want: "-|7|-|-", odd: OddBodySyntax},
		{in: "%=1&email=a%4", want: "-|-|-|-", odd: OddBodySyntax},
		{in: "email=%ff&id=\xff", want: "-|-|-|-", odd: OddBodySyntax},
		{in: "email=" + long, want: long + "|-|-|-"},
		{in: "email=" + long + "v", want: "-|-|-|-", odd: OddBodyTruncated},
		{in: "email=" + strings.Repeat("%76", maxFieldValue), want: long + "|-|-|-"},
		{in: "email=" + strings.Repeat("%76", maxFieldValue+1), want: "-|-|-|-", odd: OddBodyTruncated},
		{in: strings.Repeat("%61", maxPathName) + "email=x", want: "-|-|-|-"},
		{in: "email=a&id=12", more: true, want: "a|-|-|-", odd: OddBodyTruncated},
		{in: "email=a&id=12&", more: true, want: "a|12|-|-", odd: OddBodyTruncated},
	} {
		var f Fields
		odd := scanForm(planFor(t, paths...), []byte(tc.in), tc.more, &f)
		if got := texts(&f, len(paths)); got != tc.want || odd != tc.odd {
			t.Errorf("%.60s: got %.60s (%v), want %.60s (%v)", tc.in, got, odd, tc.want, tc.odd)
		}
	}
}

func TestFormAgainstParseQuery(t *testing.T) {
	names := []string{"a", "b c", "ä&=", "d"}
	plan := planFor(t, "a", `$["b c"]`, `$["ä&="]`, "d")
	rapid.Check(t, func(t *rapid.T) {
		want := url.Values{}
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			name := rapid.OneOf(rapid.SampledFrom(names), rapid.StringN(0, 5, -1)).Draw(t, "name")
			want.Set(name, rapid.StringN(0, 40, -1).Draw(t, "value"))
		}
		var f Fields
		if odd := scanForm(plan, []byte(want.Encode()), false, &f); odd != 0 {
			t.Fatalf("%s is %v", want.Encode(), odd)
		}
		for i, name := range names {
			if got, ok := f.Get(i); got != want.Get(name) || ok != want.Has(name) {
				t.Fatalf("%q in %s: got %q, %v", name, want.Encode(), got, ok)
			}
		}
	})
}

func FuzzForm(f *testing.F) {
	for _, s := range []string{"a=1&b+c=%20", "a=1&a=2", "a=%zz&%61=x", "=&&a", "a=%ff"} {
		f.Add([]byte(s), false)
	}
	f.Add([]byte("a=1&b"), true)
	plan := planFor(f, "a", `$["b c"]`)
	f.Fuzz(func(t *testing.T, b []byte, more bool) {
		var found Fields
		odd := scanForm(plan, b, more, &found)
		for i := range plan.forms {
			if v, ok := found.Get(i); ok && (len(v) > maxFieldValue || !utf8.ValidString(v)) {
				t.Fatalf("value %q", v)
			}
		}
		if more || odd != 0 || bytes.IndexByte(b, ';') >= 0 {
			return
		}
		want, _ := url.ParseQuery(string(b)) // leaves out what it cannot decode; of undeclared values we do not care
		for i, name := range []string{"a", "b c"} {
			if got, ok := found.Get(i); got != want.Get(name) || ok != want.Has(name) {
				t.Fatalf("%q: got %q, %v; want %q", name, got, ok, want)
			}
		}
	})
}

func TestMultipartFields(t *testing.T) {
	part := func(disposition, more, value string) string {
		return "--B\r\nContent-Disposition: form-data; " + disposition + "\r\n" + more + "\r\n" + value + "\r\n"
	}
	long := strings.Repeat("v", maxFieldValue)
	const end = "--B--\r\n"
	for _, tc := range []struct {
		name, in, want string
		more           bool
		odd            Odd
	}{
		{name: "plain", in: part(`name="email"`, "", "a@b") + part(`name=id`, "Content-Type: text/plain; charset=utf-8\r\n", "7") + end, want: "a@b|7"},
		{name: "lines in a value", in: part(`name="email"`, "", "a\r\nb") + end, want: "a\r\nb|-"},
		{name: "behind a file", in: part(`name="email"; filename="x"`, "", "no") + part(`name="id"`, "", "7") + end, want: "-|7"},
		{name: "not text", in: part(`name="email"`, "Content-Type: application/json\r\n", `{}`) + end, want: "-|-"},
		{name: "twice", in: part(`name="email"`, "", "a") + part(`name="email"`, "", "b") + end, want: "b|-", odd: OddBodyDuplicate},
		{name: "as long as allowed", in: part(`name="email"`, "", long) + end, want: long + "|-"},
		{name: "too long", in: part(`name="email"`, "", long+"v") + part(`name="id"`, "", "7") + end, want: "-|7", odd: OddBodyTruncated},
		{name: "not UTF-8", in: part(`name="email"`, "", "\xff") + end, want: "-|-", odd: OddBodySyntax},
		{name: "no end", in: part(`name="email"`, "", "a") + part(`name="id"`, "", "7"), want: "a|-", odd: OddBodySyntax},
		{name: "cut", in: part(`name="email"`, "", "a") + part(`name="id"`, "", "7"), more: true, want: "a|-", odd: OddBodyTruncated},
		{name: "another boundary", in: "--C\r\n\r\nx\r\n--C--", want: "-|-", odd: OddBodySyntax},
		{name: "no header", in: "--B\r\nx\r\n--B--", want: "-|-", odd: OddBodySyntax},
		{name: "no parts", in: end, want: "-|-"},
		{name: "more parts than looked at", in: strings.Repeat(part(`name="x"`, "", ""), maxFormParts) + part(`name="id"`, "", "7") + end, want: "-|-", odd: OddBodyTruncated},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var f Fields
			odd := scanMultipart(planFor(t, "email", "$.user.id"), "B", []byte(tc.in), tc.more, &f)
			if got := texts(&f, 2); got != tc.want || odd != tc.odd {
				t.Errorf("got %.60q (%v), want %.60q (%v)", got, odd, tc.want, tc.odd)
			}
		})
	}
}

func FuzzMultipart(f *testing.F) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary("B"); err != nil {
		f.Fatal(err)
	}
	for i, name := range []string{"a", "x", "a"} {
		if err := w.WriteField(name, fmt.Sprint(i)); err != nil {
			f.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes(), false)
	f.Add(b.Bytes()[:b.Len()/2], true)
	plan := planFor(f, "a")
	f.Fuzz(func(t *testing.T, b []byte, more bool) {
		var found Fields
		odd := scanMultipart(plan, "B", b, more, &found)
		if v, ok := found.Get(0); ok && (len(v) > maxFieldValue || !utf8.ValidString(v)) {
			t.Fatalf("value %q", v)
		}
		if more && !odd.Has(OddBodyTruncated) {
			t.Fatalf("%v although there is more", odd)
		}
	})
}
