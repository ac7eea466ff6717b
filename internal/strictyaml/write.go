package strictyaml

import (
	"bytes"
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Write prints a value as YAML, fields in the order of the struct. A zero field is left out when reading the file without it gives
// zero again. Secrets are printed as [redacted]; everything else reads back as it was.
func Write(v any) ([]byte, error) { return write(v, false) }

// WriteDocumented prints a value with the doc of each field above it, as a comment, the first time the field appears.
func WriteDocumented(v any) ([]byte, error) { return write(v, true) }

func write(v any, documented bool) ([]byte, error) {
	rv := reflect.ValueOf(v)
	for rv.Kind() == reflect.Pointer && !rv.IsNil() {
		rv = rv.Elem()
	}
	if !rv.IsValid() || rv.Kind() == reflect.Pointer {
		return nil, fmt.Errorf("strictyaml: Write wants a value, got %T", v)
	}
	w := &writer{shapes: shapes{}, documented: documented, told: map[*field]bool{}}
	if err := w.shapes.check(rv.Type()); err != nil {
		return nil, err
	}
	w.value(rv, 0)
	if w.err != nil {
		return nil, w.err
	}
	return append(bytes.TrimLeft(w.b, " \n"), '\n'), nil
}

// writer appends. A block value begins on a new line, an inline one after a space; the caller has written "key:" or "-".
type writer struct {
	b          []byte
	shapes     shapes
	documented bool
	told       map[*field]bool
	depth      int
	err        error
}

func (w *writer) put(s string) { w.b = append(w.b, s...) }

func (w *writer) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("strictyaml: "+format, args...)
	}
}

func (w *writer) value(v reflect.Value, indent int) {
	if w.depth++; w.depth > MaxDepth {
		w.fail("nested deeper than %d levels", MaxDepth)
		return
	}
	defer func() { w.depth-- }()
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			w.put(" null")
			return
		}
		v = v.Elem()
		if err := w.shapes.check(v.Type()); err != nil { // what an interface holds
			w.fail("%w", err)
			return
		}
	}
	if text, ok := w.scalar(v); ok {
		w.put(" " + text.inBlock())
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		w.structure(v, indent)
	case reflect.Map:
		w.mapping(v, indent)
	case reflect.Slice:
		w.list(v, indent)
	default:
		w.fail("a %v cannot be written", v.Type())
	}
}

func (w *writer) line(indent int) {
	w.put("\n" + strings.Repeat(" ", indent))
}

func (w *writer) structure(v reflect.Value, indent int) {
	some := false
	for _, f := range w.shapes[v.Type()].fields {
		fv := v.FieldByIndex(f.index)
		if w.skip(f, fv) {
			continue
		}
		if w.documented && indent == 0 && some {
			w.put("\n")
		}
		if w.documented && f.doc != "" && !w.told[f] {
			w.told[f] = true
			for _, l := range wrap(f.doc, 96-indent) {
				w.line(indent)
				w.put("# " + l)
			}
		}
		some = true
		w.line(indent)
		w.put(text(f.name).inBlock() + ":")
		w.value(fv, indent+2)
	}
	if !some {
		w.put(" {}")
	}
}

// skip tells fields that the file need not name: without them, it reads the same.
func (w *writer) skip(f *field, v reflect.Value) bool {
	if s := w.shapes[v.Type()]; s != nil {
		if _, isText := w.scalar(v); !isText {
			return !f.required && f.preset == nil && !slices.ContainsFunc(s.fields, func(f *field) bool { return !w.skip(f, v.FieldByIndex(f.index)) })
		}
	}
	return v.IsZero() && (v.Kind() == reflect.Pointer || !f.required && (f.preset == nil || f.omitEmpty))
}

func (w *writer) mapping(v reflect.Value, indent int) {
	values := map[string]reflect.Value{}
	for it := v.MapRange(); it.Next(); {
		key, ok := w.scalar(it.Key())
		if !ok {
			w.fail("a key of type %v cannot be written", it.Key().Type())
			return
		}
		values[key.text] = it.Value()
	}
	if len(values) == 0 {
		w.put(" {}")
		return
	}
	for _, key := range sorted(values) {
		w.line(indent)
		w.put(scalarText{text: key, isKey: true}.inBlock() + ":")
		w.value(values[key], indent+2)
	}
}

func (w *writer) list(v reflect.Value, indent int) {
	if inline, ok := w.inline(v); ok && len(inline)+indent < 100 {
		w.put(" " + inline)
		return
	}
	for i := range v.Len() {
		w.line(indent)
		w.put("-")
		before := len(w.b)
		w.value(v.Index(i), indent+2)
		w.pull(before, indent+2)
	}
}

// pull draws the first line of a block, when it is no comment, up to the dash before it.
func (w *writer) pull(from, indent int) {
	lead := "\n" + strings.Repeat(" ", indent)
	if rest, ok := bytes.CutPrefix(w.b[from:], []byte(lead)); ok && !bytes.HasPrefix(rest, []byte("#")) {
		w.b = slices.Replace(w.b, from, from+len(lead), ' ')
	}
}

// inline is a list of scalars on one line.
func (w *writer) inline(v reflect.Value) (string, bool) {
	parts := make([]string, v.Len())
	for i := range v.Len() {
		item := v.Index(i)
		if item.Kind() == reflect.Interface {
			item = item.Elem()
		}
		if !item.IsValid() {
			return "", false
		}
		s, ok := w.scalar(item)
		if !ok {
			return "", false
		}
		parts[i] = s.inFlow()
	}
	return "[" + strings.Join(parts, ", ") + "]", true
}

// scalar is the text of what is written as one.
func (w *writer) scalar(v reflect.Value) (scalarText, bool) {
	t := v.Type()
	switch {
	case t == secretType:
		return text(redacted), true
	case t == durationType:
		return text(duration(time.Duration(v.Int()))), true
	case t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(marshalText):
		p := reflect.New(t)
		p.Elem().Set(v)
		b, err := p.Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			w.fail("%v: %w", t, err)
		}
		return w.valid(text(string(b))), true
	}
	switch t.Kind() {
	case reflect.String:
		return w.valid(text(v.String())), true
	case reflect.Bool:
		return literal(strconv.FormatBool(v.Bool())), true
	case reflect.Float32, reflect.Float64:
		return w.float(v.Float(), t.Bits()), true
	}
	switch {
	case v.CanInt():
		return literal(strconv.FormatInt(v.Int(), 10)), true
	case v.CanUint():
		return literal(strconv.FormatUint(v.Uint(), 10)), true
	}
	return scalarText{}, false
}

func (w *writer) float(f float64, bits int) scalarText {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		w.fail("%v cannot be written", f)
	}
	s := strings.Replace(strconv.FormatFloat(f, 'g', -1, bits), "e+", "e", 1)
	if intLook.MatchString(s) {
		s += ".0" // without a type to tell, it would be read back as an integer
	}
	return literal(s)
}

func (w *writer) valid(s scalarText) scalarText {
	if !utf8.ValidString(s.text) {
		w.fail("a text that is not valid UTF-8 cannot be written")
	}
	return s
}

// duration drops the zero minutes and seconds of 24h0m0s.
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// wrap breaks a text into lines.
func wrap(s string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && len(line)+1+len(word) > max(width, 30) {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
