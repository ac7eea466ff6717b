package facts

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTemplates(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"/", "/"},
		{"/about", "/about"},
		{"/about/", "/about"},
		{"/users/17/orders", "/users/{id}/orders"},
		{"/users/-17", "/users/{id}"},
		{"/at/52.52,13.40", "/at/{id}"},
		{"/v1/v2.1/2fa", "/v1/v2.1/2fa"},
		{"/x/0190163d-8694-739b-aea5-966c26f8ad91", "/x/{id}"},
		{"/x/0190163D-8694-739B-AEA5-966C26F8AD91/y", "/x/{id}/y"},
		{"/x/8f14e45f", "/x/{id}"},
		{"/x/8F14E45FCEEA167A5A36DEDD4BEA2543", "/x/{id}"},
		{"/x/feedface/facade", "/x/feedface/facade"}, // words, after all
		{"/x/8f14e45", "/x/8f14e45"},
		{"/x/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/x/{id}"},
		{"/x/0ujtsYcgvSTl8PAuAdqWYSMnLOv", "/x/{token}"},
		{"/x/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "/x/{token}"},
		{"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Check"},
		{"/google.longrunning.Operations/GetOperation", "/google.longrunning.Operations/GetOperation"},
		{"/x/QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "/x/{token}"},
		{"/x/aBcDeFgHiJkLmNoPqRsTuVwXyZ", "/x/{token}"},
		{"/x/resetPasswordConfirmation", "/x/resetPasswordConfirmation"},
		{"/x/Content-Security-Policy-Report", "/x/Content-Security-Policy-Report"},
		{"/x/password-reset-confirmation", "/x/password-reset-confirmation"},
		{"/x/how-to-login-safely-in-2026", "/x/{token}"},
		{"/x/" + strings.Repeat("word-", 20), "/x/{token}"},
		{"/x/2026-03-09", "/x/{date}"},
		{"/x/2026-03", "/x/{date}"},
		{"/x/2026-03-09T12:00:00Z", "/x/{date}"},
		{"/x/2026-13", "/x/{id}"},
		{"/x/20260309", "/x/{id}"},
		{"/x/a.b+c@shop.example/y", "/x/{email}/y"},
		{"/x/@handle", "/x/@handle"},
		{"/x/%zz", "/x/{token}"},
		{"/x/a%2Fb", "/x/{token}"},
		{"/x/{id}", "/x/{token}"},
		{"/x/a\x00b", "/x/{token}"},
		{"/x/\xff", "/x/{token}"},
		{"/x/café", "/x/café"},
		{"/img/17.png", "/img/{id}.png"},
		{"/img/8f14e45f.min.js", "/img/8f14e45f.min.js"},
		{"/img/logo.png", "/img/logo.png"},
		{"/img/17.exe7", "/img/17.exe7"},
		{"/login;jsessionid=8f14e45f/x", "/login/x"},
		{"/" + strings.Repeat("a/", 16), "/" + strings.Repeat("a/", 15) + "a"},
		{"/" + strings.Repeat("a/", 17), "/" + strings.Repeat("a/", 16) + "…"},
		{"/" + strings.Repeat("a/", 4000), "/" + strings.Repeat("a/", 16) + "…"},
	} {
		l := newLearner(64)
		if _, got := l.template("GET", c.path); got != c.want {
			t.Errorf("the template of %q is %q, want %q", c.path, got, c.want)
		}
		if _, again := l.template("GET", c.path); again != c.want || l.templates.Load() != 1 {
			t.Errorf("the template of %q is %q the second time, of %d", c.path, again, l.templates.Load())
		}
	}
}

