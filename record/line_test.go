package record

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadGoesOnAfterBadLines(t *testing.T) {
	broken := errors.New("broken")
	text := lineOf(denied(t)) + "\n  \n{\"msg\":\n" + lineOf(allowed()) + "null\n[]\n" + strings.Repeat("x", longestRead+1) + "\n" +
		`{"msg":"dropped","n":3,"allows":2,"denials":1,"why":"queue full","unknown":{"a":[1]}}` + "\r\n" + `{"msg":"decision"`
	type step struct {
		msg  string
		line int // of the error
	}
	want := []step{{"decision", 0}, {"", 4}, {"decision", 0}, {"", 0}, {"", 7}, {"", 8}, {"dropped", 0}, {"", 10}}
	for name, in := range map[string]io.Reader{"whole": strings.NewReader(text), "by half": iotest.HalfReader(strings.NewReader(text)),
		"with an error": io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))} {
		var got []step
		var last error
		for line, err := range Read(in) {
			var wrong *LineError
			switch {
			case errors.As(err, &wrong):
				got = append(got, step{"", wrong.Number})
			case err != nil:
				last = err
			default:
				got = append(got, step{line.Msg, 0})
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %v, want %v", name, got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: step %d is %v, want %v", name, i, got[i], want[i])
			}
		}
		if (last == broken) != (name == "with an error") {
			t.Errorf("%s: error %v", name, last)
		}
	}
}

func TestReadStopsWhenAsked(t *testing.T) {
	n := 0
	for _, err := range Read(strings.NewReader(strings.Repeat("{}\n", 10))) {
		if n++; n == 3 || err != nil {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d lines, want 3", n)
	}
}

func TestReadTellsEverything(t *testing.T) {
	for line, err := range Read(strings.NewReader(lineOf(denied(t)))) {
		if err != nil {
			t.Fatal(err)
		}
		l := line.Limit
		if l == nil || l.Name != "login per client" || l.Per[1] != "header:X-Tenant" || l.Rate != "10/m" || l.Burst != 10 || l.RetryAfter != 7.401 {
			t.Errorf("limit %+v", l)
		}
		if line.Verdict != "limit" || line.Status != 429 || line.In != 80 || line.Peer != "10.0.0.2" || line.Protocol != "1.1" || line.Credential != "bearer" ||
			line.Tension != "tense" || line.Mode != "enforce" || len(line.Fields) != 2 || !strings.HasPrefix(line.Subject, "unproven:") {
			t.Errorf("%+v", line)
		}
	}
}
