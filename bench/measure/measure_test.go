package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"glacis/config"
)

func furnished(t *testing.T, want target) (site, []string) {
	t.Helper()
	s := site{filepath.Join(t.TempDir(), want.name), "127.0.0.1:18000", "127.0.0.1:18001", "127.0.0.1:18002", want.limits}
	args, err := want.furnish(s)
	if err != nil {
		t.Fatal(err)
	}
	return s, args
}

func TestEveryBlankIsFilledIn(t *testing.T) {
	names := map[string]bool{}
	for _, tt := range targets("bin") {
		if names[tt.name] {
			t.Errorf("two targets are called %s", tt.name)
		}
		names[tt.name] = true
		s, args := furnished(t, tt)
		text := strings.Join(args, " ")
		for _, file := range tt.files {
			text += readFile(filepath.Join(s.Dir, file))
		}
		if strings.Contains(text, "{{") || !strings.Contains(text, s.Listen) || !strings.Contains(text, s.Origin) {
			t.Errorf("%s: it does not say where to listen and whom to ask:\n%s", tt.name, text)
		}
	}
}

func TestGateIsMeasuredWithFourLimitsThatAct(t *testing.T) {
	for i, want := range []int{4, 0} {
		s, _ := furnished(t, targets("bin")[i])
		plan, err := config.Load(filepath.Join(s.Dir, "glacis.yaml"), config.Override{})
		if err != nil {
			t.Fatal(err)
		}
		if route := plan.Config.Routes[0]; len(route.Limits) != want || plan.Config.Mode.String() != "enforce" {
			t.Errorf("%d limits in mode %s, want %d that act", len(route.Limits), plan.Config.Mode, want)
		}
	}
}

// TestNeighboursAcceptTheirFiles asks those of them that are here.
func TestNeighboursAcceptTheirFiles(t *testing.T) {
	check := map[string][]string{"nginx": {"-t"}, "nginx-limits": {"-t"}, "haproxy": {"-c"}}
	for _, tt := range targets("bin") {
		program, err := tt.find()
		if check[tt.name] == nil || err != nil {
			continue
		}
		_, args := furnished(t, tt)
		if out, err := exec.Command(program, append(check[tt.name], args...)...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", tt.name, err, out)
		}
	}
}

func TestProgramNotThere(t *testing.T) {
	if _, err := (target{program: "glacis-bench-no-such-program"}).find(); !errors.Is(err, errNotThere) {
		t.Errorf("%v, want %v", err, errNotThere)
	}
}

func TestGroupIn(t *testing.T) {
	for stat, want := range map[string]int{
		"7 (nginx) S 1 42 42 0 -1":           42,
		"7 (a) b) S 9 9 (c) S 1 43 42 0 -1":  43,
		"7 (half":                            0,
		"":                                   0,
		"7 (nginx) S 1 many 42 0 -1 4194560": 0,
	} {
		if got := groupIn(stat); got != want {
			t.Errorf("%q: group %d, want %d", stat, got, want)
		}
	}
}

func TestUsageOfOurselves(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	u, err := usageOf(syscall.Getpgrp())
	if err != nil || u.cpu <= 0 || u.rss <= 0 {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := usageOf(1 << 30); err == nil {
		t.Error("a group that cannot be has used something")
	}
}

func TestReadCounted(t *testing.T) {
	got, err := readCounted([]byte("Running 2s test\ncounted 1000 2000000 50 90 99 999 3\n"))
	if want := (answers{1000, 3, 2, 50, 90, 99, 999}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{"", "unable to connect", "counted 1 2"} {
		if _, err := readCounted([]byte(text)); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

func TestBothGeneratorsSendOneRequest(t *testing.T) {
	dir := t.TempDir()
	if _, err := newLoad(place{}, "", dir, 1); err != nil {
		t.Fatal(err)
	}
	script, request := readFile(filepath.Join(dir, "request.lua")), readFile(filepath.Join(dir, "request.txt"))
	if !strings.HasPrefix(request, "GET "+path+" HTTP/1.1\r\n") || !strings.HasSuffix(request, "\r\n\r\n") || !strings.Contains(script, path) {
		t.Errorf("requests:\n%s\n%s", request, script)
	}
	for _, f := range fields {
		if !strings.Contains(request, f[0]+": "+f[1]+"\r\n") || !strings.Contains(script, `wrk.headers["`+f[0]+`"] = "`+f[1]+`"`) {
			t.Errorf("%s is not sent by both", f[0])
		}
	}
}

func TestNumber(t *testing.T) {
	t.Setenv("ROUNDS", "7")
	if got := number("ROUNDS", 5); got != 7 {
		t.Errorf("%d, want 7", got)
	}
	t.Setenv("ROUNDS", "many")
	if got := number("ROUNDS", 5); got != 5 {
		t.Errorf("%d, want the default", got)
	}
}

func TestModel(t *testing.T) {
	if got := model("processor\t: 0\nmodel name\t: Some CPU @ 3 GHz: fast\n"); got != "Some CPU @ 3 GHz: fast" {
		t.Errorf("%q", got)
	}
	if got := model("nothing"); got != runtime.GOARCH {
		t.Errorf("%q", got)
	}
}

func TestLastBytes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(file, []byte(strings.Repeat("a", 1000)+"why"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := lastBytes(file); len(got) != 400 || !strings.HasSuffix(got, "why") {
		t.Errorf("%q", got)
	}
}
