package facts

import (
	"net/netip"
	"strings"
)

// Bounds of one forwarding chain. What lies further left than these was not written by a chain of proxies anybody runs.
const (
	maxHops       = 64
	maxChainBytes = 8 << 10
)

// hopChain walks the elements of a list header from the right, over all its lines as if joined in order (RFC 9110 §5.3).
// Right to left, because what a trusted proxy wrote stands to the right of everything a client could write:
// an unbalanced quote sent by the client cannot swallow it.
type hopChain struct {
	lines  []string
	rest   string // what is left of the line in hand
	inLine bool
	quoted bool // commas inside quoted-strings do not separate
	hops   int
	bytes  int
}

// previous gives the element to the left, without surrounding blanks. It gives intact=false, once, where the chain cannot be
// read on (a bound, an unbalanced quote); more=false at its end.
func (c *hopChain) previous() (element string, more, intact bool) {
	if !c.inLine {
		if len(c.lines) == 0 {
			return "", false, true
		}
		last := len(c.lines) - 1
		c.lines, c.rest, c.inLine = c.lines[:last], c.lines[last], true
	}
	if c.hops++; c.hops > maxHops {
		return "", false, false
	}
	window := c.rest
	if left := max(maxChainBytes-c.bytes, 0); len(window) > left {
		window = window[len(window)-left:]
	}
	comma, balanced := lastComma(window, c.quoted)
	if !balanced || comma < 0 && len(window) < len(c.rest) {
		return "", false, false
	}
	c.bytes += len(window) - comma
	c.inLine = comma >= 0
	c.rest = c.rest[:len(c.rest)-len(window)+max(comma, 0)]
	return trimBlanks(window[comma+1:]), true, true
}

// lastComma finds the rightmost comma, or -1. With quoted it leaves out those inside quoted-strings, and tells whether the
// quotes to its right are balanced.
func lastComma(s string, quoted bool) (at int, balanced bool) {
	if !quoted {
		return strings.LastIndexByte(s, ','), true
	}
	inside := false
	for i := len(s) - 1; i >= 0; i-- {
		switch s[i] {
		case ',':
			if !inside {
				return i, true
			}
		case '"':
			escaped := backslashesBefore(s, i)%2 == 1
			if escaped && !inside {
				return -1, false
			}
			if !escaped {
				inside = !inside
			}
		}
	}
	return -1, !inside
}

func backslashesBefore(s string, i int) (n int) {
	for i--; i >= 0 && s[i] == '\\'; i-- {
		n++
	}
	return n
}

// forwardedElement is one element of a Forwarded header: what one proxy says of the request it received (RFC 7239 §4).
type forwardedElement struct {
	node, proto, host string // unquoted; empty when absent
}

// parseForwardedElement reads `for=192.0.2.60;proto=http;host="a.example"`. It is strict in what could be read two ways
// (a repeated parameter, a broken quote) and lenient in what many proxies get wrong (blanks around ";", ports and brackets
// without quotes). A quoted value with a backslash in it is refused for the three parameters we use.
func parseForwardedElement(s string) (e forwardedElement, ok bool) {
	for s != "" {
		if s[0] == ';' { // an empty pair is allowed
			s = trimBlanks(s[1:])
			continue
		}
		name, rest, found := strings.Cut(s, "=")
		if !found {
			return e, false
		}
		value, rest, ok := forwardedValue(rest)
		if !ok || !e.keep(trimBlanks(name), value) {
			return e, false
		}
		s = rest
	}
	return e, true
}

func (e *forwardedElement) keep(name, value string) bool {
	var into *string
	switch {
	case strings.EqualFold(name, "for"):
		into = &e.node
	case strings.EqualFold(name, "proto"):
		into = &e.proto
	case strings.EqualFold(name, "host"):
		into = &e.host
	default:
		return isToken(name)
	}
	if *into != "" || value == "" || strings.IndexByte(value, '\\') >= 0 {
		return false
	}
	*into = value
	return true
}

