package facts

import (
	"net/http"
	"net/netip"
	"strings"
)

// headerKind sorts header names by whom a client could fool with them.
type headerKind uint8

const (
	headerPlain    headerKind = iota
	headerAddress             // says who the originator is
	headerContext             // says what the originator asked for, before a proxy changed it
	headerReserved            // ours: Glacis-*
)

// kindOfHeader sorts a header name. It takes "_" for "-" and any case, because upstreams that map headers to variables
// (CGI, WSGI, Rack) do: X_Forwarded_For would reach them as X-Forwarded-For.
func kindOfHeader(name string) headerKind {
	if name == "" {
		return headerPlain
	}
	switch name[0] | 0x20 {
	case 'c', 'f', 'g', 't', 'x':
	default:
		return headerPlain
	}
	var folded [len("x-original-forwarded-for")]byte
	n := min(len(name), len(folded))
	for i := range n {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c |= 0x20
		case c == '_':
			c = '-'
		}
		folded[i] = c
	}
	const forwarded, reserved = "x-forwarded-", "glacis-"
	switch {
	case n >= len(reserved) && string(folded[:len(reserved)]) == reserved:
		return headerReserved
	case n >= len(forwarded) && string(folded[:len(forwarded)]) == forwarded:
		if len(name) == len("x-forwarded-for") && string(folded[len(forwarded):n]) == "for" {
			return headerAddress
		}
		return headerContext
	case len(name) > n:
		return headerPlain
	}
	return knownHeader(folded[:n])
}

// knownHeader is the list of forwarding headers outside X-Forwarded-*: those of RFC 7239, nginx, HAProxy, Envoy, IIS and
// the large content networks.
func knownHeader(folded []byte) headerKind {
	switch string(folded) {
	case "forwarded", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-forwarded-for", "x-originating-ip",
		"x-remote-ip", "x-remote-addr", "x-envoy-external-address", "x-azure-clientip", "x-azure-socketip", "client-ip",
		"true-client-ip", "cf-connecting-ip", "cf-connecting-ipv6", "cf-pseudo-ipv4", "fastly-client-ip", "fly-client-ip":
		return headerAddress
	case "x-host", "x-original-host", "x-original-url", "x-original-uri", "x-rewrite-url":
		return headerContext
	}
	return headerPlain
}

// speaksFor tells whether a header of this name says who or what the originator is, so that only a trusted peer may send it.
func (p *proxies) speaksFor(name string) bool {
	kind := kindOfHeader(name)
	return kind == headerAddress || kind == headerContext || p.style == styleSingle && sameHeader(name, p.header)
}

func sameHeader(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && strings.IndexByte("-_", a[i]) < 0 && !strings.EqualFold(a[i:i+1], b[i:i+1]) {
			return false
		}
	}
	return true
}

// HeaderField is one header field to be sent. It is an unnamed struct by another name, so that rooms that do not know each other can pass
// lists of it on.
type HeaderField = struct{ Name, Value string }

// Rewrite makes the header that goes to the upstream speak of the request as f has it. host is the Host as sent. What is to be removed
// is removed from h; what is to be set is appended to set, because fields beside the map cost nothing to put there, and no client
// can have them removed by naming them in Connection.
//
// Removed: every Glacis-* header; from an untrusted peer every forwarding header (Forwarded, X-Forwarded-*, X-Real-Ip and the list
// in knownHeader); from a trusted peer those naming an address other than the one believed, because a proxy that writes one of
// them usually lets a client's copy of the others through. A trusted peer's X-Forwarded-Port, -Prefix and the like stay.
//
// Set: X-Forwarded-For (with the believed chain before it, when that could be read), X-Forwarded-Proto, X-Forwarded-Host, X-Real-Ip;
// Forwarded likewise when that is the believed header; and the believed single-address header when it was sent.
func (r *Reader) Rewrite(h http.Header, f *Facts, host string, set []HeaderField) []HeaderField {
	chain := r.believedChain(h, f)
	single := f.Trusted && r.proxies.style == styleSingle && len(h[r.proxies.header]) > 0
	said := lastValue(h["X-Forwarded-Host"])
	r.strip(h, f.Trusted)

	set = append(set, HeaderField{"X-Forwarded-Proto", f.Scheme})
	switch {
	case said != "" && f.Trusted && r.proxies.style != styleForwarded && hostName(said) == f.Host:
		host = said // with its port
	case hostName(host) != f.Host:
		host = f.Host
	}
	set = append(set, HeaderField{"X-Forwarded-Host", host})
	if !f.Remote.IsValid() { // a Unix socket has no address
		return set
	}
	remote := f.Remote.Addr().WithZone("")
	client, via := remote.String(), ""
	if f.Client != remote {
		client, via = f.Client.String(), client
	}
	set = append(set, HeaderField{"X-Real-Ip", client})
	if single && r.proxies.header != "X-Real-Ip" {
		set = append(set, HeaderField{r.proxies.header, client})
	}
	if r.proxies.style == styleForwarded {
		set = append(set, HeaderField{"Forwarded", forwardedText(chain, f.Client, remote, f.Scheme)})
		chain = nil
	}
	return append(set, HeaderField{"X-Forwarded-For", listText(chain, client, via)})
}

// MaxRewritten is how many fields Rewrite sets at most.
const MaxRewritten = 6

// strip removes what Rewrite says it removes, and what it sets. A name spelt with "_" goes even when a trusted peer sent it: the peer would have
// spelt it properly.
func (r *Reader) strip(h http.Header, trusted bool) {
	p := &r.proxies
	for name := range h {
		switch kind := kindOfHeader(name); {
		case kind == headerReserved, kind == headerAddress, name == "X-Forwarded-Proto", name == "X-Forwarded-Host",
			kind == headerContext && (!trusted || strings.IndexByte(name, '_') >= 0),
			p.style == styleSingle && sameHeader(name, p.header):
			delete(h, name)
		}
	}
}

// believedChain gives the lines that ours are to be appended to.
func (r *Reader) believedChain(h http.Header, f *Facts) []string {
	if !f.Trusted || f.Odd.Has(OddForwarded) || r.proxies.style == styleSingle {
		return nil
	}
	return h[r.proxies.header]
}

// listText writes X-Forwarded-For. client and via are the texts of the client and, where it is another, of the peer.
func listText(chain []string, client, via string) string {
	peer := via
	if peer == "" {
		peer = client
	}
	switch {
	case len(chain) == 1:
		return chain[0] + ", " + peer
	case len(chain) > 1:
		return strings.Join(chain, ", ") + ", " + peer
	case via != "":
		return client + ", " + via
	}
	return client
}

// forwardedText writes Forwarded. Without a chain to append to, the client is named first.
func forwardedText(chain []string, client, remote netip.Addr, scheme string) string {
	b := make([]byte, 0, 160)
	for _, line := range chain {
		b = append(b, line...)
		b = append(b, ", "...)
	}
	if len(chain) == 0 && client != remote {
		b = appendFor(b, client)
		b = append(b, ", "...)
	}
	b = appendFor(b, remote)
	b = append(b, ";proto="...)
	return string(append(b, scheme...))
}

func appendFor(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		return a.AppendTo(append(b, "for="...))
	}
	b = a.AppendTo(append(b, `for="[`...))
	return append(b, `]"`...)
}
