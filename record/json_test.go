package record

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// slowQuoted is encoding/json's opinion.
func slowQuoted(t testing.TB, s string) string {
	t.Helper()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// cutText is the longest beginning of whole characters that is at most most bytes of valid text.
func cutText(s string, most int) string {
	out := ""
	for _, r := range s { // an invalid byte is U+FFFD
		if len(out)+utf8.RuneLen(r) > most {
			break
		}
		out += string(r)
	}
	return out
}

func checkQuoted(t testing.TB, s string, most int) {
	t.Helper()
	if got, want := string(appendQuoted(nil, s, len(s)*3)), slowQuoted(t, s); got != want {
		t.Fatalf("%q is written %s, want %s", s, got, want)
	}
	got := appendQuoted([]byte("before"), s, most)[len("before"):]
	var text string
	if err := json.Unmarshal(got, &text); err != nil {
		t.Fatalf("%q cut at %d is written %s: %v", s, most, got, err)
	}
	if want := cutText(s, most); text != want {
		t.Fatalf("%q cut at %d is %q, want %q", s, most, text, want)
	}
	if len(got) > 6*most+2 {
		t.Fatalf("%q cut at %d takes %d bytes", s, most, len(got))
	}
}

func TestQuotedEveryCharacter(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r += 1 + r/0x3000*97 { // every one of those with a meaning to JSON, and some of the rest
		if s := string(r); string(appendQuoted(nil, s, 4)) != slowQuoted(t, s) {
			t.Fatalf("%U is written %s, want %s", r, appendQuoted(nil, s, 4), slowQuoted(t, s))
		}
	}
	for b := range 256 {
		checkQuoted(t, string([]byte{byte(b)}), 3)
		checkQuoted(t, string([]byte{'a', byte(b), 'b'}), 2)
	}
}

func TestQuotedLikeEncodingJSON(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := anyText(300).Draw(rt, "text")
		if rapid.Bool().Draw(rt, "bytes") {
			s = string(rapid.SliceOf(rapid.Byte()).Draw(rt, "raw"))
		}
		checkQuoted(t, s, rapid.IntRange(0, 40).Draw(rt, "most"))
	})
}

func FuzzEscape(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string, most uint8) { checkQuoted(t, s, int(most)) })
}
