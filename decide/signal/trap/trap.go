// Package trap senses visits to honeypot routes: paths no legitimate client has a reason to ask for. A visit sticks to the
// address and the credential it came from, for a term.
package trap

import (
	"fmt"
	"strings"
	"time"

	"glacis/decide/actor"
	"glacis/decide/facts"
	"glacis/decide/identity"
	"glacis/decide/signal"
)

// Nats is the evidence of one visit: odds of about 8,000 to 1, the field's usual belief that a decoy nobody links to is asked for
// by programs that search (DESIGN: a hit is +9 nats).
const Nats = 9

// DefaultTerm is how long a visit is held against an address and a credential.
const DefaultTerm = time.Hour

// MaxTraps bounds the honeypot routes.
const MaxTraps = 1024

// Paths are honeypot paths: decoded, absolute, compared whole and without regard to the case of ASCII letters.
type Paths map[string]struct{}

// Error tells which path of a list is no trap.
type Error struct {
	Index   int
	Message string
}

func (e *Error) Error() string { return e.Message }

// NewPaths checks a list of honeypot paths.
func NewPaths(list []string) (Paths, error) {
	if len(list) > MaxTraps {
		return nil, &Error{MaxTraps, fmt.Sprintf("%d traps are too many, at most %d", len(list), MaxTraps)}
	}
	paths := make(Paths, len(list))
	for i, p := range list {
		if !strings.HasPrefix(p, "/") || p == "/" || len(p) > longest {
			return nil, &Error{i, fmt.Sprintf("trap %q must be a path below / of at most %d characters", p, longest)}
		}
		paths[string(fold(nil, strings.TrimSuffix(p, "/")))] = struct{}{}
	}
	return paths, nil
}

// longest is the longest honeypot path.
const longest = 256

// Sensor marks who visits honeypots.
type Sensor struct {
	paths  Paths
	actors *actor.Table
	term   int64
}

var _ signal.Sensor = (*Sensor)(nil)

// New makes the sensor. A term of 0 is DefaultTerm.
func New(paths Paths, term time.Duration, actors *actor.Table) *Sensor {
	if term == 0 {
		term = DefaultTerm
	}
	return &Sensor{paths, actors, int64(term)}
}

// Sense reports a visit, or one remembered of this credential or address. The visit itself and the credential's are sure, and the
// credential is therefore looked at first; an address may be shared by honest people, so what it did before only makes its later
// requests suspicious.
func (s *Sensor) Sense(f *facts.Facts, who identity.Subject) signal.Signal {
	// A peer without an address, such as a Unix socket, and a credential without a text are everybody's: nothing sticks to them.
	addressed, presented := f.Client.IsValid(), who.Mark != 0 && f.Credential.Reveal() != ""
	if s.paths.has(f.Path) {
		if addressed {
			s.actors.Add(s.actors.AddressKey(f.Client), f.At, Nats, s.term)
		}
		if presented {
			s.actors.Add(s.actors.CredentialKey(who.Mark), f.At, Nats, s.term)
		}
		return signal.Signal{Code: "trap.hit", Nats: Nats, Group: signal.Trap, Sure: true, Sentence: "asked for a honeypot route"}
	}
	if presented {
		if m, ok := s.actors.Recall(s.actors.CredentialKey(who.Mark), f.At); ok {
			return signal.Signal{Code: "trap.credential", Nats: m.Nats, Group: signal.Trap, Sure: true, Sentence: "this credential was lately used on a honeypot route"}
		}
	}
	if addressed {
		if m, ok := s.actors.Recall(s.actors.AddressKey(f.Client), f.At); ok {
			return signal.Signal{Code: "trap.address", Nats: m.Nats, Group: signal.Trap, Sentence: "this address lately asked for a honeypot route"}
		}
	}
	return signal.Signal{}
}

// has looks a path up without regard to case; neither the look-up nor the folding allocates.
func (p Paths) has(path string) bool {
	path = strings.TrimSuffix(path, "/") // /export/ is the same decoy as /export
	if len(path) > longest || len(p) == 0 {
		return false
	}
	var buf [longest]byte
	_, ok := p[string(fold(buf[:0], path))]
	return ok
}

// fold appends a path with its ASCII letters in lower case. Other letters stay: a path may be no text at all.
func fold(b []byte, path string) []byte {
	for i := range len(path) {
		c := path[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}
