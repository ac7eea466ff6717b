package shop

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestShelfAgainstSlice plays the shelf against a slice of pairs, oldest first.
func TestShelfAgainstSlice(t *testing.T) {
	type pair struct{ key, value int }
	rapid.Check(t, func(t *rapid.T) {
		room := rapid.IntRange(1, 5).Draw(t, "room")
		shelf, twin := newShelf[int, int](room), []pair(nil)
		where := func(key int) int { return slices.IndexFunc(twin, func(p pair) bool { return p.key == key }) }
		key := rapid.IntRange(0, 7)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				k, v := key.Draw(t, "key"), rapid.Int().Draw(t, "value")
				if i := where(k); i >= 0 {
					twin = slices.Delete(twin, i, i+1)
				}
				dropped, full := shelf.put(k, v)
				if full != (len(twin) == room) {
					t.Fatalf("full %v with %d of %d", full, len(twin), room)
				}
				if full {
					if dropped != twin[0].value {
						t.Fatalf("dropped %d, want %d", dropped, twin[0].value)
					}
					twin = twin[1:]
				}
				twin = append(twin, pair{k, v})
			},
			"change": func(t *rapid.T) {
				k, v := key.Draw(t, "key"), rapid.Int().Draw(t, "value")
				shelf.change(k, v)
				if i := where(k); i >= 0 {
					twin[i].value = v
				}
			},
			"touch": func(t *rapid.T) {
				k := key.Draw(t, "key")
				shelf.touch(k)
				if i := where(k); i >= 0 {
					p := twin[i]
					twin = append(slices.Delete(twin, i, i+1), p)
				}
			},
			"drop": func(t *rapid.T) {
				k := key.Draw(t, "key")
				shelf.drop(k)
				if i := where(k); i >= 0 {
					twin = slices.Delete(twin, i, i+1)
				}
			},
			"": func(t *rapid.T) {
				if shelf.len() != len(twin) || len(shelf.byKey) != len(twin) {
					t.Fatalf("%d on the shelf, %d by key, want %d", shelf.len(), len(shelf.byKey), len(twin))
				}
				for _, p := range twin {
					if v, ok := shelf.get(p.key); !ok || v != p.value {
						t.Fatalf("get %d: %d %v, want %d", p.key, v, ok, p.value)
					}
				}
				k, v, ok := shelf.oldest()
				if ok != (len(twin) > 0) || ok && (pair{k, v}) != twin[0] {
					t.Fatalf("oldest %d %d %v of %v", k, v, ok, twin)
				}
			},
		})
	})
}
