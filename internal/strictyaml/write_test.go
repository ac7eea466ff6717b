package strictyaml

import (
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWrite(t *testing.T) {
	on := true
	v := sample{Listen: ":80", Strict: true, Share: 1, Password: "hunter2", Upstream: endpoint{URL: "http://a", Timeout: 24 * time.Hour},
		Routes: []route{
			{Match: "GET /a/{id}", Limits: []limit{{Per: []string{"client", "key"}, Rate: rate{1, 's'}}, {}}, On: &on, common: common{Why: "a: b"}},
			{Match: "yes", Wait: 90 * time.Second},
		},
		Labels: map[string]string{"b": "1", "a": "", "${x}": "${x}", "c": "text\nof lines\x00"},
		Tree:   &tree{Kids: []*tree{{}, {Name: "x"}}},
		Extra:  map[string]any{"n": nil, "f": 2.0, "l": []any{1, "1", true}},
	}
	got, err := Write(&v)
	if err != nil {
		t.Fatal(err)
	}
	const want = `listen: ":80"
trusted_proxies: []
routes:
  - match: GET /a/{id}
    limits:
      - per: [client, key]
        rate: 1/s
        burst: 0
      - per: []
        rate: "0/\0"
        burst: 0
    "on": true
    why: "a: b"
  - match: "yes"
    wait: 1m30s
password: "[redacted]"
share: 1.0
strict: true
upstream:
  url: http://a
  timeout: 24h
labels:
  ${x}: $${x}
  a: ""
  b: "1"
  c: "text\nof lines\0"
tree:
  kids:
    - {}
    - name: x
extra:
  f: 2.0
  l: [1, "1", true]
  "n": null
`
	if normal := strings.ReplaceAll(string(got), `\u0000`, `\0`); normal != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWriteDocumented(t *testing.T) {
	got, err := WriteDocumented(sample{Routes: []route{{Match: "a"}, {Match: "b"}}, Strict: true, Listen: "x", Share: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	const want = `# Where to listen.
listen: x

trusted_proxies: []

# What is guarded.
routes:
  -
    # Method and path.
    match: a
  - match: b

share: 0.5

strict: true

upstream:
  url: ""
  timeout: 0s
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	lines := wrap(strings.Repeat("word ", 40), 50)
	for _, l := range lines {
		if len(l) > 50 {
			t.Errorf("a line of %d: %s", len(l), l)
		}
	}
	if strings.Join(lines, " ") != strings.TrimSpace(strings.Repeat("word ", 40)) {
		t.Error("words are lost:", lines)
	}
}

func TestWriteRefuses(t *testing.T) {
	loop := &tree{}
	loop.Kids = []*tree{loop}
	for _, v := range []any{nil, (*sample)(nil), make(chan int), struct{ C int }{}, sample{Share: math.NaN()}, sample{Listen: "\xff"}, loop,
		map[string]any{"x": make(chan int)}, sample{Extra: func() {}}} {
		if out, err := Write(v); err == nil {
			t.Errorf("%T is written:\n%s", v, out)
		}
	}
}

// round is every kind of value that can be written.
type round struct {
	S    string            `yaml:"s"`
	D    string            `yaml:"d" default:"x"`
	B    bool              `yaml:"b"`
	T    bool              `yaml:"t" default:"true"`
	I    int64             `yaml:"i"`
	U    uint16            `yaml:"u" default:"7"`
	F    float64           `yaml:"f"`
	Dur  time.Duration     `yaml:"dur" default:"3s"`
	P    *string           `yaml:"p"`
	L    []string          `yaml:"l"`
	LL   [][]string        `yaml:"ll"`
	M    map[string]string `yaml:"m"`
	Addr netip.Addr        `yaml:"addr"`
	R    rate              `yaml:"r" default:"1/s"`
	N    []round           `yaml:"n"`
	One  inner             `yaml:"one"`
	Map  map[string]inner  `yaml:"map"`
	Any  any               `yaml:"any"`
}

type inner struct {
	X int      `yaml:"x" required:"true"`
	Y []string `yaml:"y" oneormany:"true"`
}

func genText() *rapid.Generator[string] {
	return rapid.OneOf(rapid.String(), rapid.StringMatching(`[-a-z0-9 :#{}\[\],&*!|>'"%@$~.+=\t\n\\]{0,12}`),
		rapid.SampledFrom([]string{"", "null", "~", "true", "no", "1", "0x1f", "1e3", ".5", ".inf", "1_000", "-", "---", "...", "<<", "${", "$${", "${env:X}",
			"a: b", "a #b", "#a", " a", "a ", "a:", ":a", "::1", "10.0.0.0/8", "GET /a/{id}", "[a]", "{a}", "a, b", "&a", "*a", "!a", "? a", "- a", "'a'", "\"", "\\", "=", "%a", "@a", "`a`", "2001-01-01", "12:30:45", "0o17", "+1", "a\rb", "\u2028", "\u0085", "\ufeff", "😀", "\U000e0001"}))
}

func genRound(depth int) *rapid.Generator[round] {
	return rapid.Custom(func(t *rapid.T) round {
		texts := rapid.SliceOfN(genText(), 0, 4)
		r := round{S: genText().Draw(t, "s"), D: genText().Draw(t, "d"), B: rapid.Bool().Draw(t, "b"), T: rapid.Bool().Draw(t, "t"),
			I: rapid.Int64().Draw(t, "i"), U: rapid.Uint16().Draw(t, "u"), F: rapid.Float64().Draw(t, "f"), Dur: time.Duration(rapid.Int64().Draw(t, "dur")),
			P: rapid.Ptr(genText(), true).Draw(t, "p"), L: texts.Draw(t, "l"), LL: rapid.SliceOfN(texts, 0, 3).Draw(t, "ll"),
			M:    rapid.MapOfN(genText(), genText(), 0, 4).Draw(t, "m"),
			Addr: netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "addr"))),
			R:    rate{rapid.IntRange(0, 99).Draw(t, "count"), rapid.SampledFrom([]byte("smh")).Draw(t, "per")},
			One:  inner{X: rapid.Int().Draw(t, "x"), Y: texts.Draw(t, "y")},
			Any: rapid.OneOf(rapid.Just[any](nil), rapid.Map(genText(), func(s string) any { return s }), rapid.Map(rapid.Int64(), func(i int64) any { return i }),
				rapid.Map(rapid.Float64(), func(f float64) any { return f }), rapid.Map(texts, func(l []string) any {
					out := make([]any, len(l))
					for i, s := range l {
						out[i] = s
					}
					return map[string]any{"x": out, "y": []any{map[string]any{}, []any{[]any{}}}}
				})).Draw(t, "any"),
			Map: rapid.MapOfN(genText(), rapid.Custom(func(t *rapid.T) inner { return inner{X: rapid.Int().Draw(t, "x"), Y: texts.Draw(t, "y")} }), 0, 3).Draw(t, "map"),
		}
		if depth > 0 {
			r.N = rapid.SliceOfN(genRound(depth-1), 0, 2).Draw(t, "n")
		}
		return r
	})
}

// What is written, plain or documented, reads back as it was.
func TestWriteReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genRound(1).Draw(t, "value")
		for _, write := range []func(any) ([]byte, error){Write, WriteDocumented} {
			text, err := write(want)
			if err != nil {
				t.Fatal(err)
			}
			d, err := Parse("f", text, Lookup{})
			if err != nil {
				t.Fatalf("%v\nin\n%s", err, text)
			}
			var got round
			if err := d.Decode(&got); err != nil {
				t.Fatalf("%v\nin\n%s", err, text)
			}
			if !reflect.DeepEqual(normal(got), normal(want)) {
				t.Fatalf("got  %+v\nwant %+v\nin\n%s", got, want, text)
			}
		}
	})
}

// normal makes empty lists and maps nil: a file does not tell them apart.
func normal(r round) round {
	r.L, r.LL, r.N = none(r.L), none(r.LL), none(r.N)
	if len(r.M) == 0 {
		r.M = nil
	}
	if len(r.Map) == 0 {
		r.Map = nil
	}
	for i := range r.LL {
		r.LL[i] = none(r.LL[i])
	}
	for i := range r.N {
		r.N[i] = normal(r.N[i])
	}
	r.One.Y = none(r.One.Y)
	for k, v := range r.Map {
		r.Map[k] = inner{v.X, none(v.Y)}
	}
	return r
}

func none[T any](l []T) []T {
	if len(l) == 0 {
		return nil
	}
	return l
}
