package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"glacis"
	"glacis/config"
	"glacis/edge/gateway"
	"glacis/internal/strictyaml"
)

// patience bounds every wait of a test that would otherwise hang; no test passes by it.
const patience = 20 * time.Second

// small keeps the gate's tables small: many gates are opened here.
const small = "memory: {budgets: 4096, actors: 1024}\n"

// site is a gate on loopback, with everything it wrote.
type site struct {
	t       *testing.T
	gate    *glacis.Gate
	gateway *gateway.Gateway
	addr    string // host:port
	log     *notes
	data    string
	base    config.Override
	stopped sync.Once
	cut     bool // connections are cut at the stop, which says so
}

// open starts a gate with the given configuration in front of upstreams.
func open(t *testing.T, yaml string, upstreams ...string) *site {
	t.Helper()
	s := &site{t: t, log: new(notes), data: t.TempDir()}
	s.base = config.Override{Upstream: upstreams, Listen: []string{"127.0.0.1:0"}, Admin: "127.0.0.1:0", Data: s.data}
	s.start(s.plan(yaml))
	return s
}

// start opens the gate, to be stopped with the test.
func (s *site) start(p *config.Plan) {
	s.t.Helper()
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if s.gate, err = glacis.OpenPlan(p, glacis.WithLogger(log)); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.stop)
	if s.gateway, err = gateway.New(s.gate, log); err != nil {
		s.t.Fatal(err)
	}
	if err := s.gateway.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.addr = s.gateway.Addrs()[0].String()
}

// plan compiles a configuration.
func (s *site) plan(yaml string) *config.Plan {
	s.t.Helper()
	p, err := config.Parse("test.yaml", []byte(small+yaml), strictyaml.System(), s.base)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// reload puts another configuration into force.
func (s *site) reload(yaml string) {
	s.t.Helper()
	if _, err := s.gateway.Reload(s.plan(yaml)); err != nil {
		s.t.Fatal(err)
	}
}

// stop ends the gate once; later calls do nothing.
func (s *site) stop() {
	s.stopped.Do(func() {
		if s.gateway != nil {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := s.gateway.Stop(ctx); err != nil && !s.cut {
				s.t.Error(err)
			}
		}
		if err := s.gate.Close(); err != nil {
			s.t.Error(err)
		}
	})
}

// line is what these tests look at in a line of the record.
type line struct {
	Time       time.Time
	ID         string
	Path       string `json:"url.path"`
	Template   string `json:"http.route"`
	Status     int    `json:"http.response.status_code"`
	In         int64  `json:"http.request.body.size"`
	Out        int64  `json:"http.response.body.size"`
	Client     string `json:"client.address"`
	Remote     string `json:"network.peer.address"`
	Class      string
	Subject    string
	Verdict    string
	Cause      string
	Would      string
	WouldCause string `json:"would_cause"`
	Limit      struct{ Name string }
	Outcome    string
	Failure    string
	Upstream   string
}

// lines stops the gate and reads its record, in the order of the requests' heads.
func (s *site) lines() []line {
	s.t.Helper()
	s.stop()
	var lines []line
	for text := range bytes.Lines(s.record()) {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			s.t.Fatalf("%v in %s", err, text)
		}
		lines = append(lines, l)
	}
	slices.SortFunc(lines, func(a, b line) int { return a.Time.Compare(b.Time) })
	return lines
}

// record is the record file, byte for byte.
func (s *site) record() []byte {
	s.t.Helper()
	text, err := os.ReadFile(s.gate.RecordPath())
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// only is the one line of the record.
func (s *site) only() line {
	s.t.Helper()
	lines := s.lines()
	if len(lines) != 1 {
		s.t.Fatalf("%d lines for one request: %+v", len(lines), lines)
	}
	return lines[0]
}

// url is the address of a path at the gate.
func (s *site) url(path string) string { return "http://" + s.addr + path }

// raw sends bytes on a connection of their own and returns what comes back until the gate closes it.
func (s *site) raw(request string) string {
	s.t.Helper()
	c := s.dial()
	if _, err := io.WriteString(c, request); err != nil {
		s.t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		s.t.Fatalf("%v after %q", err, answer)
	}
	return string(answer)
}

// dial opens a connection to the gate that does not hang for ever.
func (s *site) dial() net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

// send asks the gate; fields are name, value, name, value.
func (s *site) send(method, path, body string, fields ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url(path), strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return read(s.t, res)
}

func (s *site) get(path string, fields ...string) answer {
	s.t.Helper()
	return s.send("GET", path, "", fields...)
}

// login tries one password for one account.
func (s *site) login(user, password string, fields ...string) answer {
	s.t.Helper()
	return s.send("POST", "/api/login", `{"email":"`+user+`","password":"`+password+`"}`,
		append(fields, "Content-Type", "application/json")...)
}

func read(t *testing.T, res *http.Response) answer {
	t.Helper()
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, string(body)}
}

// problem is a refusal as the caller reads it.
type problem struct {
	Type     string
	Title    string
	Status   int
	Decision string
	Violated []string `json:"violated-policies"`
}

// problem reads a refusal, which must have the given status and be whole.
func (a answer) problem(t *testing.T, status int) problem {
	t.Helper()
	var p problem
	if a.StatusCode != status || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%s %v %s, want a problem with status %d", a.Status, a.Header, a.body, status)
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	if p.Status != status || len(p.Decision) != 26 || p.Decision != a.Header.Get("Glacis-Decision") || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%+v, header %v", p, a.Header)
	}
	return p
}

// upstream starts an API of the test's own.
func upstream(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// ok is an API that likes everything.
func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }

// seen is an API that likes everything and shows the requests that reach it.
func seen(t *testing.T) (url string, requests <-chan *http.Request) {
	t.Helper()
	got := make(chan *http.Request, 1000)
	return upstream(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got <- r
		ok(w, r)
	}), got
}

// notes is a log that can be read while it is written.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(b)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// within waits for something that must happen.
func within[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

// until asks again and again for something that must come to be.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); {
		if time.Now().After(end) {
			t.Fatalf("%s did not come", what)
		}
	}
}
