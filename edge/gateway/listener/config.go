package listener

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"glacis/internal/bytesize"
)

// Config says how connections are accepted and how patient to be with clients. The zero value works: each field's default is in its
// doc tag.
type Config struct {
	TLS            TLS            `yaml:"tls" doc:"Certificate of the gate. Without it the gate speaks plain HTTP/1.1 and HTTP/2 (h2c)."`
	ProxyProtocol  []netip.Prefix `yaml:"proxy_protocol" doc:"Networks of load balancers that announce the client by PROXY protocol v1 or v2; their connections must begin with it. From others it is refused."`
	HeaderTimeout  time.Duration  `yaml:"header_timeout" doc:"How long a client may take to send a request's head. Default 10s."`
	IdleTimeout    time.Duration  `yaml:"idle_timeout" doc:"How long an unused client connection is kept. Default 75s."`
	MinRate        bytesize.Size  `yaml:"min_rate" doc:"Bytes a second below which a client that sends or takes a body is cut off, once grace is over. Default 256; negative: never."`
	Grace          time.Duration  `yaml:"grace" doc:"How long a body may stay below min_rate; what comes faster earns it back. May be overrun by an eighth. Default 15s."`
	MaxHeader      bytesize.Size  `yaml:"max_header" doc:"Most bytes of a request's head. Default 32KiB."`
	MaxBody        bytesize.Size  `yaml:"max_body" doc:"Most bytes of a request's body. Default: no limit."`
	MaxConnections int            `yaml:"max_connections" doc:"Most client connections at once. Default 16384."`
	MaxPerAddress  int            `yaml:"max_per_address" doc:"Most connections of one address (IPv6: of one /64) at once, load balancers of proxy_protocol excepted. Default 1024."`
	MaxStreams     int            `yaml:"max_streams" doc:"Most HTTP/2 requests under way on one connection. Default 250."`
	DrainTimeout   time.Duration  `yaml:"drain_timeout" doc:"How long requests under way may go on after a stop is asked for. Default 20s."`
}

// TLS names the certificate. The files are read again when they change.
type TLS struct {
	CertFile   string `yaml:"cert_file" doc:"PEM file of the certificate and its chain."`
	KeyFile    string `yaml:"key_file" doc:"PEM file of its key."`
	MinVersion string `yaml:"min_version" enum:"1.2,1.3" doc:"Oldest TLS version spoken. Default 1.2."`
}

// withDefaults fills in what the doc tags promise and refuses what makes no sense.
func (c Config) withDefaults() (Config, error) {
	c.HeaderTimeout = cmp.Or(c.HeaderTimeout, 10*time.Second)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 75*time.Second)
	c.MinRate = cmp.Or(c.MinRate, 256)
	c.Grace = cmp.Or(c.Grace, 15*time.Second)
	c.MaxHeader = cmp.Or(c.MaxHeader, 32<<10)
	c.MaxConnections = cmp.Or(c.MaxConnections, 16384)
	c.MaxPerAddress = cmp.Or(c.MaxPerAddress, 1024)
	c.MaxStreams = cmp.Or(c.MaxStreams, 250)
	c.DrainTimeout = cmp.Or(c.DrainTimeout, 20*time.Second)
	for _, setting := range [...]struct {
		name  string
		value int64
	}{
		{"header_timeout", int64(c.HeaderTimeout)}, {"idle_timeout", int64(c.IdleTimeout)}, {"grace", int64(c.Grace)},
		{"max_header", int64(c.MaxHeader)}, {"max_body", int64(c.MaxBody)}, {"max_connections", int64(c.MaxConnections)},
		{"max_per_address", int64(c.MaxPerAddress)}, {"max_streams", int64(c.MaxStreams)}, {"drain_timeout", int64(c.DrainTimeout)},
	} {
		if setting.value < 0 {
			return c, fmt.Errorf("server: %s cannot be negative", setting.name)
		}
	}
	return c, c.TLS.check()
}

// check refuses half a pair: the gate must not speak plain HTTP where somebody meant it to speak TLS.
func (t TLS) check() error {
	if (t.CertFile == "") != (t.KeyFile == "") {
		return errors.New("server: tls.cert_file and tls.key_file belong together")
	}
	if t.MinVersion != "" && t.MinVersion != "1.2" && t.MinVersion != "1.3" {
		return fmt.Errorf("server: tls.min_version %q is neither 1.2 nor 1.3", t.MinVersion)
	}
	return nil
}
