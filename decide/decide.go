// Package decide is the fast loop: one request in, one verdict out. It only orders the rooms; none of the work is done here.
// A decision is look-ups and arithmetic: no network, no allocation, the time arrives inside the facts.
package decide

import (
	"glacis/decide/facts"
	"glacis/decide/identity"
	"glacis/decide/limit"
	"glacis/decide/risk"
	"glacis/decide/signal"
	"glacis/decide/verdict"
	"glacis/posture"
)

// Engine decides by one plan. It is immutable; what is remembered lives in the rooms' own tables and outlasts it.
type Engine struct {
	Posture    *posture.Hinge
	Identities *identity.Identities
	Sensors    signal.Sensors
	Limits     *limit.Set
	Policies   []verdict.Policy // indexed by facts.Route.Index
}

// Decide answers one request. This is the flow, and the only place where its order stands.
func (e *Engine) Decide(f *facts.Facts) verdict.Verdict {
	stance := e.Posture.Load().For(uint8(f.Route.Class), f.Client, f.At)
	who := e.Identities.Resolve(f)
	odd := e.Sensors.Sense(f, who, stance.Excuse != nil)
	score := risk.Weigh(odd)
	policy := e.Policies[f.Route.Index]
	live, shadow := verdict.Strain(f, &score, stance, policy)
	spent := e.Limits.Take(f, who, live, shadow)
	return verdict.Of(f, who, score, spent, stance, policy)
}
