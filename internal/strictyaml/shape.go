package strictyaml

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"
)

var (
	secretType    = reflect.TypeFor[Secret]()
	durationType  = reflect.TypeFor[time.Duration]()
	timeType      = reflect.TypeFor[time.Time]()
	unmarshalText = reflect.TypeFor[encoding.TextUnmarshaler]()
	marshalText   = reflect.TypeFor[encoding.TextMarshaler]()
)

// field is a struct field that stands in the file.
type field struct {
	name      string
	index     []int
	typ       reflect.Type
	doc       string
	example   string
	preset    *node // the default; nil without one
	text      string
	enum      []string
	required  bool
	oneOrMany bool
	omitEmpty bool
}

// shape is what the file knows of a struct.
type shape struct {
	fields []*field
	byName map[string]*field
}

func (s *shape) names() []string {
	out := make([]string, len(s.fields))
	for i, f := range s.fields {
		out[i] = f.name
	}
	return out
}

// shapes are the structs met so far.
type shapes map[reflect.Type]*shape

// check reads the shapes of a type and all it holds, and tells what in it cannot be in a file.
func (ss shapes) check(t reflect.Type) error {
	switch {
	case t == durationType || t == secretType || readsText(t) && !ss.both(t):
		return nil
	}
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return nil
	case reflect.Pointer, reflect.Slice:
		return ss.check(t.Elem())
	case reflect.Map:
		if k := t.Key(); k.Kind() != reflect.String && !readsText(k) {
			return fmt.Errorf("strictyaml: %v: keys must be strings or encoding.TextUnmarshaler", t)
		}
		return ss.check(t.Elem())
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return nil
		}
	case reflect.Struct:
		return ss.structure(t)
	}
	return fmt.Errorf("strictyaml: a %v cannot be in a file", t)
}

func (ss shapes) structure(t reflect.Type) error {
	if ss[t] != nil {
		return nil
	}
	s := &shape{byName: map[string]*field{}}
	ss[t] = s
	if err := s.collect(t, nil); err != nil {
		return err
	}
	if len(s.fields) == 0 && t.NumField() > 0 {
		return fmt.Errorf("strictyaml: %v has no field with a yaml tag", t)
	}
	for _, f := range s.fields {
		if err := ss.check(f.typ); err != nil {
			return fmt.Errorf("%w (%v.%s)", err, t, f.name)
		}
		if err := ss.checkDefault(f); err != nil {
			return fmt.Errorf("strictyaml: %v.%s: default %q: %w", t, f.name, f.text, err)
		}
	}
	return nil
}

// collect adds the fields of a struct, those of inlined ones in their place.
func (s *shape) collect(t reflect.Type, index []int) error {
	for i := range t.NumField() {
		sf := t.Field(i)
		tag, tagged := sf.Tag.Lookup("yaml")
		name, options, _ := strings.Cut(tag, ",")
		at := append(index[:len(index):len(index)], i)
		switch {
		case sf.Anonymous && !tagged && sf.Type.Kind() == reflect.Struct || options == "inline":
			if sf.Type.Kind() != reflect.Struct {
				return fmt.Errorf("strictyaml: %v.%s: only structs can be inlined", t, sf.Name)
			}
			if err := s.collect(sf.Type, at); err != nil {
				return err
			}
			continue
		case name == "" || name == "-":
			continue
		case !sf.IsExported():
			return fmt.Errorf("strictyaml: %v.%s has a yaml tag and is not exported", t, sf.Name)
		case s.byName[name] != nil:
			return fmt.Errorf("strictyaml: %v has two fields named %s", t, name)
		}
		f := &field{name: name, index: at, typ: sf.Type, doc: sf.Tag.Get("doc"), example: sf.Tag.Get("example"), text: sf.Tag.Get("default"),
			required: sf.Tag.Get("required") == "true", oneOrMany: sf.Tag.Get("oneormany") == "true", omitEmpty: options == "omitempty"}
		if e := sf.Tag.Get("enum"); e != "" {
			f.enum = strings.Split(e, ",")
		}
		if f.text != "" {
			f.preset = tagValue(f.text, sf.Type)
		}
		s.fields, s.byName[name] = append(s.fields, f), f
	}
	return nil
}

func (ss shapes) checkDefault(f *field) error {
	if f.preset == nil {
		return nil
	}
	d := &decoder{doc: &Document{}, shapes: ss}
	d.value(f.preset, reflect.New(f.typ).Elem(), nil, f)
	if len(d.errs) > 0 {
		return fmt.Errorf("%s", d.errs[0].Message)
	}
	return nil
}

// tagValue is the value that the text of a default or an example stands for: YAML in flow style for what begins like it and a type
// that takes it, a single scalar otherwise. For a list, a scalar is its only element.
func tagValue(text string, t reflect.Type) *node {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	composed := t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Struct || t.Kind() == reflect.Interface
	if composed && strings.ContainsAny(text[:1], "[{") {
		if d, err := Parse("", []byte(text), Lookup{}); err == nil {
			return d.root
		}
	}
	n := &node{kind: scalar, text: text, quoted: t.Kind() == reflect.String, size: 1, depth: 1}
	if t.Kind() == reflect.Slice && !readsText(t) {
		n.quoted = t.Elem().Kind() == reflect.String
		return &node{kind: sequence, items: []*node{n}, size: 2, depth: 2}
	}
	return n
}

// readsText tells types that are read from scalars.
func readsText(t reflect.Type) bool {
	return t.Kind() != reflect.Interface && t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(unmarshalText)
}

// both tells types that are read from scalars and may also be written as the list or mapping they are.
func (ss shapes) both(t reflect.Type) bool {
	if !readsText(t) {
		return false
	}
	switch t.Kind() {
	case reflect.Map:
		return true
	case reflect.Slice:
		return t.Elem().Kind() != reflect.Uint8 // net.IP and the like are texts
	case reflect.Struct:
		for i := range t.NumField() {
			if tag := t.Field(i).Tag.Get("yaml"); tag != "" && tag != "-" {
				return true
			}
		}
	}
	return false
}
