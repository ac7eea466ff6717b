package glacis_test

import (
	"fmt"
	"slices"
	"strings"
)

// A page is the import plan, parsed.
type page struct {
	below     map[string]map[string]bool // room → every room it may import
	tests     map[string][]string        // room → what its test files may import besides
	modules   map[string][]string        // module of others → rooms that may import it
	testsOnly []string                   // modules of others that every test file may import
}

func parsePage(plan, tests, modules, testsOnly string) (*page, error) {
	below, err := parsePlan(plan)
	if err != nil {
		return nil, fmt.Errorf("the import plan: %w", err)
	}
	p := &page{below: below, tests: parseTable(tests), modules: parseTable(modules), testsOnly: strings.Fields(testsOnly)}
	for name, more := range p.tests {
		for _, room := range append([]string{name}, more...) {
			if below[room] == nil {
				return nil, fmt.Errorf("testsMayImport: the plan has no room %q", room)
			}
		}
	}
	return p, nil
}

// parsePlan returns, for every room of the plan, the rooms it may import.
func parsePlan(text string) (map[string]map[string]bool, error) {
	below := map[string]map[string]bool{"NONE": {}}
	var promises [][]string // rules with !<, kept until every room is known
	for _, rule := range strings.Split(dropComments(text), ";") {
		rule = strings.TrimSpace(rule)
		if rule == "" {
			continue
		}
		if lower, upper, ok := strings.Cut(rule, "!<"); ok {
			promises = append(promises, []string{lower, upper})
			continue
		}
		steps := strings.Split(rule, "<")
		if len(steps) < 2 {
			return nil, fmt.Errorf("%q has no <: say what the room may import, or NONE", rule)
		}
		for i := 1; i < len(steps); i++ {
			if err := addStep(below, names(steps[i-1]), names(steps[i])); err != nil {
				return nil, fmt.Errorf("%q: %w", rule, err)
			}
		}
	}
	delete(below, "NONE")
	return below, keepPromises(below, promises)
}

// addStep lets each room of upper import each of lower and what those may import.
func addStep(below map[string]map[string]bool, lower, upper []string) error {
	for _, name := range upper {
		if name == "" || below[name] != nil {
			return fmt.Errorf("room %q must stand once on the right of a <", name)
		}
		may := map[string]bool{}
		for _, l := range lower {
			if below[l] == nil {
				return fmt.Errorf("room %q is used before its own line", l)
			}
			if l == "NONE" {
				continue
			}
			may[l] = true
			for deeper := range below[l] {
				may[deeper] = true
			}
		}
		below[name] = may
	}
	return nil
}

func keepPromises(below map[string]map[string]bool, promises [][]string) error {
	for _, promise := range promises {
		for _, lower := range names(promise[0]) {
			for _, upper := range names(promise[1]) {
				switch {
				case below[lower] == nil || below[upper] == nil:
					return fmt.Errorf("%s !< %s names a room without a line", lower, upper)
				case below[upper][lower]:
					return fmt.Errorf("%s !< %s, but the other lines let %s import it", lower, upper, upper)
				}
			}
		}
	}
	return nil
}

func dropComments(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		kept.WriteString(line + "\n")
	}
	return kept.String()
}

func names(list string) []string {
	found := strings.Split(list, ",")
	for i := range found {
		found[i] = strings.TrimSpace(found[i])
	}
	return found
}

// parseTable reads lines of the form "name: word word".
func parseTable(text string) map[string][]string {
	table := map[string][]string{}
	for line := range strings.Lines(dropComments(text)) {
		if name, words, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			table[name] = strings.Fields(words)
		}
	}
	return table
}

// check returns one complaint for each way the house departs from the page; each says what to do.
func (p *page) check(h house) []string {
	var complaints []string
	there, used := map[string]bool{}, map[string]bool{}
	for _, r := range h.rooms {
		there[r.name] = true
		if p.below[r.name] == nil && !isTool(r.name) && !isBench(r.name) {
			complaints = append(complaints, fmt.Sprintf(
				"room %s has no line in the import plan: add one to rooms_test.go that says what it may import, and name it in ARCHITECTURE.md", r.name))
			continue
		}
		for _, f := range r.files {
			for _, imported := range f.imports() {
				if why := p.refuse(r.name, f.test, imported, used); why != "" {
					complaints = append(complaints, f.path+": "+why)
				}
			}
		}
	}
	for name := range p.below {
		if !there[name] {
			complaints = append(complaints, "the plan names a room that is not there: "+name+": build it, or take its line out of rooms_test.go")
		}
	}
	for module := range p.modules {
		if !used[module] {
			complaints = append(complaints, "the plan names a module that nobody imports: "+module+": take its line out of rooms_test.go")
		}
	}
	slices.Sort(complaints)
	return complaints
}

// refuse says why a file of room must not import path, or "". It notes in used each module of others that code needs.
func (p *page) refuse(room string, test bool, imported string, used map[string]bool) string {
	first, _, _ := strings.Cut(imported, "/")
	switch {
	case imported == "C":
		return "imports C: the house builds without cgo"
	case first == modulePath:
		return p.refuseRoom(room, test, strings.TrimPrefix(imported, modulePath+"/"))
	case !strings.Contains(first, "."):
		return "" // the standard library
	}
	loose := test || isBench(room)
	module, rooms := lookup(p.modules, imported)
	if slices.ContainsFunc(rooms, func(pattern string) bool { return matches(pattern, room) }) {
		used[module] = used[module] || !test
		return ""
	}
	if loose && slices.ContainsFunc(p.testsOnly, func(m string) bool { return within(imported, m) }) {
		return ""
	}
	if module != "" {
		return fmt.Sprintf("imports %s, which belongs to %s: ask that room, or move the line in rooms_test.go", imported, strings.Join(rooms, " and "))
	}
	return fmt.Sprintf("imports %s, which the plan does not know: do without, or add a line to rooms_test.go and to NOTICE", imported)
}

func (p *page) refuseRoom(room string, test bool, imported string) string {
	switch {
	case isBench(room), p.below[room][imported]:
		return ""
	case isTool(imported) && !isTool(room):
		return ""
	case test && (imported == room || slices.Contains(p.tests[room], imported)):
		return ""
	case isTool(room):
		return fmt.Sprintf("imports %s: a room below internal/ is a tool that knows nothing of ours; pass it what it needs", imported)
	case isBench(imported):
		return fmt.Sprintf("imports %s: what stands below bench/ measures the house and is no part of it", imported)
	}
	return fmt.Sprintf("room %s may not import %s: turn the call round (an interface beside its caller), move the code, or change the plan in rooms_test.go on purpose",
		room, imported)
}

func isTool(room string) bool  { return within(room, "internal") }
func isBench(room string) bool { return within(room, "bench") }

// within reports whether path is folder or stands below it.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

func matches(pattern, room string) bool {
	folder, all := strings.CutSuffix(pattern, "/*")
	return pattern == room || all && within(room, folder)
}

// lookup returns the longest module of the table that holds an import path, with its rooms.
func lookup(table map[string][]string, imported string) (module string, rooms []string) {
	for m, r := range table {
		if within(imported, m) && len(m) > len(module) {
			module, rooms = m, r
		}
	}
	return module, rooms
}
