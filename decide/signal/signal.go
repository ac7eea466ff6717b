// Package signal is what is odd about a request: single pieces of evidence, each a log-likelihood ratio in nats with a sentence a
// person understands. Adding them up is not done here.
package signal

import (
	"glacis/decide/facts"
	"glacis/decide/identity"
)

// Group is a family of signals that tell of the same thing, so that their evidence is not counted twice.
type Group uint8

// The groups. More come with their sensors.
const (
	Trap Group = iota
	NumGroups
)

var groupNames = [NumGroups]string{"trap"}

func (g Group) String() string { return groupNames[g] }

// Signal is one piece of evidence. Nats is ln(p(seen|abuse)/p(seen|good)); 0 is no evidence.
type Signal struct {
	Code     string // stable, for programs: "trap.hit"
	Sentence string // for people
	Nats     float32
	Group    Group
	Sure     bool // supports a refusal by itself, without a second group of evidence
}

// A Sensor looks for one sort of evidence. It runs in the request's way: no allocation, no network, bounded time.
type Sensor interface {
	Sense(f *facts.Facts, who identity.Subject) Signal
}

// MaxSensors bounds the sensors of one decision.
const MaxSensors = 16

// Evidence is what the sensors found in one request.
type Evidence struct {
	list [MaxSensors]Signal
	n    int
}

// All returns the signals found.
func (e *Evidence) All() []Signal { return e.list[:e.n] }

// Sensors are asked one after the other.
type Sensors []Sensor

// Sense collects the evidence of one request. Of who is excused none is looked for, and so none sticks. Sensors beyond MaxSensors are
// not asked.
func (s Sensors) Sense(f *facts.Facts, who identity.Subject, excused bool) (found Evidence) {
	if excused {
		return found
	}
	for _, sensor := range s[:min(len(s), MaxSensors)] {
		if one := sensor.Sense(f, who); one.Nats != 0 {
			found.list[found.n] = one
			found.n++
		}
	}
	return found
}
