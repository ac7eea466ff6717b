package facts

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// MaxPath bounds the path that is looked at, in bytes as sent: 8 KiB. What lies beyond is cut off and flagged OddLong;
// an edge that forwards requests does well to refuse longer ones, since the upstream would see what we do not.
const MaxPath = 8 << 10

// cleanTarget splits a request target (RFC 9112 §3.2) and cleans its path. The path always begins with a slash; the query is raw,
// without its question mark; the authority is that of the absolute form (or of CONNECT), as sent, and otherwise empty.
//
// The path is decoded exactly once, then repeated slashes are folded, then dot segments are removed (RFC 3986 §5.2.4),
// never above the root. In detail, and always with its flag:
//   - %2F is not a separator and stays as the three characters "%2F"; %5C becomes a backslash, which is no separator either;
//   - an invalid percent-encoding stays as it is, and nothing is decoded twice: %2561 becomes "%61";
//   - matrix parameters (";x=1") are kept, so "..;" is an ordinary segment, though flagged as OddDotSegment, for some servers climb on it;
//   - a "#", which no client may send, is an ordinary character flagged as OddTarget.
//
// A target that is clean already, the ordinary case, costs one scan and no allocation: the results are parts of it.
func cleanTarget(target string) (path, query, authority string, odd Odd) {
	if target == "" || target[0] != '/' {
		target, authority = cutAuthority(target)
		odd = OddTarget
	}
	end := scanPath(target)
	if end == len(target) && end <= MaxPath {
		return target, "", authority, odd
	}
	if end <= MaxPath && target[end] == '?' {
		return target[:end], target[end+1:], authority, odd
	}
	raw, query, _ := strings.Cut(target, "?")
	path, more := cleanPath(raw)
	return path, query, authority, odd | more
}

// cutAuthority takes a target that is not in origin form apart: "http://host:1/a?b" is "/a?b" at "host:1", "*" is "/",
// "host:443" (CONNECT) is "/" at "host:443". Anything else is taken for a path whose first slash was forgotten.
func cutAuthority(target string) (rest, authority string) {
	if scheme, after, ok := strings.Cut(target, "://"); ok && isScheme(scheme) {
		end := strings.IndexAny(after, "/?#")
		if end < 0 {
			return "/", after
		}
		if after[end] == '/' {
			return after[end:], after[:end]
		}
		return "/" + after[end:], after[:end]
	}
	switch {
	case target == "" || target == "*":
		return "/", ""
	case !strings.ContainsAny(target, "/?#"):
		return "/", target
	}
	return "/" + target, ""
}

// isScheme follows RFC 3986 §3.1.
func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isLetter(c) && (i == 0 || !isDigit(c) && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}

// pathByte says what a byte means to scanPath.
type pathByte uint8

const (
	ordinary pathByte = iota
	slash
	special // the question mark, or something cleanPath has to see
)

var pathBytes = func() (t [256]pathByte) {
	for c := range t {
		if c < ' ' || c >= 0x7f {
			t[c] = special
		}
	}
	t['/'], t['?'], t['%'], t['\\'], t['#'] = slash, special, special, special, special
	return t
}()

// scanPath gives the index of the first thing in target that ends a clean path: the question mark, or what cleanPath has to see,
// or the end.
func scanPath(target string) int {
	for i := 0; i < len(target); i++ {
		switch pathBytes[target[i]] {
		case special:
			return i
		case slash:
			if i+1 < len(target) && (target[i+1] == '/' || target[i+1] == '.' && startsWithDots(target[i+1:])) {
				return i
			}
		}
	}
	return len(target)
}

// startsWithDots tells whether s begins with a "." or ".." segment, with or without matrix parameters.
func startsWithDots(s string) bool {
	s = strings.TrimPrefix(s, ".")
	s = strings.TrimPrefix(s, ".")
	return s == "" || s[0] == '/' || s[0] == '?' || s[0] == ';'
}

