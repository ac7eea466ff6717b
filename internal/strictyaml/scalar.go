package strictyaml

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// read replaces references; it reports what fails.
func (d *decoder) read(n *node, at *place) (reading, bool) {
	text, reference, err := d.expand(n.text)
	if err != nil {
		d.fail(n.line, n.col, at, err.Error(), "")
		return reading{}, false
	}
	return reading{text: text, reference: reference, quoted: n.quoted}, true
}

// describe says what a node is, without following references.
func (n *node) describe() string {
	switch {
	case n.kind == mapping:
		return "a mapping"
	case n.kind == sequence:
		return "a list"
	case n.kind == null:
		return "nothing"
	case strings.Contains(n.text, "${"):
		return "a text"
	}
	return reading{text: n.text, quoted: n.quoted}.describe()
}

// scalar decodes into a type that is read from a scalar.
func (d *decoder) scalar(n *node, v reflect.Value, at *place, f *field) {
	t := v.Type()
	if d.secret = t == secretType; d.secret {
		d.doc.hide(n)
	}
	switch n.kind {
	case null:
		d.fail(n.line, n.col, at, "a value is missing", "give one, or remove the key")
		return
	case mapping, sequence:
		d.wrong(n, at, wanted(t), "")
		return
	}
	s, ok := d.read(n, at)
	if !ok || !d.allowed(n, s, at, f) {
		return
	}
	message, hint := set(v, s)
	if message == "" {
		return
	}
	switch {
	case s.reference != "":
		message, hint = fmt.Sprintf("the value of %s is not %s", s.reference, wanted(t)), ""
	case t == secretType:
		message = "expected a text, found a " + string(s.look())
	}
	d.fail(n.line, n.col, at, message, hint)
}

// allowed holds a scalar against the enum of its field.
func (d *decoder) allowed(n *node, s reading, at *place, f *field) bool {
	if f == nil || f.enum == nil || slices.Contains(f.enum, s.text) {
		return true
	}
	known, shown := strings.Join(f.enum, ", "), quote(s.text)
	if s.reference != "" {
		d.fail(n.line, n.col, at, fmt.Sprintf("the value of %s is not one of %s", s.reference, known), "")
		return false
	}
	hint := ""
	if best := closest(s.text, f.enum); best != "" {
		hint = fmt.Sprintf("did you mean %q?", best)
	}
	d.fail(n.line, n.col, at, shown+" is not one of "+known, hint)
	return false
}

func wanted(t reflect.Type) string {
	switch {
	case t == secretType:
		return "a text"
	case t == durationType:
		return "a duration"
	case t == timeType:
		return "a time"
	case readsText(t):
		return "a " + strings.ToLower(t.Name())
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number from 0"
	}
	return "a whole number"
}

// set gives the value, or says why not.
func set(v reflect.Value, s reading) (message, hint string) {
	t := v.Type()
	mismatch := "expected " + wanted(t) + ", found " + s.describe()
	switch {
	case t == durationType:
		return setDuration(v, s)
	case t == timeType:
		at, err := time.Parse(time.RFC3339, s.text)
		if err != nil {
			return quote(s.text) + " is not a time", "write it as in 2030-01-31T12:00:00Z (RFC 3339)"
		}
		v.Set(reflect.ValueOf(at))
		return "", ""
	case readsText(t):
		if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s.text)); err != nil {
			return err.Error(), ""
		}
		return "", ""
	}
	switch t.Kind() {
	case reflect.String:
		if s.reference == "" && s.look() != looksText {
			return mismatch, "put it in quotes to make a text of it"
		}
		v.SetString(s.text)
	case reflect.Bool:
		if !s.accepts(looksBool) {
			return mismatch, boolHint(s.text)
		}
		v.SetBool(strings.EqualFold(s.text, "true"))
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(s.text, t.Bits())
		if !s.accepts(looksInt, looksFloat) {
			return mismatch, unquoteHint(s)
		}
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return s.text + " is out of range", ""
		}
		v.SetFloat(f)
	default:
		return setInt(v, s, mismatch)
	}
	return "", ""
}

func setInt(v reflect.Value, s reading, mismatch string) (message, hint string) {
	t := v.Type()
	if !s.accepts(looksInt) {
		return mismatch, unquoteHint(s)
	}
	if leadingZero(s.text) {
		return fmt.Sprintf("%s begins with 0", quote(s.text)), "write 0o before octal digits, or leave the 0 out"
	}
	var err error
	if v.CanUint() {
		var u uint64
		if u, err = strconv.ParseUint(strings.TrimPrefix(s.text, "+"), 0, t.Bits()); err == nil {
			v.SetUint(u)
		}
	} else {
		var i int64
		if i, err = strconv.ParseInt(s.text, 0, t.Bits()); err == nil {
			v.SetInt(i)
		}
	}
	if err == nil {
		return "", ""
	}
	return s.text + " is out of range", limits(t)
}

func limits(t reflect.Type) string {
	if strings.HasPrefix(t.Kind().String(), "uint") {
		return fmt.Sprintf("from 0 to %d", uint64(math.MaxUint64)>>(64-t.Bits()))
	}
	return fmt.Sprintf("from %d to %d", int64(math.MinInt64)>>(64-t.Bits()), int64(math.MaxInt64)>>(64-t.Bits()))
}

func boolHint(text string) string {
	switch strings.ToLower(text) {
	case "yes", "on", "y", "1":
		return "write true"
	case "no", "off", "n", "0":
		return "write false"
	case "true", "false":
		return "remove the quotes"
	}
	return ""
}

func unquoteHint(s reading) string {
	if look := lookOf(s.text); s.quoted && (look == looksInt || look == looksFloat) {
		return "remove the quotes"
	}
	return ""
}

func setDuration(v reflect.Value, s reading) (message, hint string) {
	text := s.text
	dur, err := time.ParseDuration(text)
	if err == nil {
		v.SetInt(int64(dur))
		return "", ""
	}
	hint = `write it as in "30s", "5m" or "24h"`
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			hint = fmt.Sprintf("write days in hours: %dh", 24*n)
		}
	}
	if look := s.look(); look == looksInt || look == looksFloat {
		return fmt.Sprintf("%s is not a duration: it has no unit", text), hint
	}
	return quote(text) + " is not a duration", hint
}
