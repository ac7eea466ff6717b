package glacis_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// tree makes a work tree of files given as path, text, path, text.
func tree(files ...string) fstest.MapFS {
	made := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		made[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return made
}

// one fails the test unless there is exactly one complaint and it holds want, or none where want is "".
func one(t *testing.T, complaints []string, want string) {
	t.Helper()
	if want == "" && len(complaints) == 0 {
		return
	}
	if want == "" || len(complaints) != 1 || !strings.Contains(complaints[0], want) {
		t.Errorf("complaints %q, want one that holds %q", complaints, want)
	}
}

func TestPlanLanguage(t *testing.T) {
	below, err := parsePlan("NONE < a < b; # ground\n a < c, d;\n b, c < e;\n d !< e;")
	if err != nil {
		t.Fatal(err)
	}
	for room, want := range map[string]string{"a": "", "b": "a", "c": "a", "d": "a", "e": "a b c"} {
		var may []string
		for name := range below[room] {
			may = append(may, name)
		}
		slices.Sort(may)
		if got := strings.Join(may, " "); got != want {
			t.Errorf("%s may import %q, want %q", room, got, want)
		}
	}
	for text, want := range map[string]string{
		"NONE < a; a;":                 "has no <",
		"NONE < a; b < c;":             `"b" is used before`,
		"NONE < a; NONE < a;":          `"a" must stand once`,
		"NONE < a < ;":                 `"" must stand once`,
		"NONE < a < b; b < a;":         `"a" must stand once`,
		"NONE < a < b < c; a !< c;":    "a !< c, but",
		"NONE < a; a !< ghost;":        "without a line",
		"NONE < a; NONE < b; ghost<c;": `"ghost" is used before`,
	} {
		if _, err := parsePlan(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one that holds %q", text, err, want)
		}
	}
}

// TestPlanCheck holds small houses with at most one fault each against a small plan.
func TestPlanCheck(t *testing.T) {
	p, err := parsePage("NONE < low, side; low < high < glacis;", "high: side", "m.org/yaml: low cmd/*", "m.org/rapid")
	if err != nil {
		t.Fatal(err)
	}
	sound := []string{
		"front.go", `package glacis; import ("fmt"; "glacis/high"; "glacis/low"; "glacis/internal/tool")`,
		"low/low.go", `package low; import "m.org/yaml/ast"`,
		"high/high.go", `package high; import "glacis/low"`,
		"side/side.go", "package side",
		"internal/tool/tool.go", `package tool; import "os"`,
		"other/go.mod", "module other", "other/x.go", `package x; import "m.org/ghost"`,
		"low/testdata/x.go", `package x; import "m.org/ghost"`,
		".hidden/x.go", "package x; broken",
	}
	for name, tt := range map[string]struct{ file, text, want string }{
		"sound":                     {},
		"upward":                    {"low/up.go", `package low; import "glacis/high"`, "low may not import high"},
		"sideward":                  {"high/a.go", `package high; import "glacis/side"`, "high may not import side"},
		"sideward in a test":        {"high/a_test.go", `package high_test; import ("glacis/high"; "glacis/side")`, ""},
		"upward in a test":          {"low/a_test.go", `package low_test; import "glacis/high"`, "low may not import high"},
		"the root below itself":     {"high/a.go", `package high; import "glacis"`, "high may not import glacis"},
		"unknown room":              {"new/new.go", "package new", "room new has no line"},
		"import of an unknown room": {"high/a.go", `package high; import "glacis/ghost"`, "high may not import ghost"},
		"tool that knows us":        {"internal/tool/a.go", `package tool; import "glacis/low"`, "knows nothing of ours"},
		"tool that knows a tool":    {"internal/tool/a.go", `package tool; import "glacis/internal/b"`, "knows nothing of ours"},
		"tool tests itself":         {"internal/tool/a_test.go", `package tool_test; import "glacis/internal/tool"`, ""},
		"bench imports anything":    {"bench/run/a.go", `package main; import ("glacis/high"; "glacis"; "m.org/rapid")`, ""},
		"bench is imported":         {"high/a.go", `package high; import "glacis/bench/run"`, "measures the house"},
		"module of another room":    {"high/a.go", `package high; import "m.org/yaml"`, "belongs to low"},
		"unknown module":            {"high/a.go", `package high; import "m.org/ghost"`, "the plan does not know"},
		"module by half its name":   {"low/a.go", `package low; import "m.org/yamlish"`, "the plan does not know"},
		"test module in code":       {"high/a.go", `package high; import "m.org/rapid"`, "the plan does not know"},
		"test module in a test":     {"high/a_test.go", `package high; import "m.org/rapid/x"`, ""},
		"cgo":                       {"high/a.go", `package high; import "C"`, "without cgo"},
	} {
		t.Run(name, func(t *testing.T) {
			files := tree(sound...)
			if tt.file != "" {
				files[tt.file] = &fstest.MapFile{Data: []byte(tt.text)}
			}
			one(t, p.check(readHouse(t, files)), tt.want)
		})
	}
	t.Run("room not there", func(t *testing.T) {
		files := tree(sound...)
		delete(files, "side/side.go")
		one(t, p.check(readHouse(t, files)), "not there: side")
	})
	t.Run("module nobody imports", func(t *testing.T) {
		files := tree(sound...)
		files["low/low.go"].Data = []byte("package low")
		files["low/low_test.go"] = &fstest.MapFile{Data: []byte(`package low; import "m.org/yaml"`)}
		one(t, p.check(readHouse(t, files)), "nobody imports: m.org/yaml")
	})
}

func TestDoorCheck(t *testing.T) {
	for text, want := range map[string]string{
		"// Package a keeps one thing in order.\npackage a":                  "",
		"// Package a keeps one thing\n// in order. It is not b.\npackage a": "",
		"package a":                                                             "0 package comments",
		"// Package a.\npackage a":                                              "whole sentence",
		"// Package a is nice.\npackage a":                                      "whole sentence",
		"// Package a keeps one thing in\npackage a":                            "full stop",
		"// Package b keeps one thing ok.\npackage a":                           `must begin "Package a"`,
		"// It keeps one thing in order.\npackage a":                            `must begin "Package a"`,
		"// Command x serves one thing here.\npackage main":                     "",
		"// Package main serves one thing here.\npackage main":                  `must begin "Command x"`,
		"//go:build linux\n\n// Package a keeps one thing in order.\npackage a": "",
	} {
		var complaints []string
		for _, r := range readHouse(t, tree("x/a.go", text, "x/a_test.go", "// Stray.\npackage a")).rooms {
			if c := r.checkDoc(); c != "" {
				complaints = append(complaints, c)
			}
		}
		one(t, complaints, want)
	}
	twice := readHouse(t, tree("a/a.go", "// Package a is one of two.\npackage a", "a/b.go", "// Package a is two of two.\npackage a"))
	one(t, []string{twice.rooms[0].checkDoc()}, "2 package comments")
}

func TestRuleCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		files []string
		want  string
	}{
		"sound":           {[]string{"a/a.go", "package a; func initial() {}"}, ""},
		"drawer":          {[]string{"a/util/a.go", "package util"}, "a/util: a room is a noun"},
		"init":            {[]string{"a/a.go", "package a\nfunc init() {}"}, "a/a.go:2:1: no init"},
		"method init":     {[]string{"a/a.go", "package a; type T int; func (T) init() {}"}, ""},
		"context value":   {[]string{"a/a.go", `package a; import "context"; var _ = context.WithValue(nil, 1, 2)`}, "no context values"},
		"sleep":           {[]string{"a/a_test.go", `package a; import "time"; func f() { time.Sleep(1) }`}, "never sleep"},
		"sleep in bubble": {[]string{"a/a_test.go", `package a; import ("time"; "testing/synctest"); func f() { time.Sleep(1) }`}, ""},
		"sleep in code":   {[]string{"a/a.go", `package a; import "time"; func f() { time.Sleep(1) }`}, ""},
		"fuzz":            {[]string{"a/a_test.go", "package a; func FuzzX() {}"}, "a/testdata/fuzz/FuzzX"},
		"fuzz with seed":  {[]string{"a/a_test.go", "package a; func FuzzX() {}", "a/testdata/fuzz/FuzzX/1", "go test fuzz v1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := tree(tt.files...)
			one(t, checkRules(readHouse(t, files), files), tt.want)
		})
	}
}

func TestTextCheck(t *testing.T) {
	for text, want := range map[string]string{
		"see ./docs/a.md, /etc/hosts and https://a.org/home/b/c":    "",
		"GET /users/1 and /homes/a/b":                               "",
		"x\npath: /" + "work/main/x":                                "a.md:2: /" + "work/main/x",
		`"/` + `home/someone/x"`:                                    "path of one machine",
		"get it from https" + "://proxy.place.org/x":                "proxy.place.org is a host of packages",
		"curl -x https" + "://proxy.example.com or proxy.place.org": "",
		"\xff https" + "://proxy.place.org":                         "",
	} {
		complaints, err := checkTexts(tree("a.md", text))
		if err != nil {
			t.Fatal(err)
		}
		one(t, complaints, want)
	}
}
