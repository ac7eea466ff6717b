// Package verdict is what we answer: a value with its reasons, not a response. It chooses between what risk, limits and posture
// say; turning the choice into bytes is an edge's business.
package verdict

import (
	"time"

	"glacis/decide/facts"
	"glacis/decide/identity"
	"glacis/decide/limit"
	"glacis/decide/risk"
	"glacis/posture"
)

// Action is the sort of answer, from mild to hard.
type Action uint8

// The actions.
const (
	Allow  Action = iota
	Slow          // goes through after a delay
	Limit         // a budget is spent; come back later
	Refuse        // no
)

var actionNames = [...]string{"allow", "slow", "limit", "refuse"}

func (a Action) String() string { return actionNames[a] }

// NumActions is how many actions there are, for tables.
const NumActions = len(actionNames)

// Cause is what made an action.
type Cause uint8

// The causes.
const (
	NoCause   Cause = iota
	Excused         // the operator's allow-list
	Barred          // a bar in the posture
	Suspected       // the evidence
	Spent           // a limit
	Malformed       // a request no upstream should be made to guess about
)

var causeNames = [...]string{"", "excuse", "bar", "risk", "limit", "malformed"}

func (c Cause) String() string { return causeNames[c] }

// Choice is an action with what made it.
type Choice struct {
	Action Action
	Cause  Cause
	Delay  time.Duration // of Slow
	Limit  limit.State   // of Limit: the limit that bound
	Term   *posture.Term // of Barred and Excused
}

// Verdict is the answer to one request, with everything needed to explain it.
type Verdict struct {
	ID      facts.ID
	Mode    posture.Mode // of the route: whether bars and evidence act here
	Subject identity.Subject
	Score   risk.Score
	Tension posture.Tension

	// Done is what is answered; Would is what would have been answered were every rule enforced.
	Done, Would Choice
}

// Policy is what verdicts need to know of a route.
type Policy struct {
	Mode posture.Mode
	// RefuseMalformed refuses paths that different servers read differently (dot segments, control characters, broken encodings).
	RefuseMalformed bool
}

// SlowBy is the delay of Slow: long enough to spoil a program's throughput, short enough for a person to wait.
const SlowBy = time.Second

// ambiguous are the oddities of a path that let one request mean two things to two servers. Old clients send Latin-1, and search words
// hold %25: those are odd and no more.
const ambiguous = facts.OddDotSegment | facts.OddControl | facts.OddEncoding | facts.OddLong

// most is by how much suspicion can make a unit dearer, per tension: at the top of the scale a client has this fraction of its budget.
var most = [...]float64{posture.Calm: 4, posture.Tense: 8, posture.Siege: 16}

// trusted is the probability of abuse up to which a client pays exactly once, whatever the tension.
const trusted = 0.2

// Strain is how dear a unit is to this request, for the limits that act and for those that watch: 1 for a trusted one, growing with
// suspicion and tension; 0 when nothing is to be charged, because the request is excused, or refused whatever its limits say. Our own
// refusals spend nobody's budget; a refusal that is only watched is none, and leaves the limits that act in force.
func Strain(f *facts.Facts, score *risk.Score, stance posture.Stance, policy Policy) (live, shadow float64) {
	if stance.Excuse != nil {
		return 0, 0
	}
	suspicion := max(0, (score.P()-trusted)/(1-trusted))
	fare := 1 + (most[stance.Tension]-1)*suspicion
	live, shadow = fare, fare
	if graveOf(f, score, stance, policy).Action == Refuse {
		live, shadow = 0, 0
	}
	if policy.Mode != posture.Enforce { // what is only watched makes nothing dearer that acts
		live = 1
	}
	return live, shadow
}

// Of makes the verdict. An excuse beats everything; then a malformed path, a bar, the evidence and the limits, the hardest first.
func Of(f *facts.Facts, who identity.Subject, score risk.Score, spent limit.Spent, stance posture.Stance, policy Policy) Verdict {
	v := Verdict{ID: f.ID, Mode: policy.Mode, Subject: who, Score: score, Tension: stance.Tension}
	if stance.Excuse != nil {
		v.Done = Choice{Cause: Excused, Term: stance.Excuse}
		v.Would = v.Done
		return v
	}
	live := limited(spent.By, spent.Denied)
	shadow := limited(spent.Shadow, spent.Shadowed)
	grave := graveOf(f, &score, stance, policy)

	v.Would = hardest(grave, hardest(live, shadow))
	v.Done = live
	if policy.Mode == posture.Enforce {
		v.Done = hardest(grave, live)
	}
	return v
}

// graveOf is what the route's own rules say, leaving limits aside.
func graveOf(f *facts.Facts, score *risk.Score, stance posture.Stance, policy Policy) Choice {
	switch {
	case policy.RefuseMalformed && f.Odd.Has(ambiguous):
		return Choice{Action: Refuse, Cause: Malformed}
	case stance.Bar != nil:
		return Choice{Action: Refuse, Cause: Barred, Term: stance.Bar}
	}
	switch score.Band() {
	case risk.Refuse:
		return Choice{Action: Refuse, Cause: Suspected}
	case risk.Slow:
		return Choice{Action: Slow, Cause: Suspected, Delay: SlowBy}
	}
	return Choice{}
}

func limited(s limit.State, denied bool) Choice {
	if denied {
		return Choice{Action: Limit, Cause: Spent, Limit: s}
	}
	return Choice{}
}

// hardest is the harder of two choices, the first when they are equal.
func hardest(a, b Choice) Choice {
	if b.Action > a.Action {
		return b
	}
	return a
}
