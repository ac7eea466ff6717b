package strictyaml

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestPositions reads files in which every scalar tells, by /line:column, where it stands.
func TestPositions(t *testing.T) {
	for _, src := range []string{
		"a: /1:4\nb:\n  - /3:5\n  -   /4:7\n  - c: /5:8\n",
		"a:\r\n  b: /2:6\r\n\r\n  c: '/4:6'\r\n",
		"a:\r  b: /2:6\r",
		"é: /1:4\n日本: { ü: /2:10, ß: ['/2:21'] }\n",
		"a:\t/1:4\nb:\t\t\t/2:6\n",
		"a: {b:\t/1:8, c:\t/1:17}\n",
		"\ufeffa: /1:4\n",
		"# head\n\n---\na: /4:4 # tail\n# between\nb: /6:4\n",
		"a: [/1:5, /1:11, [/1:19],\n  /2:3,\n{d: /3:5}]\n",
		"- - /1:5\n  - /2:5\n-\n  c: /4:6\n",
		"a: \"/1:4\\u00e9\"\nb: \"x\\ty\"\nc: /3:4\n",
		"a: \"/1:4\n  more\"\nb: /3:4\nc: '/4:4\n\n  x'\nd: /7:4\n",
		"a: /1:4\n  more\n  text\nb: /4:4\n",
		"a: |\n  text\n   more\n\nb: /5:4\nc: >-\n  x\n\n  y\nd: /10:4\n",
		"a: &x /1:7\nb: { <<: {c: /2:14}, d: /2:25 }\n",
		"\"a b\": /1:8\n'c d':   /2:10\n",
		"a:\n- /2:3\n- /3:3\nb: /4:4\n",
	} {
		d, err := Parse("f", []byte(src), Lookup{})
		if err != nil {
			t.Errorf("%q: %v", src, err)
			continue
		}
		told := 0
		each(d.root, func(n *node) {
			var line, col int
			at, found := strings.CutPrefix(n.text, "/")
			if !found {
				return
			}
			told++
			if _, err := fmt.Sscanf(at, "%d:%d", &line, &col); err != nil || n.line != line || n.col != col {
				t.Errorf("%q: %q is said to be at %d:%d", src, n.text, n.line, n.col)
			}
		})
		if told != strings.Count(src, "/") {
			t.Errorf("%q: %d scalars tell their place", src, told)
		}
	}
}

func each(n *node, do func(*node)) {
	do(n)
	for _, item := range n.items {
		each(item, do)
	}
	for _, e := range n.entries {
		each(e.value, do)
	}
}

func TestAt(t *testing.T) {
	d, err := Parse("f.yaml", []byte("a: 1\nlist:\n  - x: { y: [1, 22] }\n    \"odd key.\": z\n  - 3\nm: &m\n  k: v\nn: *m\n"), Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"$": "1:1", "": "1:1", "$.a": "1:4", "$.list": "2:1", "$.list[0]": "3:5", "$.list[0].x": "3:8", "$.list[0].x.y": "3:13",
		"$.list[0].x.y[1]": "3:17", `$.list[0]["odd key."]`: "4:17", "$.list[1]": "5:5", "$.m": "6:1", "$.n.k": "7:6",
		// what is not there: its closest parent
		"$.zzz": "1:1", "$.list[9].x": "2:1", "$.list[0].zzz": "3:5", "$.list[-1]": "2:1", "$.list[x": "2:1", "$.list.": "2:1", "$.a.b[": "1:4",
		"$.list[99999999999999999999]": "2:1", `$["a"]`: "1:4", `$["a`: "1:1",
	} {
		if line, col := d.At(path); fmt.Sprintf("%d:%d", line, col) != want {
			t.Errorf("%s is at %d:%d, want %s", path, line, col, want)
		}
	}
	if p := Index(Key(Key("$", "list"), "odd key."), 3); p != `$.list["odd key."][3]` {
		t.Error("path:", p)
	}
	e := d.Errorf("$.list[0].x.y[1]", "%d is too\tmuch\x1b", 22)
	if want := "f.yaml:3:17: 22 is too much\ufffd\n  - x: { y: [1, 22] }\n                ^"; e.Error() != want || e.Path != "$.list[0].x.y[1]" {
		t.Errorf("%s\nwant\n%s", e, want)
	}
}

func TestJoin(t *testing.T) {
	a, b, c := &Error{File: "f", Line: 2, Column: 1, Message: "a"}, &Error{File: "f", Line: 1, Column: 9, Message: "b"}, &Error{File: "f", Line: 2, Column: 1, Message: "a"}
	if err := Join(); err != nil {
		t.Error("of none:", err)
	}
	if err := Join(nil, nil); err != nil {
		t.Error("of nil:", err)
	}
	err := fmt.Errorf("wrapped: %w", Join(a, nil, b, c))
	var list Errors
	if !errors.As(err, &list) || len(list) != 2 || list[0] != b || list[1] != a {
		t.Errorf("joined: %v", list)
	}
	if !errors.Is(err, a) {
		t.Error("an error does not find its part")
	}
	if got := list.Error(); got != "f:1:9: b\nf:2:1: a" {
		t.Errorf("%q", got)
	}
}

// A secret written into the file stays out of every excerpt, in whatever line or style.
func TestLiteralSecretsAreHidden(t *testing.T) {
	for _, src := range []string{
		"{ password: hunter2, small: x }",
		"{ small: x, password: hunter2 }",
		"{ password: \"one\n  hunter2\", small: x }",
		"password: |\n  hunter2\nsmall: x",
		"{ passwort: 'hunter2', small: x }",
		"tree: { password: 'hunter2' }\nsmall: x",
		"password: [ hunter2 ]",
		"password: ${env:NONE:-hunter2}\nsmall: x",
		"{ password: 'a$${hunter2', small: x }",
		"password: ${hunter2}",
		"password: ${env:hunter2!}",
		"password: ${file:hunter2}",
		"password: hunter2${env:NONE}",
		"password: { hunter2: 1 }\nsmall: x",
	} {
		err := decode(src, new(sample))
		if err == nil {
			t.Errorf("%q was accepted", src)
			continue
		}
		if text := err.Error(); strings.Contains(text, "hunter2") {
			t.Errorf("%q shows it:\n%s", src, text)
		}
	}
}

func TestExcerptsAreShortAndHarmless(t *testing.T) {
	for _, src := range []string{
		"small: \"" + strings.Repeat("x", 5000) + "\"",
		strings.Repeat("x", 5000) + ": 1",
		"labels: {" + strings.Repeat("é: [], ", 1) + strings.Repeat(" ", 5000) + "z: []}",
		"small: \"\u202e\u2066\u0085\"",
		"class\u202e: 1",
	} {
		err := decode(src, new(sample))
		if err == nil {
			t.Errorf("%.40q was accepted", src)
			continue
		}
		var list Errors
		_ = errors.As(err, &list)
		for _, e := range list {
			lines := strings.Split(e.Excerpt, "\n")
			if len(lines) != 2 || utf8.RuneCountInString(e.Error()) > 1000 || strings.ContainsAny(e.Error(), "\u202e\u2066\u0085") {
				t.Errorf("%.40q: %q", src, e.Error())
			}
		}
	}
}
