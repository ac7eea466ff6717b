package record

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"glacis/decide/facts"
	"glacis/decide/identity"
	"glacis/decide/limit"
	"glacis/decide/signal"
	"glacis/decide/verdict"
	"glacis/learn/observe"
	"glacis/posture"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGoldenLines(t *testing.T) {
	var got bytes.Buffer
	for _, e := range []*observe.Entry{allowed(), denied(t), watched(t), suspected(), barred(), excused(), token(), hostile(), bare()} {
		got.WriteString(lineOf(e))
	}
	c := newEncoder()
	got.Write(c.appendDropped(nil, at, Dropped{Allows: 12, Denials: 3}, QueueFull))
	const golden = "testdata/lines.jsonl"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
	if len(gotLines) != len(wantLines) {
		t.Fatalf("%d lines, want %d", len(gotLines), len(wantLines))
	}
	for i := range wantLines {
		if gotLines[i] != wantLines[i] {
			t.Errorf("line %d is\n%s\nwant\n%s", i+1, gotLines[i], wantLines[i])
		}
	}
}

// order is every name of a line, as it must come.
var order = []string{"time", "level", "msg", "id", "http.request.method", "url.path", "url.query.keys", "server.address", "http.route",
	"http.response.status_code", "http.request.body.size", "http.response.body.size", "user_agent.original", "client.address",
	"network.peer.address", "network.protocol.version", "route", "class", "subject", "credential", "mode", "tension", "verdict", "cause",
	"would", "would_cause", "limit", "bar", "excuse", "score", "reasons", "outcome", "failure", "upstream", "duration_ms", "upstream_ms",
	"odd", "request_id", "fields"}

