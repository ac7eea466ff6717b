package glacis_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestDoors holds every package to a sentence on its door.
func TestDoors(t *testing.T) {
	for _, r := range readHouse(t, os.DirFS(".")).rooms {
		if complaint := r.checkDoc(); complaint != "" {
			t.Error(complaint)
		}
	}
}

// TestRules holds the code to the rules of CONTRIBUTING.md that no linter knows.
func TestRules(t *testing.T) {
	for _, complaint := range checkRules(readHouse(t, os.DirFS(".")), os.DirFS(".")) {
		t.Error(complaint)
	}
}

// TestTexts looks for what only the writer's machine has in every text file of the tree.
func TestTexts(t *testing.T) {
	complaints, err := checkTexts(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, complaint := range complaints {
		t.Error(complaint)
	}
}

// drawers are names that fill up with whatever has no place of its own.
var drawers = []string{"base", "common", "core", "helper", "helpers", "manager", "misc", "shared", "types", "util", "utils"}

func checkRules(h house, root fs.FS) []string {
	var complaints []string
	complain := func(where any, what string) {
		complaints = append(complaints, fmt.Sprintf("%v: %s", where, what))
	}
	for _, r := range h.rooms {
		if slices.Contains(drawers, path.Base(r.name)) {
			complain(r.name, "a room is a noun of this domain: put what is in this drawer where it is made")
		}
		for _, f := range r.files {
			if f.test {
				h.checkTest(f, root, complain)
			} else {
				h.checkCode(f, complain)
			}
		}
	}
	return complaints
}

// checkCode refuses what hides the flow of a request from its reader.
func (h house) checkCode(f source, complain func(where any, what string)) {
	for _, fn := range f.funcs() {
		if fn.Name.Name == "init" {
			complain(h.fset.Position(fn.Pos()), "no init: what must be ready is made by New and passed on")
		}
	}
	for _, at := range h.calls(f, "context", "WithValue") {
		complain(at, "no context values: pass it as an argument or a field, so that it has a type")
	}
}

// checkTest refuses tests that wait for the clock, and fuzz targets that start from nothing.
func (h house) checkTest(f source, root fs.FS, complain func(where any, what string)) {
	if !slices.Contains(f.imports(), "testing/synctest") {
		for _, at := range h.calls(f, "time", "Sleep") {
			complain(at, "tests never sleep: use testing/synctest, a channel, or time as an argument")
		}
	}
	for _, fn := range f.funcs() {
		if !strings.HasPrefix(fn.Name.Name, "Fuzz") {
			continue
		}
		corpus := path.Join(path.Dir(f.path), "testdata/fuzz", fn.Name.Name)
		if kept, err := fs.ReadDir(root, corpus); err != nil || len(kept) == 0 {
			complain(h.fset.Position(fn.Pos()), "keep a small corpus in "+corpus+", so that every plain test run replays it")
		}
	}
}

// machine matches paths that exist on one machine only. The folder is a group so that this line does not match itself.
var machine = regexp.MustCompile(`(?:^|[\s"'=(:])(/(?:work|root|home/[a-z]+|Users/[A-Za-z]+)/[\w.-]+[^\s"')]*)`)

// packageHost matches the hosts that serve packages: where they come from is the reader's business, not the tree's.
var packageHost = regexp.MustCompile(`https?://((?:proxy|sum|registry|index|deb|repo1?|mirrors?)\.[a-z0-9-]+(?:\.[a-z0-9-]+)*)`)

func checkTexts(root fs.FS) ([]string, error) {
	var complaints []string
	err := walkHouse(root, func(file string) error {
		text, err := fs.ReadFile(root, file)
		if err != nil || !utf8.Valid(text) || strings.HasPrefix(file, "bin/") {
			return err
		}
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			at := file + ":" + strconv.Itoa(number)
			if m := machine.FindStringSubmatch(line); m != nil {
				complaints = append(complaints, at+": "+m[1]+" is a path of one machine: use a relative one, or t.TempDir")
			}
			if m := packageHost.FindStringSubmatch(line); m != nil && !strings.Contains(m[1], ".example") {
				complaints = append(complaints, at+": "+m[1]+" is a host of packages: name the package, not where it is served")
			}
		}
		return nil
	})
	return complaints, err
}