// cleanPath cleans a raw path that begins with a slash and is without its query.
func cleanPath(raw string) (string, Odd) {
	var odd Odd
	if len(raw) > MaxPath {
		raw, odd = raw[:MaxPath], OddLong
	}
	var small [256]byte
	decoded, more := decodePath(small[:0], raw)
	odd |= more | readPath(decoded)
	clean, more := resolvePath(decoded)
	odd |= more
	if string(clean) == raw {
		return raw, odd
	}
	return string(clean), odd
}

// decodePath appends raw to b, decoded once.
func decodePath(b []byte, raw string) (_ []byte, odd Odd) {
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '#' {
			odd |= OddTarget
		}
		if c != '%' {
			b = append(b, c)
			continue
		}
		if i+2 >= len(raw) || !isHexDigit(raw[i+1]) || !isHexDigit(raw[i+2]) {
			odd |= OddEncoding
			b = append(b, c)
			continue
		}
		c = unhex(raw[i+1])<<4 | unhex(raw[i+2])
		i += 2
		if c == '/' {
			odd |= OddEncodedSlash
			b = append(b, "%2F"...)
			continue
		}
		if c == '%' && hidesAnother(raw[i+1:]) {
			odd |= OddDouble
		}
		b = append(b, c)
	}
	return b, odd
}

// hidesAnother tells whether a decoded percent sign followed by the raw text s looks like an encoding once more: %2561, but also %25%361.
func hidesAnother(s string) bool {
	for range 2 {
		c, rest := byte(0), ""
		switch {
		case len(s) >= 3 && s[0] == '%' && isHexDigit(s[1]) && isHexDigit(s[2]):
			c, rest = unhex(s[1])<<4|unhex(s[2]), s[3:]
		case s != "":
			c, rest = s[0], s[1:]
		}
		if !isHexDigit(c) {
			return false
		}
		s = rest
	}
	return true
}

// readPath looks for what is odd in a decoded path, byte by byte.
func readPath(p []byte) (odd Odd) {
	for _, c := range p {
		if c < ' ' || c == 0x7f {
			odd |= OddControl
		}
		if c == '\\' {
			odd |= OddEncodedSlash
		}
	}
	if utf8.Valid(p) {
		return odd
	}
	odd |= OddUTF8
	for i, c := range p {
		if c == 0xc0 || c == 0xc1 || i+1 < len(p) && (c == 0xe0 && p[i+1] < 0xa0 || c == 0xf0 && p[i+1] < 0x90) && p[i+1] >= 0x80 {
			odd |= OddEncoding // an overlong form: more bytes than the character needs, the classic way around a filter
		}
	}
	return odd
}

// resolvePath folds slashes and removes dot segments, in place.
func resolvePath(p []byte) (_ []byte, odd Odd) {
	w := 0 // p[:w] is done: whole segments, each after its slash
	trailing := false
	for r := 0; r < len(p); {
		start := r
		if next := bytes.IndexByte(p[r+1:], '/'); next >= 0 {
			r += 1 + next
		} else {
			r = len(p)
		}
		segment := p[start+1 : r]
		trailing = false
		switch string(segment) {
		case "":
			trailing = true
			if r < len(p) {
				odd |= OddSlashes
			}
		case ".":
			trailing = true
			odd |= OddDotSegment
		case "..":
			trailing = true
			odd |= OddDotSegment
			for w > 0 {
				if w--; p[w] == '/' {
					break
				}
			}
		default:
			if segment[0] == '.' && startsWithDots(string(segment)) {
				odd |= OddDotSegment
			}
			w += copy(p[w:], p[start:r])
		}
	}
	if trailing || w == 0 {
		p[w] = '/'
		w++
	}
	return p[:w], odd
}

func isLetter(c byte) bool   { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool    { return '0' <= c && c <= '9' }
func isHexDigit(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// unhex gives the value of a hexadecimal digit.
func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
