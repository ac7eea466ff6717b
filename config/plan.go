package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"glacis/decide/facts"
	"glacis/decide/identity/apikey"
	"glacis/decide/limit"
	"glacis/decide/signal/trap"
	"glacis/decide/verdict"
	"glacis/learn/outcome"
	"glacis/posture"
)

// Plan is a configuration ready to run on: everything compiled, nothing started. Tables are indexed by facts.Route.Index.
type Plan struct {
	Config   Config
	Routes   *facts.Routes
	Reader   *facts.Reader
	Bounds   [][]limit.Bound
	Policies []verdict.Policy
	Outcomes []*outcome.Rule
	Keys     *apikey.Keys
	Traps    trap.Paths
	Posture  *posture.Posture
}

// compiler turns a Config into a Plan, step by step; failf puts a position to an error when the Config was read from a file.
type compiler struct {
	Config
	plan  Plan
	failf func(path, format string, args ...any) error
	// class holds the limits of each class, and global those of every route: made once, so that routes share the budgets.
	class  [facts.NumClasses][]*classLimit
	global []*classLimit
	named  map[string]string // limit name → the configuration path that took it
}

// classLimit is a limit shared by routes, with the mode it was given.
type classLimit struct {
	*limit.Limit
	mode posture.Mode
}

// Compile makes the plan of a configuration that was put together by a program.
func Compile(c Config) (*Plan, error) {
	return compile(c, func(path, format string, args ...any) error {
		return fmt.Errorf("%s: "+format, append([]any{path}, args...)...)
	})
}

func compile(c Config, failf func(path, format string, args ...any) error) (*Plan, error) {
	k := &compiler{Config: c, failf: failf, named: map[string]string{}}
	k.plan.Config = c
	for _, step := range []func() error{k.upstreams, k.routes, k.reader, k.classes, k.bounds, k.outcomes, k.keys, k.traps, k.terms} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return &k.plan, nil
}

// upstreams refuses a target named twice: it would get a double share, and its figures would collide.
func (k *compiler) upstreams() error {
	all := k.UpstreamPool().Targets
	for i, target := range all {
		if !slices.Contains(all[:i], target) {
			continue
		}
		path := fmt.Sprintf("$.upstream[%d]", i)
		if i >= len(k.Upstream) {
			path = fmt.Sprintf("$.pool.targets[%d]", i-len(k.Upstream))
		}
		return k.failf(path, "this target is named twice")
	}
	return nil
}

// routes compiles the configured routes and the learnt ones behind them.
func (k *compiler) routes() (err error) {
	specs := make([]facts.RouteSpec, len(k.Routes))
	for i, r := range k.Routes {
		if specs[i], err = k.route(i, r); err != nil {
			return err
		}
	}
	k.plan.Routes, err = facts.NewRoutes(specs, func(c facts.Class) facts.BodySpec {
		fields, _ := fieldSpecs(presetOf(c).fields) // presets are right; a test compiles each of them
		return facts.BodySpec{Fields: fields}
	})
	if e, ok := errors.AsType[*facts.RouteError](err); ok {
		return k.failf(fmt.Sprintf("$.routes[%d].match", e.Index), "%s", e.Message)
	}
	return err
}

func (k *compiler) route(i int, r Route) (facts.RouteSpec, error) {
	spec := facts.RouteSpec{Pattern: r.Match, Class: guess(r.Match)}
	if r.Class != "" {
		if err := spec.Class.UnmarshalText([]byte(r.Class)); err != nil {
			return spec, k.failf(fmt.Sprintf("$.routes[%d].class", i), "%v", err)
		}
	}
	fields := r.Fields
	if fields == nil {
		fields = presetOf(spec.Class).fields
	}
	list, err := fieldSpecs(fields)
	if err != nil {
		return spec, k.failf(fmt.Sprintf("$.routes[%d].fields", i), "%v", err)
	}
	if r.Body < 0 || r.Body > 16<<20 {
		return spec, k.failf(fmt.Sprintf("$.routes[%d].body", i), "at most 16MiB of a body are read ahead")
	}
	spec.Body = facts.BodySpec{Fields: list, Limit: int(r.Body)}
	return spec, nil
}

