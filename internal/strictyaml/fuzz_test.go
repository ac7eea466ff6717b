package strictyaml

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzDecode reads any bytes: never a panic, an endless loop or an error without a place; what is accepted can be written and read
// again; and every scalar stands where it is said to stand.
func FuzzDecode(f *testing.F) {
	for _, src := range []string{
		"", "listen: \":80\"\nroutes:\n  - match: GET /\n    limits: [ { rate: 1/s, per: [client] } ]\n",
		"a: &x {b: 1}\nc: *x\nd: { <<: *x }\n", "a: ${env:TEXT:-x} $${\nb: |\n  text\n", "tree: { name: \"x\\n\", kids: [ {}, ] }\n",
		"a:\t'b'\r\n- c\r\n", "[[[[", "? a\n: b", "%YAML\n---\n...\n", "!!str a", "\xff\xfe", "a: >-\n  b\n\n  c\n# d\n", "{a: b, c: [d, {e: f}], \"g\": 'h'}",
		"extra:\n- - - a\n    - b\n  - c: d\n    e:\n      f\n",
	} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		var typed sample
		d, err := Parse("f.yaml", src, fakeLookup())
		if err == nil {
			err = d.Decode(&typed)
		}
		checkErrors(t, err)
		if d == nil {
			return
		}
		checkPlaces(t, d)
		if err == nil {
			if _, err := Write(typed); err != nil {
				t.Fatalf("%q is read but not written: %v", src, err)
			}
		}
		var free any
		if err := d.Decode(&free); err != nil {
			checkErrors(t, err)
			return
		}
		text, err := Write(map[string]any{"v": free})
		if err != nil {
			t.Fatalf("%q is read as %#v but not written: %v", src, free, err)
		}
		again, err := Parse("again.yaml", text, Lookup{})
		if err != nil {
			t.Fatalf("%v\nin\n%s", err, text)
		}
		var copied map[string]any
		if err := again.Decode(&copied); err != nil {
			t.Fatalf("%v\nin\n%s", err, text)
		}
		if second, err := Write(copied); err != nil || string(second) != string(text) {
			t.Fatalf("written\n%s\nreads back as\n%s\n%v", text, second, err)
		}
	})
}

func checkPlaces(t *testing.T, d *Document) {
	t.Helper()
	each(d.root, func(n *node) {
		if n.kind != scalar || strings.TrimSpace(n.text) == "" {
			return
		}
		at, begin := d.runes(n.line)[n.col-1:], []rune(strings.FieldsFunc(n.text, unicode.IsSpace)[0])
		if n.quoted {
			at, begin = at[:1], []rune{'x'}
			if strings.ContainsRune("\"'|>", at[0]) {
				at = begin
			}
		}
		if !hasPrefix(at, begin) {
			t.Fatalf("%q is said to be at %d:%d, where it says %q", n.text, n.line, n.col, string(at))
		}
	})
}

func checkErrors(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var list Errors
	if !errors.As(err, &list) || len(list) == 0 || len(list) > MaxErrors {
		t.Fatalf("%T: %v", err, err)
	}
	for _, e := range list {
		if e.Line < 1 || e.Column < 1 || e.Message == "" || strings.Count(e.Excerpt, "\n") != 1 || !utf8.ValidString(e.Error()) {
			t.Fatalf("%#v", e)
		}
	}
}
