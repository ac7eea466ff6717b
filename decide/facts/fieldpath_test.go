package facts

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestParseFieldPath(t *testing.T) {
	name := func(s string) fieldStep { return fieldStep{name: s, index: -1} }
	at := func(i int) fieldStep { return fieldStep{index: i} }
	for in, want := range map[string][]fieldStep{
		"email":                                  {name("email")},
		"user_id-2":                              {name("user_id-2")},
		"$.email":                                {name("email")},
		"$.a.b.c":                                {name("a"), name("b"), name("c")},
		"$.items[0].id":                          {name("items"), at(0), name("id")},
		"$[12][0]":                               {at(12), at(0)},
		`$["odd key"]`:                           {name("odd key")},
		`$['it\'s "1"'].x`:                       {name(`it's "1"`), name("x")},
		`$["a\"b\\c"]`:                           {name(`a"b\c`)},
		`$["user[email]"]`:                       {name("user[email]")},
		`$[""]`:                                  {name("")},
		"$.0":                                    {name("0")},
		"$.größe":                                {name("größe")},
		"$" + strings.Repeat(".a", maxPathSteps): steps(maxPathSteps),
	} {
		got, err := parseFieldPath(in)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, %v; want %v", in, got, err, want)
		}
	}
}

func steps(n int) (s []fieldStep) {
	for range n {
		s = append(s, fieldStep{name: "a", index: -1})
	}
	return s
}

func TestParseFieldPathErrors(t *testing.T) {
	for in, at := range map[string]int{
		"":           0,
		"$":          1,
		"$.":         1,
		"$a":         1,
		"$.a.":       3,
		"$..a":       1,
		"$.a[":       3,
		"$.a[]":      3,
		"$.a[-1]":    3,
		"$.a[01]":    3,
		"$.a[+1]":    3,
		"$.a[65536]": 3,
		"$.a[*]":     3,
		"$.*":        1,
		"$.a b":      1,
		"$.a]":       1,
		`$["a]`:      1,
		`$["a"`:      1,
		`$["a"x]`:    1,
		`$["a\n"]`:   1,
		`$["a\`:      1,
		"a.b":        1,
		"a[0]":       1,
		"a b":        1,
		"$.a$":       -1, // a name may hold a dollar sign
		"$.a[0]b":    6,
		`$["` + strings.Repeat("a", maxPathName+1) + `"]`: 1,
		strings.Repeat("a", maxPathName+1):                0,
		"$" + strings.Repeat(".a", maxPathSteps+1):        1 + 2*maxPathSteps,
	} {
		_, err := parseFieldPath(in)
		var pe *PathError
		switch {
		case at < 0 && err != nil:
			t.Errorf("%s: %v", in, err)
		case at >= 0 && !errors.As(err, &pe):
			t.Errorf("%s: no *PathError but %v", in, err)
		case at >= 0 && (pe.At != at || pe.Path != in || pe.Why == ""):
			t.Errorf("%s: wrong at %d (%s), want %d", in, pe.At, pe.Why, at)
		}
	}
}

func TestCompileFieldsErrors(t *testing.T) {
	field := func(paths ...string) FieldSpec { return FieldSpec{Name: "f", Paths: paths} }
	many := func(n int, f func(i int) FieldSpec) (out []FieldSpec) {
		for i := range n {
			out = append(out, f(i))
		}
		return out
	}
	var deep []string
	for i := range maxFieldPath {
		deep = append(deep, fmt.Sprintf("$.p%d", i)+strings.Repeat(".a", maxPathSteps-1))
	}
	for name, spec := range map[string]BodySpec{
		"too many fields": {Fields: many(MaxFields+1, func(int) FieldSpec { return field("a") })},
		"no path":         {Fields: []FieldSpec{field()}},
		"too many paths":  {Fields: []FieldSpec{field(strings.Split(strings.Repeat("a,", maxFieldPath)+"a", ",")...)}},
		"too many places": {Fields: []FieldSpec{field(deep...)}},
		"negative limit":  {Fields: []FieldSpec{field("a")}, Limit: -1},
		"absurd limit":    {Fields: []FieldSpec{field("a")}, Limit: maxBodyLimit + 1},
		"bad path":        {Fields: []FieldSpec{field("$")}},
	} {
		if _, err := compileFields(&Route{Body: spec}); err == nil || err.Error() == "" {
			t.Errorf("%s: no error", name)
		}
	}
	var pe *PathError
	var be *BodyError
	route := &Route{Pattern: "POST /x", Body: BodySpec{Fields: []FieldSpec{field("$.a..b")}}}
	_, err := compileFields(route)
	if !errors.As(err, &pe) || pe.At != 3 || !errors.As(err, &be) || be.Route != route || be.Field != "f" {
		t.Errorf("a bad path is no *PathError in a *BodyError: %v", err)
	}
	if plan, err := compileFields(&Route{Body: BodySpec{Limit: 5}}); plan != nil || err != nil {
		t.Errorf("no fields: %v, %v", plan, err)
	}
	if plan, err := compileFields(&Route{Body: BodySpec{Fields: []FieldSpec{field("a")}}}); err != nil || plan.limit != DefaultBodyLimit {
		t.Errorf("default limit: %+v, %v", plan, err)
	}
}
