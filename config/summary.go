package config

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"glacis/decide/facts"
)

// Summary is the effective plan: what comes of the file, its presets and its guesses.
type Summary struct {
	Listen   []string       `json:"listen"`
	Upstream []string       `json:"upstream"`
	Admin    string         `json:"admin"`
	Mode     string         `json:"mode"`
	Routes   []RouteSummary `json:"routes"`
	Keys     []string       `json:"keys,omitempty"`
	Traps    []string       `json:"traps,omitempty"`
	Bars     []string       `json:"bars,omitempty"`
	Excuses  []string       `json:"excuses,omitempty"`
}

// RouteSummary is what applies to one route.
type RouteSummary struct {
	Match  string            `json:"match"` // "(class)" stands for unmatched paths of that class
	Class  string            `json:"class"`
	Mode   string            `json:"mode"`
	Fields map[string]string `json:"fields,omitempty"`
	Limits []LimitSummary    `json:"limits"`
}

// LimitSummary is one limit on a route.
type LimitSummary struct {
	Name  string   `json:"name"`
	Per   []string `json:"per"`
	Rate  string   `json:"rate"`
	Burst int64    `json:"burst"`
	Cost  int64    `json:"cost"`
	Mode  string   `json:"mode"`
}

// Summary describes the plan.
func (p *Plan) Summary() Summary {
	c := &p.Config
	s := Summary{Listen: c.Listen, Upstream: c.UpstreamPool().Targets, Admin: c.Admin.Listen, Mode: c.Mode.String(), Traps: c.Traps,
		Bars: termTexts(c.Bars), Excuses: termTexts(c.Excuses)}
	for _, k := range c.Keys {
		s.Keys = append(s.Keys, k.Name)
	}
	for i, r := range p.Routes.All() {
		s.Routes = append(s.Routes, p.route(i, r))
	}
	return s
}

func (p *Plan) route(i int, r *facts.Route) RouteSummary {
	s := RouteSummary{Match: r.Pattern, Class: r.Class.String(), Mode: p.Policies[i].Mode.String(), Limits: []LimitSummary{}}
	for _, f := range r.Body.Fields {
		if s.Fields == nil {
			s.Fields = map[string]string{}
		}
		s.Fields[f.Name] = strings.Join(f.Paths, " | ")
	}
	for _, b := range p.Bounds[i] {
		l := LimitSummary{Name: b.Name, Rate: b.Rate.String(), Burst: b.Burst, Cost: b.Cost, Mode: b.Mode.String()}
		for _, d := range b.Per {
			l.Per = append(l.Per, d.String())
		}
		s.Limits = append(s.Limits, l)
	}
	return s
}

// Guesses tells of the configured routes whose class was guessed: what should be read before it is trusted.
func (p *Plan) Guesses() []string {
	var out []string
	for _, r := range p.Routes.All() {
		if !r.Learnt && p.Config.Routes[r.Index].Class == "" && r.Class != facts.Plain {
			out = append(out, r.Pattern+" is "+r.Class.String())
		}
	}
	return out
}

func termTexts(list []Term) []string {
	var out []string
	for _, t := range list {
		text := t.Prefix.String()
		if t.Why != "" {
			text += " (" + t.Why + ")"
		}
		if !t.Until.IsZero() {
			text += " until " + t.Until.Format("2006-01-02 15:04 MST")
		}
		out = append(out, text)
	}
	return out
}

// Write prints the plan for people.
func (p *Plan) Write(to io.Writer) error {
	s := p.Summary()
	t := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, value)
		}
	}
	line("listen", strings.Join(s.Listen, ", "))
	line("upstream", strings.Join(s.Upstream, ", "))
	line("admin", s.Admin)
	line("mode", s.Mode)
	line("keys", strings.Join(s.Keys, ", "))
	line("traps", strings.Join(s.Traps, ", "))
	line("bars", strings.Join(s.Bars, ", "))
	line("excuses", strings.Join(s.Excuses, ", "))
	fmt.Fprintf(t, "\nROUTE\tCLASS\tMODE\tLIMIT\tPER\tRATE\tBURST\n")
	for _, r := range s.Routes {
		first := r.Match + "\t" + r.Class + "\t" + r.Mode
		if len(r.Limits) == 0 {
			fmt.Fprintf(t, "%s\tnone\t\t\t\n", first)
		}
		for _, l := range r.Limits {
			mode := ""
			if l.Mode != r.Mode {
				mode = " (" + l.Mode + ")"
			}
			fmt.Fprintf(t, "%s\t%s%s\t%s\t%s\t%d\n", first, l.Name, mode, strings.Join(l.Per, "+"), l.Rate, l.Burst)
			first = "\t\t"
		}
	}
	return t.Flush()
}
