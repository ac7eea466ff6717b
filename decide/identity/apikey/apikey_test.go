package apikey

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash/maphash"
	"strings"
	"testing"

	"glacis/decide/facts"
	"glacis/decide/identity"
)

func hash(key string) string {
	h := sha256.Sum256([]byte(key))
	return hex.EncodeToString(h[:])
}

func TestProve(t *testing.T) {
	keys, err := New([]Config{{"acme", hash("k-acme")}, {"globex", hash("k-globex")}})
	if err != nil {
		t.Fatal(err)
	}
	ids := identity.New(maphash.MakeSeed(), keys)
	for _, c := range []struct {
		what string
		cred facts.Credential
		want string
	}{
		{"a listed key in a key header", facts.NewCredential(facts.APIKey, "k-acme"), "key:acme"},
		{"a listed key as bearer", facts.NewCredential(facts.Bearer, "k-globex"), "key:globex"},
		{"a listed key as password grants nothing", facts.NewCredential(facts.Basic, "k-acme"), "unproven"},
		{"an unknown key", facts.NewCredential(facts.APIKey, "k-acm"), "unproven"},
		{"an endless key", facts.NewCredential(facts.APIKey, strings.Repeat("k", 9000)), "unproven"},
		{"nothing", facts.Credential{}, "anonymous"},
	} {
		who := ids.Resolve(&facts.Facts{Credential: c.cred})
		if who.String() != c.want {
			t.Errorf("%s: %s, want %s", c.what, who, c.want)
		}
		if (who.Mark != 0) != (c.cred.Kind != facts.NoCredential) {
			t.Errorf("%s: mark %x", c.what, who.Mark)
		}
	}
}

func TestProveDoesNotAllocate(t *testing.T) {
	keys, _ := New([]Config{{"acme", hash("k-acme")}})
	ids := identity.New(maphash.MakeSeed(), keys)
	f := &facts.Facts{Credential: facts.NewCredential(facts.APIKey, "k-acme")}
	if n := testing.AllocsPerRun(100, func() { ids.Resolve(f) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestNewNamesTheWrongEntry(t *testing.T) {
	ok := Config{"a", hash("a")}
	for what, c := range map[string]struct {
		second Config
		field  string
	}{
		"short hash": {Config{"b", "abcd"}, "sha256"},
		"not hex":    {Config{"b", strings.Repeat("z", 64)}, "sha256"},
		"same name":  {Config{"a", hash("b")}, "name"},
		"no name":    {Config{"", hash("b")}, "name"},
		"same key":   {Config{"b", hash("a")}, "sha256"},
	} {
		_, err := New([]Config{ok, c.second})
		var e *Error
		if !errors.As(err, &e) || e.Index != 1 || e.Field != c.field {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	keys, _ := New([]Config{{"acme", hash("k-acme")}})
	ids := identity.New(maphash.MakeSeed(), keys)
	f := &facts.Facts{Credential: facts.NewCredential(facts.Bearer, "sk_live_4f7a9c2e8b1d6035a7c4e9f2b8d10365")}
	for b.Loop() {
		ids.Resolve(f)
	}
}
