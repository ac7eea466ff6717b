// Package edge is translation only: a request into the head facts are read from, a verdict into the bytes of an answer. What every
// way in has in common is here; the ways in are the rooms below.
package edge

import (
	"net/http"
	"net/netip"

	"glacis/decide/facts"
)

// Head translates the head of an HTTP request.
func Head(r *http.Request) facts.Head {
	remote, _ := netip.ParseAddrPort(r.RemoteAddr) // a peer without an address, such as a Unix socket, stays invalid
	h := facts.Head{
		Method: r.Method, Target: r.RequestURI, Host: r.Host, Scheme: "http",
		Proto: r.ProtoMajor*10 + r.ProtoMinor, Header: r.Header, Remote: remote,
	}
	if h.Target == "" { // a request made by a program and not read off a connection
		h.Target = r.URL.RequestURI()
	}
	if r.TLS != nil {
		h.Scheme = "https"
	}
	return h
}

// Names of the header fields the upstream gets; copies sent by the client are stripped.
const (
	DecisionHeader = "Glacis-Decision"
	ScoreHeader    = "Glacis-Score"
	SubjectHeader  = "Glacis-Subject"
)

// Strip removes every field of ours that a client sent.
func Strip(h http.Header) {
	for name := range h {
		if len(name) > len(prefix) && name[:len(prefix)] == prefix {
			delete(h, name)
		}
	}
}

const prefix = "Glacis-"
