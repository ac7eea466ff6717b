// Package risk is how worried to be about a request, and because of what: evidence in nats becomes one probability with its reasons.
// It does not know what follows from it.
package risk

import (
	"math"

	"glacis/decide/signal"
)

// PriorLogit is the log-odds of abuse before any evidence: one request in a hundred, ln(0.01/0.99).
const PriorLogit = -4.59511985013459

// GroupCap bounds what one group of signals can add, in nats: no single family may claim more than odds of about 22,000 to 1.
const GroupCap = 10

// The bands of the ladder, as probabilities.
const (
	TightenAt = 0.5
	SlowAt    = 0.9
	RefuseAt  = 0.99
)

// StrongGroup is the evidence, in nats, from which a group counts as independent support for a refusal.
const StrongGroup = 2

// MaxReasons bounds the reasons a score carries.
const MaxReasons = 3

// Score is how likely the request is part of an abuse. The zero value is "nothing odd": P is the prior.
type Score struct {
	Nats    float64 // sum of the evidence, capped by group
	reasons [MaxReasons]signal.Signal
	p       float64 // posterior; 0 when there is no evidence
	strong  int     // groups with more than StrongGroup nats
	sure    bool    // one signal supports a refusal by itself
}

// Weigh adds the evidence up: for each group the strongest signal plus half of the rest, capped; then the groups.
// Half of the rest, because signals of one group tell partly of the same thing.
func Weigh(found signal.Evidence) Score {
	var s Score
	if len(found.All()) == 0 {
		return s
	}
	var top, sum [signal.NumGroups]float64
	for _, one := range found.All() {
		n := float64(one.Nats)
		sum[one.Group] += n
		top[one.Group] = max(top[one.Group], n)
		s.sure = s.sure || one.Sure
		s.keep(one)
	}
	for g := range top {
		group := min(GroupCap, top[g]+(sum[g]-top[g])/2)
		s.Nats += group
		if group > StrongGroup {
			s.strong++
		}
	}
	s.p = 1 / (1 + math.Exp(-(PriorLogit + s.Nats)))
	return s
}

// keep holds on to the strongest signals, in order.
func (s *Score) keep(one signal.Signal) {
	for i := range s.reasons {
		if one.Nats > s.reasons[i].Nats {
			one, s.reasons[i] = s.reasons[i], one
		}
	}
}

// P is the posterior probability of abuse, between 0 and 1.
func (s *Score) P() float64 {
	if s.p == 0 {
		return prior
	}
	return s.p
}

// prior is the probability of PriorLogit.
const prior = 0.01

// Reasons are the strongest signals behind the score, strongest first.
func (s *Score) Reasons() []signal.Signal {
	n := 0
	for n < MaxReasons && s.reasons[n].Nats > 0 {
		n++
	}
	return s.reasons[:n]
}

// Band is what a score amounts to.
type Band uint8

// The bands, from nothing to do to refusing.
const (
	Quiet Band = iota
	Tighten
	Slow
	Refuse
)

// Band places the score on the ladder. A refusal needs two independent groups of evidence, or one signal that is sure by itself.
func (s *Score) Band() Band {
	p := s.P()
	switch {
	case s.sure && p >= SlowAt, p >= RefuseAt && s.strong >= 2:
		return Refuse
	case p >= SlowAt:
		return Slow
	case p >= TightenAt:
		return Tighten
	}
	return Quiet
}
