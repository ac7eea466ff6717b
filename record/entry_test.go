package record

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"glacis/decide/facts"
	"glacis/decide/identity"
	"glacis/decide/limit"
	"glacis/decide/risk"
	"glacis/decide/signal"
	"glacis/decide/verdict"
	"glacis/internal/pseudonym"
	"glacis/learn/observe"
	"glacis/learn/outcome"
	"glacis/posture"
)

// at is the moment of every sample: 2026-11-02T15:04:05.000000678Z.
const at = 1793631845000000678

var testKey = pseudonym.Key{1, 2, 3}

func sampleID(n byte) facts.ID { return facts.ID{1, 157, 65, 17, 22, 33, 15: n} }

// allowed is an everyday request that went through.
func allowed() *observe.Entry {
	f := &facts.Facts{
		At: at, ID: sampleID(1), RequestID: "req-17", Method: "GET", Scheme: "https", Host: "shop.example", Path: "/api/products/17",
		Query: "page=2&sort=price", Proto: 11, Template: "/api/products/{id}",
		Route:  &facts.Route{Pattern: "GET /api/products/{id}", Class: facts.Catalog},
		Remote: netip.MustParseAddrPort("10.0.0.2:4711"), Client: netip.MustParseAddr("203.0.113.7"),
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", Header: http.Header{},
	}
	v := &verdict.Verdict{ID: f.ID, Mode: posture.Monitor}
	return &observe.Entry{Facts: f, Verdict: v, Status: 200, Outcome: outcome.Success, Took: 12345678 * time.Nanosecond,
		Upstream: 11 * time.Millisecond, Target: "127.0.0.1:3000", Out: 1024}
}

// denied is a login that a limit denied.
func denied(t testing.TB) *observe.Entry {
	e := allowed()
	f := e.Facts
	f.Method, f.Path, f.Query, f.Template = "POST", "/api/auth/login", "", "/api/auth/login"
	f.Route = &facts.Route{Pattern: "POST /api/auth/login", Class: facts.Login, Body: facts.BodySpec{Fields: []facts.FieldSpec{
		{Role: facts.RoleUser, Name: "user"}, {Role: facts.RoleSecret, Name: "secret"}, {Role: facts.RoleCustom, Name: "tenant"}}}}
	f.Fields.Set(0, " Alice@Shop.example ")
	f.Fields.Set(1, "correct horse battery staple")
	f.Fields.Set(2, "north")
	f.Credential = facts.NewCredential(facts.Bearer, "sk_live_4f7a9c2e8b1d6035")
	e.Verdict.Subject = identity.Subject{Mark: 7}
	e.Verdict.Mode = posture.Enforce
	e.Verdict.Tension = posture.Tense
	e.Verdict.Done = verdict.Choice{Action: verdict.Limit, Cause: verdict.Spent, Limit: limit.State{Limit: loginLimit(t), Wait: 7400*time.Millisecond + 1}}
	e.Verdict.Would = e.Verdict.Done
	e.Status, e.Outcome, e.Upstream, e.Target, e.In, e.Out = 429, outcome.None, 0, "", 80, 300
	e.Took = 45 * time.Microsecond
	return e
}

