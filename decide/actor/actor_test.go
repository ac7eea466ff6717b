package actor

import (
	"net/netip"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestAMarkLastsItsTermAndGrows(t *testing.T) {
	table := New(64)
	k := table.AddressKey(netip.MustParseAddr("198.51.100.7"))
	if _, ok := table.Recall(k, 0); ok {
		t.Fatal("an unknown actor carries a mark")
	}
	table.Add(k, 10, 9, 100)
	if m, ok := table.Recall(k, 109); !ok || m.Nats != 9 || m.Hits != 1 {
		t.Errorf("within the term: %+v, %v", m, ok)
	}
	if m := table.Add(k, 50, 3, 100); m.Nats != 9 || m.Until != 150 || m.Hits != 2 {
		t.Errorf("a second, weaker hit: %+v", m)
	}
	if _, ok := table.Recall(k, 150); ok {
		t.Error("the mark outlives its term")
	}
	if m := table.Add(k, 200, 3, 100); m.Nats != 3 || m.Hits != 1 {
		t.Errorf("after the term it starts anew: %+v", m)
	}
}

func TestKeysTellActorsApart(t *testing.T) {
	table := New(64)
	key := func(a string) Key { return table.AddressKey(netip.MustParseAddr(a)) }
	if key("2001:db8::1") != key("2001:db8::ffff:1") {
		t.Error("two addresses of one /64 are two actors")
	}
	if key("2001:db8::1") == key("2001:db8:0:1::1") {
		t.Error("two /64 are one actor")
	}
	if key("192.0.2.1") != key("::ffff:192.0.2.1") {
		t.Error("a mapped IPv4 address is another actor")
	}
	if table.CredentialKey(7) == table.key(Address, 7) {
		t.Error("scopes share a key")
	}
}

// However many weaker actors arrive, a stronger running mark is not forgotten.
func TestAFloodForgetsNoStrongerMark(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := New(64)
		suspect := table.CredentialKey(rapid.Uint64().Draw(t, "suspect"))
		table.Add(suspect, 0, 9, 1000)
		for _, other := range rapid.SliceOfN(rapid.Uint64(), 0, 400).Draw(t, "others") {
			if k := table.CredentialKey(other); k != suspect {
				table.Add(k, 1, rapid.Float32Range(0, 8.9).Draw(t, "nats"), 1000)
			}
		}
		if m, ok := table.Recall(suspect, 2); !ok || m.Nats != 9 {
			t.Fatalf("forgotten: %+v %v", m, ok)
		}
	})
}

func TestTableBearsConcurrentUse(t *testing.T) {
	table := New(64)
	var wg sync.WaitGroup
	for g := range uint64(8) {
		wg.Go(func() {
			for i := range uint64(2000) {
				table.Add(table.CredentialKey(i%97), int64(i), float32(g), 50)
				table.Recall(table.CredentialKey((i+g)%97), int64(i))
			}
		})
	}
	wg.Wait()
}

func BenchmarkRecall(b *testing.B) {
	table := New(1 << 17)
	for i := range uint64(100_000) {
		table.Add(table.CredentialKey(i), 0, 1, 1<<60)
	}
	var i uint64
	b.ReportAllocs()
	for b.Loop() {
		table.Recall(table.CredentialKey(i*7919%100_000), 5)
		i++
	}
}
