package upstream

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// tokenByte holds the bytes of a method or field name (RFC 9110 section 5.6.2), hostByte those of a Host field
// (RFC 3986 sections 3.2.2 and 3.2.3), as net/http accepts them.
var (
	tokenByte = bytesOf("!#$%&'*+-.^_`|~")
	hostByte  = bytesOf("!$%()*+,-.:;='[]_~&")
)

func bytesOf(marks string) (set [256]bool) {
	for c := range len(set) {
		set[c] = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	for _, c := range []byte(marks) {
		set[c] = true
	}
	return set
}

func all(set *[256]bool, s string) bool {
	for i := range len(s) {
		if !set[s[i]] {
			return false
		}
	}
	return true
}

// validValue reports whether a field value can stand in one line.
func validValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// validTarget reports whether s is a request target in origin form, or * for OPTIONS, that can stand in a request line.
func validTarget(method, s string) bool {
	if s == "*" {
		return method == http.MethodOptions
	}
	if s == "" || s[0] != '/' {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// originForm is the request target to send: what the client sent, byte for byte, without scheme and authority if it
// came in absolute form (RFC 9112 section 3.2; the authority is in r.Host).
func originForm(r *http.Request) string {
	s := r.RequestURI
	if s == "" {
		s = r.URL.RequestURI()
	}
	if s == "" || s[0] == '/' || s == "*" {
		return s
	}
	_, rest, ok := strings.Cut(s, "://")
	if !ok {
		return s
	}
	i := strings.IndexAny(rest, "/?")
	switch {
	case i < 0 && r.Method == http.MethodOptions:
		return "*"
	case i < 0:
		return "/"
	case rest[i] == '?':
		return "/" + rest[i:]
	}
	return rest[i:]
}

// vet refuses a request that must not be passed on, whichever way it would go: the bytes of its head are all from
// outside, and none of them may end a line.
func vet(r *http.Request, uri string, set []Field) error {
	switch {
	case r.Method == http.MethodConnect:
		return errConnect
	case r.Method == "" || !all(&tokenByte, r.Method):
		return errMethod
	case !validTarget(r.Method, uri):
		return errURI
	case !all(&hostByte, r.Host):
		return errHost
	}
	for name, values := range r.Header {
		if name == "" || !all(&tokenByte, name) {
			return errField
		}
		for _, v := range values {
			if !validValue(v) {
				return errField
			}
		}
	}
	for i := range set {
		if set[i].Name == "" || !all(&tokenByte, set[i].Name) || !validValue(set[i].Value) {
			return errField
		}
	}
	return nil
}

// appendHead appends the head of a vetted request as an HTTP/1.1 target gets it: fields sorted, those of one connection
// left out, those of set at the end; framing by n, the size of the body. keys is scratch.
func appendHead(b []byte, keys []string, r *http.Request, set []Field, host, uri string, n int) ([]byte, []string) {
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, uri...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, host...)
	b = append(b, '\r', '\n')
	if n > 0 || r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(n), 10)
		b = append(b, '\r', '\n')
	}
	for name := range r.Header {
		if !hop(name) && name != "Host" && name != "Content-Length" {
			keys = append(keys, name)
		}
	}
	slices.Sort(keys)
	for _, name := range keys {
		for _, v := range r.Header[name] {
			b = appendField(b, name, v)
		}
	}
	if te := r.Header["Te"]; te != nil && token(te, "trailers") {
		b = appendField(b, "Te", "trailers")
	}
	for i := range set {
		b = appendField(b, set[i].Name, set[i].Value)
	}
	return append(b, '\r', '\n'), keys
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ':', ' ')
	b = append(b, value...)
	return append(b, '\r', '\n')
}
