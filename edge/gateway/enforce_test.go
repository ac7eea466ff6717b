package gateway_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// TestElevenLogins is the first promise of the README: the preset of login routes allows ten tries a minute from one address.
func TestElevenLogins(t *testing.T) {
	t.Parallel()
	up, reached := seen(t)
	s := open(t, "mode: enforce\n", up)
	for n := range 10 {
		if a := s.login(fmt.Sprintf("user%d@example.com", n), "x"); a.StatusCode != 200 {
			t.Fatalf("login %d: %s %s", n+1, a.Status, a.body)
		}
	}
	a := s.login("user11@example.com", "x")
	p := a.problem(t, http.StatusTooManyRequests)
	if p.Type != "https://iana.org/assignments/http-problem-types#quota-exceeded" || len(p.Violated) != 1 || p.Violated[0] != "login:client" {
		t.Errorf("%+v", p)
	}
	wait, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if err != nil || wait < 1 || wait > 6 { // ten a minute are one in six seconds
		t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
	}
	if got := a.Header.Get("RateLimit-Policy"); got != `"login:client";q=10;w=60` {
		t.Errorf("RateLimit-Policy %s", got)
	}
	if got := a.Header.Get("RateLimit"); got != fmt.Sprintf(`"login:client";r=0;t=%d`, wait) {
		t.Errorf("RateLimit %s", got)
	}
	if s.get("/api/items/1").StatusCode != 200 {
		t.Error("another route is denied too")
	}
	if len(reached) != 11 {
		t.Errorf("%d requests reached the upstream, want 11", len(reached))
	}
	var denied int
	for _, l := range s.lines() {
		if l.Verdict == "allow" {
			continue
		}
		denied++
		if l.ID != p.Decision || l.Verdict != "limit" || l.Cause != "limit" || l.Limit.Name != "login:client" || l.Status != 429 || l.Outcome != "" {
			t.Errorf("%+v", l)
		}
	}
	if denied != 1 {
		t.Errorf("%d denials in the record", denied)
	}
}

// TestDenialsCostNothing: a client that goes on knocking has not to wait any longer for it.
func TestDenialsCostNothing(t *testing.T) {
	t.Parallel()
	s := open(t, "mode: enforce\nlimits: [{name: few, per: [client], rate: 10/h}, {name: many, per: [all], rate: 12/h}]\n", upstream(t, ok))
	for range 10 {
		s.get("/x")
	}
	for range 30 {
		a := s.get("/x")
		a.problem(t, 429)
		if wait, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || wait > 360 {
			t.Fatalf("Retry-After %q", a.Header.Get("Retry-After"))
		}
	}
	// The other limit was not charged for them either: all or none.
	s.reload("mode: enforce\nlimits: [{name: many, per: [all], rate: 12/h}]\n")
	for n := range 3 {
		if got, want := s.get("/x").StatusCode, map[bool]int{true: 200, false: 429}[n < 2]; got != want {
			t.Errorf("request %d: status %d, want %d", n+1, got, want)
		}
	}
}