// guess classes a configured pattern by its method and path.
func guess(pattern string) facts.Class {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		method, path = "", pattern
	}
	if at := strings.Index(path, "/"); at > 0 {
		path = path[at:]
	}
	return facts.GuessClass(method, strings.TrimSpace(path))
}

// fieldSpecs puts declared fields in a fixed order.
func fieldSpecs(fields map[string]string) ([]facts.FieldSpec, error) {
	if len(fields) > facts.MaxFields {
		return nil, fmt.Errorf("%d fields are too many, at most %d", len(fields), facts.MaxFields)
	}
	var list []facts.FieldSpec
	for name, paths := range fields {
		spec := facts.FieldSpec{Role: facts.RoleOf(name), Name: name}
		for p := range strings.SplitSeq(paths, "|") {
			spec.Paths = append(spec.Paths, strings.TrimSpace(p))
		}
		list = append(list, spec)
	}
	slices.SortFunc(list, func(a, b facts.FieldSpec) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func (k *compiler) reader() (err error) {
	k.plan.Reader, err = facts.NewReader(facts.Config{
		TrustedProxies: k.TrustedProxies, ClientHeader: k.ClientHeader, KeyHeaders: k.KeyHeaders, SessionCookies: k.SessionCookies,
	}, k.plan.Routes)
	if e, ok := errors.AsType[*facts.BodyError](err); ok && !e.Route.Learnt {
		return k.failf(fmt.Sprintf("$.routes[%d].fields.%s", e.Route.Index, e.Field), "%v", e.Err)
	} else if err != nil {
		return k.failf("$", "%v", err)
	}
	return nil
}

// keys compiles the keys the gate proves.
func (k *compiler) keys() (err error) {
	k.plan.Keys, err = apikey.New(k.Keys)
	if e, ok := errors.AsType[*apikey.Error](err); ok {
		return k.failf(fmt.Sprintf("$.keys[%d].%s", e.Index, e.Field), "%s", e.Message)
	}
	return err
}

// traps compiles the honeypots.
func (k *compiler) traps() (err error) {
	k.plan.Traps, err = trap.NewPaths(k.Traps)
	if e, ok := errors.AsType[*trap.Error](err); ok {
		return k.failf(fmt.Sprintf("$.traps[%d]", e.Index), "%s", e.Message)
	}
	return err
}

// terms compiles bars and excuses into the posture the gate starts with.
func (k *compiler) terms() error {
	bars, err := k.termList("bars", k.Bars)
	if err != nil {
		return err
	}
	excuses, err := k.termList("excuses", k.Excuses)
	if err != nil {
		return err
	}
	k.plan.Posture = posture.New(nil, bars, excuses)
	return nil
}

func (k *compiler) termList(name string, list []Term) ([]posture.Term, error) {
	out := make([]posture.Term, len(list))
	for i, t := range list {
		if !t.Prefix.IsValid() {
			return nil, k.failf(fmt.Sprintf("$.%s[%d].prefix", name, i), "a network such as 198.51.100.0/24 is needed")
		}
		out[i] = posture.Term{Prefix: t.Prefix, Why: t.Why}
		if !t.Until.IsZero() {
			out[i].Until = t.Until.UnixNano()
		}
	}
	return out, nil
}

// outcomes compiles what answers mean, route by route.
func (k *compiler) outcomes() error {
	var preset [facts.NumClasses]*outcome.Rule
	for _, r := range k.plan.Routes.All() {
		own := outcome.Config{}
		if !r.Learnt {
			own = k.Routes[r.Index].Outcome
		}
		if own == (outcome.Config{}) && preset[r.Class] != nil {
			k.plan.Outcomes = append(k.plan.Outcomes, preset[r.Class])
			continue
		}
		rule, err := outcome.New(own, r.Class)
		if e, ok := errors.AsType[*outcome.Error](err); ok {
			return k.failf(fmt.Sprintf("$.routes[%d].outcome.%s", r.Index, e.Field), "%s", e.Message)
		} else if err != nil {
			return err
		}
		if own == (outcome.Config{}) {
			preset[r.Class] = rule
		}
		k.plan.Outcomes = append(k.plan.Outcomes, rule)
	}
	return nil
}
