package facts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Bounds of what one route may declare.
const (
	maxPathSteps = 32
	maxPathIndex = 1 << 16
	maxPathName  = 256
	maxPathNodes = 1024
	maxFieldPath = 16 // paths of one field
	maxBodyLimit = 16 << 20
)

// PathError tells what is wrong with a field path, and at which byte of it.
type PathError struct {
	Path string
	At   int
	Why  string
}

func (e *PathError) Error() string {
	return fmt.Sprintf("field path %q, at %d: %s", e.Path, e.At, e.Why)
}

// BodyError tells which route's BodySpec cannot be followed, at which field where it is one (otherwise empty), and why.
// Err is a *PathError where a path is wrong.
type BodyError struct {
	Route *Route
	Field string
	Err   error
}

func (e *BodyError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("route %q: %v", e.Route.Pattern, e.Err)
	}
	return fmt.Sprintf("route %q, field %q: %v", e.Route.Pattern, e.Field, e.Err)
}

func (e *BodyError) Unwrap() error { return e.Err }

// fieldStep is one step of a path: a member name, or with index >= 0 an array element.
type fieldStep struct {
	name  string
	index int
	fold  bool // the name is meant in any case
}

// fieldTarget says that a value found here is the i-th declared field, by its order-th path; lower orders win.
type fieldTarget struct {
	field, order uint8
}

// fieldNode is one place in a JSON document that lies on a declared path. Node 0 is the document itself.
type fieldNode struct {
	steps   []fieldStep
	next    []int16 // beside steps
	targets []fieldTarget
	exact   int16 // the node of the same path with every name as declared
}

// formName is one name by which declared fields go in a form.
type formName struct {
	name    string
	targets []fieldTarget
}

// fieldPlan is the declared fields of one route, ready to be looked for. Immutable once made; nil when none are declared.
type fieldPlan struct {
	nodes []fieldNode
	forms []formName
	limit int
}

// compileFields makes the plan of one route. Its errors are *BodyError.
func compileFields(route *Route) (*fieldPlan, error) {
	spec := route.Body
	if len(spec.Fields) == 0 {
		return nil, nil
	}
	fail := func(field, format string, args ...any) (*fieldPlan, error) {
		return nil, &BodyError{route, field, fmt.Errorf(format, args...)}
	}
	if len(spec.Fields) > MaxFields {
		return fail("", "%d fields are declared, at most %d can be", len(spec.Fields), MaxFields)
	}
	if spec.Limit < 0 || spec.Limit > maxBodyLimit {
		return fail("", "a body limit of %d bytes is not between 0 and %d", spec.Limit, maxBodyLimit)
	}
	plan := &fieldPlan{nodes: make([]fieldNode, 1), limit: spec.Limit}
	if plan.limit == 0 {
		plan.limit = DefaultBodyLimit
	}
	for i, field := range spec.Fields {
		if len(field.Paths) == 0 || len(field.Paths) > maxFieldPath {
			return fail(field.Name, "it has %d paths, not 1 to %d", len(field.Paths), maxFieldPath)
		}
		for order, path := range field.Paths {
			steps, err := parseFieldPath(path)
			if err != nil {
				return nil, &BodyError{route, field.Name, err}
			}
			plan.add(steps, fieldTarget{uint8(i), uint8(order)})
			plan.addFolded(steps, fieldTarget{uint8(i), uint8(order + maxFieldPath)})
			if len(plan.nodes) > maxPathNodes {
				return fail("", "its field paths have too many places to look at; the longest paths have the most")
			}
		}
	}
	return plan, nil
}

func (p *fieldPlan) add(steps []fieldStep, target fieldTarget) {
	at, name := int16(0), -1
	for i, step := range steps {
		if at = p.grow(at, step); step.index < 0 {
			name = i
		}
		p.nodes[at].exact = at
	}
	p.nodes[at].targets = append(p.nodes[at].targets, target)
	if name >= 0 {
		p.addForm(steps[name].name, target)
	}
}

// addFolded adds the ways to a place on which some name is written in another case than declared. Servers that match names in any case
// are common (encoding/json and .NET do), and a field must not be hidden from us by writing EMAIL. Exact names come first: target's order
// is behind all of theirs.
func (p *fieldPlan) addFolded(steps []fieldStep, target fieldTarget) {
	for from := range steps {
		if steps[from].index >= 0 {
			continue
		}
		at, exact := int16(0), int16(0)
		for i, step := range steps {
			exact = p.nodes[exact].child(step)
			step.fold = i >= from && step.index < 0
			at = p.grow(at, step)
			p.nodes[at].exact = exact
		}
		if !slices.Contains(p.nodes[at].targets, target) {
			p.nodes[at].targets = append(p.nodes[at].targets, target)
		}
	}
}