// TestModes: the nearest mode wins, limit before route before class before file.
func TestModes(t *testing.T) {
	t.Parallel()
	s := open(t, `
mode: monitor
bars: [{prefix: 203.0.113.66/32}]
trusted_proxies: [127.0.0.0/8]
classes: {search: {mode: enforce, limits: []}}
routes:
  - {match: /live, mode: enforce, limits: [{per: [all], rate: 1/d}]}
  - {match: /watched, limits: [{per: [all], rate: 1/d}]}
  - {match: /one-live, limits: [{per: [all], rate: 1/d, mode: enforce}, {per: [all], rate: 1/d}]}
  - {match: /one-watched, mode: enforce, limits: [{per: [all], rate: 1/d, mode: monitor}]}
  - {match: /by-class, class: search, limits: [{per: [all], rate: 1/d}]}
  - {match: /class-overruled, class: search, mode: monitor, limits: [{per: [all], rate: 1/d}]}
`, upstream(t, ok))
	for path, want := range map[string][2]int{ // the second request, and one from a barred address
		"/live":            {429, 403},
		"/watched":         {200, 200},
		"/one-live":        {429, 429}, // the bar only watches here, the limit acts
		"/one-watched":     {200, 403},
		"/by-class":        {429, 403},
		"/class-overruled": {200, 200},
		"/search":          {200, 403}, // guessed class
		"/else":            {200, 200},
	} {
		s.get(path)
		got := [2]int{s.get(path).StatusCode, s.get(path, "X-Forwarded-For", "203.0.113.66").StatusCode}
		if got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

// from is a client behind the proxy that the tests' configurations trust.
func from(address string) []string { return []string{"X-Forwarded-For", address} }

func TestRefusals(t *testing.T) {
	t.Parallel()
	up, reached := seen(t)
	s := open(t, `
mode: enforce
trusted_proxies: [127.0.0.0/8]
traps: [/backup.sql]
bars: [{prefix: 203.0.113.0/24, why: spray}, {prefix: 192.0.2.0/24, until: 2020-01-01T00:00:00Z}]
excuses: [{prefix: 203.0.113.9/32, why: the office}]
limits: [{name: once, per: [client], rate: 1/31d}]
`, up)
	for _, c := range []struct {
		path, from string
		status     int
		cause      string
	}{
		{"/a/../b", "198.51.100.1", 400, "malformed"},
		{"/a%00b", "198.51.100.1", 400, "malformed"},
		{"/x", "203.0.113.66", 403, "bar"},
		{"/backup.sql", "198.51.100.2", 403, "risk"},
		{"/BACKUP.SQL", "198.51.100.3", 403, "risk"},
		{"/x", "192.0.2.1", 200, ""}, // that bar is over
		{"/x", "203.0.113.9", 200, "excuse"},
		{"/x", "203.0.113.9", 200, "excuse"}, // and no limit counts it
		{"/backup.sql", "203.0.113.9", 200, "excuse"},
		{"/a/../b", "203.0.113.9", 200, "excuse"},
	} {
		a := s.get(c.path, from(c.from)...)
		if a.StatusCode != c.status {
			t.Errorf("%s from %s: %s, want %d", c.path, c.from, a.Status, c.status)
		}
		if c.status == 200 {
			<-reached
			continue
		}
		a.problem(t, c.status)
		for _, word := range []string{"bar", "risk", "trap", "spray", "client", "limit"} {
			if strings.Contains(strings.ToLower(a.body), word) {
				t.Errorf("the answer speaks of %q: %s", word, a.body)
			}
		}
	}
	if len(reached) != 0 {
		t.Errorf("%d refused requests reached the upstream", len(reached))
	}
	for _, l := range s.lines() {
		if (l.Verdict == "refuse") != (l.Status >= 400) || l.Verdict == "refuse" && (l.Outcome != "" || l.Upstream != "") || l.Cause == "excuse" && l.Status != 200 {
			t.Errorf("%+v", l)
		}
	}
}

// TestRefusalOfHEAD: no body follows, and the connection goes on.
func TestRefusalOfHEAD(t *testing.T) {
	t.Parallel()
	s := open(t, "mode: enforce\nbars: [{prefix: 127.0.0.1/32}]\n", upstream(t, ok))
	got := s.raw("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\nHEAD /y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if strings.Count(got, "HTTP/1.1 403 Forbidden\r\n") != 2 || strings.Contains(got, "{") || strings.Contains(got, "Content-Length: 0") || !strings.HasSuffix(got, "\r\n\r\n") {
		t.Errorf("%q", got)
	}
}

// TestRefusalLeavesTheBody: what the client was sending is not waited for, and is not taken for its next request.
func TestRefusalLeavesTheBody(t *testing.T) {
	t.Parallel()
	s := open(t, "mode: enforce\nbars: [{prefix: 127.0.0.1/32}]\n", upstream(t, ok))
	c := s.dial()
	if _, err := fmt.Fprintf(c, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answers := make([]byte, 1<<16)
	n, err := c.Read(answers)
	if err != nil || strings.Count(string(answers[:n]), "HTTP/1.1 ") != 1 {
		t.Errorf("%q %v", answers[:n], err)
	}
	_ = c.Close()
	if l := s.only(); l.Status != 403 || l.Path != "/x" {
		t.Errorf("%+v", l)
	}
}
