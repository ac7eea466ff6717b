// Package facts is what can be read off one request, with no opinion of it: who is at the other end of the connection,
// what it asks for, which route that is, and the payload fields the operator declared. It is parsed once, here;
// later rooms ask Facts and never the request again. It judges nothing and remembers nothing of anybody.
package facts

import (
	"iter"
	"net/http"
	"net/netip"
	"strings"
)

// Facts are the facts of one request. The zero value is ready to be filled by a Reader; a Facts may be reused with Reset.
//
// Who owns it: the edge that read the request, from Read until the answer is recorded. Later rooms only read it.
type Facts struct {
	// At is when the request's head was complete: nanoseconds since the Unix epoch, from a clock that never steps back.
	At int64
	// ID names the decision made about this request; it is in the answer, the record and the upstream's request.
	ID ID
	// RequestID is the caller's own X-Request-Id when it is short and printable, otherwise empty.
	RequestID string

	Method string // as sent, upper case for the methods of RFC 9110
	Scheme string // "http" or "https", as the client saw it
	Host   string // lower case, without port
	Path   string // decoded once, dot segments resolved, repeated slashes folded; what routes and the record see
	Query  string // raw, as sent
	Proto  int    // major*10+minor: 10, 11, 20, 30

	// Route is the configured route that matched, or the one standing for all unmatched paths of a guessed class. Never nil after Read.
	Route *Route
	// Template is the path template the request is counted under: the route's own, or a learnt one such as /items/{id}.
	Template string

	Remote netip.AddrPort // the TCP peer, unmapped
	Client netip.Addr     // the originator: the rightmost address no trusted proxy vouches for; unmapped, without zone
	// Trusted tells that the peer is one of the operator's proxies, so that its forwarding headers were believed.
	Trusted bool

	UserAgent  string
	Credential Credential
	Fields     Fields
	Odd        Odd

	// Header is the request's header as received; it belongs to the request and must not be changed through Facts.
	Header http.Header
}

// Reset makes f ready for the next request and lets go of everything the last one referred to.
func (f *Facts) Reset() { *f = Facts{} }

// QueryKeys yields the names in the query string, raw and in order, bounded to the first 64.
func (f *Facts) QueryKeys() iter.Seq[string] {
	return func(yield func(string) bool) {
		rest := f.Query
		for n := 0; rest != "" && n < 64; n++ {
			var pair string
			pair, rest, _ = strings.Cut(rest, "&")
			key, _, _ := strings.Cut(pair, "=")
			if key != "" && !yield(key) {
				return
			}
		}
	}
}

// Head is the head of a request as an edge hands it over, before anything is made of it.
type Head struct {
	Method string
	Target string // the request target as sent: origin form, absolute form or "*" (RFC 9112 §3.2)
	Host   string // the Host header or :authority, as sent
	Scheme string // of the connection itself: "http" or "https"
	Proto  int    // major*10+minor
	Header http.Header
	Remote netip.AddrPort
}

// Odd is a set of things a well-behaved client would not send. Being odd is a fact, not a verdict.
type Odd uint32

// What can be odd about a request.
const (
	OddDotSegment    Odd = 1 << iota // "." or ".." as a path segment, plain or encoded
	OddSlashes                       // repeated slashes in the path
	OddEncodedSlash                  // %2F or %5C in the path, or a plain backslash
	OddEncoding                      // an invalid or overlong percent-encoding
	OddControl                       // a control character in the decoded path, NUL included
	OddUTF8                          // the decoded path is not valid UTF-8
	OddTarget                        // absolute form or asterisk form
	OddForwarded                     // a forwarding header of a trusted proxy that could not be parsed
	OddSpoof                         // a forwarding header from a peer that is not a trusted proxy
	OddBodySyntax                    // the declared body is not well-formed
	OddBodyDuplicate                 // a declared field occurs more than once
	OddBodyTruncated                 // the body is longer than the bounded read, fields may be missing
	OddBodyType                      // fields are declared but the body's type or encoding is none we read
	OddDouble                        // a percent-encoding that decodes to another one (%25xx): honest in a search word, or the way around a filter
	OddLong                          // the path is longer than MaxPath
)

var oddNames = [...]string{"dot-segment", "slashes", "encoded-slash", "encoding", "control", "utf8", "target", "forwarded", "spoof",
	"body-syntax", "body-duplicate", "body-truncated", "body-type", "double", "long"}

// Has tells whether any of the given oddities is present.
func (o Odd) Has(any Odd) bool { return o&any != 0 }

// AppendText appends the names, separated by commas.
func (o Odd) AppendText(b []byte) []byte {
	start := len(b)
	for i, name := range oddNames {
		if o&(1<<i) == 0 {
			continue
		}
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(b, name...)
	}
	return b
}

func (o Odd) String() string { return string(o.AppendText(nil)) }
