// Package openapi reads an OpenAPI document for what a first configuration needs: routes, the class each looks like, and where the
// payload names a person. It guards nothing and validates no requests.
package openapi

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"glacis/decide/facts"
)

// Operation is one route of the document.
type Operation struct {
	Match  string            // net/http pattern: "POST /api/auth/login"
	Class  facts.Class       // guessed
	Fields map[string]string // role → "$.path"
}

// MaxSize bounds a document, in bytes.
const MaxSize = 32 << 20

// Read finds the operations of a document, YAML or JSON, OpenAPI 3.0 or later, sorted by path and method. References to other
// documents are not followed.
func Read(src []byte) ([]Operation, error) {
	if len(src) > MaxSize {
		return nil, fmt.Errorf("the document is larger than %d MiB", MaxSize>>20)
	}
	loader := &openapi3.Loader{Context: context.Background(), IsExternalRefsAllowed: false}
	doc, err := loader.LoadFromData(src)
	if err != nil {
		return nil, fmt.Errorf("not an OpenAPI 3 document: %w", err)
	}
	if doc.OpenAPI == "" {
		return nil, fmt.Errorf("it has no openapi key, so it is no OpenAPI 3 document; Swagger 2.0 is not supported")
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.") {
		return nil, fmt.Errorf("OpenAPI %q is not supported, only 3.x", doc.OpenAPI)
	}
	base := basePath(doc.Servers)
	var list []Operation
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			pattern, err := pattern(base, path)
			if err != nil {
				return nil, fmt.Errorf("path %q: %w", path, err)
			}
			class := facts.GuessClass(method, pattern)
			list = append(list, Operation{method + " " + pattern, class, fields(op, class)})
		}
	}
	slices.SortFunc(list, func(a, b Operation) int {
		aMethod, aPath, _ := strings.Cut(a.Match, " ")
		bMethod, bPath, _ := strings.Cut(b.Match, " ")
		return cmp.Or(strings.Compare(aPath, bPath), strings.Compare(aMethod, bMethod))
	})
	return unambiguous(list), nil
}

// basePath is the path of the first server, if all servers agree on it: what the gate sees begins with it.
func basePath(servers openapi3.Servers) string {
	var base string
	for i, s := range servers {
		u, err := url.Parse(s.URL)
		if err != nil || strings.ContainsAny(u.Path, "{}") {
			return ""
		}
		p := strings.TrimSuffix(u.Path, "/")
		if i > 0 && p != base {
			return ""
		}
		base = p
	}
	return base
}

// pattern turns an OpenAPI path into a net/http one. A segment that is more than one parameter, such as {name}.json or {a}:{b}, becomes a
// single parameter: the gate counts by segments.
func pattern(base, path string) (string, error) {
	if !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("it does not begin with a slash")
	}
	segments := strings.Split(base+path, "/")
	used := map[string]bool{}
	for i, s := range segments {
		open, end := strings.IndexByte(s, '{'), strings.IndexByte(s, '}')
		if open < 0 || end < open {
			segments[i] = strings.NewReplacer("{", "", "}", "").Replace(s)
			continue
		}
		segments[i] = "{" + freeName(identifier(s[open+1:end]), used) + "}"
	}
	out := strings.Join(segments, "/")
	if out != "/" && strings.HasSuffix(out, "/") || out == "/" {
		out += "{$}" // a trailing slash would take everything below it
	}
	return out, nil
}

// identifier keeps what a net/http wildcard may be called.
func identifier(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return '_'
	}, name)
	if name == "" || '0' <= name[0] && name[0] <= '9' {
		name = "p" + name
	}
	return name
}

func freeName(name string, used map[string]bool) string {
	for used[name] {
		name += "_"
	}
	used[name] = true
	return name
}

// unambiguous drops operations whose pattern says the same as an earlier one but for the names of its parameters.
func unambiguous(list []Operation) []Operation {
	mux := http.NewServeMux()
	return slices.DeleteFunc(list, func(o Operation) (conflict bool) {
		defer func() { conflict = recover() != nil }()
		mux.Handle(o.Match, http.NotFoundHandler())
		return false
	})
}

// roleNames are the property names, folded, under which APIs ask for what the roles mean, the most telling first: beside a password a
// code is only a second factor.
var roleNames = map[string][]string{
	"user":   {"email", "emailaddress", "username", "login", "identifier", "userid", "account"},
	"email":  {"email", "emailaddress"},
	"secret": {"password", "pass", "secret", "code", "otp", "pin"},
	"phone":  {"phone", "phonenumber", "mobile", "msisdn"},
	"item":   {"product", "productid", "item", "itemid", "sku"},
}

// place is where a property stands and how well its name tells what it is.
type place struct {
	path        string
	rank, depth int
}

// before tells whether a place is the better one: by name, then the less nested, then in the order of the walk.
func (p place) before(q place) bool {
	return p.rank < q.rank || p.rank == q.rank && p.depth < q.depth
}

// fields finds the properties of the request body that name somebody or something. Fields in the file replace those of the class's
// preset, so those its limits count by have to be among them: the address a code is sent to.
func fields(op *openapi3.Operation, class facts.Class) map[string]string {
	if op.RequestBody == nil || op.RequestBody.Value == nil {
		return nil
	}
	found := map[string]place{}
	for _, kind := range []string{"application/json", "application/x-www-form-urlencoded", "multipart/form-data"} {
		if media := op.RequestBody.Value.Content.Get(kind); media != nil && media.Schema != nil {
			walk(media.Schema, "$", 0, found)
		}
	}
	if class != facts.OTP {
		delete(found, "email") // there the user says the same
	}
	if len(found) == 0 {
		return nil
	}
	paths := make(map[string]string, len(found))
	for role, at := range found {
		paths[role] = at.path
	}
	return paths
}

// walk looks through the objects of a schema, a few levels deep: documents may refer to themselves.
func walk(ref *openapi3.SchemaRef, path string, depth int, found map[string]place) {
	if ref == nil || ref.Value == nil || depth > 3 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(ref.Value.Properties)) {
		property := ref.Value.Properties[name]
		at := path + member(name)
		for role, names := range roleNames {
			here := place{at, slices.Index(names, fold(name)), depth}
			if best, taken := found[role]; here.rank >= 0 && scalar(property) && (!taken || here.before(best)) {
				found[role] = here
			}
		}
		walk(property, at, depth+1, found)
	}
	for _, list := range []openapi3.SchemaRefs{ref.Value.AllOf, ref.Value.OneOf, ref.Value.AnyOf} {
		for _, part := range list {
			walk(part, path, depth+1, found)
		}
	}
}

// member writes one step of a field path.
func member(name string) string {
	if identifier(name) == name {
		return "." + name
	}
	return `["` + strings.ReplaceAll(name, `"`, ``) + `"]`
}

func scalar(ref *openapi3.SchemaRef) bool {
	return ref != nil && ref.Value != nil && !ref.Value.Type.Includes("object") && !ref.Value.Type.Includes("array")
}

func fold(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}
