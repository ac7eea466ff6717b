package glacis_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"glacis"
	"glacis/config"
	"glacis/internal/strictyaml"
)

// gate is an open gate with what it wrote.
type gate struct {
	*glacis.Gate
	t    testing.TB
	log  *notes
	data string
}

// open opens a gate, to be closed with the test.
func open(t testing.TB, yaml string) *gate {
	t.Helper()
	g := &gate{t: t, log: new(notes), data: t.TempDir()}
	var err error
	if g.Gate, err = glacis.OpenPlan(g.plan(yaml), glacis.WithLogger(slog.New(slog.NewTextHandler(g.log, nil)))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// plan compiles a configuration. The tables are small: many gates are opened here.
func (g *gate) plan(yaml string) *config.Plan {
	g.t.Helper()
	p, err := config.Parse("test.yaml", []byte("memory: {budgets: 4096, actors: 1024}\n"+yaml), strictyaml.System(), config.Override{Data: g.data})
	if err != nil {
		g.t.Fatal(err)
	}
	return p
}

// line is what these tests look at in a line of the record.
type line struct {
	Time       time.Time
	ID         string
	Path       string `json:"url.path"`
	Status     int    `json:"http.response.status_code"`
	In         int64  `json:"http.request.body.size"`
	Out        int64  `json:"http.response.body.size"`
	Verdict    string
	Cause      string
	Would      string
	WouldCause string `json:"would_cause"`
	Outcome    string
	Failure    string
	Fields     map[string]string
}

// lines closes the gate and reads its record, in the order of the requests' heads.
func (g *gate) lines() []line {
	g.t.Helper()
	if err := g.Close(); err != nil {
		g.t.Fatal(err)
	}
	text, err := os.ReadFile(g.RecordPath())
	if err != nil {
		g.t.Fatal(err)
	}
	var lines []line
	for one := range bytes.Lines(text) {
		var l line
		if err := json.Unmarshal(one, &l); err != nil {
			g.t.Fatalf("%v in %s", err, one)
		}
		lines = append(lines, l)
	}
	slices.SortFunc(lines, func(a, b line) int { return a.Time.Compare(b.Time) })
	return lines
}

// about is the one line about a path.
func (g *gate) about(path string) line {
	g.t.Helper()
	lines := slices.DeleteFunc(g.lines(), func(l line) bool { return l.Path != path })
	if len(lines) != 1 {
		g.t.Fatalf("%d lines about %s", len(lines), path)
	}
	return lines[0]
}

// only is the one line of the record.
func (g *gate) only() line {
	g.t.Helper()
	lines := g.lines()
	if len(lines) != 1 {
		g.t.Fatalf("%d lines for one request: %+v", len(lines), lines)
	}
	return lines[0]
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

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "pseudonym.key"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*config.Config)
		want   string
	}{
		"no configuration": {func(c *config.Config) { c.ClientHeader = "no header" }, "client_header"},
		"data is a file":   {func(c *config.Config) { c.Data = file }, "data folder"},
		"key is broken":    {func(c *config.Config) { c.Data = broken }, "pseudonym key"},
		"no such folder":   {func(c *config.Config) { c.Record.Path = filepath.Join(file, "x", "record.jsonl") }, "record"},
		"trap is no path":  {func(c *config.Config) { c.Traps = []string{"backup"} }, "trap"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config.Default()
			cfg.Data = t.TempDir()
			c.change(&cfg)
			g, err := glacis.Open(cfg)
			if err == nil {
				_ = g.Close()
				t.Fatal("it opened")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q does not speak of %q", err, c.want)
			}
		})
	}
}

func TestOpenMakesItsFolder(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Data = filepath.Join(t.TempDir(), "a", "b")
	cfg.Memory.Budgets = 4096
	g, err := glacis.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := g.RecordPath(), filepath.Join(cfg.Data, "record.jsonl"); got != want {
		t.Errorf("the record is %s, want %s", got, want)
	}
	for range 2 { // closing twice does no harm
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{".", "pseudonym.key", "record.jsonl"} {
		info, err := os.Stat(filepath.Join(cfg.Data, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v %v: others may read it", name, info.Mode(), err)
		}
	}
}

// TestRequestsAfterClose are answered, and nothing falls over.
func TestRequestsAfterClose(t *testing.T) {
	t.Parallel()
	g := open(t, "mode: enforce\n")
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	g.Handler(http.HandlerFunc(ok)).ServeHTTP(w, httptest.NewRequest("GET", "/x", nil))
	if w.Code != 200 || w.Body.String() != "ok" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestHousekeeping runs days in no time: guesses are told once each, and dead budgets are scrubbed without harm.
func TestHousekeeping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := open(t, "mode: enforce\nlimits: [{name: few, per: [client], rate: 2/12h}]\n")
		h, begun := g.Handler(http.HandlerFunc(ok)), time.Now()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/things/17", nil))
		time.Sleep(24 * time.Hour)
		ask := func(want int) {
			t.Helper()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("POST", "/account/login", nil))
			if w.Code != want {
				t.Errorf("after %v: status %d, want %d", time.Since(begun), w.Code, want)
			}
		}
		for _, s := range []struct {
			wait time.Duration
			want []int
		}{{0, []int{200, 200, 429}}, {7 * time.Hour, []int{200, 429}}, {24 * time.Hour, []int{200, 200, 429}}} {
			time.Sleep(s.wait)
			for _, want := range s.want {
				ask(want)
			}
		}
		log := g.log.String()
		if strings.Count(log, "/account/login") != 1 || strings.Contains(log, "/things") {
			t.Errorf("told: %s", log)
		}
	})
}

// TestDecide: a program asks, acts itself, and reports.
func TestDecide(t *testing.T) {
	t.Parallel()
	g := open(t, "mode: enforce\nlimits: [{name: once, per: [user], rate: 1/d}]\nroutes: [{match: POST /api/login, class: login, preset: false}]\n")
	const body = `{"email":"ann@example.com","password":"x"}`
	ask := func() (*http.Request, *glacis.Decision) {
		r := httptest.NewRequest("POST", "/api/login", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		return r, g.Decide(r)
	}
	r, d := ask()
	if !d.Allowed() || d.Verdict().ID.IsZero() {
		t.Errorf("%+v", d.Verdict())
	}
	if b, err := io.ReadAll(r.Body); string(b) != body || err != nil {
		t.Errorf("the body that is left: %q %v", b, err)
	}
	id := d.Verdict().ID
	g.Report(d, 401, 12)
	g.Report(d, 200, 99) // ignored
	if d.Verdict().ID != id {
		t.Error("the verdict is forgotten after the report")
	}

	r, d = ask()
	w := httptest.NewRecorder()
	if d.Allowed() || d.Answer(w, r) != 429 || w.Code != 429 || w.Header().Get("Glacis-Decision") != d.Verdict().ID.String() {
		t.Errorf("%d %+v", w.Code, d.Verdict())
	}
	g.Report(d, w.Code, int64(w.Body.Len()))
	_, _ = ask() // never reported, never recorded

	lines := g.lines()
	if len(lines) != 2 {
		t.Fatalf("%+v", lines)
	}
	if l := lines[0]; l.ID != id.String() || l.Status != 401 || l.Outcome != "failure" || l.Out != 12 || l.In != int64(len(body)) || len(l.Fields) == 0 {
		t.Errorf("%+v", l)
	}
	if l := lines[1]; l.Verdict != "limit" || l.Status != 429 || l.Outcome != "" {
		t.Errorf("%+v", l)
	}
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }
