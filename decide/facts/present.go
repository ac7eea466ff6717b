package facts

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
)

// maxCredential bounds a credential's text. Anything longer is Other, without text.
const maxCredential = 8 << 10

// presented knows where a caller may present a credential. Never in the query string: it ends up in logs. Immutable once made.
type presented struct {
	keyHeaders     []string // canonical
	sessionCookies []string
}

func newPresented(keyHeaders, sessionCookies []string) (presented, error) {
	if keyHeaders == nil {
		keyHeaders = []string{"X-Api-Key"}
	}
	var p presented
	for _, name := range keyHeaders {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if !isToken(name) || canonical == "Cookie" || canonical == "Authorization" {
			return p, fmt.Errorf("key_headers: %q is not the name of a header that can carry a key alone", name)
		}
		p.keyHeaders = append(p.keyHeaders, canonical)
	}
	for _, name := range sessionCookies {
		if !isToken(name) {
			return p, fmt.Errorf("session_cookies: %q is not the name of a cookie", name)
		}
		p.sessionCookies = append(p.sessionCookies, name)
	}
	return p, nil
}

// credential finds what the caller presented: in Authorization, else in the first key header present, else in the first session
// cookie present. Where the upstream might read another credential than we do (the header twice, two values of one cookie), none
// is taken and the kind is Other.
func (p *presented) credential(h http.Header, authorization []string) Credential {
	if len(authorization) > 0 {
		return fromAuthorization(authorization)
	}
	for _, name := range p.keyHeaders {
		if lines := h[name]; len(lines) > 0 {
			if len(lines) > 1 {
				return Credential{Kind: Other}
			}
			if c := bounded(APIKey, trimBlanks(lines[0])); c.Kind != NoCredential {
				return c
			}
		}
	}
	if len(p.sessionCookies) > 0 {
		if lines := h["Cookie"]; len(lines) > 0 {
			return p.fromCookies(lines)
		}
	}
	return Credential{}
}

// fromAuthorization splits the scheme off (RFC 9110 §11.4). Basic keeps its base64 text: decoding is the prover's.
func fromAuthorization(lines []string) Credential {
	if len(lines) > 1 {
		return Credential{Kind: Other}
	}
	whole := trimBlanks(lines[0])
	scheme, text, _ := strings.Cut(whole, " ")
	text = trimBlanks(text)
	switch {
	case text != "" && strings.EqualFold(scheme, "Bearer"):
		return bounded(Bearer, text)
	case text != "" && strings.EqualFold(scheme, "Basic"):
		return bounded(Basic, text)
	}
	return bounded(Other, whole)
}

func bounded(kind CredentialKind, text string) Credential {
	if len(text) > maxCredential {
		return Credential{Kind: Other}
	}
	if text == "" && kind != Other {
		return Credential{}
	}
	return NewCredential(kind, text)
}

// fromCookies looks for each session cookie in turn, through all of the header: a bound here would hide a cookie from us that
// the upstream still sees.
func (p *presented) fromCookies(lines []string) Credential {
	for _, name := range p.sessionCookies {
		value, found, same := cookieValue(lines, name)
		if !same {
			return Credential{Kind: Other}
		}
		if found && value != "" {
			return bounded(Cookie, value)
		}
	}
	return Credential{}
}

// cookieValue finds a cookie by its exact name (RFC 6265 §4.2); same is false when it occurs with different values.
func cookieValue(lines []string, name string) (value string, found, same bool) {
	for _, line := range lines {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			pair = trimBlanks(pair)
			if len(pair) <= len(name) || pair[len(name)] != '=' || pair[:len(name)] != name {
				continue
			}
			v := unquote(pair[len(name)+1:])
			if found && v != value {
				return "", true, false
			}
			value, found = v, true
		}
	}
	return value, found, true
}

// unquote takes the double quotes off that a cookie value may stand in.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