func TestCrowdedPlaces(t *testing.T) {
	l := newLearner(maxTemplates)
	for i := range maxLiterals {
		path := fmt.Sprintf("/users/name-%c%c", 'a'+i/26, 'a'+i%26)
		if _, got := l.template("GET", path); got != path {
			t.Fatalf("name %d became %q", i, got)
		}
	}
	for _, c := range []struct {
		path, want string
		class      Class
	}{
		{"/users/bob", "/users/{name}", Lookup},
		{"/users/alice/orders", "/users/{name}/orders", Plain},
		{"/users/alice.png", "/users/{name}.png", Lookup},
		{"/users/name-aa", "/users/name-aa", Plain},
		{"/users/17", "/users/{id}", Lookup},
		{"/users/Sign-In", "/users/signin", Login}, // what tells a class is never hidden
		{"/users/sign_in.php", "/users/signin", Login},
		{"/others/bob", "/others/bob", Plain},
	} {
		if class, got := l.template("GET", c.path); got != c.want || class != c.class {
			t.Errorf("the template of %q is %q, %v; want %q, %v", c.path, got, class, c.want, c.class)
		}
	}
}

// Whoever waited for the lock to put a word in must find it if it was put in meanwhile, though the place is crowded by now.
func TestCrowdedMeanwhile(t *testing.T) {
	l := newLearner(maxTemplates)
	first := l.grow(&l.root, letters(0))
	for i := range maxLiterals {
		l.grow(&l.root, letters(i))
	}
	if again := l.grow(&l.root, letters(0)); again != first || !l.root.crowded() {
		t.Errorf("the word %q became %q", first.segment, again.segment)
	}
}

// Nonsense sent first must not hide the routes that matter.
func TestScannerCannotHideLogin(t *testing.T) {
	r := mustRoutes(t)
	for i := range 1_000 {
		r.Match("GET", "", fmt.Sprintf("/wp-%c%c/x%d", 'a'+i%26, 'a'+i/26%26, i))
	}
	for range 2 {
		if route, template := r.Match("POST", "", "/api/auth/login"); route.Class != Login || template != "/api/auth/login" {
			t.Errorf("login is %v under %q", route.Class, template)
		}
		for i := range 2 * maxTemplates {
			r.Match("GET", "", fmt.Sprintf("/%s/%s", letters(i), letters(i/7)))
		}
	}
	if route, _ := r.Match("POST", "", "/v2/password/reset"); route.Class != Reset {
		t.Errorf("an unseen reset is %v when the table is full", route.Class)
	}
}

// letters spells a number in letters, so that it looks like a word.
func letters(n int) string {
	var b []byte
	for n++; n > 0; n /= 26 {
		b = append(b, byte('a'+n%26))
	}
	return string(b) + "x"
}

func TestFullTable(t *testing.T) {
	l := newLearner(10)
	for i := range 10 {
		l.template("GET", "/"+letters(i))
	}
	class, template := l.template("POST", "/login")
	if class != Login || template != otherTemplate || l.unlearnt.Load() != 1 {
		t.Errorf("the eleventh template is %q, %v, %d unlearnt", template, class, l.unlearnt.Load())
	}
	if _, template := l.template("GET", "/"+letters(3)); template != "/"+letters(3) || l.unlearnt.Load() != 1 {
		t.Errorf("a template learnt before is %q now", template)
	}
	if n := testing.AllocsPerRun(100, func() { l.template("GET", "/some/new/path") }); n != 0 {
		t.Errorf("a path that finds the table full allocates %v times", n)
	}
}

func TestInherit(t *testing.T) {
	old := mustRoutes(t)
	old.Match("GET", "", "/somewhere/17")
	r := mustRoutes(t, "GET /a")
	r.Inherit(old)
	if r.Templates() != 1 {
		t.Errorf("%d templates were inherited", r.Templates())
	}
	if route, template := r.Match("GET", "", "/somewhere/18"); route != r.All()[1+Plain] || template != "/somewhere/{id}" {
		t.Errorf("inherited: %+v, %q", route, template)
	}
}

