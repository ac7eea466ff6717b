package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// target is one place requests go to. The pool owns it; pending and health are shared by all requests.
type target struct {
	name   string // as configured
	scheme string // http or https, as net/http wants it
	addr   string // host:port
	h2c    bool
	tls    *tls.Config // nil without TLS

	dialer    dialer
	transport *http.Transport // rung A
	switching *http.Transport // rung A, for upgrades: they need HTTP/1.1
	idle      idle            // rung B
	lookout   lookout         // rung B
	pending   atomic.Int64
	health    health
}

// dialer opens plain connections; tests put another network in its place.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// newTarget returns a target ready for both rungs.
func newTarget(name string, cfg *Config, dial dialer) (*target, error) {
	scheme, addr, err := splitTarget(name)
	if err != nil {
		return nil, err
	}
	t := &target{name: name, scheme: scheme, addr: addr, dialer: dial}
	switch scheme {
	case "h2c":
		t.scheme, t.h2c = "http", true
	case "https":
		if t.tls, err = cfg.TLS.client(addr); err != nil {
			return nil, err
		}
	}
	t.transport, t.switching = t.newTransport(cfg), t.newTransport(cfg)
	if t.tls != nil {
		t.transport, t.switching = t.newTransport(cfg, "h2", "http/1.1"), t.newTransport(cfg, "http/1.1")
	}
	t.idle.limit, t.idle.keep = cfg.MaxIdle, cfg.IdleTimeout
	t.health.init()
	return t, nil
}

// newTransport is a transport of rung A: no proxy, no compression of its own, over TLS the given protocols.
func (t *target) newTransport(cfg *Config, alpn ...string) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(!t.h2c)
	protocols.SetHTTP2(slices.Contains(alpn, "h2"))
	protocols.SetUnencryptedHTTP2(t.h2c)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return t.dialAttentive(ctx, cfg.ConnectTimeout, alpn)
	}
	return &http.Transport{
		DialContext:            dial,
		DialTLSContext:         dial,
		Protocols:              &protocols,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    max(cfg.MaxIdle, 1),
		DisableKeepAlives:      cfg.MaxIdle == 0,
		IdleConnTimeout:        cfg.IdleTimeout,
		ResponseHeaderTimeout:  cfg.ResponseHeaderTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHead,
		ReadBufferSize:         readBuffer,
		WriteBufferSize:        readBuffer,
	}
}

// dial opens a connection for rung B.
func (t *target) dial(ctx context.Context, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c, err := t.dialer(ctx, "tcp", t.addr)
	if err != nil {
		return nil, &dialError{err}
	}
	if t.tls == nil {
		return c, nil
	}
	return t.secure(ctx, c, "http/1.1")
}

// dialAttentive opens a connection for rung A.
func (t *target) dialAttentive(ctx context.Context, timeout time.Duration, alpn []string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	raw, err := t.dialer(ctx, "tcp", t.addr)
	if err != nil {
		return nil, &dialError{err}
	}
	c := &attentive{Conn: raw, closed: make(chan struct{}), hears: !t.h2c}
	if t.tls == nil {
		return c, nil
	}
	s, err := t.secure(ctx, c, alpn...)
	if err != nil {
		return nil, err
	}
	c.hears = s.ConnectionState().NegotiatedProtocol != "h2"
	return s, nil
}

// secure shakes hands on a connection, offering the given protocols.
func (t *target) secure(ctx context.Context, raw net.Conn, alpn ...string) (*tls.Conn, error) {
	cfg := t.tls.Clone()
	cfg.NextProtos = alpn
	c := tls.Client(raw, cfg)
	if err := c.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, &dialError{err}
	}
	return c, nil
}

// client builds the TLS configuration towards the target at addr.
func (c TLS) client(addr string) (*tls.Config, error) {
	name := c.ServerName
	if name == "" {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		name = host
	}
	cfg := &tls.Config{
		ServerName:         name,
		InsecureSkipVerify: c.InsecureSkipVerify, // the operator's word, documented as for tests
		ClientSessionCache: tls.NewLRUClientSessionCache(64),
		MinVersion:         tls.VersionTLS12,
	}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("upstream: tls.ca_file: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("upstream: tls.ca_file: no certificate in %s", c.CAFile)
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("upstream: tls.cert_file: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// withPort completes a host with a port where it has none.
func withPort(addr, port string) (string, error) {
	host, p, err := net.SplitHostPort(addr)
	if err != nil {
		ae, ok := errors.AsType[*net.AddrError](err)
		if !ok || ae.Err != "missing port in address" {
			return "", err
		}
		if len(addr) > 1 && addr[0] == '[' && addr[len(addr)-1] == ']' {
			addr = addr[1 : len(addr)-1]
		}
		host, p = addr, port
	}
	if host == "" || !all(&hostByte, host) || strings.ContainsAny(host, "[]") {
		return "", errors.New("not a host")
	}
	if _, err := net.LookupPort("tcp", p); err != nil {
		return "", err
	}
	return net.JoinHostPort(host, p), nil
}
