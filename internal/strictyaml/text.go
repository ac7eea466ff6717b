package strictyaml

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// scalarText is a text to write, quoted where it would otherwise be read as something else.
type scalarText struct {
	text    string
	literal bool // never quoted
	isKey   bool // not searched for references
}

func text(s string) scalarText    { return scalarText{text: s} }
func literal(s string) scalarText { return scalarText{text: s, literal: true} }

func (s scalarText) inBlock() string { return s.write("{}[],()") }
func (s scalarText) inFlow() string  { return s.write("()") }

// write leaves plain only what no reader of YAML takes for anything but a text.
func (s scalarText) write(allowed string) string {
	t := s.text
	if s.literal {
		return t
	}
	if !s.isKey {
		t = strings.ReplaceAll(t, "${", "$${")
	}
	if s.isPlain(t, allowed) {
		return t
	}
	return quoteYAML(t)
}

func (s scalarText) isPlain(t, allowed string) bool {
	switch strings.ToLower(t) {
	case "", "y", "n", "yes", "no", "on", "off":
		return false
	}
	if lookOf(t) != looksText || len(t) > 200 {
		return false
	}
	for i, r := range t {
		alnum := r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r))
		next := byte(' ')
		if i+1 < len(t) {
			next = t[i+1]
		}
		switch {
		case alnum || strings.ContainsRune("/_$", r):
		case i == 0:
			return false
		case strings.ContainsRune(".-+*@%=;~^"+allowed, r):
		case (r == ' ' || r == ':') && next != ' ' && next != ':' && next != '#':
		default:
			return false
		}
	}
	return true
}

// quoteYAML puts a text in double quotes, escaping what is not printable.
func quoteYAML(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08X`, r)
		default:
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
