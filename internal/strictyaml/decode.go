package strictyaml

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// decoder fills a value and collects what is wrong.
type decoder struct {
	doc      *Document
	shapes   shapes
	errs     []*Error
	expanded int  // bytes that references gave
	secret   bool // the scalar being read is one
}

func (d *decoder) full() bool { return len(d.errs) >= MaxErrors }

func (d *decoder) fail(line, col int, at *place, message, hint string) {
	if !d.full() {
		d.errs = append(d.errs, &Error{Line: line, Column: col, Path: at.String(), Message: message, Hint: hint})
	}
}

// defaults sets the zero fields of a struct, and of the structs in it, that have a default.
func (d *decoder) defaults(v reflect.Value) {
	s := d.shapes[v.Type()]
	if s == nil {
		return
	}
	for _, f := range s.fields {
		fv := v.FieldByIndex(f.index)
		if f.preset != nil && fv.IsZero() {
			d.value(f.preset, fv, nil, f) // checked when the shape was read: cannot fail
		}
		if fv.Kind() == reflect.Struct {
			d.defaults(fv)
		}
	}
}

// value decodes a node. The field is the one whose tags hold for the value; nil for none.
func (d *decoder) value(n *node, v reflect.Value, at *place, f *field) {
	t := v.Type()
	if d.full() {
		return
	}
	if t.Kind() == reflect.Pointer {
		fresh := reflect.New(t.Elem())
		d.defaults(fresh.Elem())
		d.value(n, fresh.Elem(), at, f)
		v.Set(fresh)
		return
	}
	if t == secretType || t == durationType || readsText(t) && (n.kind == scalar || !d.shapes.both(t)) {
		d.scalar(n, v, at, f)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		d.structure(n, v, at)
	case reflect.Map:
		d.mapping(n, v, at, f)
	case reflect.Slice:
		d.list(n, v, at, f)
	case reflect.Interface:
		if value := d.any(n, at); value != nil {
			v.Set(reflect.ValueOf(value))
		}
	default:
		d.scalar(n, v, at, f)
	}
}

// wrong says that a node is of another kind than is wanted.
func (d *decoder) wrong(n *node, at *place, want, hint string) {
	d.fail(n.line, n.col, at, "expected "+want+", found "+n.describe(), hint)
}

func (d *decoder) structure(n *node, v reflect.Value, at *place) {
	if n.kind != mapping && n.kind != null {
		d.wrong(n, at, "a mapping", "")
		return
	}
	s := d.shapes[v.Type()]
	for _, e := range n.entries {
		if d.full() {
			return
		}
		f := s.byName[e.key]
		if f == nil {
			d.unknown(e, s, at)
			continue
		}
		if e.value.kind == null && d.shapes.absentWhenNull(f.typ) {
			continue
		}
		d.value(e.value, v.FieldByIndex(f.index), at.child(e.key), f)
	}
	for _, f := range s.fields {
		if !f.required {
			continue
		}
		if e := n.get(f.name); e == nil || e.value.kind == null && d.shapes.absentWhenNull(f.typ) {
			hint := ""
			if f.doc != "" {
				hint = f.name + ": " + f.doc
			}
			d.fail(n.line, n.col, at, fmt.Sprintf("missing key %q", f.name), hint)
		}
	}
}

func (d *decoder) unknown(e entry, s *shape, at *place) {
	if d.shapes.likeSecret(e.key) {
		d.doc.hide(e.value) // a misspelt or misplaced password is a password
	}
	d.fail(e.line, e.col, at.child(e.key), "unknown key "+quote(e.key), didYouMean(e.key, s.names()))
}

// likeSecret tells keys that resemble that of a secret anywhere.
func (ss shapes) likeSecret(key string) bool {
	for _, s := range ss {
		if f := s.byName[closest(key, s.names())]; f != nil && f.typ == secretType {
			return true
		}
	}
	return false
}

// absentWhenNull tells types for which a key without a value is as good as no key: what stood under it may be commented out.
func (ss shapes) absentWhenNull(t reflect.Type) bool {
	return slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface}, t.Kind()) ||
		t.Kind() == reflect.Struct && (!readsText(t) || ss.both(t))
}

func (d *decoder) list(n *node, v reflect.Value, at *place, f *field) {
	items := n.items
	switch {
	case n.kind == sequence:
	case n.kind == null:
		items = nil
	case f != nil && f.oneOrMany:
		items = []*node{n}
	default:
		hint := ""
		if n.kind == scalar {
			hint = "put it in brackets to make a list of it"
		}
		d.wrong(n, at, "a list", hint)
		return
	}
	out := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		d.defaults(out.Index(i))
		d.value(item, out.Index(i), at.item(i), ofElements(f))
	}
	v.Set(out)
}

// ofElements is what holds for the elements of a field.
func ofElements(f *field) *field {
	if f == nil || f.enum == nil {
		return nil
	}
	return &field{enum: f.enum}
}

func (d *decoder) mapping(n *node, v reflect.Value, at *place, f *field) {
	if n.kind != mapping && n.kind != null {
		d.wrong(n, at, "a mapping", "")
		return
	}
	t := v.Type()
	out := reflect.MakeMapWithSize(t, len(n.entries))
	for _, e := range n.entries {
		key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		here := at.child(e.key)
		d.scalar(&node{kind: scalar, line: e.line, col: e.col, text: strings.ReplaceAll(e.key, "${", "$${"), quoted: true}, key, here, nil)
		d.defaults(value)
		d.value(e.value, value, here, ofElements(f))
		out.SetMapIndex(key, value)
	}
	v.Set(out)
}

// any decodes what no type describes: map[string]any, []any, string, int64, float64, bool or nil. What comes from a reference is a
// string whatever it looks like.
func (d *decoder) any(n *node, at *place) any {
	switch n.kind {
	case mapping:
		out := make(map[string]any, len(n.entries))
		for _, e := range n.entries {
			out[e.key] = d.any(e.value, at.child(e.key))
		}
		return out
	case sequence:
		out := make([]any, len(n.items))
		for i, item := range n.items {
			out[i] = d.any(item, at.item(i))
		}
		return out
	case scalar:
		d.secret = false
		s, ok := d.read(n, at)
		if !ok {
			return nil
		}
		return s.natural()
	}
	return nil
}
