package facts

import (
	"net/http"
	"net/netip"
	"strings"
)

// Config says how requests are read. The zero value trusts nobody and takes keys from X-Api-Key.
type Config struct {
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies" doc:"Networks of your own proxies and load balancers. Only peers inside them are believed about who the client is."`
	ClientHeader   string         `yaml:"client_header" doc:"The header in which your proxies name the client: x-forwarded-for (default), forwarded (RFC 7239), or one that holds a single address and that your proxies overwrite, such as x-real-ip or cf-connecting-ip."`
	KeyHeaders     []string       `yaml:"key_headers" doc:"Headers in which callers present an API key, in order, after Authorization. Default: x-api-key; an empty list for none."`
	SessionCookies []string       `yaml:"session_cookies" doc:"Cookies that carry a session, in order, after the key headers. Default: none."`
}

// Bounds of what is kept of a request's own words.
const (
	maxRequestID = 128
	maxUserAgent = 512
)

// Reader reads requests into Facts. It is immutable once made, but for the memory it lends, and serves any number of goroutines.
type Reader struct {
	proxies   proxies
	presented presented
	routes    *Routes
	plans     []*fieldPlan // by Route.Index; nil for routes that declare no fields
	buffers   buffers
}

// NewReader checks the configuration and compiles the field paths of all routes; what is wrong there is a *BodyError.
func NewReader(c Config, routes *Routes) (*Reader, error) {
	r := &Reader{routes: routes}
	var err error
	if r.proxies, err = newProxies(c.TrustedProxies, c.ClientHeader); err != nil {
		return nil, err
	}
	if r.presented, err = newPresented(c.KeyHeaders, c.SessionCookies); err != nil {
		return nil, err
	}
	for _, route := range routes.All() {
		plan, err := compileFields(route)
		if err != nil {
			return nil, err
		}
		for len(r.plans) <= route.Index {
			r.plans = append(r.plans, nil)
		}
		r.plans[route.Index] = plan
	}
	return r, nil
}

// Read fills f with everything that needs no body. It forgets what f held before. at is when the head was complete, in nanoseconds
// since the Unix epoch. The names in h.Header must be in canonical form, as net/http leaves them.
func (r *Reader) Read(f *Facts, h Head, at int64) {
	var authority string
	noted := r.note(h.Header)
	*f = Facts{
		At:         at,
		ID:         NewID(at),
		RequestID:  requestID(noted.requestID),
		Method:     methodName(h.Method),
		Scheme:     h.Scheme,
		Proto:      h.Proto,
		Remote:     netip.AddrPortFrom(h.Remote.Addr().Unmap().WithZone(""), h.Remote.Port()),
		UserAgent:  userAgent(noted.userAgent),
		Credential: r.presented.credential(h.Header, noted.authorization),
		Header:     h.Header,
	}
	f.Path, f.Query, authority, f.Odd = cleanTarget(h.Target)
	if authority == "" {
		authority = h.Host // the authority of an absolute target overrules it (RFC 9112 §3.2.2)
	}
	f.Client = f.Remote.Addr()
	f.Trusted = r.proxies.trusts(f.Client)
	switch {
	case f.Trusted:
		o := r.proxies.origin(f.Client, h.Header)
		f.Client = o.client
		f.Odd |= o.odd
		if o.scheme != "" {
			f.Scheme = o.scheme
		}
		if o.host != "" {
			authority = o.host
		}
	case noted.forwarding:
		f.Odd |= OddSpoof
	}
	f.Host = hostName(authority)
	f.Route, f.Template = r.routes.Match(f.Method, f.Host, f.Path)
}

// noted is what one pass over the header finds, cheaper than a look-up for every name we know.
type noted struct {
	authorization, userAgent, requestID []string
	forwarding                          bool
}

func (r *Reader) note(h http.Header) (n noted) {
	for name, lines := range h {
		switch name {
		case "Authorization":
			n.authorization = lines
		case "User-Agent":
			n.userAgent = lines
		case "X-Request-Id":
			n.requestID = lines
		default:
			n.forwarding = n.forwarding || r.proxies.speaksFor(name)
		}
	}
	return n
}

// requestID accepts one short line of printable ASCII.
func requestID(lines []string) string {
	if len(lines) != 1 || len(lines[0]) > maxRequestID {
		return ""
	}
	id := lines[0]
	for i := range len(id) {
		if id[i] < ' ' || id[i] > '~' {
			return ""
		}
	}
	return id
}

func userAgent(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0][:min(len(lines[0]), maxUserAgent)]
}

// methodName puts the methods of RFC 9110, and PATCH, in upper case: some servers do, so "post" may be served as POST and must be
// judged as POST.
func methodName(s string) string {
	switch s {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodHead, http.MethodOptions:
		return s
	}
	if len(s) > len(http.MethodOptions) {
		return s
	}
	for _, known := range [...]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodHead,
		http.MethodOptions, http.MethodConnect, http.MethodTrace} {
		if strings.EqualFold(s, known) {
			return known
		}
	}
	return s
}