// grow gives the node one step below another, making it where there is none.
func (p *fieldPlan) grow(at int16, step fieldStep) int16 {
	next := p.nodes[at].child(step)
	if next < 0 {
		next = int16(len(p.nodes))
		p.nodes = append(p.nodes, fieldNode{})
		p.nodes[at].steps = append(p.nodes[at].steps, step)
		p.nodes[at].next = append(p.nodes[at].next, next)
	}
	return next
}

func (p *fieldPlan) addForm(name string, target fieldTarget) {
	for i := range p.forms {
		if p.forms[i].name == name {
			p.forms[i].targets = append(p.forms[i].targets, target)
			return
		}
	}
	p.forms = append(p.forms, formName{name, []fieldTarget{target}})
}

func (n *fieldNode) child(step fieldStep) int16 {
	for i := range n.steps {
		if n.steps[i] == step {
			return n.next[i]
		}
	}
	return -1
}

// named and element are child for the two kinds of step, for names that are still bytes.
func (n *fieldNode) named(name []byte) int16 {
	for i := range n.steps {
		if n.steps[i].index < 0 && !n.steps[i].fold && n.steps[i].name == string(name) {
			return n.next[i]
		}
	}
	for i := range n.steps {
		if n.steps[i].fold && strings.EqualFold(n.steps[i].name, string(name)) {
			return n.next[i]
		}
	}
	return -1
}

func (n *fieldNode) element(index int) int16 {
	for i := range n.steps {
		if n.steps[i].index == index {
			return n.next[i]
		}
	}
	return -1
}

// parseFieldPath reads a path: "$.user.email", "$.items[0].id", `$["odd key"]` (or with single quotes), or a plain name, where
// "email" means "$.email". It is the part of RFC 9535 that names exactly one place.
func parseFieldPath(path string) ([]fieldStep, error) {
	fail := func(at int, why string) ([]fieldStep, error) { return nil, &PathError{path, at, why} }
	if path == "" {
		return fail(0, "it is empty")
	}
	if path[0] != '$' {
		if at := strings.IndexAny(path, ".[]$\"' \t"); at >= 0 {
			return fail(at, "a plain name is letters, digits, _ and -; for anything else write $.a.b or $[\"odd name\"]")
		}
		if len(path) > maxPathName {
			return fail(0, "the name is too long")
		}
		return []fieldStep{{name: path, index: -1}}, nil
	}
	var steps []fieldStep
	for at := 1; at < len(path); {
		step, next, why := parseFieldStep(path, at)
		if why != "" {
			return fail(at, why)
		}
		if steps = append(steps, step); len(steps) > maxPathSteps {
			return fail(at, "it has too many steps")
		}
		at = next
	}
	if len(steps) == 0 {
		return fail(1, "it names the whole document, not a field of it")
	}
	return steps, nil
}

func parseFieldStep(path string, at int) (step fieldStep, next int, why string) {
	rest := path[at:]
	switch {
	case rest[0] == '.':
		name := rest[1:]
		if end := strings.IndexAny(name, ".["); end >= 0 {
			name = name[:end]
		}
		if name == "" {
			return step, 0, "a name must follow the dot"
		}
		if strings.ContainsAny(name, "]*\"' \t") || len(name) > maxPathName {
			return step, 0, "this name must be written in brackets and quotes, is a wildcard, or is too long"
		}
		return fieldStep{name: name, index: -1}, at + 1 + len(name), ""
	case rest[0] == '[' && len(rest) > 1 && (rest[1] == '"' || rest[1] == '\''):
		return parseQuotedStep(path, at)
	case rest[0] == '[':
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			return step, 0, "the bracket is not closed"
		}
		index, err := strconv.ParseUint(rest[1:end], 10, 32)
		if err != nil || index >= maxPathIndex || strconv.FormatUint(index, 10) != rest[1:end] {
			return step, 0, "between brackets stands a quoted name or an index from 0 to 65535"
		}
		return fieldStep{index: int(index)}, at + end + 1, ""
	}
	return step, 0, "a step starts with . or ["
}

// parseQuotedStep reads ["name"] or ['name']; a backslash stands before a quote or a backslash.
func parseQuotedStep(path string, at int) (step fieldStep, next int, why string) {
	quote := path[at+1]
	var name []byte
	for i := at + 2; i < len(path) && len(name) <= maxPathName; i++ {
		c := path[i]
		switch {
		case c == '\\':
			if i++; i == len(path) || path[i] != quote && path[i] != '\\' {
				return step, 0, "a backslash may only stand before a quote or a backslash"
			}
			name = append(name, path[i])
		case c == quote:
			if i+1 == len(path) || path[i+1] != ']' {
				return step, 0, "] must follow the closing quote"
			}
			return fieldStep{name: string(name), index: -1}, i + 2, ""
		default:
			name = append(name, c)
		}
	}
	return step, 0, "the quoted name is not closed, or too long"
}
