// Package listener is the listening side of the gateway: connections accepted and counted, TLS with certificates that are read again
// when they change, PROXY protocol, and patience with slow clients that ends. It serves one http.Handler and knows nothing of what
// that does.
package listener

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/pires/go-proxyproto"
)

// Front accepts connections for a handler. Use it in this order: New, Listen, Serve, Stop.
type Front struct {
	config    Config
	server    *http.Server
	certs     *certificates // nil without TLS
	counted   *counted
	listeners []net.Listener
}

// New makes a front for h. Certificates are read here, so that a wrong file is known before anything is bound.
func New(c Config, h http.Handler, log *slog.Logger) (*Front, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	f := &Front{config: c, counted: newCounted(c)}
	f.server = &http.Server{
		Handler:           &patient{h, int64(c.MinRate), c.Grace, int64(c.MaxBody)},
		ReadHeaderTimeout: c.HeaderTimeout,
		IdleTimeout:       c.IdleTimeout,
		MaxHeaderBytes:    int(c.MaxHeader),
		ErrorLog:          stdlog.New(complaints{log}, "", 0),
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: c.MaxStreams},
		Protocols:         new(http.Protocols),

		DisableGeneralOptionsHandler: true, // OPTIONS * is the handler's to answer
	}
	f.server.Protocols.SetHTTP1(true)
	f.server.Protocols.SetHTTP2(true)
	f.server.Protocols.SetUnencryptedHTTP2(true)
	if c.TLS.CertFile == "" {
		return f, nil
	}
	if f.certs, err = loadCertificates(c.TLS.CertFile, c.TLS.KeyFile); err != nil {
		return nil, err
	}
	f.server.TLSConfig = &tls.Config{GetCertificate: f.certs.get, MinVersion: tls.VersionTLS12}
	if c.TLS.MinVersion == "1.3" {
		f.server.TLSConfig.MinVersion = tls.VersionTLS13
	}
	return f, nil
}

// Listen binds the addresses. When one cannot be bound none stays bound.
func (f *Front) Listen(addresses []string) error {
	for _, a := range addresses {
		l, err := net.Listen("tcp", a)
		if err != nil {
			for _, bound := range f.listeners {
				err = errors.Join(err, bound.Close())
			}
			f.listeners = nil
			return err
		}
		f.listeners = append(f.listeners, f.wrap(l))
	}
	return nil
}

// wrap puts the layers of a connection on each other: counted first, so that a flood costs least; then the client announced by PROXY
// protocol; then the paced writes.
func (f *Front) wrap(l net.Listener) net.Listener {
	l = &admission{l, f.counted}
	if len(f.config.ProxyProtocol) > 0 {
		l = &proxyproto.Listener{Listener: l, ConnPolicy: f.announced, ValidateHeader: announcement, ReadHeaderTimeout: f.config.HeaderTimeout}
	}
	return &pacing{l, int64(f.config.MinRate), f.config.Grace}
}

// announced requires PROXY protocol from the listed networks and reads everybody else's bytes as they are, so that an announcement by a
// stranger is a malformed request.
func (f *Front) announced(c proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
	if contains(f.config.ProxyProtocol, c.Upstream) {
		return proxyproto.REQUIRE, nil
	}
	return proxyproto.SKIP, nil
}

// announcement refuses clients that are not at an address of the Internet: no limit could be kept for them. A load balancer that speaks
// for itself (LOCAL, UNKNOWN) announces none.
func announcement(h *proxyproto.Header) error {
	if h.Command.IsLocal() {
		return nil
	}
	if _, ok := h.SourceAddr.(*net.TCPAddr); !ok {
		return fmt.Errorf("no TCP client announced but %v", h.SourceAddr)
	}
	return nil
}

// Addrs are the bound addresses, in the order of Listen.
func (f *Front) Addrs() []net.Addr {
	addrs := make([]net.Addr, len(f.listeners))
	for i, l := range f.listeners {
		addrs[i] = l.Addr()
	}
	return addrs
}

// Connections is how many client connections are open.
func (f *Front) Connections() int {
	open, _ := f.counted.figures()
	return open
}

// Turned is how many connections were turned away because there were too many.
func (f *Front) Turned() uint64 {
	_, turned := f.counted.figures()
	return turned
}

// Serve accepts connections until Stop, or until a listener fails.
func (f *Front) Serve() error {
	if len(f.listeners) == 0 {
		return errors.New("no address to serve")
	}
	var serving sync.WaitGroup
	failed := make(chan error, len(f.listeners))
	for _, l := range f.listeners {
		serving.Go(func() { failed <- f.serve(l) })
	}
	err := <-failed
	if !errors.Is(err, http.ErrServerClosed) {
		_ = f.server.Close() // one listener is gone: the others must not go on as if nothing had happened
	}
	serving.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (f *Front) serve(l net.Listener) error {
	if f.certs == nil {
		return f.server.Serve(l)
	}
	return f.server.ServeTLS(l, "", "")
}

// ReloadCertificates reads the certificate files again when they changed. A bad file changes nothing and is the error.
func (f *Front) ReloadCertificates() (changed bool, err error) {
	if f.certs == nil {
		return false, nil
	}
	return f.certs.reload()
}

// Stop accepts nothing more, lets requests under way and upgraded connections end for as long as the drain timeout and the context
// allow, then cuts the rest and says in its error how many they were. It may be called at any time, and more than once.
func (f *Front) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, f.config.DrainTimeout)
	defer cancel()
	err := f.server.Shutdown(ctx)
	for _, l := range f.listeners {
		_ = l.Close() // the server knows only those it has served
	}
	if err == nil {
		err = f.counted.wait(ctx) // for the upgraded ones, which the server does not know any more
	}
	if err == nil {
		return nil
	}
	cut := f.counted.cut() // first: TLS would say farewell to each client, and wait for it
	_ = f.server.Close()
	return fmt.Errorf("%d connections did not end in time: %w", cut, err)
}
