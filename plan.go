package glacis

import (
	"glacis/config"
	"glacis/decide"
	"glacis/decide/identity"
	"glacis/decide/limit"
	"glacis/decide/signal"
	"glacis/decide/signal/trap"
)

// plan is a compiled configuration bound to the gate's tables. It is immutable and swapped whole.
type plan struct {
	*config.Plan
	engine  *decide.Engine
	counted *counters
}

// bind joins a compiled configuration with what outlasts it.
func (g *Gate) bind(compiled *config.Plan) (*plan, error) {
	limits, err := limit.NewSet(g.budgets, g.seed, compiled.Bounds)
	if err != nil {
		return nil, err
	}
	if old := g.plan.Load(); old != nil && old.Plan != compiled { // requests are reading the one in force
		compiled.Routes.Inherit(old.Routes)
	}
	engine := &decide.Engine{
		Posture:    &g.posture,
		Identities: identity.New(g.seed, compiled.Keys),
		Sensors:    signal.Sensors{trap.New(compiled.Traps, compiled.Config.TrapFor, g.actors)},
		Limits:     limits,
		Policies:   compiled.Policies,
	}
	return &plan{compiled, engine, g.metrics.forRoutes(compiled.Routes.All())}, nil
}
