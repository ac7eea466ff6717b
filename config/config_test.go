package config

import (
	"io"
	"strings"
	"testing"

	"glacis/decide/facts"
	"glacis/internal/strictyaml"
)

func parse(t *testing.T, src string) (*Plan, error) {
	t.Helper()
	env := map[string]string{"UP": "http://127.0.0.1:3000"}
	return Parse("glacis.yaml", []byte(src), strictyaml.Lookup{
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		File: func(string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("http://127.0.0.1:4000\n")), nil
		},
	}, Override{})
}

// What is wrong is said with its position.
func TestErrorsHavePositions(t *testing.T) {
	for _, c := range []struct{ what, src, want string }{
		{"unknown key", "moed: enforce", `glacis.yaml:1:1: unknown key "moed"`},
		{"a target twice", "upstream: [http://127.0.0.1:1, http://127.0.0.1:1]", `glacis.yaml:1:`},
		{"unknown mode", "mode: shadow", `glacis.yaml:1:7:`},
		{"unknown class", "routes:\n  - match: GET /a\n    class: logn", `glacis.yaml:3:12:`},
		{"unknown class name", "classes:\n  logn: {}", `no class "logn"`},
		{"bad pattern", "routes:\n  - match: GET a", `glacis.yaml:2:12:`},
		{"conflict", "routes:\n  - match: /a/{x}\n  - match: /{y}/b", `glacis.yaml:3:12:`},
		{"bad dimension", "limits:\n  - { per: [ip], rate: 1/m }", `glacis.yaml:2:13:`},
		{"bad rate", "limits:\n  - { per: [client], rate: 1/fortnight }", `glacis.yaml:2:28:`},
		{"impossible cost", "limits:\n  - { per: [client], rate: 1/m, cost: 5 }", `can never be paid`},
		{"limit named twice", "limits:\n  - { name: a, per: [client], rate: 1/m }\n  - { name: a, per: [key], rate: 1/m }", `glacis.yaml:3:13:`},
		{"field nobody declares", "routes:\n  - match: GET /a\n    limits: [ { per: [user], rate: 1/m } ]", `declares no field "user"`},
		{"bad field path", "routes:\n  - match: POST /a\n    fields: { user: \"$.a[x]\" }", `glacis.yaml:3:21:`},
		{"too large a body", "routes:\n  - match: POST /a\n    body: 1GiB", `glacis.yaml:3:11:`},
		{"bad outcome", "routes:\n  - match: POST /a\n    outcome: { failure: status }", `not a condition`},
		{"bad key hash", "keys:\n  - { name: a, sha256: abc }", `glacis.yaml:2:24:`},
		{"bad proxy", "trusted_proxies: [10.0.0.0/33]", `glacis.yaml:1:19:`},
		{"bad bar", "bars:\n  - { prefix: everybody }", `glacis.yaml:2:15:`},
		{"missing variable", "upstream: ${env:NOPE}", `glacis.yaml:1:11:`},
		{"a trap that is no path", "traps: [export]", "glacis.yaml:1:9:"},
		{"two documents", "mode: monitor\n---\nmode: enforce", "glacis.yaml:"},
	} {
		_, err := parse(t, c.src)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.what, err, c.want)
		}
	}
}

func TestSecretsAndDefaults(t *testing.T) {
	p, err := parse(t, "upstream: [\"${env:UP}\", \"${file:/run/upstream}\"]")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Config.UpstreamPool().Targets; len(got) != 2 || got[0] != "http://127.0.0.1:3000" || got[1] != "http://127.0.0.1:4000" {
		t.Errorf("upstream %q", got)
	}
	if s := p.Summary(); s.Mode != "monitor" || s.Listen[0] != ":8080" || s.Admin != "127.0.0.1:9180" {
		t.Errorf("defaults: %+v", s)
	}
}

// The nearest mode wins: limit, route, class, file.
func TestModes(t *testing.T) {
	p, err := parse(t, `
mode: monitor
classes:
  login: { mode: enforce }
  otp: { limits: [] }
routes:
  - { match: POST /login }
  - { match: POST /soft/login, mode: monitor }
  - match: GET /things
    limits: [ { per: [client], rate: 1/m, mode: enforce } ]
  - { match: POST /otp }
  - { match: GET /bare, preset: false }
`)
	if err != nil {
		t.Fatal(err)
	}
	byMatch := map[string]RouteSummary{}
	for _, r := range p.Summary().Routes {
		byMatch[r.Match] = r
	}
	for match, want := range map[string]struct {
		mode, first string
		limits      int
	}{
		"POST /login": {"enforce", "enforce", 3}, "POST /soft/login": {"monitor", "monitor", 3}, "GET /things": {"monitor", "enforce", 3},
		"POST /otp": {"monitor", "", 0}, "GET /bare": {"monitor", "", 0}, "(login)": {"enforce", "enforce", 3}, "(plain)": {"monitor", "monitor", 2},
	} {
		r := byMatch[match]
		if r.Mode != want.mode || len(r.Limits) != want.limits || want.limits > 0 && r.Limits[0].Mode != want.first {
			t.Errorf("%s: %+v, want %+v", match, r, want)
		}
	}
	if a, b := byMatch["POST /login"], byMatch["(login)"]; a.Limits[0].Name != b.Limits[0].Name {
		t.Error("routes of a class do not share the class's budgets")
	}
}

func TestEveryPresetCompiles(t *testing.T) {
	p, err := Zero(Override{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.Routes.All()); n != int(facts.NumClasses) {
		t.Errorf("%d routes, want one of each class", n)
	}
	for i, r := range p.Routes.All() {
		if len(p.Bounds[i]) == 0 {
			t.Errorf("class %s has no limit", r.Class)
		}
	}
}

func TestGuessesAreTold(t *testing.T) {
	p, err := parse(t, "routes:\n  - match: POST /api/login\n  - match: GET /about\n  - { match: POST /api/otp, class: otp }")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(p.Guesses(), "; "); got != "POST /api/login is login" {
		t.Errorf("guessed %q", got)
	}
}

func TestUnnamedLimitsOnAnyRoute(t *testing.T) {
	long := "/" + strings.Repeat("very/", 40) + "{id}"
	p, err := parse(t, "routes:\n  - match: GET /größe\n    limits: [ { per: [client], rate: 1/m } ]\n  - match: GET "+long+
		"\n    limits: [ { per: [client], rate: 1/m }, { per: [client], rate: 9/h } ]")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Bounds[0][0].Name; got != "GET /gr??e:client" {
		t.Errorf("name %q", got)
	}
}

func TestFixedAtStart(t *testing.T) {
	a, b := Default(), Default()
	b.Listen, b.Data, b.Mode = []string{":1"}, "elsewhere", 2
	if got := strings.Join(a.FixedAtStart(&b), " "); got != "data listen" {
		t.Errorf("%q, want data and listen", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("mode: enforce\nroutes:\n  - match: POST /login\n    limits: [ { per: [client], rate: 1/m } ]\n")
	f.Add("upstream: ${env:UP}\nbars: [ { prefix: 10.0.0.0/8, until: 2026-01-01T00:00:00Z } ]\n")
	f.Fuzz(func(t *testing.T, src string) {
		p, err := Parse("f", []byte(src), strictyaml.Lookup{}, Override{})
		if err == nil {
			p.Summary()
		}
	})
}
