package facts

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// RouteSpec is one configured route. Pattern has the syntax of net/http: "[METHOD ][HOST]/path" with {name}, {name...} and {$}.
type RouteSpec struct {
	Pattern string
	Class   Class
	Body    BodySpec
}

// RouteError says which spec is wrong: its Index in the list given to NewRoutes, or -1 for the body of a class, and why, in one line.
type RouteError struct {
	Index   int
	Pattern string
	Message string
}

func (e *RouteError) Error() string { return fmt.Sprintf("route %q: %s", e.Pattern, e.Message) }

// Routes finds the route and the template of a request. What is configured is matched as http.ServeMux does it: GET is HEAD too,
// a host before none, the most specific pattern wins, patterns of which neither is more specific are refused. What differs:
//   - the path matched is the cleaned, decoded one of Facts, in which %2F is not a separator;
//   - nobody is redirected: where ServeMux would send "/a" to "/a/", the route of "/a/" is the answer;
//   - when nothing matches, a trailing slash is dropped, then what plainer takes away, and if that does not help the request belongs to the route of the class
//     its path looks like, under a learnt template (see GuessClass).
//
// The configured part never changes; the learnt templates are shared by all goroutines.
type Routes struct {
	tree   routeTree
	all    []*Route
	learnt [NumClasses]*Route
	paths  *learner
}

// NewRoutes builds the routes. Learnt gives what to read of the bodies of unmatched requests of a class; nil reads nothing.
// The error is a *RouteError.
func NewRoutes(specs []RouteSpec, learnt func(Class) BodySpec) (*Routes, error) {
	r := &Routes{paths: newLearner(maxTemplates)}
	mux := http.NewServeMux()
	for i, spec := range specs {
		if err := r.add(mux, spec); err != nil {
			return nil, &RouteError{i, spec.Pattern, err.Error()}
		}
	}
	for c := range NumClasses {
		route := &Route{Index: len(r.all), Pattern: "(" + c.String() + ")", Class: c, Learnt: true}
		if learnt != nil {
			route.Body = learnt(c)
		}
		if err := checkBody(route.Body); err != nil {
			return nil, &RouteError{-1, route.Pattern, err.Error()}
		}
		r.learnt[c] = route
		r.all = append(r.all, route)
	}
	return r, nil
}

// add adds one configured route. The mux is asked about syntax and conflicts, for what it says is their definition.
func (r *Routes) add(mux *http.ServeMux, spec RouteSpec) error {
	p := splitPattern(spec.Pattern)
	if err := register(mux, p.String()); err != nil {
		return err
	}
	if err := p.read(); err != nil {
		return err
	}
	if spec.Class >= NumClasses {
		return fmt.Errorf("there is no class %d", spec.Class)
	}
	if err := checkBody(spec.Body); err != nil {
		return err
	}
	route := &Route{Index: len(r.all), Pattern: spec.Pattern, Class: spec.Class, Body: spec.Body}
	leaf := &routeLeaf{route, p.path, p.ending == endsOpen}
	if taken := r.tree.add(p, leaf); taken != nil { // spelt differently, but the same once decoded
		return fmt.Errorf("conflicts with %q: it matches the same requests", taken.route.Pattern)
	}
	r.all = append(r.all, route)
	return nil
}

func checkBody(b BodySpec) error {
	if len(b.Fields) > MaxFields {
		return fmt.Errorf("declares %d payload fields; at most %d can be read", len(b.Fields), MaxFields)
	}
	return nil
}

// muxNoise is what nobody who writes a configuration needs of the mux's messages: the pattern they are looking at, and source lines.
var muxNoise = regexp.MustCompile(`^(?:parsing|pattern) "(?:[^"\\]|\\.)*":?| \(registered at [^)]*\)|^http: `)

// register tells whether the mux takes the pattern beside those it has.
func register(mux *http.ServeMux, pattern string) (err error) {
	defer func() {
		if refusal := recover(); refusal != nil {
			message := muxNoise.ReplaceAllString(fmt.Sprint(refusal), "")
			err = errors.New(strings.Join(strings.Fields(message), " "))
		}
	}()
	mux.Handle(pattern, http.NotFoundHandler())
	return nil
}

// All lists the routes by Index: the configured ones in their order, then one for the unmatched paths of each class.
func (r *Routes) All() []*Route { return slices.Clone(r.all) }

// Match finds the route of a request and the template it is counted under: the path of the configured pattern, or a learnt one.
// The host is in lower case and without port, the path as Facts has it. It allocates only when it learns, and
// for paths that have a plainer form.
func (r *Routes) Match(method, host, path string) (*Route, string) {
	if leaf := r.configured(method, host, path); leaf != nil {
		return leaf.route, leaf.template
	}
	if plain, ok := plainer(path); ok {
		if leaf := r.configured(method, host, plain); leaf != nil {
			return leaf.route, leaf.template
		}
		path = plain
	}
	class, template := r.paths.template(method, path)
	return r.learnt[class], template
}

// plainer takes away what some servers do not see in a path and others do, so that an attacker does not get around a route by it: matrix
// parameters (RFC 3986 §3.3; /login;x=1 is /login to servers that know them), a fragment, and spaces at the end; encoded slashes and
// backslashes become slashes. ok tells that there was any.
func plainer(path string) (plain string, ok bool) {
	if strings.IndexByte(path, ';') < 0 && strings.IndexByte(path, '#') < 0 && strings.IndexByte(path, '\\') < 0 &&
		!strings.HasSuffix(path, " ") && !strings.Contains(path, "%2F") {
		return path, false
	}
	path, _, _ = strings.Cut(path, "#")
	path = strings.NewReplacer("%2F", "/", "\\", "/").Replace(path)
	segments := strings.Split(strings.TrimRight(path, " "), "/")
	for i, s := range segments {
		segments[i] = cutParameters(s)
	}
	clean, _ := cleanPath("/" + strings.TrimLeft(strings.Join(segments, "/"), "/"))
	return clean, true
}

func (r *Routes) configured(method, host, path string) *routeLeaf {
	leaf := r.tree.match(method, host, path, false)
	if strings.HasSuffix(path, "/") {
		if leaf == nil && len(path) > 1 {
			leaf = r.tree.match(method, host, path[:len(path)-1], false)
		}
		return leaf
	}
	if leaf != nil && !leaf.open {
		return leaf
	}
	// Nothing, or only what is open. A pattern for just this path and a slash is closer; if there is none, this gives the same leaf again.
	if closer := r.tree.match(method, host, path, true); closer != nil {
		return closer
	}
	return leaf
}

// Inherit makes r go on with the templates that old has learnt, so that a reload does not begin from nothing.
// It must be called before r is used.
func (r *Routes) Inherit(old *Routes) { r.paths = old.paths }

// Templates tells how many templates have been learnt.
func (r *Routes) Templates() int { return int(r.paths.templates.Load()) }

// Unlearnt counts the requests that found the table of templates full and were counted under "/{other}".
func (r *Routes) Unlearnt() uint64 { return r.paths.unlearnt.Load() }
