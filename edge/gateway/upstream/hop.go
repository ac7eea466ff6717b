package upstream

import (
	"net/http"
	"net/textproto"
	"strings"
)

// hop reports whether a canonical field name is for one connection only and never passed on: RFC 9110 section 7.6.1 and
// the proxy credentials of section 11.7, the same list as net/http/httputil's.
func hop(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// stripHop removes from a client's header every field that is for its connection only, named by Connection or known to
// be, except what Forward needs to know of an upgrade or of the wish for trailers. It may be called again.
func stripHop(h http.Header) {
	upgrade := upgradeOf(h)
	trailers := token(h["Te"], "trailers")
	dropNamed(h)
	for name := range h {
		if hop(name) {
			delete(h, name)
		}
	}
	if upgrade != "" {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{upgrade}
	}
	if trailers {
		h["Te"] = []string{"trailers"}
	}
}

// dropNamed removes the fields that Connection names.
func dropNamed(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name != "" && !strings.EqualFold(name, "close") && !strings.EqualFold(name, "keep-alive") {
				h.Del(name)
			}
		}
	}
}

// dropTrailers removes from a trailer section the fields that frame or route a message and may not be in one
// (RFC 9110 section 6.5.1).
func dropTrailers(h http.Header) {
	for name := range h {
		if hop(name) || name == "Content-Length" || name == "Host" {
			delete(h, name)
		}
	}
}

// upgradeOf is the protocol a header asks to switch to, or empty.
func upgradeOf(h http.Header) string {
	if !token(h["Connection"], "upgrade") {
		return ""
	}
	return h.Get("Upgrade")
}

// token reports whether a comma-separated field holds a token, in any case.
func token(lines []string, want string) bool {
	for _, line := range lines {
		for t := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(textproto.TrimString(t), want) {
				return true
			}
		}
	}
	return false
}
