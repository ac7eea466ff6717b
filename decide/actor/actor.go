// Package actor is what is remembered of each actor between requests: evidence that sticks, with a term, in one bounded table.
// It weighs nothing; sensors put evidence in and take it out.
package actor

import (
	"hash/maphash"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
)

// Scope is what kind of thing an actor is.
type Scope uint8

// The scopes remembered.
const (
	Address    Scope = iota // a client address: IPv4 /32, IPv6 /64
	Credential              // a presented credential, proven or not
)

// Key names one actor within this process.
type Key uint64

// Mark is evidence that sticks to an actor until its term ends.
type Mark struct {
	Nats  float32
	Until int64 // nanoseconds since the Unix epoch
	Hits  uint32
}

// Table remembers marks of a fixed number of actors. Memory is fixed at construction: 128 bytes a bucket of four actors.
// When a bucket is full, a finished mark goes first, then the weakest; a flood of new actors therefore cannot make the
// table forget a stronger mark.
type Table struct {
	seed    maphash.Seed
	buckets []bucket
	marked  atomic.Int64 // an upper bound of marks ever held, so that an empty table costs one load
}

const ways = 4

type bucket struct {
	mu   sync.Mutex
	key  [ways]Key
	mark [ways]Mark
}

// New makes a table for about the given number of actors (rounded up to a power of two, at least 64).
func New(actors int) *Table {
	n := 16
	for n*ways < actors && n < 1<<24 {
		n *= 2
	}
	return &Table{seed: maphash.MakeSeed(), buckets: make([]bucket, n)}
}

// AddressKey names the actor behind a client address.
func (t *Table) AddressKey(client netip.Addr) Key {
	if client.Is6() && !client.Is4In6() {
		if p, err := client.Prefix(64); err == nil {
			client = p.Addr()
		}
	}
	raw := client.As16()
	return t.key(Address, maphash.Bytes(t.seed, raw[:]))
}

// CredentialKey names the actor behind a presented credential.
func (t *Table) CredentialKey(mark uint64) Key { return t.key(Credential, mark) }

func (t *Table) key(s Scope, h uint64) Key {
	h ^= uint64(s+1) * 0x9e3779b97f4a7c15
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	h ^= h >> 32
	return Key(h | 1) // 0 is an empty place
}

func (t *Table) bucket(k Key) *bucket { return &t.buckets[uint64(k)>>8&uint64(len(t.buckets)-1)] }

// Recall returns the mark an actor carries now; ok is false when there is none or its term is over.
func (t *Table) Recall(k Key, now int64) (Mark, bool) {
	if t.marked.Load() == 0 {
		return Mark{}, false
	}
	b := t.bucket(k)
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.key {
		if b.key[i] == k {
			return b.mark[i], now < b.mark[i].Until
		}
	}
	return Mark{}, false
}

// Add marks an actor from now on for the given term (nanoseconds). A mark already running is strengthened to the larger nats and
// the later end, and its hits are counted. The new mark is returned; it is not kept when four stronger ones share its bucket.
func (t *Table) Add(k Key, now int64, nats float32, term int64) Mark {
	fresh := Mark{Nats: nats, Until: saturate(now, term), Hits: 1}
	b := t.bucket(k)
	b.mu.Lock()
	defer b.mu.Unlock()
	weakest := 0
	for i := range b.key {
		if b.key[i] == k {
			if old := b.mark[i]; now < old.Until {
				fresh = Mark{max(old.Nats, nats), max(old.Until, fresh.Until), old.Hits + 1}
			}
			b.mark[i] = fresh
			return fresh
		}
		if b.mark[i].strength(now) < b.mark[weakest].strength(now) {
			weakest = i
		}
	}
	if b.mark[weakest].strength(now) <= fresh.strength(now) {
		b.key[weakest], b.mark[weakest] = k, fresh
		t.marked.Add(1)
	}
	return fresh
}

// strength orders marks for eviction: finished ones first, then by nats.
func (m Mark) strength(now int64) float32 {
	if now >= m.Until {
		return -1
	}
	return m.Nats
}

func saturate(now, term int64) int64 {
	if term > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + term
}