func someLimits(t testing.TB) []*limit.Limit {
	var tenant limit.Dimension
	if err := tenant.UnmarshalText([]byte("field:" + strings.Repeat("\x01\"é", 40))); err != nil {
		t.Fatal(err)
	}
	odd, err := limit.New(limit.Config{Name: strings.Repeat("n", 128), Per: []limit.Dimension{tenant, tenant, tenant, tenant}, Rate: limit.Rate{N: 7, Per: 31 * 24 * time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	return []*limit.Limit{loginLimit(t), odd}
}

// Whatever was observed, the line is one JSON object with known names in order, no longer than promised, and says the same when read.
func TestAnyEntryIsReadBack(t *testing.T) {
	limits := someLimits(t)
	rapid.Check(t, func(rt *rapid.T) {
		e := anyEntry(limits).Draw(rt, "entry")
		text := lineOf(e)
		if len(text) > maxLine || len(text) < minLine || strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") || !utf8.ValidString(text) {
			rt.Fatalf("%d bytes are no line: %q", len(text), text)
		}
		checkOrder(rt, text)
		var line Line
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			rt.Fatalf("%v: %s", err, text)
		}
		checkLine(rt, e, &line)
	})
}

func checkOrder(t *rapid.T, text string) {
	d := json.NewDecoder(strings.NewReader(text))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	last := -1
	for d.More() {
		name, _ := d.Token()
		at := slices.Index(order, name.(string))
		if at <= last {
			t.Fatalf("%s stands behind %s: %s", name, order[last], text)
		}
		last = at
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil || string(skipped) == `""` && name != "odd" {
			t.Fatalf("%s: %s (%v)", name, skipped, err)
		}
	}
}

// checkLine holds a line against its entry, field by field.
func checkLine(t *rapid.T, e *observe.Entry, l *Line) {
	f, v := e.Facts, e.Verdict
	text := func(what, got, s string, most int) {
		if want := cutText(s, most); got != want {
			t.Fatalf("%s is %q, want %q", what, got, want)
		}
	}
	text("method", l.Method, f.Method, maxMethod)
	if !tellsToken(f) {
		text("path", l.Path, f.Path, maxPath)
	}
	text("host", l.Host, f.Host, maxHost)
	text("template", l.Template, f.Template, maxTemplate)
	text("agent", l.UserAgent, f.UserAgent, maxAgent)
	text("route", l.Route, f.Route.Pattern, maxPattern)
	text("failure", l.Failure, e.Failure, maxFailure)
	text("upstream", l.Upstream, e.Target, maxTarget)
	text("request id", l.RequestID, f.RequestID, maxRequestID)
	text("odd", l.Odd, f.Odd.String(), 1000)
	text("outcome", l.Outcome, e.Outcome.String(), 100)
	text("verdict", l.Verdict, v.Done.Action.String(), 100)
	text("cause", l.Cause, v.Done.Cause.String(), 100)
	text("id", l.ID, v.ID.String(), 100)
	if !l.Time.Equal(time.Unix(0, f.At)) || l.Time.Location() != time.UTC || l.Msg != "decision" {
		t.Fatalf("time %v, message %q", l.Time, l.Msg)
	}
	if (l.Level == "WARN") != (v.Done.Action != verdict.Allow) || (l.Would != "") != (v.Would.Action != v.Done.Action) {
		t.Fatalf("level %s, would %q; done %v, would %v", l.Level, l.Would, v.Done.Action, v.Would.Action)
	}
	if l.Status != e.Status || l.In != max(0, e.In) || l.Out != max(0, e.Out) {
		t.Fatalf("status %d, %d bytes in, %d out", l.Status, l.In, l.Out)
	}
	if want := float64(max(0, e.Took.Microseconds())) / 1000; l.DurationMilli != want {
		t.Fatalf("%v ms, want %v", l.DurationMilli, want)
	}
	if f.Client.IsValid() != (l.Client != "") || len(l.Reasons) != len(v.Score.Reasons()) {
		t.Fatalf("client %q, %d reasons", l.Client, len(l.Reasons))
	}
	if d := l.Score - v.Score.P(); len(l.Reasons) > 0 && (d > 0.00005001 || d < -0.00005001) {
		t.Fatalf("score %v of %v", l.Score, v.Score.P())
	}
	for i, r := range v.Score.Reasons() {
		if float32(l.Reasons[i].Nats) != r.Nats {
			t.Fatalf("%v nats, want %v", l.Reasons[i].Nats, r.Nats)
		}
		text("code", l.Reasons[i].Code, r.Code, maxCode)
	}
	checkLimit(t, v, l)
}

func checkLimit(t *rapid.T, v *verdict.Verdict, l *Line) {
	if v.Done.Cause != verdict.Spent || v.Done.Limit.Limit == nil {
		return
	}
	s := v.Done.Limit
	if l.Limit == nil || l.Limit.Name != s.Limit.Name || l.Limit.Rate != s.Limit.Rate.String() || l.Limit.Burst != s.Limit.Burst ||
		l.Limit.Remaining != s.Remaining || len(l.Limit.Per) != len(s.Limit.Per) {
		t.Fatalf("limit %+v, want %+v", l.Limit, s)
	}
	if over := l.Limit.RetryAfter - s.Wait.Seconds(); over < -1e-6*l.Limit.RetryAfter || over > 0.00101+1e-6*l.Limit.RetryAfter {
		t.Fatalf("retry after %v s, want %v rounded up", l.Limit.RetryAfter, s.Wait)
	}
}

// hashesOf is a value as anybody could guess it back: itself, spelt otherwise, or hashed without a key.
func hashesOf(v string) []string {
	all := []string{v}
	for _, s := range []string{v, strings.ToLower(v), strings.TrimSpace(strings.ToLower(v))} {
		a, b, c := sha256.Sum256([]byte(s)), sha1.Sum([]byte(s)), md5.Sum([]byte(s))
		for _, h := range [][]byte{a[:], a[:8], b[:], c[:], []byte(s)} {
			all = append(all, hex.EncodeToString(h), base64.StdEncoding.EncodeToString(h), base64.RawURLEncoding.EncodeToString(h))
		}
	}
	return all
}

// Credentials, passwords and personal data never appear in a line, nor a hash of them that needs no key.
func TestSecretsNeverAppear(t *testing.T) {
	value := rapid.StringMatching(`[A-Za-z0-9@+._-]{9,60}`)
	roles := []facts.Role{facts.RoleUser, facts.RoleSecret, facts.RolePhone, facts.RoleEmail, facts.RoleItem, facts.RoleCustom}
	rapid.Check(t, func(rt *rapid.T) {
		e := denied(t)
		f := e.Facts
		credential := value.Draw(rt, "credential")
		f.Credential = facts.NewCredential(facts.Bearer, credential)
		f.Header = map[string][]string{"Authorization": {"Bearer " + credential}, "Cookie": {"s=" + credential}}
		e.Verdict.Subject = identity.Subject{Mark: 1}
		secrets := []string{credential}
		f.Route.Body.Fields = nil
		for i, role := range roles {
			v := value.Draw(rt, role.String())
			f.Route.Body.Fields = append(f.Route.Body.Fields, facts.FieldSpec{Role: role, Name: role.String()})
			f.Fields.Set(i, v)
			secrets = append(secrets, v)
		}
		query := value.Draw(rt, "query")
		f.Query = "token=" + query + "&" + query + query
		secrets = append(secrets, query)
		text := lineOf(e)
		for _, s := range secrets {
			for _, h := range hashesOf(s) {
				if strings.Contains(text, h) {
					rt.Fatalf("%q of %q is in %s", h, s, text)
				}
			}
		}
		var line Line
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			rt.Fatal(err)
		}
		if _, told := line.Fields["secret"]; told || len(line.Fields) != len(roles)-1 {
			rt.Fatalf("fields %v", line.Fields)
		}
	})
}

