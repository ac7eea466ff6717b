package pseudonym

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSumKeepsKindsKeysAndValuesApart(t *testing.T) {
	a, b := NewKey(), NewKey()
	if again := a; again.Sum("user", "x") != a.Sum("user", "x") {
		t.Error("the same value has two stand-ins")
	}
	seen := map[Sum]string{}
	for what, s := range map[string]Sum{"user x": a.Sum("user", "x"), "email x": a.Sum("email", "x"), "user y": a.Sum("user", "y"),
		"other key": b.Sum("user", "x"), "shifted": a.Sum("use", "rx")} {
		if other, ok := seen[s]; ok {
			t.Errorf("%s and %s share a stand-in", what, other)
		}
		seen[s] = what
	}
	if got := a.Sum("user", "x").String(); len(got) != TextLen {
		t.Errorf("text %q has %d characters, want %d", got, len(got), TextLen)
	}
}

func TestSumDoesNotAllocate(t *testing.T) {
	k := NewKey()
	v := strings.Repeat("v", 900)
	var s Sum
	if n := testing.AllocsPerRun(100, func() { s = k.Sum("user", v) }); n != 0 {
		t.Errorf("%v allocations, want none (%v)", n, s)
	}
}

func TestLoadKeyKeepsTheFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pseudonym.key")
	first, err := LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadKey(path)
	if err != nil || again != first {
		t.Errorf("second load: another key or error %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file mode %v, error %v; want 0600", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKey(path); err == nil {
		t.Error("a damaged key was accepted")
	}
}

func BenchmarkSum(b *testing.B) {
	k := NewKey()
	for b.Loop() {
		k.Sum("user", "sk_live_4f7a9c2e8b1d6035a7c4e9f2b8d10365")
	}
}
