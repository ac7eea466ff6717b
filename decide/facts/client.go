package facts

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/textproto"
	"strings"

	"github.com/gaissmai/bart"
)

// fewPrefixes is how many prefixes are looked through one by one; more go into a table.
const fewPrefixes = 8

// proxies are the peers whose forwarding headers are believed, and which of those headers is. Immutable once made.
type proxies struct {
	few    []netip.Prefix
	many   *bart.Lite // nil for few
	header string     // canonical name of the believed header
	style  headerStyle
}

type headerStyle uint8

const (
	styleList      headerStyle = iota // X-Forwarded-For
	styleForwarded                    // RFC 7239
	styleSingle                       // one address, overwritten by the proxy: X-Real-Ip, Cf-Connecting-Ip
)

func newProxies(prefixes []netip.Prefix, header string) (proxies, error) {
	var p proxies
	for _, prefix := range prefixes {
		if !prefix.IsValid() {
			return p, fmt.Errorf("trusted_proxies: %v is not a network", prefix)
		}
		p.few = append(p.few, unmapPrefix(prefix).Masked())
	}
	if len(p.few) > fewPrefixes {
		p.many = new(bart.Lite)
		for _, prefix := range p.few {
			p.many.Insert(prefix)
		}
		p.few = nil
	}
	p.header = textproto.CanonicalMIMEHeaderKey(header)
	switch {
	case header == "" || p.header == "X-Forwarded-For":
		p.header, p.style = "X-Forwarded-For", styleList
	case p.header == "Forwarded":
		p.style = styleForwarded
	case isToken(header):
		p.style = styleSingle
	default:
		return p, fmt.Errorf("client_header: %q is not the name of a header", header)
	}
	return p, nil
}

// unmapPrefix turns ::ffff:a.b.c.d/96+n into a.b.c.d/n, the form in which addresses are looked up.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// trusts tells whether an address, unmapped and without zone, belongs to one of the operator's proxies.
func (p *proxies) trusts(a netip.Addr) bool {
	if p.many != nil {
		return a.IsValid() && p.many.Contains(a)
	}
	for i := range p.few {
		if p.few[i].Contains(a) {
			return true
		}
	}
	return false
}

// origin is what a trusted peer says of the request's originator. Scheme and host are empty when it does not say.
type origin struct {
	client netip.Addr
	scheme string
	host   string // as forwarded, port and case included
	odd    Odd
}

// origin reads the forwarding headers of a trusted peer. The client is the peer itself when they name nobody.
func (p *proxies) origin(peer netip.Addr, h http.Header) origin {
	o := origin{client: peer}
	switch p.style {
	case styleForwarded:
		p.walkForwarded(&o, h["Forwarded"])
		return o
	case styleList:
		p.walkList(&o, h["X-Forwarded-For"])
	case styleSingle:
		o.single(h[p.header])
	}
	o.say(lastValue(h["X-Forwarded-Proto"]), lastValue(h["X-Forwarded-Host"]))
	return o
}

// walkList walks X-Forwarded-For from the right to the first address no trusted proxy has.
func (p *proxies) walkList(o *origin, lines []string) {
	chain := hopChain{lines: lines}
	for {
		element, more, intact := chain.previous()
		if !intact {
			o.odd |= OddForwarded
		}
		if !more || !p.step(o, element) {
			return
		}
	}
}

// walkForwarded does the same with Forwarded. The scheme and host are those of the leftmost element reached:
// the proxy that wrote it is the one the client spoke to.
func (p *proxies) walkForwarded(o *origin, lines []string) {
	chain := hopChain{lines: lines, quoted: true}
	for {
		element, more, intact := chain.previous()
		if !intact {
			o.odd |= OddForwarded
		}
		if !more {
			return
		}
		e, ok := parseForwardedElement(element)
		if !ok || element == "" {
			o.odd |= OddForwarded
			return
		}
		o.say(e.proto, e.host)
		if e.node == "" || !p.step(o, e.node) {
			return
		}
	}
}

// step takes one hop to the left and tells whether to go on. An identifier that hides its address ends the walk without being
// odd; garbage ends it and is.
func (p *proxies) step(o *origin, node string) bool {
	addr, kind := parseNode(node)
	switch kind {
	case nodeGarbage:
		o.odd |= OddForwarded
		return false
	case nodeHidden:
		return false
	}
	o.client = addr
	return p.trusts(addr)
}

// single reads a header that holds exactly one address.
func (o *origin) single(lines []string) {
	if len(lines) == 0 {
		return
	}
	addr, kind := parseNode(trimBlanks(lines[0]))
	if len(lines) > 1 || kind == nodeGarbage {
		o.odd |= OddForwarded
		return
	}
	if kind == nodeAddress {
		o.client = addr
	}
}

// say takes over a forwarded scheme and host, where they are given and make sense.
func (o *origin) say(proto, host string) {
	switch {
	case proto == "":
	case strings.EqualFold(proto, "https"), strings.EqualFold(proto, "wss"):
		o.scheme = "https"
	case strings.EqualFold(proto, "http"), strings.EqualFold(proto, "ws"):
		o.scheme = "http"
	default:
		o.odd |= OddForwarded
	}
	switch {
	case host == "":
	case hostName(host) == "":
		o.odd |= OddForwarded
	default:
		o.host = host
	}
}

// lastValue is the rightmost element of a list header: the one our own peer wrote. What stands left of it may be the client's.
func lastValue(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	line := lines[len(lines)-1]
	return trimBlanks(line[strings.LastIndexByte(line, ',')+1:])
}

// maxHost bounds a host name: 253 octets of DNS name and a final dot (RFC 1035 §2.3.4).
const maxHost = 254

// hostName makes a Host header, :authority or forwarded host comparable: without user information, port, brackets and final dot,
// in lower case. It gives "" for what cannot be a host. It allocates only to change case.
func hostName(s string) string {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		s = s[at+1:]
	}
	bracketed := s != "" && s[0] == '['
	if bracketed {
		end := strings.IndexByte(s, ']')
		if end < 0 || end+1 < len(s) && s[end+1] != ':' {
			return ""
		}
		s = s[1:end]
	} else {
		if colon := strings.IndexByte(s, ':'); colon >= 0 {
			s = s[:colon]
		}
		s = strings.TrimSuffix(s, ".")
	}
	if len(s) > maxHost {
		return ""
	}
	upper := false
	for i := range len(s) {
		c := s[i]
		if !hostByte(c) && (!bracketed || c != ':') {
			return ""
		}
		upper = upper || 'A' <= c && c <= 'Z'
	}
	if upper {
		return strings.ToLower(s)
	}
	return s
}

// hostByte accepts the octets of a registered name (RFC 3986 §3.2.2).
func hostByte(c byte) bool {
	return isAlnum(c) || strings.IndexByte("-._~%!$&'()*+,;=", c) >= 0
}
