package gateway_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestHTTP2OverTLS: the client speaks HTTP/2 over TLS, the upstream plain HTTP/1.1, and neither notices.
func TestHTTP2OverTLS(t *testing.T) {
	t.Parallel()
	certificate := issue(t, "first")
	up, reached := seen(t)
	s := open(t, fmt.Sprintf("mode: enforce\nserver: {tls: {cert_file: %q, key_file: %q}}\nlimits: [{name: few, per: [client], rate: 3/h}]\n", certificate.cert, certificate.key), up)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: certificate.pool, ServerName: "gate.example"}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	ask := func(body string) answer {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "POST", "https://"+s.addr+"/x?a=b", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "gate.example"
		res, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		return read(t, res)
	}
	for range 3 {
		if a := ask("hello"); a.Proto != "HTTP/2.0" || a.StatusCode != 200 {
			t.Fatalf("%s %s", a.Proto, a.Status)
		}
		r := within(t, "the request", reached)
		if r.Proto != "HTTP/1.1" || r.Host != "gate.example" || r.RequestURI != "/x?a=b" || r.Header.Get("X-Forwarded-Proto") != "https" || r.ContentLength != 5 {
			t.Errorf("%s %s %s %v", r.Proto, r.Host, r.RequestURI, r.Header)
		}
	}
	ask("hello").problem(t, 429)

	// A new certificate is taken into use by a reload, a broken one is not.
	renewed := issue(t, "second")
	renewed.replace(t, certificate)
	s.reload("mode: enforce\n")
	if got := s.presented(t); got != "second" {
		t.Errorf("presented %q after the reload", got)
	}
	if err := os.WriteFile(certificate.cert, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.gateway.Reload(s.plan("mode: monitor\n")); err == nil {
		t.Error("a broken certificate was taken")
	}
	if got := s.presented(t); got != "second" {
		t.Errorf("presented %q after the broken one", got)
	}
	if got := s.gate.Config().Mode.String(); got != "enforce" {
		t.Errorf("the mode is %s: a reload that failed changed something", got)
	}
}

// presented is the name in the certificate the gate shows.
func (s *site) presented(t *testing.T) string {
	t.Helper()
	c, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

// pair is a certificate in files.
type pair struct {
	cert, key string
	pool      *x509.CertPool
}

// issue makes a certificate for gate.example that vouches for itself.
func issue(t *testing.T, name string) pair {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"gate.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := pair{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), x509.NewCertPool()}
	p.pool.AddCert(parsed)
	for file, block := range map[string]*pem.Block{p.cert: {Type: "CERTIFICATE", Bytes: der}, p.key: {Type: "PRIVATE KEY", Bytes: text}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// replace puts this certificate in the place of another.
func (p pair) replace(t *testing.T, other pair) {
	t.Helper()
	for from, to := range map[string]string{p.cert: other.cert, p.key: other.key} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
}
