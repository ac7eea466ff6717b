package strictyaml

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

const (
	maxTokens = 100_000  // before the parser sees them: it recurses once for every key of a mapping in block style
	maxPaths  = 64 << 20 // bytes of paths the parser builds, one for every node
)

// clean checks the bytes and breaks them into lines that end with a line feed.
func (d *Document) clean(src []byte) (string, *Error) {
	if len(src) > MaxSize {
		return "", &Error{Line: 1, Column: 1, Message: fmt.Sprintf("the file is larger than %d KiB", MaxSize>>10)}
	}
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	text := strings.ReplaceAll(strings.ReplaceAll(string(src), "\r\n", "\n"), "\r", "\n")
	d.lines = strings.Split(text, "\n")
	for i, r := range text {
		what := ""
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			what = "not valid UTF-8"
		case r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == '\ufeff':
			what = fmt.Sprintf("the control character %U", r)
		default:
			continue
		}
		before := text[:i]
		start := strings.LastIndexByte(before, '\n') + 1
		return "", &Error{Line: 1 + strings.Count(before, "\n"), Column: 1 + utf8.RuneCountInString(before[start:]), Message: what}
	}
	return text, nil
}

// frame is a list or mapping that is open at a token.
type frame struct {
	col  int
	flow bool
	keys int // of a mapping in block style
	name int // bytes of the latest key
}

// scan refuses, before it is parsed, what is not read here and what would cost the parser too much.
type scan struct {
	stack   []frame
	flow    int // how many of them are in flow style
	path    int // bytes of the names on the stack
	paths   int // sum of it over all tokens
	line    int // of the latest token
	item    int // column where the latest block item begins
	entry   bool
	started bool
	ended   bool
	tokens  int
}

func (s *scan) all(tokens token.Tokens) *Error {
	for i, tk := range tokens {
		if tk.Type == token.CommentType {
			continue
		}
		if message, hint := s.one(tk, tokens[max(0, i-1)]); message != "" {
			return &Error{Line: tk.Position.Line, Column: tk.Position.Column, Message: message, Hint: hint}
		}
	}
	return nil
}

func (s *scan) one(tk, before *token.Token) (message, hint string) {
	s.tokens++
	if message, hint = s.refuse(tk); message != "" {
		return message, hint
	}
	first := tk.Position.Line != s.line
	s.line = tk.Position.Line
	if s.flow == 0 && (first || s.entry) {
		s.item = tk.Position.Column
		s.close(s.item)
	}
	s.entry = tk.Type == token.SequenceEntryType
	switch tk.Type {
	case token.SequenceEntryType:
		s.open(tk.Position.Column)
	case token.MappingValueType:
		s.open(s.item)
		s.key(len(before.Value))
	case token.SequenceStartType, token.MappingStartType:
		s.push(frame{col: tk.Position.Column, flow: true})
	case token.SequenceEndType, token.MappingEndType:
		if s.flow > 0 {
			s.pop()
		}
	}
	s.paths += s.path + 8*len(s.stack)
	switch {
	case s.tokens > maxTokens:
		return fmt.Sprintf("more than %d words and signs", maxTokens), ""
	case len(s.stack) > MaxDepth:
		return fmt.Sprintf("nested deeper than %d levels", MaxDepth), ""
	case len(s.stack) > 0 && s.stack[len(s.stack)-1].keys > MaxKeys:
		return fmt.Sprintf("more than %d keys in one mapping", MaxKeys), ""
	case s.paths > maxPaths:
		return "too much is nested under long keys", ""
	}
	return "", ""
}

func (s *scan) refuse(tk *token.Token) (message, hint string) {
	content := s.started
	s.started = true
	switch {
	case tk.Type == token.InvalidType:
		return tk.Error, ""
	case tk.Type == token.DocumentHeaderType && content, s.ended:
		return "a second document", "a file holds one"
	case tk.Type == token.DocumentEndType:
		s.ended = true
	case tk.Type == token.DirectiveType:
		return "directives are not read here", "remove the line"
	case tk.Type == token.TagType:
		return "tags are not read here", "to make a text of a value, put it in quotes"
	case tk.Type == token.MappingKeyType:
		return "keys marked by ? are not read here", "write key: value"
	}
	return "", ""
}

func (s *scan) push(f frame) {
	if f.flow {
		s.flow++
	}
	s.stack = append(s.stack, f)
}

func (s *scan) pop() {
	last := s.stack[len(s.stack)-1]
	if last.flow {
		s.flow--
	}
	s.path -= last.name
	s.stack = s.stack[:len(s.stack)-1]
}

// close ends what is indented deeper than a column; open begins what is not there yet. In flow style columns mean nothing.
func (s *scan) close(col int) {
	for len(s.stack) > 0 && s.stack[len(s.stack)-1].col > col {
		s.pop()
	}
}

func (s *scan) open(col int) {
	if s.flow == 0 && (len(s.stack) == 0 || s.stack[len(s.stack)-1].col < col) {
		s.push(frame{col: col})
	}
}

func (s *scan) key(size int) {
	if len(s.stack) == 0 {
		return
	}
	top := &s.stack[len(s.stack)-1]
	if !top.flow {
		top.keys++
	}
	s.path += size - top.name
	top.name = size
}
