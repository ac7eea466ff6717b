package strictyaml

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func repeat(s string, size int) string { return strings.Repeat(s, size/len(s)) }

func count(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// Files made to cost as much as they can are refused for a reason that names the bound, before the parser pays.
func TestBounds(t *testing.T) {
	long := strings.Repeat("k", 200_000)
	for what, c := range map[string]struct{ src, want string }{
		"bytes":               {strings.Repeat("#", MaxSize+1), "the file is larger than 1024 KiB"},
		"brackets":            {repeat("[", 10_000), "nested deeper than 64 levels"},
		"dashes":              {repeat("- ", 10_000), "nested deeper than 64 levels"},
		"indentation":         {count("%[1]*[1]d:\n", 100), "nested deeper than 64 levels"},
		"keys":                {count("k%d: 1\n", MaxKeys+1), "more than 2000 keys in one mapping"},
		"keys, anchored":      {count("&a%d a: 1\n", MaxKeys+1), "more than 2000 keys in one mapping"},
		"keys, flow between":  {"- a: [\n1]\n" + strings.Repeat("  a: [\n1]\n", MaxKeys), "more than 2000 keys in one mapping"},
		"words":               {repeat("- a\n", 220_000), "more than 100000 words and signs"},
		"words in flow style": {"[" + repeat("a,", 110_000) + "]", "more than 100000 words and signs"},
		"long keys":           {long + ":\n" + strings.Repeat("- a\n", 40_000), "too much is nested under long keys"},
		"long keys in flow":   {"{" + long + ": [" + strings.Repeat("a,", 40_000) + "]}", "too much is nested under long keys"},
		"aliases":             {"a: &a [" + strings.Repeat("x,", 1000) + "]\nb: [" + strings.Repeat("*a,", 1000) + "]", "more than 200000 values, aliases followed"},
		"merges":              {"a: &a {" + count("k%d: 1,", 1000) + "}\nb:\n" + strings.Repeat("- <<: *a\n", 1000), "more than 200000 values, aliases followed"},
		"depth by aliases":    {"a0: &a0 {x: 1}\n" + chain(80), "nested deeper than 64 levels"},
	} {
		_, err := Parse("f", []byte(c.src), Lookup{})
		var list Errors
		if !errors.As(err, &list) || len(list) != 1 || list[0].Message != c.want {
			t.Errorf("%s: %.300v, want %s", what, err, c.want)
		}
	}
}

func chain(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d: &a%d { y: *a%d }\n", i+1, i+1, i)
	}
	return b.String()
}

// A large file of the usual form is within the bounds.
func TestLargeFile(t *testing.T) {
	src := "routes:\n" + count("  - match: GET /api/v1/things/%d\n    class: plain\n    limits: [ { rate: 10/s, per: [client, key], burst: 20 } ]\n", 2500)
	var s sample
	if err := decode(src, &s); err != nil || len(s.Routes) != 2500 {
		t.Errorf("%d routes, %.300v", len(s.Routes), err)
	}
}

func BenchmarkDecode(b *testing.B) {
	src := []byte("routes:\n" + count("  - match: GET /api/v1/things/%d\n    class: plain\n    limits: [ { rate: 10/s, per: [client, key], burst: 20 } ]\n", 100))
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		d, err := Parse("f", src, Lookup{})
		if err != nil {
			b.Fatal(err)
		}
		if err := d.Decode(new(sample)); err != nil {
			b.Fatal(err)
		}
	}
}
