package facts

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// planFor declares each path as a field of its own.
func planFor(t testing.TB, paths ...string) *fieldPlan {
	t.Helper()
	var spec BodySpec
	for _, path := range paths {
		spec.Fields = append(spec.Fields, FieldSpec{Name: path, Paths: []string{path}})
	}
	plan, err := compileFields(&Route{Body: spec})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// texts writes found fields down: a dash for each that was not found.
func texts(f *Fields, n int) string {
	var out []string
	for i := range n {
		v, ok := f.Get(i)
		if !ok {
			v = "-"
		}
		out = append(out, v)
	}
	return strings.Join(out, "|")
}

func TestJSONFields(t *testing.T) {
	paths := []string{"email", "$.user.id", "$.items[1].sku", `$["odd key"]`}
	for _, tc := range []struct {
		in, want string
		odd      Odd
	}{
		{`{"email":"a@b.example"}`, "a@b.example|-|-|-", 0},
		{` { "x" : [ 1 , { } , [ ] , "email" ] , "email" : "a" } `, "a|-|-|-", 0},
		{`{"user":{"id":42,"email":"no"},"items":[{"sku":"x"},{"sku":"y"},{"sku":"z"}],"odd key":true}`, "-|42|y|true", 0},
		{`{"user":{"id":-1.5e+3},"odd key":false}`, "-|-1.5e+3|-|false", 0},
		{`{"email":null,"user":{"id":{}},"odd key":[]}`, "-|-|-|-", 0},
		{`{"email":"q\"\\\/\b\f\n\r\tä\u00e4\ud83d\ude00"}`, "q\"\\/\b\f\n\r\tää😀|-|-|-", 0},
		{`{"em\u0061il":"a","odd\u0020key":"b"}`, "a|-|-|b", 0},
		{`{"items":[[{"sku":"x"}],{"sku":"y"}],"user":[{"id":1}]}`, "-|-|y|-", 0},
		{`[{"email":"a"}]`, "-|-|-|-", 0},
		{`"email"`, "-|-|-|-", 0},
		{`17`, "-|-|-|-", 0},
		{`{"email":""}`, "|-|-|-", 0},

		{`{"email":"a","email":"b"}`, "b|-|-|-", OddBodyDuplicate},
		{`{"email":"a","em\u0061il":"b"}`, "b|-|-|-", OddBodyDuplicate},
		{`{"email":"a","email":null}`, "a|-|-|-", OddBodyDuplicate},
		{`{"user":{"id":1},"user":{}}`, "-|1|-|-", OddBodyDuplicate},
		{`{"x":1,"x":2,"email":"a"}`, "a|-|-|-", 0},

		{`{"email":"a"} x`, "a|-|-|-", OddBodySyntax},
		{`{"email":"a"}{"email":"b"}`, "a|-|-|-", OddBodySyntax},
		{`{"email":"a",}`, "a|-|-|-", OddBodySyntax},
		{`{"email":"a","x":[1,],"user":{"id":1}}`, "a|-|-|-", OddBodySyntax},
		{`{"email":"a"`, "a|-|-|-", OddBodySyntax},
		{`{"email":"a`, "-|-|-|-", OddBodySyntax},
		{`{"email" "a"}`, "-|-|-|-", OddBodySyntax},
		{`{"email":'a'}`, "-|-|-|-", OddBodySyntax},
		{`{email:"a"}`, "-|-|-|-", OddBodySyntax},
		{`{"email":"a\x"}`, "-|-|-|-", OddBodySyntax},
		{`{"email":"a\u12g4"}`, "-|-|-|-", OddBodySyntax},
		{"{\"email\":\"a\nb\"}", "-|-|-|-", OddBodySyntax},
		{`{"user":{"id":01}}`, "-|0|-|-", OddBodySyntax},
		{`{"user":{"id":-}}`, "-|-|-|-", OddBodySyntax},
		{`{"user":{"id":1.}}`, "-|-|-|-", OddBodySyntax},
		{`{"user":{"id":1e}}`, "-|-|-|-", OddBodySyntax},
		{`{"user":{"id":+1}}`, "-|-|-|-", OddBodySyntax},
		{`{"email":NaN}`, "-|-|-|-", OddBodySyntax},
		{`{"email":truth}`, "-|-|-|-", OddBodySyntax},
		{`{"email":"a"]`, "a|-|-|-", OddBodySyntax},
		{`[}`, "-|-|-|-", OddBodySyntax},
		{`{]`, "-|-|-|-", OddBodySyntax},
		{` `, "-|-|-|-", OddBodySyntax},

		// Faults other parsers go on after.
		{"\xef\xbb\xbf" + `{"email":"a"}`, "a|-|-|-", OddBodySyntax},
		{"{\"email\":\"a\xffb\",\"odd key\":1}", "a\ufffdb|-|-|1", OddBodySyntax},
		{`{"email":"a\ud800b","odd key":1}`, "a\ufffdb|-|-|1", OddBodySyntax},
		{`{"email":"\ude00\ud83d","odd key":1}`, "\ufffd\ufffd|-|-|1", OddBodySyntax},
		{`{"email":"\ud800\u0041"}`, "\ufffdA|-|-|-", OddBodySyntax},
		{"{\"x\":\"\xed\xa0\x80\",\"email\":\"a\"}", "a|-|-|-", OddBodySyntax},
	} {
		var f Fields
		odd := scanJSON(planFor(t, paths...), []byte(tc.in), false, &f)
		if got := texts(&f, len(paths)); got != tc.want || odd != tc.odd {
			t.Errorf("%s\n got %s (%v)\nwant %s (%v)", tc.in, got, odd, tc.want, tc.odd)
		}
	}
}

func TestJSONBombs(t *testing.T) {
	nested := func(n int) string { return strings.Repeat(`{"a":[`, n/2) + strings.Repeat("]}", n/2) }
	digits := strings.Repeat("9", 60<<10)
	long := strings.Repeat("v", maxFieldValue)
	for _, tc := range []struct {
		name, in, want string
		odd            Odd
	}{
		{"as deep as allowed", `{"x":[` + nested(maxJSONDepth-2) + `],"email":"a"}`, "a", 0},
		{"too deep", `{"email":"a","x":` + nested(maxJSONDepth) + `}`, "a", OddBodySyntax},
		{"only openings", strings.Repeat("[", 60<<10), "-", OddBodySyntax},
		{"only object openings", strings.Repeat(`{"a":`, 10<<10), "-", OddBodySyntax},
		{"a huge number beside it", `{"x":` + digits + `,"email":"a"}`, "a", OddBodySyntax},
		{"a huge number as the field", `{"email":` + digits + `}`, "-", OddBodySyntax},
		{"a number that expands", `{"email":1e1000000000}`, "1e1000000000", 0},
		{"a long number", `{"email":` + digits[:maxJSONNumber] + `}`, digits[:maxJSONNumber], 0},
		{"many duplicates", "{" + strings.Repeat(`"email":"a",`, 5000) + `"email":"b"}`, "b", OddBodyDuplicate},
		{"as long as allowed", `{"email":"` + long + `"}`, long, 0},
		{"too long", `{"email":"` + long + `v"}`, "-", OddBodyTruncated},
		{"too long when unescaped", `{"email":"` + strings.Repeat(`\u00e4`, maxFieldValue/2) + `v"}`, "-", OddBodyTruncated},
		{"long before it is unescaped", `{"email":"` + strings.Repeat(`\u0076`, maxFieldValue) + `"}`, long, 0},
		{"too long behind a good one", `{"email":"a","email":"` + long + `v"}`, "a", OddBodyDuplicate | OddBodyTruncated},
		{"a long name", `{"` + strings.Repeat(`\u0061`, 5000) + `":1,"email":"a"}`, "a", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var f Fields
			odd := scanJSON(planFor(t, "email"), []byte(tc.in), false, &f)
			if got := texts(&f, 1); got != tc.want || odd != tc.odd {
				t.Errorf("got %.40s (%v), want %.40s (%v)", got, odd, tc.want, tc.odd)
			}
		})
	}
}

