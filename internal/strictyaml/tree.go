package strictyaml

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

type kind uint8

const (
	null kind = iota
	scalar
	sequence
	mapping
)

// node is a value in the file, with aliases and merges resolved. Nodes that aliases repeat are shared.
type node struct {
	kind      kind
	line, col int
	end       int    // line a scalar ends on
	text      string // of a scalar
	quoted    bool   // a scalar in quotes or in block style: a text whatever it looks like
	items     []*node
	entries   []entry
	size      int // nodes, itself included
	depth     int // levels, itself included
}

type entry struct {
	key       string
	line, col int
	value     *node
}

func (n *node) get(key string) *entry {
	for i := range n.entries {
		if n.entries[i].key == key {
			return &n.entries[i]
		}
	}
	return nil
}

// parse makes the tree. The parser is somebody else's and the input hostile: a panic there is a syntax error here.
func (d *Document) parse(text string) (root *node, errs []*Error) {
	defer func() {
		if recover() != nil {
			root, errs = nil, []*Error{{Line: 1, Column: 1, Message: "this cannot be read as YAML"}}
		}
	}()
	tokens := lexer.Tokenize(text + "\n") // without it, the lexer drops a tag that ends the file
	if e := new(scan).all(tokens); e != nil {
		return nil, []*Error{d.explain(e)}
	}
	if len(tokens) == 0 && d.hasContent() {
		return nil, []*Error{{Line: 1, Column: 1, Message: "this cannot be read as YAML"}}
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // duplicates are reported by us, all of them
	if err != nil {
		return nil, []*Error{d.explain(syntaxError(err))}
	}
	b := &builder{doc: d, anchors: map[string]*node{}, open: map[string]bool{}}
	root = &node{kind: null, line: 1, col: 1, size: 1, depth: 1}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			root = b.node(doc.Body, 1)
		}
	}
	return root, b.errs
}

func (d *Document) hasContent() bool {
	for _, l := range d.lines {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			return true
		}
	}
	return false
}

func syntaxError(err error) *Error {
	e := &Error{Line: 1, Column: 1, Message: "this cannot be read as YAML"}
	var detail interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if errors.As(err, &detail) {
		e.Message = detail.GetMessage()
		if tk := detail.GetToken(); tk != nil && tk.Position != nil {
			e.Line, e.Column = tk.Position.Line, tk.Position.Column
		}
	}
	return e
}

// explain adds what to do about the errors of syntax people make most.
func (d *Document) explain(e *Error) *Error {
	line := ""
	if 1 <= e.Line && e.Line <= len(d.lines) {
		line = d.lines[e.Line-1]
	}
	e.Line, e.Column = d.skipBlank(e.Line, e.Column)
	switch {
	case e.Hint != "":
	case strings.Contains(e.Message, "cannot start any token") && strings.HasPrefix(strings.TrimLeft(line, " "), "\t"):
		e.Message, e.Hint = "a tab in the indentation", "indent with spaces"
		e.Column = 1 + strings.IndexByte(line, '\t')
	case strings.Contains(e.Message, "must be specified") && strings.Contains(line, "${"):
		e.Hint = `inside [ ] and { }, put references in quotes: "${env:NAME}"`
	case strings.Contains(e.Message, "must be specified"):
		e.Hint = "before this, a comma is missing or a bracket is not closed"
	case strings.Contains(e.Message, "mapping value is not allowed") && d.deeperAfter(e.Line, line):
		e.Hint = "the line after this is indented deeper, but there is a value already"
	case strings.Contains(e.Message, "mapping value is not allowed"):
		e.Hint = `a text with ": " in it must be in quotes; a nested mapping begins on the next line, indented`
	case strings.Contains(e.Message, "reserved character"):
		e.Hint = "put the text in quotes"
	}
	return e
}

// runes is a line as characters. The latest is kept: one line can be the whole file, and be asked for at every word.
func (d *Document) runes(line int) []rune {
	if d.latest != line {
		d.latest, d.latestRunes = line, []rune(d.lines[line-1])
	}
	return d.latestRunes
}

// deeperAfter tells whether the line after another begins further right.
func (d *Document) deeperAfter(line int, text string) bool {
	blanks := func(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }
	return line < len(d.lines) && strings.TrimSpace(d.lines[line]) != "" && blanks(d.lines[line]) > blanks(text)
}

// where is the place of a token. The lexer loses count after tabs in flow style: look for what the token begins with close by.
func (d *Document) where(tk *token.Token) (line, col int) {
	line, col = d.skipBlank(tk.Position.Line, tk.Position.Column)
	begin := []rune(tk.Value)
	switch tk.Type {
	case token.SingleQuoteType:
		begin = []rune{'\''}
	case token.DoubleQuoteType:
		begin = []rune{'"'}
	case token.ImplicitNullType:
		return line, col
	}
	if end := slices.IndexFunc(begin, unicode.IsSpace); end >= 0 {
		begin = begin[:end]
	}
	text := d.runes(line)
	is := func(at int) bool { return at >= 1 && at <= len(text) && hasPrefix(text[at-1:], begin) }
	for off := range 16 {
		switch {
		case is(col + off):
			return line, col + off
		case is(col - off):
			return line, col - off
		}
	}
	return line, col
}

func hasPrefix(s, prefix []rune) bool {
	return len(s) >= len(prefix) && slices.Equal(s[:len(prefix)], prefix)
}

// skipBlank moves a place that the lexer gave before a blank to what follows it.
func (d *Document) skipBlank(line, col int) (int, int) {
	if line < 1 || line > len(d.lines) {
		return max(1, min(line, len(d.lines))), 1
	}
	text := d.runes(line)
	at := max(1, col)
	for at <= len(text) && (text[at-1] == ' ' || text[at-1] == '\t') {
		at++
	}
	if at > len(text) {
		return line, max(1, min(col, len(text)+1))
	}
	return line, at
}
