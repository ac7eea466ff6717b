// Package posture is the hinge between the two loops: how tense to be, class by class, and who is barred or excused.
// A Posture is an immutable value; the slow loop and the operator store a new one, every decision loads the current one.
// It knows nothing of requests: it is asked with a class's number, an address and the time.
package posture

import (
	"net/netip"
	"sync/atomic"

	"github.com/gaissmai/bart"
)

// Tension is how tense a class of routes is.
type Tension uint8

// The tensions, from the ordinary day to an attack in progress.
const (
	Calm Tension = iota
	Tense
	Siege
)

var tensionNames = [...]string{"calm", "tense", "siege"}

func (t Tension) String() string { return tensionNames[t] }

// MaxClasses bounds the classes a posture tells apart.
const MaxClasses = 32

// Term is a bar or an excuse: whom it is for, why, and until when.
type Term struct {
	Prefix netip.Prefix
	Why    string
	Until  int64 // nanoseconds since the Unix epoch; 0 = until taken back
}

func (t *Term) runs(now int64) bool { return t.Until == 0 || now < t.Until }

// Posture is one state of alertness. Build it with New; it never changes afterwards.
type Posture struct {
	tension [MaxClasses]Tension
	bars    bart.Table[*Term]
	excuses bart.Table[*Term]
	terms   int
}

// New builds a posture. Prefixes must be valid; class numbers beyond MaxClasses are ignored.
func New(tension map[uint8]Tension, bars, excuses []Term) *Posture {
	p := &Posture{terms: len(bars) + len(excuses)}
	for class, t := range tension {
		if class < MaxClasses {
			p.tension[class] = t
		}
	}
	insert(&p.bars, bars)
	insert(&p.excuses, excuses)
	return p
}

// insert keeps, for one prefix, the term that runs longest.
func insert(table *bart.Table[*Term], terms []Term) {
	for _, t := range terms {
		at := unmapped(t.Prefix).Masked()
		if old, ok := table.Get(at); ok && (old.Until == 0 || t.Until != 0 && t.Until < old.Until) {
			continue
		}
		table.Insert(at, &t)
	}
}

// unmapped turns ::ffff:a.b.c.d/96+n into a.b.c.d/n, the form in which addresses are asked about.
func unmapped(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// Stance is what a posture says of one request.
type Stance struct {
	Tension Tension
	Bar     *Term // set when the address is barred and not excused
	Excuse  *Term // set when the address is excused: it beats every bar, limit and suspicion
}

// For gives the stance towards one address on a route of the given class.
func (p *Posture) For(class uint8, client netip.Addr, now int64) Stance {
	s := Stance{Tension: p.tension[class%MaxClasses]}
	if p.terms == 0 || !client.IsValid() {
		return s
	}
	if s.Excuse = running(&p.excuses, client, now); s.Excuse == nil {
		s.Bar = running(&p.bars, client, now)
	}
	return s
}

// running finds a term that covers the address and has not run out: the longest prefix first, then, when that one is
// over, the wider ones.
func running(table *bart.Table[*Term], client netip.Addr, now int64) *Term {
	t, ok := table.Lookup(client)
	if !ok || t.runs(now) {
		return t
	}
	for _, wider := range table.Supernets(netip.PrefixFrom(client, client.BitLen())) {
		if wider.runs(now) {
			return wider
		}
	}
	return nil
}

// Hinge holds the current posture. The zero value holds a calm one without terms.
type Hinge struct {
	current atomic.Pointer[Posture]
}

var calm = New(nil, nil, nil)

// Load returns the current posture, never nil.
func (h *Hinge) Load() *Posture {
	if p := h.current.Load(); p != nil {
		return p
	}
	return calm
}

// Store makes p the current posture.
func (h *Hinge) Store(p *Posture) { h.current.Store(p) }