// The same person is the same in every spelling and on every route, another in another role, and another under another key.
func TestStandInsJoin(t *testing.T) {
	sum := func(name string, role facts.Role, v string) string {
		e := denied(t)
		e.Facts.Route.Body.Fields = []facts.FieldSpec{{Role: role, Name: name}}
		e.Facts.Fields = facts.Fields{}
		e.Facts.Fields.Set(0, v)
		var line Line
		if err := json.Unmarshal([]byte(lineOf(e)), &line); err != nil {
			t.Fatal(err)
		}
		for _, s := range line.Fields {
			return s
		}
		return ""
	}
	alice := sum("user", facts.RoleUser, "alice@shop.example")
	for _, v := range []string{"Alice@Shop.EXAMPLE", " alice@shop.example\t"} {
		if sum("login", facts.RoleUser, v) != alice {
			t.Errorf("%q is somebody else", v)
		}
	}
	if sum("user", facts.RoleEmail, "alice@shop.example") == alice || sum("user", facts.RoleUser, "alicf@shop.example") == alice {
		t.Error("two are one")
	}
	if sum("user", facts.RoleUser, "ÄPFEL\xff") != testKey.Sum("user", strings.ToLower("ÄPFEL\xff")).String() {
		t.Error("other scripts are not folded")
	}
}

// TestLongestLine fills everything a line holds with what takes most room.
func TestLongestLine(t *testing.T) {
	worst := strings.Repeat("\x01", 4096)
	e := denied(t)
	f := e.Facts
	*f = facts.Facts{At: 1<<63 - 1, RequestID: worst, Method: worst, Host: worst, Path: worst, Query: worst + "=&" + worst, Proto: 11, Template: worst,
		Route: &facts.Route{Pattern: worst, Class: facts.Checkout}, Client: hostile().Facts.Client, Remote: hostile().Facts.Remote, UserAgent: worst,
		Credential: facts.NewCredential(facts.Bearer, worst), Odd: 1<<32 - 1}
	for i := range facts.MaxFields {
		f.Route.Body.Fields = append(f.Route.Body.Fields, facts.FieldSpec{Name: worst})
		f.Fields.Set(i, worst)
	}
	v := e.Verdict
	v.Subject = identity.Subject{Kind: identity.Key, Name: worst, Proven: true}
	one := signal.Signal{Code: worst, Sentence: worst, Nats: 1e-45}
	v.Score = scoreOf(one, one, one, one)
	v.Done.Limit = limit.State{Limit: someLimits(t)[1], Remaining: 1<<63 - 1, Wait: 1<<63 - 1, Overflow: true}
	v.Would = verdict.Choice{Action: verdict.Refuse, Cause: verdict.Malformed}
	e.Failure, e.Target, e.In, e.Out, e.Took, e.Upstream = worst, worst, 1<<63-1, 1<<63-1, 1<<63-1, 1<<63-1
	limited := len(lineOf(e))
	v.Done = verdict.Choice{Action: verdict.Refuse, Cause: verdict.Barred, Term: &posture.Term{Why: worst}}
	if barred := len(lineOf(e)); max(limited, barred) > maxLine {
		t.Errorf("lines of %d and %d bytes; nothing may be longer than %d", limited, barred, maxLine)
	}
	if n := len(lineOf(bare())); n < minLine {
		t.Errorf("a line of %d bytes; nothing may be shorter than %d", n, minLine)
	}
}

// A query costs no more than its first parts, however many it has.
func TestQueryPartsAreBounded(t *testing.T) {
	e := allowed()
	e.Facts.Query = "first=1" + strings.Repeat("&", maxQueryParts) + "last=1"
	var line Line
	if err := json.Unmarshal([]byte(lineOf(e)), &line); err != nil || line.QueryKeys != "first" {
		t.Errorf("query keys %q (%v), want only the first", line.QueryKeys, err)
	}
}

func TestRememberedLimitsAreBounded(t *testing.T) {
	c := newEncoder()
	for range 3 * maxLimits {
		c.limit(nil, &limit.State{Limit: loginLimit(t)})
		if len(c.limits) > maxLimits {
			t.Fatalf("%d limits remembered, at most %d", len(c.limits), maxLimits)
		}
	}
}