// hostilePath makes up a path as a scanner with a random generator would.
func hostilePath(rng *rand.Rand) string {
	var b strings.Builder
	for range 1 + rng.IntN(6) {
		b.WriteByte('/')
		raw := make([]byte, 1+rng.IntN(24))
		for i := range raw {
			raw[i] = byte(rng.Uint32())
		}
		switch rng.IntN(4) {
		case 0:
			b.WriteString(hex.EncodeToString(raw))
		case 1:
			b.WriteString(base64.RawURLEncoding.EncodeToString(raw))
		case 2:
			b.WriteString(letters(rng.IntN(1 << 30)))
		default:
			b.WriteString(strings.Map(func(r rune) rune { return 'a' + r%26 }, string(raw)))
		}
	}
	return b.String()
}

func TestMemoryStaysFlat(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	r := mustRoutes(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for range n / 10 {
		r.Match("GET", "", hostilePath(rng))
	}
	before := heap()
	for range n {
		r.Match("GET", "", hostilePath(rng))
	}
	after := heap()
	if after > before+1<<20 || after > 16<<20 {
		t.Errorf("%d random paths took the heap from %d to %d bytes", n, before, after)
	}
	if r.Templates() > maxTemplates || r.paths.nodes > 2*maxTemplates || r.Unlearnt() == 0 {
		t.Errorf("%d templates in %d nodes, %d unlearnt", r.Templates(), r.paths.nodes, r.Unlearnt())
	}
	t.Logf("heap %d KiB, %d templates, %d nodes, %d unlearnt", after>>10, r.Templates(), r.paths.nodes, r.Unlearnt())
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Many goroutines learning the same paths must agree on them, and on the bounds.
func TestLearnTogether(t *testing.T) {
	l := newLearner(256)
	const workers, rounds = 8, 2_000
	seen := make([]map[string]string, workers)
	var wg sync.WaitGroup
	for w := range workers {
		seen[w] = make(map[string]string)
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 7))
			for range rounds {
				path := fmt.Sprintf("/%s/%d", letters(rng.IntN(100)), rng.IntN(9))
				if _, template := l.template("GET", path); template != otherTemplate {
					seen[w][path] = template
				}
			}
		})
	}
	wg.Wait()
	if n := l.root.literals.Load(); n != maxLiterals {
		t.Errorf("%d different words at the root, want %d", n, maxLiterals)
	}
	for w := range seen {
		for path, template := range seen[w] {
			if _, now := l.template("GET", path); now != template {
				t.Fatalf("%q was %q to one and is %q to another", path, template, now)
			}
		}
	}
}

// checkTemplate holds what must hold of every template.
func checkTemplate(l *learner, path string) error {
	class, template := l.template("POST", path)
	again, same := l.template("POST", path)
	switch {
	case again != class || same != template:
		return fmt.Errorf("%q, %v the first time, %q, %v the second", template, class, same, again)
	case len(template) > (maxSegments+1)*(maxLiteral+1) || strings.Count(template, "/") > maxSegments+1:
		return fmt.Errorf("the template is %d bytes long", len(template))
	case template == "" || template[0] != '/' || !utf8.ValidString(template):
		return fmt.Errorf("the template is %q", template)
	case class >= NumClasses:
		return fmt.Errorf("the class is %d", class)
	case l.nodes > 2*l.maxTemplates || int(l.templates.Load()) > l.maxTemplates:
		return fmt.Errorf("%d nodes, %d templates", l.nodes, l.templates.Load())
	}
	return nil
}

func TestTemplateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLearner(rapid.IntRange(1, 40).Draw(t, "room"))
		for range rapid.IntRange(1, 40).Draw(t, "paths") {
			path := genPath(t)
			if err := checkTemplate(l, path); err != nil {
				t.Fatalf("%q: %v", path, err)
			}
		}
	})
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"/", "/users/17", "/%2e/{id};x/\xff", "/a@b.c/2026-03-09T/…", "/.png/;/a;b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		path, _, _, _ := cleanTarget(target)
		if err := checkTemplate(newLearner(32), path); err != nil {
			t.Fatalf("%q: %v", path, err)
		}
	})
}
