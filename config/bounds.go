package config

import (
	"fmt"
	"slices"
	"strings"

	"glacis/decide/facts"
	"glacis/decide/limit"
	"glacis/decide/verdict"
	"glacis/posture"
)

// classes makes the limits that routes share: those of every route and those of each class.
func (k *compiler) classes() (err error) {
	if k.global, err = k.limits("$.limits", "all", k.Limits); err != nil {
		return err
	}
	for name := range k.Classes {
		if !slices.Contains(facts.ClassNames(), name) {
			return k.failf("$.classes."+name, "no class %q; the classes are %s", name, strings.Join(facts.ClassNames(), ", "))
		}
	}
	for class := range facts.NumClasses {
		list, path := presetOf(class).limits, "the preset of class "+class.String()
		if own := k.Classes[class.String()].Limits; own != nil {
			list, path = *own, "$.classes."+class.String()+".limits"
		}
		if k.class[class], err = k.limits(path, class.String(), list); err != nil {
			return err
		}
	}
	return nil
}

// limits compiles a list of limits; unnamed ones are called "owner:dimensions".
func (k *compiler) limits(path, owner string, list []limit.Config) ([]*classLimit, error) {
	var out []*classLimit
	for i, c := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		if c.Name == "" {
			c.Name = k.freeName(speakable(owner) + ":" + speakable(dimensions(c.Per)))
		}
		if other, taken := k.named[c.Name]; taken {
			return nil, k.failf(at+".name", "the limit at %s is already called %q", other, c.Name)
		}
		l, err := limit.New(c)
		if err != nil {
			return nil, k.failf(at, "%v", err)
		}
		k.named[c.Name] = at
		out = append(out, &classLimit{l, c.Mode})
	}
	return out, nil
}

func dimensions(per []limit.Dimension) string {
	names := make([]string, len(per))
	for i, d := range per {
		names[i] = d.String()
	}
	return strings.Join(names, "+")
}

// speakable keeps of a text what a limit's name may hold, and not more than fits.
func speakable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
			return '?'
		}
		return r
	}, text)
	return text[:min(len(text), 56)]
}

// freeName tells limits over the same dimensions apart by their order.
func (k *compiler) freeName(name string) string {
	free := name
	for n := 2; k.named[free] != ""; n++ {
		free = fmt.Sprintf("%s-%d", name, n)
	}
	return free
}

// bounds puts limits and modes to routes: the nearest mode wins, limit before route before class before file.
func (k *compiler) bounds() error {
	for _, r := range k.plan.Routes.All() {
		mode := k.Classes[r.Class.String()].Mode.Or(k.Mode.Or(posture.Monitor))
		var own []*classLimit
		preset := true
		if !r.Learnt {
			c := k.Routes[r.Index]
			mode = c.Mode.Or(mode)
			preset = c.Preset == nil || *c.Preset
			var err error
			if own, err = k.limits(fmt.Sprintf("$.routes[%d].limits", r.Index), r.Pattern, c.Limits); err == nil {
				err = k.declared(r, own)
			}
			if err != nil {
				return err
			}
		}
		list := slices.Concat(k.global, own)
		if preset {
			list = append(list, k.class[r.Class]...)
		}
		if len(list) > limit.MaxPerRoute {
			return k.failf(fmt.Sprintf("$.routes[%d]", r.Index), "%d limits come together on this route, at most %d", len(list), limit.MaxPerRoute)
		}
		k.plan.Bounds = append(k.plan.Bounds, bind(list, mode))
		k.plan.Policies = append(k.plan.Policies, verdict.Policy{Mode: mode, RefuseMalformed: k.Paths.Malformed != "pass"})
	}
	return nil
}

// declared checks that the route's own limits count by payload fields it declares: others would never apply.
func (k *compiler) declared(r *facts.Route, own []*classLimit) error {
	for i, l := range own {
		for _, d := range l.Per {
			name, needed := d.NeedsField()
			if needed && !slices.ContainsFunc(r.Body.Fields, func(f facts.FieldSpec) bool { return f.Name == name }) {
				return k.failf(fmt.Sprintf("$.routes[%d].limits[%d].per", r.Index, i), "the route declares no field %q to count by; add it under fields", name)
			}
		}
	}
	return nil
}

func bind(list []*classLimit, mode posture.Mode) []limit.Bound {
	out := make([]limit.Bound, len(list))
	for i, l := range list {
		out[i] = limit.Bound{Limit: l.Limit, Mode: l.mode.Or(mode)}
	}
	return out
}
