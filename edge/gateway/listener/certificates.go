package listener

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

// certificates is the certificate in use and where it came from.
type certificates struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]

	mu   sync.Mutex // one reload at a time
	read [sha256.Size]byte
}

func loadCertificates(certFile, keyFile string) (*certificates, error) {
	c := &certificates{certFile: certFile, keyFile: keyFile}
	_, err := c.reload()
	return c, err
}

// reload compares contents, not times: links are swapped and clocks are wrong. The pair is replaced whole or not at all.
func (c *certificates) reload() (changed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cert, err := os.ReadFile(c.certFile)
	if err != nil {
		return false, fmt.Errorf("tls: %w", err)
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return false, fmt.Errorf("tls: %w", err)
	}
	sum := sha256.Sum256(append(append([]byte{}, cert...), key...))
	if sum == c.read {
		return false, nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return false, fmt.Errorf("tls: %s and %s: %w", c.certFile, c.keyFile, err)
	}
	c.current.Store(&pair)
	c.read = sum
	return true, nil
}

func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}
