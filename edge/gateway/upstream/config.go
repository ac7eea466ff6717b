package upstream

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Config says where requests go and how patient to be on the way. Only Targets is required; every zero value stands for
// the default named in its doc tag.
type Config struct {
	Targets               []string      `yaml:"targets" doc:"Where requests go: http://host:port, https://host:port, h2c://host:port (HTTP/2 without TLS) or plain host:port (http). No path: the request target is passed on as the client sent it. An https target must speak HTTP/1.1; HTTP/2 is used with it where gRPC or an upload asks for it and it is offered."`
	Balance               Balance       `yaml:"balance" doc:"How one of several targets is chosen: round_robin (default) or least_pending (the one with the fewest requests under way)."`
	ConnectTimeout        time.Duration `yaml:"connect_timeout" doc:"How long a connection to a target, TLS handshake included, may take. Default 2s."`
	ResponseHeaderTimeout time.Duration `yaml:"response_header_timeout" doc:"How long a target may take from the request to the head of its answer. Default 60s; negative: for ever. May be overrun by an eighth."`
	BodyIdleTimeout       time.Duration `yaml:"body_idle_timeout" doc:"How long a target may fall silent in the middle of an answer. Default 5m; negative: for ever. WebSocket and other upgraded connections are not concerned."`
	IdleTimeout           time.Duration `yaml:"idle_timeout" doc:"How long an unused connection to a target is kept. Default 90s. Keep it below the target's own."`
	MaxIdle               int           `yaml:"max_idle" doc:"How many unused connections are kept per target. Default 256; negative: none."`
	MaxRetries            int           `yaml:"max_retries" doc:"How often a request is tried again, only when that is safe: no connection came about, or an idempotent request met a connection the target had already closed. Default 1; negative: never."`
	Ejection              Ejection      `yaml:"ejection" doc:"Passive health: a target that keeps failing is left out for a while."`
	Check                 Check         `yaml:"check" doc:"Active health: targets are asked regularly. Off without a path."`
	TLS                   TLS           `yaml:"tls" doc:"How https targets are verified and what they are shown."`
}

// Ejection is the passive health of a pool: what the requests themselves tell about a target. Never more than half of
// the targets are left out, and never the only one.
type Ejection struct {
	Failures int           `yaml:"failures" doc:"Consecutive failures (no connection, no answer in time, a broken answer) that leave a target out. Default 5; negative: never."`
	For      time.Duration `yaml:"for" doc:"How long it is left out the first time; doubled each time after. Default 10s."`
	AtMost   time.Duration `yaml:"at_most" doc:"The longest a target is left out. Default 5m."`
}

// Check is the active health check of every target.
type Check struct {
	Path      string        `yaml:"path" doc:"Path asked by GET; any 2xx or 3xx status is healthy. Empty: no check."`
	Host      string        `yaml:"host" doc:"Host header of the check. Default: the target's own host and port."`
	Interval  time.Duration `yaml:"interval" doc:"Time between two checks of a target. Default 10s."`
	Timeout   time.Duration `yaml:"timeout" doc:"How long a check may take. Default 2s."`
	Healthy   int           `yaml:"healthy" doc:"Consecutive good checks that bring a target back. Default 2."`
	Unhealthy int           `yaml:"unhealthy" doc:"Consecutive bad checks that take a target out. Default 3."`
}

// TLS concerns https targets only.
type TLS struct {
	CAFile             string `yaml:"ca_file" doc:"PEM file of the authorities trusted for targets, instead of the system's."`
	CertFile           string `yaml:"cert_file" doc:"PEM file of the certificate shown to targets (mutual TLS)."`
	KeyFile            string `yaml:"key_file" doc:"PEM file of the key of cert_file."`
	ServerName         string `yaml:"server_name" doc:"Name the target's certificate must carry. Default: the target's host."`
	InsecureSkipVerify bool   `yaml:"insecure_skip_verify" doc:"Accept any certificate. For tests only."`
}

