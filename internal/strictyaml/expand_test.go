package strictyaml

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestReferences(t *testing.T) {
	for src, want := range map[string]any{
		"a: ${env:TEXT}":                         "hunter2",
		"a: x${env:TEXT}y${env:PORT}":            "xhunter2y8080",
		`a: "${env:TEXT}"`:                       "hunter2",
		"a: |-\n  ${env:TEXT}":                   "hunter2",
		"a: ${env:PORT}":                         "8080", // a text, whatever it looks like
		"a: ${env:LIST}":                         "[a, b]",
		"a: ${env:REF}":                          "${env:TEXT}", // values are not searched again
		"a: ${env:EMPTY}":                        "",
		"a: ${env:EMPTY:-x}":                     "x",
		"a: ${env:NONE:-x:-y}":                   "x:-y",
		"a: ${env:NONE:-}":                       "",
		"a: ${env:PORT:-1}":                      "8080",
		"a: $${env:TEXT}":                        "${env:TEXT}",
		"a: $$${env:TEXT}":                       "$${env:TEXT}",
		"a: $x $ $$ {}":                          "$x $ $$ {}",
		"a: ${file:/run/key}":                    "s3cret\nline",
		"a: ${file:/run/full}":                   strings.Repeat("x", maxSecret),
		"${env:TEXT}: 1":                         nil, // keys are not expanded
		"a: &x ${env:TEXT}\nb: *x":               "hunter2",
		"a: ['${env:TEXT}', {b: '${env:PORT}'}]": []any{"hunter2", map[string]any{"b": "8080"}},
	} {
		got := map[string]any{}
		if err := decode(src, &got); err != nil || !reflect.DeepEqual(got["a"], want) {
			t.Errorf("%s: %#v, %v", src, got["a"], err)
		}
	}
	var s sample
	err := decode("small: ${env:NONE:-12}\nstrict: ${env:NONE:-false}\nshare: '${env:NONE:-0.25}'\nlevel: ${env:NONE:-2}\nuntil: ${env:NONE:-2030-01-02T03:04:05Z}\n", &s)
	if err != nil || s.Small != 12 || s.Strict || s.Share != 0.25 || s.Level != 2 || s.Until.Year() != 2030 {
		t.Errorf("%+v, %v", s, err)
	}
}

// However a value that came through a reference fails, no message shows it.
func TestReferencedValuesAreNeverShown(t *testing.T) {
	for _, name := range []string{"TEXT", "DAYS", "LIST"} {
		src := strings.ReplaceAll(`
small: ${env:X}
strict: ${env:X}
share: ${env:X}
level: ${env:X}
until: ${env:X}
trusted_proxies: [ "${env:X}" ]
upstream: ${env:X}
labels: ${env:X}
tree: ${env:X}
routes:
  - { match: a, class: "${env:X}", wait: "${env:X}z", on: "${env:X}", limits: [ { rate: "${env:X}", per: "${env:X}" } ] }
`, "X", name)
		value, _ := fakeLookup().Env(name)
		err := decode(src, new(sample))
		var list Errors
		if !errors.As(err, &list) || len(list) < 13 {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(err.Error(), value) || strings.Contains(err.Error(), "168") {
			t.Errorf("%s is shown: %v", name, err)
		}
	}
}

func TestReferencesAreBounded(t *testing.T) {
	src := "extra:\n" + strings.Repeat("- ${file:/run/full}\n", maxExpanded/maxSecret+1)
	if err := decode(src, new(sample)); err == nil || !strings.Contains(err.Error(), "more than 8 MiB") {
		t.Errorf("%.200v", err)
	}
}

// With no Lookup, references are refused rather than left as they are.
func TestNoLookup(t *testing.T) {
	d, err := Parse("f", []byte("a: ${env:TEXT}\nb: ${file:/run/key}\n"), Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	var list Errors
	if err := d.Decode(new(map[string]any)); !errors.As(err, &list) || len(list) != 2 {
		t.Error(err)
	}
}

func TestSystem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("STRICTYAML_TEST", "from env")
	d, err := Parse("f", []byte("a: ${env:STRICTYAML_TEST} ${file:"+file+"}\nb: ${file:"+file+".none}\n"), System())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	err = d.Decode(&got)
	if got["a"] != "from env from file" {
		t.Error(got)
	}
	if err == nil || !strings.HasPrefix(err.Error(), "f:2:4: ${file:"+file+".none}: no such file or directory\n") {
		t.Error(err)
	}
}

func TestSecret(t *testing.T) {
	s := Secret("hunter2")
	if s.Reveal() != "hunter2" {
		t.Error("Reveal:", s.Reveal())
	}
	in := struct {
		S Secret  `json:"s" yaml:"s"`
		P *Secret `json:"p" yaml:"p"`
		L []Secret
	}{s, &s, []Secret{s}}
	asJSON, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	written, err := Write(struct {
		S Secret   `yaml:"s"`
		L []Secret `yaml:"l"`
	}{s, []Secret{s}})
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "s", s, "in", in)
	for what, text := range map[string]string{
		"%v": fmt.Sprintf("%v %v", s, in), "%+v": fmt.Sprintf("%+v", in), "%#v": fmt.Sprintf("%#v %#v", s, in.L), "%s": fmt.Sprintf("%s %s", s, in.L), "%q": fmt.Sprintf("%q", s),
		"JSON": string(asJSON), "YAML": string(asYAML), "Write": string(written), "slog": logged.String(),
	} {
		if strings.Contains(text, "hunter2") || !strings.Contains(text, redacted) {
			t.Errorf("%s: %s", what, text)
		}
	}
}