// TestJSONCut cuts a document at every byte: nothing may be found that is not in the whole, and the blame is the bound's.
func TestJSONCut(t *testing.T) {
	doc := "{\"user\":{\"id\":4200,\"x\":[true,false,null]},\"n\":-1.5e-7,\"email\":\"a\\u00e4\\ud83d\\ude00\u00e4😀\"}"
	plan := planFor(t, "email", "$.user.id", "n", "$.user.x[0]")
	for i := range len(doc) {
		var f Fields
		if odd := scanJSON(plan, []byte(doc[:i]), true, &f); odd != OddBodyTruncated {
			t.Errorf("cut behind %s: %v", doc[:i], odd)
		}
		for j, want := range []string{"aä😀ä😀", "4200", "-1.5e-7", "true"} {
			if got, ok := f.Get(j); ok && got != want {
				t.Errorf("cut behind %s: found %q", doc[:i], got)
			}
		}
	}
	var f Fields
	if odd := scanJSON(plan, []byte(doc), true, &f); odd != OddBodyTruncated || texts(&f, 4) != "aä😀ä😀|4200|-1.5e-7|true" {
		t.Errorf("the whole, and more to come: %v, %s", odd, texts(&f, 4))
	}
}

func TestJSONPlainEight(t *testing.T) {
	for i := range 8 {
		for c := range 256 {
			b := []byte("abcdefgh")
			b[i] = byte(c)
			want := c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\'
			if plainEight(binary.LittleEndian.Uint64(b)) != want {
				t.Errorf("%q at %d: %v", byte(c), i, !want)
			}
		}
	}
}