// Balance names how one of several targets is chosen.
type Balance string

// The ways to choose; the empty string is RoundRobin.
const (
	RoundRobin   Balance = "round_robin"
	LeastPending Balance = "least_pending"
)

// withDefaults fills in what the doc tags promise and refuses what makes no sense.
func (c Config) withDefaults() (Config, error) {
	if len(c.Targets) == 0 {
		return c, errors.New("upstream: no targets")
	}
	c.Balance = cmp.Or(c.Balance, RoundRobin)
	if c.Balance != RoundRobin && c.Balance != LeastPending {
		return c, fmt.Errorf("upstream: balance %q is neither %s nor %s", c.Balance, RoundRobin, LeastPending)
	}
	c.ConnectTimeout = cmp.Or(c.ConnectTimeout, 2*time.Second)
	c.ResponseHeaderTimeout = forever(cmp.Or(c.ResponseHeaderTimeout, 60*time.Second))
	c.BodyIdleTimeout = forever(cmp.Or(c.BodyIdleTimeout, 5*time.Minute))
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 90*time.Second)
	c.MaxIdle = max(cmp.Or(c.MaxIdle, 256), 0)
	c.MaxRetries = max(cmp.Or(c.MaxRetries, 1), 0)
	c.Ejection.Failures = max(cmp.Or(c.Ejection.Failures, 5), 0)
	c.Ejection.For = cmp.Or(c.Ejection.For, 10*time.Second)
	c.Ejection.AtMost = max(cmp.Or(c.Ejection.AtMost, 5*time.Minute), c.Ejection.For)
	c.Check.Interval = cmp.Or(c.Check.Interval, 10*time.Second)
	c.Check.Timeout = cmp.Or(c.Check.Timeout, 2*time.Second)
	c.Check.Healthy = max(cmp.Or(c.Check.Healthy, 2), 1)
	c.Check.Unhealthy = max(cmp.Or(c.Check.Unhealthy, 3), 1)
	if c.Check.Path != "" && !validTarget("GET", c.Check.Path) {
		return c, fmt.Errorf("upstream: check path %q must begin with a slash and hold no space", c.Check.Path)
	}
	if c.ConnectTimeout < 0 || c.IdleTimeout < 0 || c.Ejection.For < 0 || c.Check.Interval < 0 || c.Check.Timeout < 0 {
		return c, errors.New("upstream: connect_timeout, idle_timeout, ejection.for, check.interval and check.timeout cannot be negative")
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		return c, errors.New("upstream: tls.cert_file and tls.key_file belong together")
	}
	return c, nil
}

// forever turns "negative: no limit" into the zero the rest of the room uses for it.
func forever(d time.Duration) time.Duration { return max(d, 0) }

// splitTarget reads one entry of Config.Targets into a scheme and a host:port.
func splitTarget(s string) (scheme, addr string, err error) {
	scheme, addr, ok := strings.Cut(s, "://")
	if !ok {
		scheme, addr = "http", s
	}
	addr = strings.TrimSuffix(addr, "/")
	port := "80"
	switch scheme {
	case "http", "h2c":
	case "https":
		port = "443"
	default:
		return "", "", fmt.Errorf("upstream: target %q: scheme is none of http, https, h2c", withoutUser(s))
	}
	if addr == "" || strings.ContainsAny(addr, "/?#@ ") {
		return "", "", fmt.Errorf("upstream: target %q: want only a host and a port", withoutUser(s))
	}
	addr, err = withPort(addr, port)
	if err != nil {
		return "", "", fmt.Errorf("upstream: target %q: %w", withoutUser(s), err)
	}
	return scheme, addr, nil
}

// withoutUser takes credentials out of a target that is going to be printed; targets have none, but people try.
func withoutUser(s string) string {
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return s
	}
	scheme, _, ok := strings.Cut(s[:at], "://")
	if !ok {
		return "[redacted]" + s[at:]
	}
	return scheme + "://[redacted]" + s[at:]
}
