package facts

import (
	"strings"
	"unicode/utf8"
)

// What stands in a learnt template for a segment that differs from request to request.
const (
	shapeID    = "{id}"    // a number, UUID, ULID or hexadecimal number
	shapeDate  = "{date}"  // 2026-03, 2026-03-09, 2026-03-09T12:00:00Z
	shapeEmail = "{email}" // an e-mail address
	shapeToken = "{token}" // long and random, or made of things no word is made of
	shapeName  = "{name}"  // a word, but one of very many in this place
)

// maxLiteral bounds the segments that templates spell out; words are shorter.
const maxLiteral = 48

// shapeOf gives the placeholder of a segment, or "" for one that reads like a word.
func shapeOf(s string) string {
	n := countBytes(s)
	switch {
	case n.strange > 0 || n.foreign > 0 && !utf8.ValidString(s):
		return shapeToken
	case n.at > 0 && isEmail(s):
		return shapeEmail
	case isDate(s):
		return shapeDate
	case n.digits > 0 && n.letters+n.foreign+n.at+n.other == 0: // "17", but also "-1", "1.5" and "52.52,13.40"
		return shapeID
	case n.digits > 0 && n.hex == len(s) && len(s) >= 8, isUUID(s), isULID(s):
		return shapeID
	case isDotted(s) && len(s) <= maxLiteral:
		return ""
	case len(s) >= 20 && (n.digits > 0 || n.upper > 0 && n.upper < n.letters && !isCamel(s)), len(s) > maxLiteral:
		return shapeToken
	}
	return ""
}

// byteCount counts the kinds of byte in a segment.
type byteCount struct {
	digits, letters, upper, hex int
	at                          int
	strange                     int // control characters, "%" left by decoding, braces that would look like a placeholder
	foreign                     int // beyond ASCII
	other                       int // punctuation that numbers do not have
}

func countBytes(s string) (n byteCount) {
	for i := range len(s) {
		c := s[i]
		switch {
		case isDigit(c):
			n.digits++
			n.hex++
		case isLetter(c):
			n.letters++
			if c < 'a' {
				n.upper++
			}
			if c|0x20 <= 'f' {
				n.hex++
			}
		case c >= 0x80:
			n.foreign++
		case c < ' ' || c == 0x7f || c == '%' || c == '{' || c == '}':
			n.strange++
		case c == '@':
			n.at++
		case strings.IndexByte("+-.,:_", c) < 0:
			n.other++
		}
	}
	return n
}

// isEmail looks for something, an at sign, and a name with a dot.
func isEmail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	dot := strings.LastIndexByte(s, '.')
	return at > 0 && dot > at+1 && dot < len(s)-1
}

// isDate accepts the dates of RFC 3339, without the day too, with anything after a T.
func isDate(s string) bool {
	if len(s) < 7 || !allDigits(s[:4]) || s[4] != '-' || !allDigits(s[5:7]) || s[5:7] > "12" || s[:4] < "1900" || s[:4] > "2199" {
		return false
	}
	if len(s) == 7 {
		return true
	}
	return len(s) >= 10 && s[7] == '-' && allDigits(s[8:10]) && s[8:10] <= "31" && (len(s) == 10 || s[10]|0x20 == 't' || s[10] == ' ')
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

// isUUID accepts the text of RFC 9562.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return false
			}
		} else if !isHexDigit(s[i]) {
			return false
		}
	}
	return true
}

// isULID accepts 26 characters of Crockford's base 32 that are not all letters and fit in 128 bits.
func isULID(s string) bool {
	if len(s) != 26 || s[0] > '7' {
		return false
	}
	for i := range len(s) {
		c := s[i] | 0x20
		if !isDigit(s[i]) && (!isLetter(s[i]) || c == 'i' || c == 'l' || c == 'o' || c == 'u') {
			return false
		}
	}
	return true
}

// isCamel tells words written together, as in resetPasswordConfirmation, from random letters: each word is of three letters or more.
func isCamel(s string) bool {
	run := 3 // of lower-case letters; a first word of lower case may be short
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z':
			run++
		case c == '-' || c == '_' || c == '.':
			run = 3
		case !isLetter(c) || run < 2:
			return false
		default:
			run = 0
		}
	}
	return run >= 2
}

// isDotted tells the name of a service in a package, as gRPC has it in its paths: grpc.health.v1.Health. Each part is words written
// together, with at most two digits at the end.
func isDotted(s string) bool {
	parts := 0
	for part := range strings.SplitSeq(s, ".") {
		word := strings.TrimRight(part, "0123456789")
		if len(part)-len(word) > 2 || word == "" || !isLetter(word[0]) || len(word) > 2 && !isCamel(word) {
			return false
		}
		parts++
	}
	return parts >= 3
}

// staticExtensions are kept behind a placeholder, so that /img/{id}.png is not taken for /img/{id}.
var staticExtensions = map[string]bool{
	".avif": true, ".css": true, ".csv": true, ".gif": true, ".html": true, ".ico": true, ".jpeg": true, ".jpg": true, ".js": true,
	".json": true, ".map": true, ".mjs": true, ".mp3": true, ".mp4": true, ".pdf": true, ".png": true, ".svg": true, ".ttf": true,
	".txt": true, ".wasm": true, ".webm": true, ".webp": true, ".woff": true, ".woff2": true, ".xml": true, ".zip": true,
}

// cutExtension splits "17.png" into "17" and ".png"; an extension that is not of a static file is no extension.
func cutExtension(s string) (stem, extension string) {
	if i := strings.LastIndexByte(s, '.'); i > 0 && staticExtensions[s[i:]] {
		return s[:i], s[i:]
	}
	return s, ""
}
