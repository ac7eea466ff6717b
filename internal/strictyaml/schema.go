package strictyaml

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Describer is a type that describes its own form in a file, as a JSON Schema.
type Describer interface{ JSONSchema() map[string]any }

var describer = reflect.TypeFor[Describer]()

// Schema is the JSON Schema (2020-12) of what Decode reads into a value of this type. The id may be empty. What the schema accepts,
// Decode accepts, but for values that only reading them can judge; Decode also takes a key without a value for no key.
func Schema(v any, id, title string) ([]byte, error) {
	t := reflect.TypeOf(v)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("strictyaml: Schema wants a struct, got %T", v)
	}
	w := &schemaWriter{shapes: shapes{}, root: t, names: map[reflect.Type]string{}, taken: map[string]bool{"reference": true}}
	if err := w.shapes.check(t); err != nil {
		return nil, err
	}
	out := object{{"$schema", "https://json-schema.org/draft/2020-12/schema"}}
	if id != "" {
		out = append(out, member{"$id", id})
	}
	if title != "" {
		out = append(out, member{"title", title})
	}
	out = append(out, w.structure(t)...)
	if w.reference {
		w.defs = append(w.defs, member{"reference", object{
			{"description", "A value from the environment or a file: ${env:NAME}, ${env:NAME:-default} or ${file:/path}."},
			{"type", "string"}, {"pattern", `\$\{(env|file):[^}]+\}`}}})
	}
	if len(w.defs) > 0 {
		out = append(out, member{"$defs", w.defs})
	}
	text, err := json.MarshalIndent(out, "", "  ")
	return append(text, '\n'), err
}

type schemaWriter struct {
	shapes    shapes
	root      reflect.Type
	names     map[reflect.Type]string
	taken     map[string]bool
	defs      object
	reference bool // some value that is no text may be a reference
}

func (w *schemaWriter) structure(t reflect.Type) object {
	props, required := object{}, []string{}
	for _, f := range w.shapes[t].fields {
		props = append(props, member{f.name, w.field(f)})
		if f.required {
			required = append(required, f.name)
		}
	}
	out := object{{"type", "object"}, {"properties", props}}
	if len(required) > 0 {
		out = append(out, member{"required", required})
	}
	return append(out, member{"additionalProperties", false})
}

func (w *schemaWriter) field(f *field) object {
	out := object{}
	if f.doc != "" {
		out = append(out, member{"description", f.doc})
	}
	s := w.typ(f.typ, f.enum)
	if f.oneOrMany {
		s = object{{"anyOf", []object{w.typ(elem(f.typ), f.enum), s}}}
	}
	out = append(out, s...)
	if f.preset != nil {
		out = append(out, member{"default", jsonOf(f.preset, f.typ)})
	}
	if f.example != "" {
		out = append(out, member{"examples", []any{jsonOf(tagValue(f.example, f.typ), f.typ)}})
	}
	return out
}

func elem(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Slice {
		return t.Elem()
	}
	return t
}

// typ is the schema of a type; the enum of its field holds for the innermost elements.
func (w *schemaWriter) typ(t reflect.Type, enum []string) object {
	if t.Kind() == reflect.Pointer {
		return w.typ(t.Elem(), enum)
	}
	if s := self(t); s != nil {
		if readsText(t) {
			return w.orReference(s)
		}
		return s
	}
	switch {
	case t == secretType:
		return object{{"type", "string"}, {"writeOnly", true}}
	case t == durationType:
		return w.orReference(object{{"type", "string"}, {"pattern", `^[-+]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+$`}, {"examples", []string{"30s", "24h"}}})
	case t == timeType:
		return w.orReference(object{{"type", "string"}, {"format", "date-time"}})
	case w.shapes.both(t):
		return object{{"anyOf", []object{{{"type", "string"}}, w.composed(t, enum)}}}
	case readsText(t) && enum == nil:
		return object{{"type", "string"}}
	}
	return w.composed(t, enum)
}

// self is what a type says of itself.
func self(t reflect.Type) object {
	var d Describer
	switch {
	case t.Implements(describer) && t.Kind() != reflect.Interface:
		d = reflect.New(t).Elem().Interface().(Describer)
	case reflect.PointerTo(t).Implements(describer):
		d = reflect.New(t).Interface().(Describer)
	default:
		return nil
	}
	out := object{}
	said := d.JSONSchema()
	for _, key := range sorted(said) {
		out = append(out, member{key, said[key]})
	}
	return out
}

func (w *schemaWriter) composed(t reflect.Type, enum []string) object {
	switch t.Kind() {
	case reflect.Struct:
		if readsText(t) && !w.shapes.both(t) {
			break
		}
		return object{{"$ref", w.ref(t)}}
	case reflect.Map:
		return object{{"type", "object"}, {"additionalProperties", w.typ(t.Elem(), enum)}}
	case reflect.Slice:
		if readsText(t) && !w.shapes.both(t) {
			break
		}
		return object{{"type", "array"}, {"items", w.typ(t.Elem(), enum)}}
	case reflect.Interface:
		return object{}
	}
	if enum != nil {
		values := make([]any, len(enum))
		for i, e := range enum {
			values[i] = jsonOf(tagValue(e, t), t)
		}
		return w.orReference(object{{"enum", values}})
	}
	switch t.Kind() {
	case reflect.Bool:
		return w.orReference(object{{"type", "boolean"}})
	case reflect.Float32, reflect.Float64:
		return w.orReference(object{{"type", "number"}})
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return w.orReference(object{{"type", "integer"}})
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return w.orReference(object{{"type", "integer"}, {"minimum", 0}})
	}
	return object{{"type", "string"}}
}

func (w *schemaWriter) orReference(s object) object {
	w.reference = true
	return object{{"anyOf", []object{s, {{"$ref", "#/$defs/reference"}}}}}
}

// ref names a struct and defines it once.
func (w *schemaWriter) ref(t reflect.Type) string {
	if t == w.root {
		return "#"
	}
	name, ok := w.names[t]
	if !ok {
		name = w.name(t)
		w.names[t], w.taken[name] = name, true
		at := len(w.defs)
		w.defs = append(w.defs, member{key: name}) // its place, before what it refers to
		w.defs[at].value = w.structure(t)
	}
	return "#/$defs/" + name
}

// name is the type's name, with its package's when that is taken or only says Config.
func (w *schemaWriter) name(t reflect.Type) string {
	pkg := t.PkgPath()
	pkg = pkg[strings.LastIndexByte(pkg, '/')+1:]
	name := strings.Map(func(r rune) rune {
		if !isWord(r) {
			return '_'
		}
		return r
	}, t.Name())
	if name == "" {
		name = "object"
	}
	if w.taken[name] || name == "Config" {
		name = pkg + "." + name
	}
	for base, i := name, 2; w.taken[name]; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	return name
}

// jsonOf is a default, example or enum value as JSON has it.
func jsonOf(n *node, t reflect.Type) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch n.kind {
	case mapping:
		out := object{}
		for _, e := range n.entries {
			out = append(out, member{e.key, jsonOf(e.value, reflect.TypeFor[any]())})
		}
		return out
	case sequence:
		out := []any{}
		for _, item := range n.items {
			out = append(out, jsonOf(item, elem(t)))
		}
		return out
	}
	s := reading{text: n.text, quoted: n.quoted}
	if t == durationType || readsText(t) && lookOf(n.text) == looksText {
		return n.text
	}
	return s.natural()
}
