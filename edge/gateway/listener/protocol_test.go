package listener

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
)

func proto(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }

func TestProtocols(t *testing.T) {
	p := newPair(t)
	pool := p.write(t, 1)
	_, plain := start(t, Config{}, proto)
	_, secure := start(t, Config{TLS: TLS{CertFile: p.cert, KeyFile: p.key}}, proto)
	for _, c := range []struct {
		name string
		only func(*http.Protocols)
		url  string
		want string
	}{
		{"HTTP/1.1", http1, "http://" + plain, "HTTP/1.1"},
		{"HTTP/2 by prior knowledge", h2c, "http://" + plain, "HTTP/2.0"},
		{"HTTP/1.1 over TLS", http1, "https://" + secure, "HTTP/1.1"},
		{"HTTP/2 over TLS", http2, "https://" + secure, "HTTP/2.0"},
	} {
		res, body := get(t, client(t, c.only, pool), c.url)
		if res.StatusCode != 200 || body != c.want {
			t.Errorf("%s: status %d, the handler saw %q", c.name, res.StatusCode, body)
		}
	}
	if got := talk(t, secure, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.0 400 ") {
		t.Errorf("plain HTTP to the TLS port is answered by %q", got)
	}
	if got := talk(t, plain, "GET / HTTP/1.0\r\n\r\n"); !strings.HasSuffix(got, "HTTP/1.0") {
		t.Errorf("HTTP/1.0 is answered by %q", got)
	}
}

// serial opens a TLS connection and tells the certificate shown.
func serial(t *testing.T, addr string, c *tls.Config) (*tls.Conn, int64) {
	t.Helper()
	conn := tls.Client(dial(t, addr), c)
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	return conn, conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestCertificateIsReadAgain(t *testing.T) {
	p := newPair(t)
	p.write(t, 1)
	f, addr := start(t, Config{TLS: TLS{CertFile: p.cert, KeyFile: p.key}}, hello)
	anything := &tls.Config{InsecureSkipVerify: true}
	old, n := serial(t, addr, anything)
	if n != 1 {
		t.Fatalf("certificate %d is shown first", n)
	}
	if changed, err := f.ReloadCertificates(); changed || err != nil {
		t.Fatalf("nothing changed, and reload says %v, %v", changed, err)
	}
	good, err := os.ReadFile(p.key)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, 2)
	newer, err := os.ReadFile(p.key)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{"another pair's key": good, "an empty key": nil, "half a key": newer[:len(newer)/2]} {
		writeFile(t, p.key, bad)
		if changed, err := f.ReloadCertificates(); changed || err == nil {
			t.Errorf("%s: reload says %v, %v", name, changed, err)
		}
		if _, n := serial(t, addr, anything); n != 1 {
			t.Errorf("%s: certificate %d is shown", name, n)
		}
	}
	if err := os.Remove(p.key); err != nil {
		t.Fatal(err)
	}
	if changed, err := f.ReloadCertificates(); changed || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a key reload says %v, %v", changed, err)
	}
	writeFile(t, p.key, newer)
	if changed, err := f.ReloadCertificates(); !changed || err != nil {
		t.Fatalf("of a new pair reload says %v, %v", changed, err)
	}
	if _, n := serial(t, addr, anything); n != 2 {
		t.Errorf("certificate %d is shown after the reload", n)
	}
	send(t, old, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if got := rest(t, old); !strings.HasSuffix(got, "hello") {
		t.Errorf("the old connection answers %q", got)
	}
}

func TestTLSVersions(t *testing.T) {
	p := newPair(t)
	p.write(t, 1)
	for _, c := range []struct {
		min    string
		client uint16
		ok     bool
	}{
		{"", tls.VersionTLS13, true}, {"", tls.VersionTLS12, true}, {"", tls.VersionTLS11, false},
		{"1.2", tls.VersionTLS12, true}, {"1.3", tls.VersionTLS13, true}, {"1.3", tls.VersionTLS12, false},
	} {
		_, addr := start(t, Config{TLS: TLS{CertFile: p.cert, KeyFile: p.key, MinVersion: c.min}}, hello)
		conn := tls.Client(dial(t, addr), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: c.client})
		if err := conn.Handshake(); (err == nil) != c.ok {
			t.Errorf("min_version %q and %s: %v", c.min, tls.VersionName(c.client), err)
		}
	}
}

func TestWrongCertificatesAreKnownBeforeListening(t *testing.T) {
	p := newPair(t)
	for name, c := range map[string]TLS{
		"no such files":      {CertFile: p.cert, KeyFile: p.key},
		"a cert alone":       {CertFile: p.cert},
		"a key alone":        {KeyFile: p.key},
		"an unknown minimum": {MinVersion: "1.1"},
	} {
		if _, err := New(Config{TLS: c}, http.HandlerFunc(hello), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestListenBindsAllOrNone(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	f, err := New(Config{}, http.HandlerFunc(hello), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Serve(); err == nil {
		t.Error("there is nothing to serve, and no error")
	}
	if err := f.Listen([]string{"127.0.0.1:0", taken.Addr().String()}); err == nil {
		t.Error("a taken port is bound")
	}
	if n := len(f.Addrs()); n != 0 {
		t.Errorf("%d addresses are left", n)
	}
}
