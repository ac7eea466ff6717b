package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"glacis": main})
}

// The scripts in testdata/script are what a person types, with what comes of it. Besides testscript's own commands they have:
//
//	port NAME             put a free loopback port into $NAME
//	signal HUP|TERM N     send a signal to the Nth background process, counted from 0
//	await URL             wait until the URL answers 200
//	eventually METHOD URL PATTERN
//	                      fetch until the output matches
//	fetch [-n] METHOD URL [BODY] [HEADER...]
//	                      send a request; status line, header and body go to standard output
//	readme KIND N FILE    write the Nth block of that kind in README.md to a file
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			root, err := filepath.Abs("../..")
			e.Setenv("ROOT", root)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"port": port, "signal": send, "await": await, "fetch": fetch, "eventually": eventually, "readme": readme,
		},
	})
}

func port(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	ts.Check(l.Close())
}

func send(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM}
	ts.Check(ts.BackgroundCmds()[n].Process.Signal(signals[args[0]]))
}

func await(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		if r, err := http.Get(args[0]); err == nil {
			_ = r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			ts.Fatalf("%s does not answer 200", args[0])
		}
	}
}

func fetch(ts *testscript.TestScript, neg bool, args []string) { request(ts, ts.Stdout(), neg, args) }

func request(ts *testscript.TestScript, out io.Writer, neg bool, args []string) {
	n := 1
	if args[0] == "-n" {
		times, err := strconv.Atoi(args[1])
		ts.Check(err)
		n, args = times, args[2:]
	}
	body := ""
	if len(args) > 2 {
		body = args[2]
	}
	for range n {
		r, err := http.NewRequest(args[0], args[1], strings.NewReader(body))
		ts.Check(err)
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		for _, h := range args[min(3, len(args)):] {
			name, value, _ := strings.Cut(h, ": ")
			r.Header.Set(name, value)
		}
		answer, err := http.DefaultClient.Do(r)
		if neg && err != nil {
			return
		}
		ts.Check(err)
		fmt.Fprintf(out, "%s\n", answer.Status)
		ts.Check(answer.Header.Write(out))
		_, err = io.Copy(out, answer.Body)
		ts.Check(err)
		ts.Check(answer.Body.Close())
		fmt.Fprintln(out)
	}
}

// eventually fetches until the answer matches: for what takes effect within a second or two.
func eventually(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile("(?m)" + args[2])
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		var out strings.Builder
		request(ts, &out, false, args[:2])
		if want.MatchString(out.String()) {
			fmt.Fprint(ts.Stdout(), out.String())
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			ts.Fatalf("%s never matches %s", args[1], args[2])
		}
	}
}

// readme takes a block out of README.md, so that what stands there is what is tested.
func readme(ts *testscript.TestScript, _ bool, args []string) {
	src, err := os.ReadFile(filepath.Join(ts.Getenv("ROOT"), "README.md"))
	ts.Check(err)
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	blocks := strings.Split(string(src), "```"+args[0]+"\n")
	if n >= len(blocks) {
		ts.Fatalf("README.md has only %d blocks of %s", len(blocks)-1, args[0])
	}
	block, _, _ := strings.Cut(blocks[n], "```")
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(block), 0o600))
}

func TestReadmeShowsOnlyCommandsThatExist(t *testing.T) {
	src, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("testdata/script/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var tested strings.Builder
	for _, s := range scripts {
		b, err := os.ReadFile(s)
		if err != nil {
			t.Fatal(err)
		}
		tested.Write(b)
	}
	for line := range strings.Lines(string(src)) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "  ")
		if command, ok := strings.CutPrefix(line, "glacis "); ok {
			words := strings.Fields(command)
			if !strings.Contains(tested.String(), "glacis "+words[0]) {
				t.Errorf("README.md shows `glacis %s`, which no script runs", command)
			}
			for _, w := range words[1:] {
				if strings.HasPrefix(w, "-") && !strings.Contains(tested.String(), w) {
					t.Errorf("README.md shows the flag %s, which no script uses", w)
				}
			}
		}
	}
}
