package strictyaml

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Error is one thing wrong in a file.
type Error struct {
	File    string `json:"file"`
	Line    int    `json:"line"`              // from 1
	Column  int    `json:"column"`            // in characters, from 1; a tab is one
	Path    string `json:"path,omitempty"`    // such as $.routes[2].rate; empty for errors of syntax
	Message string `json:"message"`           // what is wrong
	Hint    string `json:"hint,omitempty"`    // what to do about it
	Excerpt string `json:"excerpt,omitempty"` // the line and, below it, a caret under the column
}

// Error is the message as compilers print it, with excerpt and hint on lines of their own.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
	if e.Excerpt != "" {
		s += "\n" + e.Excerpt
	}
	if e.Hint != "" {
		s += "\n" + e.Hint
	}
	return s
}

// Errors is everything found wrong in a file, in the order of its lines; at most MaxErrors.
type Errors []*Error

// Error is all of them, one below the other.
func (errs Errors) Error() string {
	texts := make([]string, 0, len(errs)+1)
	for _, e := range errs {
		texts = append(texts, e.Error())
	}
	if len(errs) == MaxErrors {
		texts = append(texts, fmt.Sprintf("(only the first %d errors are told)", MaxErrors))
	}
	return strings.Join(texts, "\n")
}

// Unwrap lets errors.Is and errors.As see each.
func (errs Errors) Unwrap() []error {
	out := make([]error, len(errs))
	for i, e := range errs {
		out[i] = e
	}
	return out
}

// Join makes one error of type Errors of many: in the order of their lines, repetitions dropped. Of none it is nil.
func Join(errs ...*Error) error {
	list := Errors(slices.DeleteFunc(slices.Clone(errs), func(e *Error) bool { return e == nil }))
	slices.SortStableFunc(list, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	list = slices.CompactFunc(list, func(a, b *Error) bool { // the same content, read once for every alias
		return a.File == b.File && a.Line == b.Line && a.Column == b.Column && a.Message == b.Message
	})
	if len(list) == 0 {
		return nil
	}
	return list[:min(len(list), MaxErrors)]
}

// span is where a literal secret begins and the line it ends on.
type span struct{ line, col, end int }

// hide keeps what a node says out of excerpts, unless that is only where to find it.
func (d *Document) hide(n *node) {
	if n.kind == scalar && !bareReference.MatchString(n.text) {
		d.hidden = append(d.hidden, span{n.line, n.col, n.end})
	}
	for _, item := range n.items {
		d.hide(item)
	}
	for _, e := range n.entries {
		d.hidden = append(d.hidden, span{e.line, e.col, e.line})
		d.hide(e.value)
	}
}

// hiddenFrom is the first column of a line that must not be shown, or one after all.
func (d *Document) hiddenFrom(line int) int {
	from := math.MaxInt
	for _, s := range d.hidden {
		switch {
		case s.line == line:
			from = min(from, s.col)
		case s.line < line && line <= s.end:
			from = 1
		}
	}
	return from
}

var bareReference = regexp.MustCompile(`^\$\{(env:[A-Za-z0-9_]*|file:/[^}]*)\}$`)

const redacted = "[redacted]"

// excerpt is a line and a caret under one of its columns, with secrets hidden and nothing that could drive a terminal.
func (d *Document) excerpt(line, col int) string {
	if line < 1 || line > len(d.lines) {
		return ""
	}
	text := d.runes(line)
	if from := d.hiddenFrom(line); from <= len(text) {
		text = append(text[:from-1:from-1], []rune(redacted)...)
		col = min(col, from)
	}
	const around = 80
	col = max(1, min(col, len(text)+1))
	if len(text) > 2*around {
		from, to := max(0, col-1-around), min(len(text), col-1+around)
		text, col = text[from:to:to], col-from
		if from > 0 {
			text, col = append([]rune{'…'}, text...), col+1
		}
	}
	var out, under strings.Builder
	for i, r := range text {
		if r != '\t' && !unicode.IsPrint(r) {
			r = unicode.ReplacementChar
		}
		out.WriteRune(r)
		switch {
		case i >= col-1:
		case r == '\t':
			under.WriteByte('\t')
		case isWide(r):
			under.WriteString("  ")
		default:
			under.WriteByte(' ')
		}
	}
	return strings.TrimRightFunc(out.String(), unicode.IsSpace) + "\n" + under.String() + "^"
}

// isWide tells characters that take two columns of a terminal, nearly all of them.
func isWide(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana) || 0x1f300 <= r && r <= 0x1faff || 0xff01 <= r && r <= 0xff60
}

// printable is a text on one line, short, without control characters.
func printable(s string) string {
	const most = 400
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return s
}

// quote is a text from the file as messages show it.
func quote(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
