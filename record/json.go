package record

import (
	"net/netip"
	"strconv"
	"unicode/utf8"
)

// appendQuoted appends s as a JSON string (RFC 8259 §7) of at most most bytes of text, cut between characters. Invalid UTF-8 becomes
// U+FFFD, byte by byte, and U+2028 and U+2029 are escaped, as encoding/json does it without its escapes for HTML. It appends at most
// 6 bytes for each byte of text, and two quotes.
func appendQuoted(b []byte, s string, most int) []byte {
	b = append(b, '"')
	return append(appendEscaped(b, s, most), '"')
}

// appendEscaped is appendQuoted without the quotes.
func appendEscaped(b []byte, s string, most int) []byte {
	n := min(len(s), most)
	for i := range n {
		if !plain[s[i]] {
			return appendHard(append(b, s[:i]...), s[i:], most-i)
		}
	}
	return append(b, s[:n]...) // up to n everything is ASCII, so this cuts no character
}

// appendHard is appendEscaped for texts that need more than copying.
func appendHard(b []byte, s string, most int) []byte {
	for i := 0; i < len(s) && most > 0; {
		if c := s[i]; c < utf8.RuneSelf {
			b = appendASCII(b, c)
			i++
			most--
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if most -= max(size, utf8.RuneLen(r)); most < 0 {
			break
		}
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(b, `\ufffd`...)
		case r == '\u2028':
			b = append(b, `\u2028`...)
		case r == '\u2029':
			b = append(b, `\u2029`...)
		default:
			b = append(b, s[i:i+size]...)
		}
		i += size
	}
	return b
}

const hexDigits = "0123456789abcdef"

func appendASCII(b []byte, c byte) []byte {
	switch {
	case plain[c]:
		return append(b, c)
	case c == '"', c == '\\':
		return append(b, '\\', c)
	case c == '\b':
		return append(b, `\b`...)
	case c == '\f':
		return append(b, `\f`...)
	case c == '\n':
		return append(b, `\n`...)
	case c == '\r':
		return append(b, `\r`...)
	case c == '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// plain are the bytes that stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendText appends a name with its colon and a text from outside, or nothing when there is no text.
func appendText(b []byte, name, s string, most int) []byte {
	if s == "" {
		return b
	}
	return appendQuoted(append(b, name...), s, most)
}

// appendName is appendText for words of our own, which need no escape; name ends with the opening quote.
func appendName(b []byte, name, word string) []byte {
	if word == "" {
		return b
	}
	b = append(b, name...)
	return append(append(b, word...), '"')
}

func appendNumber(b []byte, name string, n int64) []byte {
	if n <= 0 {
		return b
	}
	return strconv.AppendInt(append(b, name...), n, 10)
}

func appendAddress(b []byte, name string, a netip.Addr) []byte {
	if !a.IsValid() {
		return b
	}
	return append(a.WithZone("").AppendTo(append(b, name...)), '"')
}

// appendThousandths appends n/1000 with three decimals.
func appendThousandths(b []byte, n int64) []byte {
	n = max(0, n)
	b = append(strconv.AppendInt(b, n/1000, 10), '.')
	return appendDigits(b, n%1000, 3)
}

// appendDigits appends n with leading zeros.
func appendDigits(b []byte, n int64, width int) []byte {
	var d [9]byte
	for i := width - 1; i >= 0; i-- {
		d[i] = '0' + byte(n%10)
		n /= 10
	}
	return append(b, d[:width]...)
}