func loginLimit(t testing.TB) *limit.Limit {
	var per [2]limit.Dimension
	for i, text := range []string{"client", "header:X-Tenant"} {
		if err := per[i].UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	l, err := limit.New(limit.Config{Name: "login per client", Per: per[:], Rate: limit.Rate{N: 10, Per: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// watched went through, but a watching limit would have denied it.
func watched(t testing.TB) *observe.Entry {
	e := denied(t)
	e.Verdict.Done = verdict.Choice{}
	e.Verdict.Mode = posture.Monitor
	e.Verdict.Would.Limit.Overflow = true
	e.Verdict.Subject = identity.Subject{Kind: identity.Key, Name: "till-3", Proven: true, Mark: 7}
	e.Status, e.Outcome, e.Failure = 401, outcome.Failure, ""
	return e
}

// suspected was refused because of evidence.
func suspected() *observe.Entry {
	e := allowed()
	e.Facts.Odd = facts.OddDotSegment | facts.OddSpoof
	e.Verdict.Score = scoreOf(
		signal.Signal{Code: "trap.hit", Sentence: "asked for a honeypot route", Nats: 9, Sure: true},
		signal.Signal{Code: "ua.odd", Sentence: `calls itself "curl"`, Nats: 0.25},
	)
	e.Verdict.Done = verdict.Choice{Action: verdict.Refuse, Cause: verdict.Suspected}
	e.Verdict.Would = e.Verdict.Done
	e.Status = 403
	return e
}

// barred comes from a network in a bar, excused from one in an excuse.
func barred() *observe.Entry {
	e := allowed()
	e.Verdict.Done = verdict.Choice{Action: verdict.Refuse, Cause: verdict.Barred, Term: &posture.Term{Why: "credential stuffing on Monday"}}
	e.Verdict.Would = e.Verdict.Done
	return e
}

func excused() *observe.Entry {
	e := allowed()
	e.Verdict.Done = verdict.Choice{Cause: verdict.Excused, Term: &posture.Term{Why: "the office"}}
	e.Verdict.Would = e.Verdict.Done
	return e
}

// bare has nothing in it that may be missing.
func bare() *observe.Entry {
	f := &facts.Facts{Route: &facts.Route{}}
	return &observe.Entry{Facts: f, Verdict: &verdict.Verdict{}}
}

// hostile is everything a client can choose, at its worst.
func hostile() *observe.Entry {
	e := allowed()
	f := e.Facts
	f.Method, f.Path, f.Query = "GET\"}\n", "/\x00\xff\u2028\\\"</script>\r\n{\"msg\":\"decision\"}", "a,b=1&\"=2&9f86d081884c7d659a2feaa0c55ad015&x&=&&%0a=3"
	f.Host, f.UserAgent, f.RequestID = "\xc3\x28", "\t\x7f\u2029\U0001f600\xf0\x9f", "\b\f"
	f.Client = netip.MustParseAddr("2001:db8::7")
	f.Remote = netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone("\"\n"), 1)
	f.Proto = 20
	e.Failure = "client gone"
	return e
}

// token was asked for a one-time token in its path.
func token() *observe.Entry {
	e := allowed()
	e.Facts.Path, e.Facts.Template = "/reset/9f86d081884c7d65", "/reset/{token}"
	e.Facts.Route = &facts.Route{Pattern: "GET /reset/{token}", Class: facts.Reset}
	return e
}

type found signal.Signal

func (s found) Sense(*facts.Facts, identity.Subject) signal.Signal { return signal.Signal(s) }

func scoreOf(signals ...signal.Signal) risk.Score {
	var sensors signal.Sensors
	for _, s := range signals {
		sensors = append(sensors, found(s))
	}
	return risk.Weigh(sensors.Sense(nil, identity.Subject{}, false))
}

// anyText is text as nobody should send it.
func anyText(most int) *rapid.Generator[string] {
	odd := rapid.SampledFrom([]string{"\x00", "\x1f", "\"", "\\", "\n", "\x7f", "\xff", "\xc3", "\u2028", "\u2029", "\ufffd", "\xed\xa0\x80", "a", "=", "&", ",", "é", "\U0001f600"})
	return rapid.Custom(func(t *rapid.T) string {
		if rapid.Bool().Draw(t, "plain") {
			return rapid.StringN(0, -1, most).Draw(t, "text")
		}
		var s string
		for range rapid.IntRange(0, 12).Draw(t, "pieces") {
			s += odd.Draw(t, "piece")
		}
		for rapid.Bool().Draw(t, "longer") && len(s) > 0 && len(s) < most {
			s += s
		}
		return s
	})
}

// anyEntry is any entry a gate could be made to observe.
func anyEntry(limits []*limit.Limit) *rapid.Generator[*observe.Entry] {
	addresses := rapid.SampledFrom([]netip.Addr{{}, netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("fe80::1%\"\n")})
	return rapid.Custom(func(t *rapid.T) *observe.Entry {
		text := anyText(2000)
		f := &facts.Facts{
			At: rapid.Int64Range(0, 1<<62).Draw(t, "at"), RequestID: text.Draw(t, "request id"), Method: text.Draw(t, "method"), Host: text.Draw(t, "host"),
			Path: text.Draw(t, "path"), Query: text.Draw(t, "query"), Proto: rapid.SampledFrom([]int{0, 10, 11, 20, 30}).Draw(t, "proto"),
			Template: text.Draw(t, "template"), Client: addresses.Draw(t, "client"), Remote: netip.AddrPortFrom(addresses.Draw(t, "peer"), 1),
			UserAgent: text.Draw(t, "agent"), Odd: facts.Odd(rapid.Uint32().Draw(t, "odd")),
			Route: &facts.Route{Pattern: text.Draw(t, "pattern"), Class: facts.Class(rapid.IntRange(0, int(facts.NumClasses)-1).Draw(t, "class"))},
		}
		for i := range rapid.IntRange(0, facts.MaxFields).Draw(t, "fields") {
			role := facts.Role(rapid.IntRange(0, int(facts.RoleItem)).Draw(t, "role"))
			f.Route.Body.Fields = append(f.Route.Body.Fields, facts.FieldSpec{Role: role, Name: text.Draw(t, "field")})
			if rapid.Bool().Draw(t, "there") {
				f.Fields.Set(i, anyText(1000).Draw(t, "value"))
			}
		}
		v := &verdict.Verdict{
			ID: facts.NewID(f.At), Mode: posture.Mode(rapid.IntRange(0, 2).Draw(t, "mode")), Tension: posture.Tension(rapid.IntRange(0, 2).Draw(t, "tension")),
			Done: anyChoice(t, limits), Would: anyChoice(t, limits),
			Subject: rapid.SampledFrom([]identity.Subject{{}, {Mark: 1}, {Kind: identity.Key, Name: text.Draw(t, "name"), Proven: true, Mark: 1}}).Draw(t, "subject"),
		}
		if v.Subject.Mark != 0 {
			f.Credential = facts.NewCredential(facts.CredentialKind(rapid.IntRange(1, int(facts.Other)).Draw(t, "kind")), text.Draw(t, "credential"))
		}
		for range rapid.IntRange(0, 4).Draw(t, "signals") {
			v.Score = scoreOf(signal.Signal{Code: text.Draw(t, "code"), Sentence: text.Draw(t, "sentence"), Nats: rapid.Float32().Draw(t, "nats")})
		}
		return &observe.Entry{Facts: f, Verdict: v, Status: rapid.IntRange(0, 999).Draw(t, "status"), Outcome: outcome.Meaning(rapid.IntRange(0, 2).Draw(t, "outcome")),
			Took: time.Duration(rapid.Int64().Draw(t, "took")), Upstream: time.Duration(rapid.Int64().Draw(t, "upstream")), Target: text.Draw(t, "target"),
			In: rapid.Int64().Draw(t, "in"), Out: rapid.Int64().Draw(t, "out"), Failure: text.Draw(t, "failure")}
	})
}

func anyChoice(t *rapid.T, limits []*limit.Limit) verdict.Choice {
	c := verdict.Choice{Action: verdict.Action(rapid.IntRange(0, verdict.NumActions-1).Draw(t, "action")), Cause: verdict.Cause(rapid.IntRange(0, int(verdict.Malformed)).Draw(t, "cause"))}
	if rapid.Bool().Draw(t, "limited") {
		c.Limit = limit.State{Limit: rapid.SampledFrom(limits).Draw(t, "limit"), Remaining: rapid.Int64().Draw(t, "remaining"), Wait: time.Duration(rapid.Int64Range(0, 1<<60).Draw(t, "wait"))}
	}
	if rapid.Bool().Draw(t, "term") {
		c.Term = &posture.Term{Why: anyText(2000).Draw(t, "why")}
	}
	return c
}

// lineOf is the line of one entry.
func lineOf(e *observe.Entry) string {
	c := newEncoder()
	x := standInsFor(&testKey, e.Facts, &e.Verdict.Subject)
	return string(c.append(nil, e, &x))
}
