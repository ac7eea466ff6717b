package facts

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// pattern is a pattern of net/http taken apart.
type pattern struct {
	method   string
	host     string // lower case
	path     string // as configured
	segments []patternSegment
	ending   patternEnding
}

// patternSegment is a literal, decoded as paths are, or a {name}.
type patternSegment struct {
	text string
	wild bool
}

type patternEnding uint8

const (
	endsPlain patternEnding = iota
	endsSlash               // {$}
	endsOpen                // {name...} or a trailing slash
)

// splitPattern separates method, host and path. The host comes in lower case, as hosts are matched.
func splitPattern(s string) (p pattern) {
	rest := s
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		p.method, rest = s[:i], strings.TrimLeft(s[i+1:], " \t")
	}
	i := max(0, strings.IndexByte(rest, '/'))
	p.host, p.path = strings.ToLower(rest[:i]), rest[i:]
	return p
}

// String is the pattern as net/http takes it.
func (p pattern) String() string {
	if p.method == "" {
		return p.host + p.path
	}
	return p.method + " " + p.host + p.path
}

// read takes the path of a pattern apart whose syntax net/http has accepted, and refuses what could never match here.
func (p *pattern) read() error {
	switch p.method {
	case "get", "head", "post", "put", "patch", "delete", "options", "connect", "trace":
		return fmt.Errorf("never matches: methods are in upper case, write %s", strings.ToUpper(p.method))
	}
	if _, _, err := net.SplitHostPort(p.host); err == nil {
		return errors.New("never matches: the host is matched without its port")
	}
	rest := p.path
	for rest != "" {
		var segment string
		segment, rest = rest[1:], ""
		if i := strings.IndexByte(segment, '/'); i >= 0 {
			segment, rest = segment[:i], segment[i:]
		}
		switch {
		case segment == "" && rest == "" || strings.HasSuffix(segment, "...}"):
			p.ending = endsOpen
		case segment == "{$}":
			p.ending = endsSlash
		case strings.HasPrefix(segment, "{"):
			p.segments = append(p.segments, patternSegment{text: segment, wild: true})
		default:
			decoded, _ := decodePath(nil, segment)
			text := string(decoded)
			if text == "" || text == "." || text == ".." {
				return fmt.Errorf("never matches: paths are matched without the segment %q", segment)
			}
			p.segments = append(p.segments, patternSegment{text: text})
		}
	}
	return nil
}
