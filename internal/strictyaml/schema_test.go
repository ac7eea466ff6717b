package strictyaml

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func schemaOf(t *testing.T, v any) map[string]any {
	t.Helper()
	text, err := Schema(v, "https://example.org/s.json", "a sample")
	if err != nil {
		t.Fatal(err)
	}
	var s map[string]any
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// dig follows keys into a schema, and references on its way.
func dig(t *testing.T, root map[string]any, keys ...string) map[string]any {
	t.Helper()
	at := root
	for _, k := range keys {
		next, ok := at[k].(map[string]any)
		if !ok {
			t.Fatalf("no %q (of %v) in %v", k, keys, at)
		}
		at = follow(t, root, next)
	}
	return at
}

func follow(t *testing.T, root, at map[string]any) map[string]any {
	t.Helper()
	ref, ok := at["$ref"].(string)
	if !ok {
		return at
	}
	if ref == "#" {
		return root
	}
	name, ok := strings.CutPrefix(ref, "#/$defs/")
	def, ok2 := root["$defs"].(map[string]any)[name].(map[string]any)
	if !ok || !ok2 {
		t.Fatalf("%s refers to nothing", ref)
	}
	return def
}

func TestSchema(t *testing.T) {
	s := schemaOf(t, &sample{})
	for key, want := range map[string]any{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.org/s.json", "title": "a sample",
		"type": "object", "additionalProperties": false} {
		if !reflect.DeepEqual(s[key], want) {
			t.Errorf("%s: %v", key, s[key])
		}
	}
	props := dig(t, s, "properties")
	if len(props) != len(reflect.VisibleFields(reflect.TypeFor[sample]()))-1 || props["Unread"] != nil {
		t.Errorf("properties: %v", props)
	}
	reference := map[string]any{"$ref": "#/$defs/reference"}
	or := func(schema map[string]any) []any { return []any{schema, reference} }
	for path, want := range map[string]map[string]any{
		"listen":          {"type": "string", "default": ":8080", "description": "Where to listen."},
		"trusted_proxies": {"type": "array", "items": map[string]any{"type": "string"}, "default": []any{"10.0.0.0/8", "127.0.0.1/32"}},
		"password":        {"type": "string", "writeOnly": true},
		"share":           {"anyOf": or(map[string]any{"type": "number"}), "default": 0.5},
		"small":           {"anyOf": or(map[string]any{"type": "integer", "minimum": 0.0})},
		"strict":          {"anyOf": or(map[string]any{"type": "boolean"}), "default": true},
		"level":           {"anyOf": or(map[string]any{"enum": []any{1.0, 2.0, 3.0}})},
		"labels":          {"type": "object", "additionalProperties": map[string]any{"type": "string"}},
		"extra":           {},
		"upstream":        {"anyOf": []any{map[string]any{"type": "string"}, map[string]any{"$ref": "#/$defs/endpoint"}}},
		"tree":            {"$ref": "#/$defs/tree"},
		"routes":          {"type": "array", "items": map[string]any{"$ref": "#/$defs/route"}, "description": "What is guarded."},
		"tree/kids":       {"type": "array", "items": map[string]any{"$ref": "#/$defs/tree"}},
		"routes//on":      {"anyOf": or(map[string]any{"type": "boolean"})},
		"routes//why":     {"type": "string"},
		"routes//match":   {"type": "string", "description": "Method and path.", "examples": []any{"GET /"}},
		"routes//class":   {"anyOf": or(map[string]any{"enum": []any{"plain", "login", "reset"}})},
		"limits/rate":     {"description": "How much in how long.", "anyOf": or(map[string]any{"type": "string", "pattern": "^[0-9]+/[smh]$"})},
		"limits/burst":    {"anyOf": or(map[string]any{"type": "integer"}), "default": 5.0},
	} {
		var got map[string]any
		switch {
		case strings.HasPrefix(path, "routes//"):
			got = dig(t, s, "$defs", "route", "properties")[strings.TrimPrefix(path, "routes//")].(map[string]any)
		case strings.HasPrefix(path, "limits/"):
			got = dig(t, s, "$defs", "limit", "properties")[strings.TrimPrefix(path, "limits/")].(map[string]any)
		case strings.HasPrefix(path, "tree/"):
			got = dig(t, s, "$defs", "tree", "properties")[strings.TrimPrefix(path, "tree/")].(map[string]any)
		default:
			got = props[path].(map[string]any)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	per := dig(t, s, "$defs", "limit", "properties", "per")
	one, many := per["anyOf"].([]any)[0].(map[string]any), per["anyOf"].([]any)[1].(map[string]any)
	if !reflect.DeepEqual(many["items"], any(one)) || many["type"] != "array" || !reflect.DeepEqual(per["default"], []any{"client"}) {
		t.Errorf("per: %v", per)
	}
	if got := dig(t, s, "$defs", "route")["required"]; !reflect.DeepEqual(got, []any{"match"}) {
		t.Errorf("required: %v", got)
	}
	everywhere(t, s, s)
}

// everywhere holds what must be true of every part of a schema.
func everywhere(t *testing.T, root map[string]any, at any) {
	t.Helper()
	switch at := at.(type) {
	case []any:
		for _, v := range at {
			everywhere(t, root, v)
		}
	case map[string]any:
		if _, ok := at["properties"].(map[string]any); ok && at["type"] == "object" && at["additionalProperties"] != false {
			t.Errorf("unknown keys are accepted: %v", at)
		}
		if p, ok := at["pattern"].(string); ok {
			if _, err := regexp.Compile(p); err != nil {
				t.Error(err)
			}
		}
		if _, ok := at["$ref"]; ok {
			follow(t, root, at)
		}
		for _, v := range at {
			everywhere(t, root, v)
		}
	}
}

// The pattern of durations takes what Decode takes.
func TestDurationPattern(t *testing.T) {
	s := schemaOf(t, route{})
	pattern := regexp.MustCompile(dig(t, s, "properties", "wait")["anyOf"].([]any)[0].(map[string]any)["pattern"].(string))
	for text, ok := range map[string]bool{"30s": true, "24h": true, "1h30m": true, "1.5h": true, "-1s": true, "250ms": true, "0": true, "0s": true,
		"": false, "30": false, "7d": false, "s": false, "1h 30m": false, "soon": false} {
		if pattern.MatchString(text) != ok {
			t.Errorf("the pattern on %q: %v", text, !ok)
		}
		if err := decode("match: x\nwait: '"+text+"'", new(route)); (err == nil) != ok {
			t.Errorf("decoding %q: %v", text, err)
		}
	}
}

// Two types of one name, types that hold themselves, and a root that is held.
func TestSchemaNames(t *testing.T) {
	type tree struct {
		Other *sample `yaml:"other"`
		Self  []tree  `yaml:"self"`
	}
	type top struct {
		Mine  tree            `yaml:"mine"`
		Again map[string]*top `yaml:"again"`
		One   struct {
			X int `yaml:"x"`
		} `yaml:"one"`
		Two struct {
			Y int `yaml:"y"`
		} `yaml:"two"`
	}
	s := schemaOf(t, top{})
	everywhere(t, s, s)
	if got := dig(t, s, "properties", "again"); !reflect.DeepEqual(got["additionalProperties"], map[string]any{"$ref": "#"}) {
		t.Error("the root in itself:", got)
	}
	mine := dig(t, s, "properties", "mine", "properties")
	theirs := dig(t, s, "properties", "mine", "properties", "other", "properties", "tree", "properties")
	if mine["self"] == nil || theirs["kids"] == nil {
		t.Error("two types of one name:", mine, theirs)
	}
	if dig(t, s, "properties", "one", "properties")["x"] == nil || dig(t, s, "properties", "two", "properties")["y"] == nil {
		t.Error("types without a name")
	}
	for _, v := range []any{nil, 3, []string{}, struct{ C chan int }{}} {
		if _, err := Schema(v, "", ""); err == nil {
			t.Errorf("a schema of %T", v)
		}
	}
}
