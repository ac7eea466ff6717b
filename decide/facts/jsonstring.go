package facts

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// str takes a string whose opening quote is next and gives what stands between its quotes, checked but not unescaped.
func (s *jsonScan) str() (raw []byte, ok bool) {
	s.i++
	start := s.i
	for {
		for s.i+8 <= len(s.b) && plainEight(binary.LittleEndian.Uint64(s.b[s.i:])) {
			s.i += 8
		}
		if s.i == len(s.b) {
			_, ok = s.cut()
			return nil, ok
		}
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start : s.i-1], true
		case c == '\\':
			if !s.escape() {
				return nil, false
			}
		case c < ' ':
			_, ok = s.bad()
			return nil, ok
		case c < utf8.RuneSelf:
			s.i++
		default:
			if !s.wide() {
				return nil, false
			}
		}
	}
}

// plainEight tells that none of eight bytes is a quote, a backslash, a control character or outside ASCII.
func plainEight(x uint64) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote, slash := x^('"'*ones), x^('\\'*ones)
	return (x|(x-' '*ones)|(quote-ones)&^quote|(slash-ones)&^slash)&highs == 0
}

// wide takes one rune outside ASCII.
func (s *jsonScan) wide() bool {
	rest := s.b[s.i:]
	r, size := utf8.DecodeRune(rest)
	if r == utf8.RuneError && size == 1 {
		if s.more && !utf8.FullRune(rest) {
			_, ok := s.cut()
			return ok
		}
		s.odd |= OddBodySyntax
	}
	s.i += size
	return true
}

// escape takes one escape, or two that are a surrogate pair.
func (s *jsonScan) escape() bool {
	rest := s.b[s.i:]
	r, size, ok := unescapeOne(rest)
	if !ok {
		if s.more && len(rest) < len(`\u0000`) {
			_, ok = s.cut()
		} else {
			_, ok = s.bad()
		}
		return ok
	}
	if r < 0 {
		if s.more && len(rest) < len(`\ud800\udc00`) {
			_, ok = s.cut()
			return ok
		}
		s.odd |= OddBodySyntax
	}
	s.i += size
	return true
}

// unescape gives the text of a string as other parsers read it: escapes resolved, U+FFFD for invalid UTF-8 and lone surrogates.
// fits is false when it is longer than a field may be. The text lies in the document or in s.buffer: copy it before going on.
func (s *jsonScan) unescape(raw []byte) (text []byte, fits bool) {
	if bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return raw, len(raw) <= maxFieldValue
	}
	out := s.buffer[:0]
	for i := 0; i < len(raw); {
		if len(out) > maxFieldValue {
			return nil, false
		}
		var r rune
		var size int
		switch c := raw[i]; {
		case c == '\\':
			if r, size, _ = unescapeOne(raw[i:]); r < 0 {
				r = utf8.RuneError
			}
		case c < utf8.RuneSelf:
			r, size = rune(c), 1
		default:
			r, size = utf8.DecodeRune(raw[i:])
		}
		out = utf8.AppendRune(out, r)
		i += size
	}
	return out, len(out) <= maxFieldValue
}

// unescapeOne reads the escape b starts with. r is -1 for a lone surrogate; ok is false for no escape of RFC 8259 §7 and for one
// that b cuts off. size is at least 1 when ok.
func unescapeOne(b []byte) (r rune, size int, ok bool) {
	if len(b) < 2 {
		return 0, 0, false
	}
	switch b[1] {
	case '"', '\\', '/':
		return rune(b[1]), 2, true
	case 'b':
		return '\b', 2, true
	case 'f':
		return '\f', 2, true
	case 'n':
		return '\n', 2, true
	case 'r':
		return '\r', 2, true
	case 't':
		return '\t', 2, true
	case 'u':
	default:
		return 0, 0, false
	}
	r, ok = hexFour(b)
	if !ok || !utf16.IsSurrogate(r) {
		return r, len(`\u0000`), ok
	}
	if low, ok := hexFour(b[6:]); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12, true
		}
	}
	return -1, len(`\u0000`), true
}

// hexFour reads \uXXXX.
func hexFour(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = (c | 0x20) - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
