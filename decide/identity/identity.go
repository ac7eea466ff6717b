// Package identity is who a request says it comes from, and how well that was proven. A credential nobody proved still
// tells requests apart, but grants nothing. It does not decide what a subject may do.
package identity

import (
	"hash/maphash"

	"glacis/decide/facts"
)

// Kind is what sort of caller a subject is.
type Kind uint8

// The kinds. More come with their provers.
const (
	Anonymous Kind = iota
	Key
)

var kindNames = [...]string{"anonymous", "key"}

func (k Kind) String() string { return kindNames[k] }

// Subject is who is asking.
type Subject struct {
	Kind   Kind
	Name   string // public name of a proven subject; empty otherwise
	Proven bool
	// Mark tells presented credentials apart within this process, proven or not: a keyed hash, 0 when nothing was presented.
	Mark uint64
}

// AppendText appends "key:NAME" for a proven subject, "unproven" for a credential nobody proved, "anonymous" without one.
func (s Subject) AppendText(b []byte) []byte {
	switch {
	case s.Proven:
		b = append(b, s.Kind.String()...)
		b = append(b, ':')
		return append(b, s.Name...)
	case s.Mark != 0:
		return append(b, "unproven"...)
	}
	return append(b, "anonymous"...)
}

func (s Subject) String() string { return string(s.AppendText(nil)) }

// A Prover knows one sort of credential. It returns false when the credential is not one of its own or is not valid;
// it must take the same time whichever of its secrets a wrong credential resembles.
type Prover interface {
	Prove(c facts.Credential) (Subject, bool)
}

// Identities resolves subjects by asking its provers in order.
type Identities struct {
	provers []Prover
	seed    maphash.Seed
}

// New returns the identities known to the given provers. Marks depend on the seed: plans that follow each other must share it.
func New(seed maphash.Seed, provers ...Prover) *Identities {
	return &Identities{provers: provers, seed: seed}
}

// Resolve says who is asking. It never fails: whoever proves nothing is unproven or anonymous.
func (i *Identities) Resolve(f *facts.Facts) Subject {
	if f.Credential.Kind == facts.NoCredential {
		return Subject{}
	}
	mark := maphash.String(i.seed, f.Credential.Reveal()) | 1 // never 0: something was presented
	for _, p := range i.provers {
		if who, ok := p.Prove(f.Credential); ok {
			who.Mark, who.Proven = mark, true
			return who
		}
	}
	return Subject{Mark: mark}
}