// forwardedValue takes one value off the front of s, together with the semicolon after it.
func forwardedValue(s string) (value, rest string, ok bool) {
	s = trimBlanks(s)
	if s == "" || s[0] != '"' {
		value, rest, _ = strings.Cut(s, ";")
		value = trimBlanks(value)
		return value, trimBlanks(rest), !strings.ContainsAny(value, "\" \t=")
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			value, rest = s[1:i], trimBlanks(s[i+1:])
			if rest == "" {
				return value, "", true
			}
			return value, trimBlanks(rest[1:]), rest[0] == ';'
		}
	}
	return "", "", false
}

// nodeKind tells what stands where an address is expected.
type nodeKind uint8

const (
	nodeGarbage nodeKind = iota
	nodeHidden           // "unknown" or an obfuscated identifier (RFC 7239 §6.2, §6.3)
	nodeAddress
)

// parseNode reads a node of a forwarding header: an address, with or without port, IPv6 with or without brackets.
// The address comes back unmapped and without zone; the port means nothing to us.
func parseNode(s string) (netip.Addr, nodeKind) {
	if s == "" || len(s) > 128 {
		return netip.Addr{}, nodeGarbage
	}
	if s[0] == '_' || len(s) >= 7 && strings.EqualFold(s[:7], "unknown") {
		return netip.Addr{}, hiddenNode(s)
	}
	host, port, hasPort := s, "", false
	switch first := strings.IndexByte(s, ':'); {
	case s[0] == '[':
		end := strings.IndexByte(s, ']')
		if end < 0 || first < 0 || first > end {
			return netip.Addr{}, nodeGarbage
		}
		host = s[1:end]
		if after := s[end+1:]; after != "" {
			if after[0] != ':' {
				return netip.Addr{}, nodeGarbage
			}
			port, hasPort = after[1:], true
		}
	case first >= 0 && strings.IndexByte(s[first+1:], ':') < 0:
		host, port, hasPort = s[:first], s[first+1:], true
	}
	if hasPort && !isNodePort(port) {
		return netip.Addr{}, nodeGarbage
	}
	addr, ok := parseAddress(host)
	if !ok {
		return netip.Addr{}, nodeGarbage
	}
	return addr, nodeAddress
}

func hiddenNode(s string) nodeKind {
	name, port, hasPort := strings.Cut(s, ":")
	if hasPort && !isNodePort(port) {
		return nodeGarbage
	}
	if name[0] == '_' && isObfuscated(name) || strings.EqualFold(name, "unknown") {
		return nodeHidden
	}
	return nodeGarbage
}

// parseAddress is netip.ParseAddr behind a look at the characters, so that ordinary garbage costs no error value,
// and with the zone cut off first: it means something only on the host that wrote it.
func parseAddress(s string) (netip.Addr, bool) {
	if at := strings.IndexByte(s, '%'); at >= 0 {
		if at == len(s)-1 || strings.IndexByte(s[:at], ':') < 0 {
			return netip.Addr{}, false
		}
		s = s[:at]
	}
	if len(s) < len("::") || len(s) > len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") {
		return netip.Addr{}, false
	}
	for i := range len(s) {
		if c := s[i]; c != '.' && c != ':' && !isHexDigit(c) {
			return netip.Addr{}, false
		}
	}
	addr, err := netip.ParseAddr(s)
	return addr.Unmap(), err == nil
}

// isNodePort accepts the port of RFC 7239 §6: a number or an obfuscated identifier.
func isNodePort(s string) bool {
	if s == "" {
		return false
	}
	if s[0] == '_' {
		return isObfuscated(s)
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' || i == 5 {
			return false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n <= 65535
}

// isObfuscated accepts "_" and at least one of ALPHA, DIGIT, ".", "_", "-".
func isObfuscated(s string) bool {
	for i := 1; i < len(s); i++ {
		if c := s[i]; !isAlnum(c) && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return len(s) > 1
}

func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlnum(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func isAlnum(c byte) bool {
	return isDigit(c) || isLetter(c)
}

func trimBlanks(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}
