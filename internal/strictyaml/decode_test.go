package strictyaml

import (
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what the errors are now into testdata/bad/*.txt")

// TestBadFiles holds the whole text of the errors of every file in testdata/bad against what is written beside it.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var into sample
		d, err := Parse(filepath.Base(file), src, fakeLookup())
		if err == nil {
			err = d.Decode(&into)
		}
		if err == nil {
			t.Errorf("%s was accepted: %+v", file, into)
			continue
		}
		var list Errors
		if !errors.As(err, &list) {
			t.Errorf("%s: %T: %v", file, err, err)
		}
		golden := strings.TrimSuffix(file, ".yaml") + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err2 := os.ReadFile(golden)
		if err2 != nil {
			t.Fatal(err2)
		}
		if got := err.Error() + "\n"; got != string(want) {
			t.Errorf("%s\ngot:\n%s\nwant:\n%s", file, got, want)
		}
	}
}

func TestDecode(t *testing.T) {
	var got sample
	err := decode(`
listen: "127.0.0.1:80"
trusted_proxies: []
routes:
  - match: POST /login
    class: login
    limits: [ { per: [client, key], rate: 10/m, burst: 2 }, { per: user, rate: 1/s } ]
    wait: 90s
    on: false
    why: inlined
  - match: |-
      GET /a
password: ${env:TEXT}
share: 1e-1
small: 0xff
signed: -17
strict: false
level: 2
upstream: http://a
labels: { 401: yes, "a b": ~x }
classes: { a: { rate: 3/h } }
tree: { name: a, kids: [ { name: b }, { kids: [] } ] }
extra: { a: [1, 0.5, true, null, "1", text] }
until: 2030-01-02T03:04:05Z
`, &got)
	if err != nil {
		t.Fatal(err)
	}
	off := false
	want := sample{
		Listen: "127.0.0.1:80", Proxies: []netip.Prefix{},
		Routes: []route{
			{Match: "POST /login", Class: "login", Wait: 90 * time.Second, On: &off, common: common{Why: "inlined"},
				Limits: []limit{{Per: []string{"client", "key"}, Rate: rate{10, 'm'}, Burst: 2}, {Per: []string{"user"}, Rate: rate{1, 's'}, Burst: 5}}},
			{Match: "GET /a"},
		},
		Password: "hunter2", Share: 0.1, Small: 255, Signed: -17, Level: 2, Upstream: endpoint{URL: "http://a", Timeout: 2 * time.Second},
		Labels:  map[string]string{"401": "yes", "a b": "~x"},
		Classes: map[string]limit{"a": {Per: []string{"client"}, Rate: rate{3, 'h'}, Burst: 5}},
		Tree:    &tree{Name: "a", Kids: []*tree{{Name: "b"}, {Kids: []*tree{}}}},
		Extra:   map[string]any{"a": []any{int64(1), 0.5, true, nil, "1", "text"}},
		Until:   time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Nothing, an empty document, only comments, and keys whose content is commented out all mean the defaults.
func TestDefaults(t *testing.T) {
	want := sample{Listen: ":8080", Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32")},
		Share: 0.5, Strict: true, Upstream: endpoint{Timeout: 2 * time.Second}}
	var zero sample
	ApplyDefaults(&zero)
	if !reflect.DeepEqual(zero, want) {
		t.Errorf("without a file: %+v", zero)
	}
	for _, src := range []string{"", "\n", "# nothing\n", "---\n", "---\n...\n", "{}", "\ufeff# mark\n", "null\n", "routes:\n  # - match: a\ntree:\nupstream:\nlabels: ~\n"} {
		var got sample
		if err := decode(src, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v", src, got, err)
		}
	}
	kept := sample{Listen: "mine"}
	if err := decode("", &kept); err != nil || kept.Listen != "mine" {
		t.Errorf("a value that was there: %q, %v", kept.Listen, err)
	}
}

func TestAliasesAndMerges(t *testing.T) {
	var got struct {
		Classes map[string]limit `yaml:"classes"`
		List    []limit          `yaml:"list"`
		More    []limit          `yaml:"more"`
	}
	err := decode(`
classes:
  a: &a { rate: 1/s, burst: 1 }
  b: &b
    per: key
    rate: 2/s
  c: { <<: *a, burst: 9 }
  d:
    burst: 8
    <<: [*b, *a]
list: &list [ *a, { rate: 3/s, <<: *a } ]
more: *list
`, &got)
	if err != nil {
		t.Fatal(err)
	}
	client, key := []string{"client"}, []string{"key"}
	a := limit{Per: client, Rate: rate{1, 's'}, Burst: 1}
	want := map[string]limit{"a": a, "b": {Per: key, Rate: rate{2, 's'}, Burst: 5},
		"c": {Per: client, Rate: rate{1, 's'}, Burst: 9}, "d": {Per: key, Rate: rate{2, 's'}, Burst: 8}}
	if !reflect.DeepEqual(got.Classes, want) {
		t.Errorf("classes: %+v", got.Classes)
	}
	if list := []limit{a, {Per: client, Rate: rate{3, 's'}, Burst: 1}}; !reflect.DeepEqual(got.List, list) || !reflect.DeepEqual(got.More, list) {
		t.Errorf("lists: %+v, %+v", got.List, got.More)
	}
}

// A mistake in the Go type is no error of the file.
func TestMistakesInTypes(t *testing.T) {
	for _, into := range []any{
		nil, sample{}, (*sample)(nil),
		&struct {
			C chan int `yaml:"c"`
		}{},
		&struct{ Untagged int }{},
		&struct {
			hidden int `yaml:"hidden"`
		}{},
		&struct {
			A int `yaml:"a"`
			B int `yaml:"a"`
		}{},
		&struct {
			A int `yaml:"a" default:"x"`
		}{},
		&struct {
			A []string `yaml:"a" default:"[x, y]" enum:"x"`
		}{},
		&struct {
			M map[int]int `yaml:"m"`
		}{},
		&struct {
			M map[string]int `yaml:",inline"`
		}{},
	} {
		d, err := Parse("f", nil, Lookup{})
		if err != nil {
			t.Fatal(err)
		}
		var list Errors
		if err := d.Decode(into); err == nil || errors.As(err, &list) {
			t.Errorf("Decode into %T: %v", into, err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("ApplyDefaults to %T did not panic", into)
				}
			}()
			ApplyDefaults(into)
		}()
	}
}