func TestJSONPathOrder(t *testing.T) {
	plan, err := compileFields(&Route{Body: BodySpec{Fields: []FieldSpec{
		{Name: "user", Paths: []string{"email", "$.user.email", "login"}},
		{Name: "copy", Paths: []string{"login"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		`{"login":"c","user":{"email":"b"},"email":"a"}`: "a|c",
		`{"email":"a","user":{"email":"b"},"login":"c"}`: "a|c",
		`{"login":"c","user":{"email":"b"}}`:             "b|c",
		`{"login":"c","email":null}`:                     "c|c",
	} {
		var f Fields
		if odd := scanJSON(plan, []byte(in), false, &f); odd != 0 || texts(&f, 2) != want {
			t.Errorf("%s: %s (%v), want %s", in, texts(&f, 2), odd, want)
		}
	}
}

// lookUp is the obvious twin of a scan: the whole document decoded, then walked.
func lookUp(doc any, steps []fieldStep) (string, bool) {
	for _, step := range steps {
		switch v := doc.(type) {
		case map[string]any:
			member, ok := v[step.name]
			for name, other := range v { // in any case, when it is not there as declared; two of them are odd and not compared
				if !ok && strings.EqualFold(name, step.name) {
					member, ok = other, true
				}
			}
			if !ok || step.index >= 0 {
				return "", false
			}
			doc = member
		case []any:
			if step.index < 0 || step.index >= len(v) {
				return "", false
			}
			doc = v[step.index]
		default:
			return "", false
		}
	}
	switch v := doc.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

func decodeJSON(b []byte) (doc any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return doc, d.Decode(&doc) == nil
}

var twinPaths = []string{"a", "b", "$.a.b", "$.a[0]", "$.b[1].a", `$["a\"b"].a`, "$[0]", "$[1].b"}

func compareWithTwin(t interface{ Fatalf(string, ...any) }, plan *fieldPlan, b []byte) {
	doc, ok := decodeJSON(b)
	if !ok {
		t.Fatalf("the twin does not read %s", b)
	}
	var f Fields
	odd := scanJSON(plan, b, false, &f)
	for i, path := range twinPaths {
		steps, err := parseFieldPath(path)
		if err != nil {
			t.Fatalf("%v", err)
		}
		want, wantOK := lookUp(doc, steps)
		if got, ok := f.Get(i); got != want || ok != wantOK {
			t.Fatalf("%s in %s: got %q, %v; want %q, %v (%v)", path, b, got, ok, want, wantOK, odd)
		}
	}
}

// jsonDoc draws the text of a document without repeated names, with blanks and escapes where they may be.
func jsonDoc(depth int) *rapid.Generator[string] {
	blank := rapid.SampledFrom([]string{"", "", "", " ", "\n\t", "\r\n"})
	text := rapid.Custom(func(t *rapid.T) string {
		return quoteJSON(t, rapid.OneOf(rapid.StringN(0, 20, -1), rapid.SampledFrom([]string{"a", "b", `a"b`})).Draw(t, "text"))
	})
	scalar := rapid.OneOf(
		text,
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?`),
		rapid.SampledFrom([]string{"true", "false", "null"}),
	)
	if depth == 0 {
		return scalar
	}
	inner := jsonDoc(depth - 1)
	list := func(t *rapid.T, open, shut string, item func(i int) string) string {
		var items []string
		for i := range rapid.IntRange(0, 4).Draw(t, "n") {
			if s := item(i); s != "" {
				items = append(items, blank.Draw(t, "blank")+s+blank.Draw(t, "blank"))
			}
		}
		return blank.Draw(t, "blank") + open + strings.Join(items, ",") + blank.Draw(t, "blank") + shut
	}
	array := rapid.Custom(func(t *rapid.T) string {
		return list(t, "[", "]", func(int) string { return inner.Draw(t, "element") })
	})
	object := rapid.Custom(func(t *rapid.T) string {
		used := map[string]bool{}
		return list(t, "{", "}", func(int) string {
			name := rapid.SampledFrom([]string{"a", "b", "A", `a"b`, `A"b`, "c", "ä", ""}).Draw(t, "name")
			if used[strings.ToLower(name)] {
				return ""
			}
			used[strings.ToLower(name)] = true
			return quoteJSON(t, name) + blank.Draw(t, "blank") + ":" + inner.Draw(t, "value")
		})
	})
	return rapid.OneOf(scalar, array, object, object)
}

// quoteJSON writes a string, escaping what must be and, by chance, what need not be.
func quoteJSON(t *rapid.T, s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r < 0x10000 && r != utf8.RuneError && rapid.IntRange(0, 9).Draw(t, "escape") == 0:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

func TestJSONAgainstEncodingJSON(t *testing.T) {
	plan := planFor(t, twinPaths...)
	doc := jsonDoc(4)
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(doc.Draw(t, "doc"))
		compareWithTwin(t, plan, b)
		var f Fields
		if odd := scanJSON(plan, b, false, &f); odd != 0 {
			t.Fatalf("%s is %v", b, odd)
		}
	})
}

func FuzzJSONFields(f *testing.F) {
	for _, s := range []string{
		`{"a":"x","b":[1,{"a":true}],"a\"b":{"a":-1.5e3}}`,
		`[{"a":1},{"b":"\ud83d\ude00\ud800"}]`,
		`{"a":{"b":1},"a":{"b":2}}`,
		"\xef\xbb\xbf{\"a\":\"\xff\"}",
		`{"a":[[[[[[[[`,
		`{"a":00}`,
	} {
		f.Add([]byte(s), false)
	}
	f.Add([]byte(`{"a":"cut`), true)
	plan := planFor(f, twinPaths...)
	f.Fuzz(func(t *testing.T, b []byte, more bool) {
		var found Fields
		odd := scanJSON(plan, b, more, &found)
		for i := range twinPaths {
			if v, ok := found.Get(i); ok && (len(v) > maxFieldValue || !utf8.ValidString(v)) {
				t.Fatalf("value %q", v)
			}
		}
		if more != odd.Has(OddBodyTruncated) && !(odd.Has(OddBodyTruncated) && len(b) > maxFieldValue) {
			t.Fatalf("%v although more is %v", odd, more)
		}
		valid := json.Valid(b)
		if !more && !valid && !odd.Has(OddBodySyntax) {
			t.Fatalf("not JSON, but %v", odd)
		}
		if more || !valid || len(b) > maxJSONDepth { // shorter ones cannot be too deep, too long or too large
			return
		}
		if odd.Has(OddBodySyntax) && utf8.Valid(b) && !bytes.Contains(b, []byte(`\u`)) {
			t.Fatalf("JSON, but %v", odd)
		}
		if !odd.Has(OddBodyDuplicate) {
			compareWithTwin(t, plan, b)
		}
	})
}
