// Package strictyaml reads one YAML file into one Go value, strictly, and tells a person what is wrong where: unknown keys, wrong
// types and bad values, several at once, each with file, line, column, the offending line and, where it can, the right spelling.
// From the same struct tags it makes the JSON Schema of the file and writes a value back. It is not a general YAML library: tags,
// directives, complex keys and streams of documents are refused, and everything is bounded.
//
// Struct tags:
//
//	yaml:"name"        the key; a field without it is no part of the file. ",omitempty" leaves zero values out when writing.
//	yaml:",inline"     the fields of an embedded or named struct stand among those around it (embedded structs do so anyway)
//	doc:"A sentence."  what it means: description in the schema, comment in a documented file
//	default:"30s"      the value when the key is missing; lists and mappings in YAML flow style, such as "[a, b]"
//	required:"true"    the key must be there
//	enum:"a,b,c"       the only values; of a list, of its elements
//	oneormany:"true"   a list may be written as its only element
//	example:"x"        for the schema
//
// Types that implement encoding.TextUnmarshaler are read from scalars. A struct with tagged fields, a slice or a map that implements
// it may be written either way: as a scalar or as what it is.
package strictyaml

import (
	"fmt"
	"reflect"
)

// Bounds on a file.
const (
	MaxSize   = 1 << 20 // bytes
	MaxDepth  = 64      // levels of lists and mappings, aliases followed
	MaxNodes  = 200_000 // values, counted each time an alias or a merge repeats them
	MaxKeys   = 2_000   // keys of one mapping in block style
	MaxErrors = 20      // errors reported of one file
)

// Document is a parsed file. It is not safe for concurrent use.
type Document struct {
	name   string
	lines  []string
	root   *node
	lookup Lookup
	hidden []span // where literal secrets stand, for excerpts

	latest      int // line that latestRunes is
	latestRunes []rune
}

// Parse reads the syntax of a file, as if it ended with a line end. The name is only for messages; lookup is asked for ${env:…} and ${file:…} while decoding. The
// error is of type Errors.
func Parse(name string, src []byte, lookup Lookup) (*Document, error) {
	d := &Document{name: name, lookup: lookup}
	text, bad := d.clean(src)
	if bad == nil {
		var errs []*Error
		if d.root, errs = d.parse(text); len(errs) == 0 {
			return d, nil
		}
		return nil, d.finish(errs)
	}
	return nil, d.finish([]*Error{bad})
}

// Decode fills the value behind a pointer. Defaults are applied first, to zero values only, so that an empty file and no file (see
// ApplyDefaults) mean the same; lists and mappings in the file replace default ones. An error of type Errors is about the file; any
// other is a mistake in the Go type. After an error the value is of no use.
func (d *Document) Decode(into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("strictyaml: Decode wants a pointer, got %T", into)
	}
	shapes := shapes{}
	if err := shapes.check(v.Type().Elem()); err != nil {
		return err
	}
	dec := &decoder{doc: d, shapes: shapes}
	dec.defaults(v.Elem())
	dec.value(d.root, v.Elem(), nil, nil)
	return d.finish(dec.errs)
}

// ApplyDefaults fills the value behind a pointer as an empty file would, without asking for the keys that a file must have. It panics
// when the Go type cannot be decoded, which is a mistake of the program.
func ApplyDefaults(into any) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		panic(fmt.Sprintf("strictyaml: ApplyDefaults wants a pointer, got %T", into))
	}
	shapes := shapes{}
	if err := shapes.check(v.Type().Elem()); err != nil {
		panic(err)
	}
	(&decoder{doc: &Document{}, shapes: shapes}).defaults(v.Elem())
}

// At tells where a path such as $.routes[2].rate stands: the place of its value, or of its key when the value is a list or mapping
// in block style; for a path that is not in the file, the place of its closest parent. Columns count characters from 1.
func (d *Document) At(path string) (line, column int) {
	n := d.root.find(path)
	return n.line, n.col
}

// Errorf is an error at a path, for what is found out after decoding.
func (d *Document) Errorf(path, format string, args ...any) *Error {
	line, col := d.At(path)
	e := &Error{Line: line, Column: col, Path: path, Message: fmt.Sprintf(format, args...)}
	d.place(e)
	return e
}

func (d *Document) place(e *Error) {
	e.File = d.name
	e.Excerpt = d.excerpt(e.Line, e.Column)
	e.Message = printable(e.Message)
}

// finish sorts errors by place, drops repetitions and gives each its excerpt. Nothing is nil.
func (d *Document) finish(errs []*Error) error {
	for _, e := range errs {
		d.place(e)
	}
	return Join(errs...)
}
