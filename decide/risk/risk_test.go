package risk

import (
	"math"
	"testing"

	"glacis/decide/facts"
	"glacis/decide/identity"
	"glacis/decide/signal"

	"pgregory.net/rapid"
)

type fixed signal.Signal

func (s fixed) Sense(*facts.Facts, identity.Subject) signal.Signal { return signal.Signal(s) }

func evidence(list ...signal.Signal) signal.Evidence {
	var sensors signal.Sensors
	for _, s := range list {
		sensors = append(sensors, fixed(s))
	}
	return sensors.Sense(nil, identity.Subject{}, false)
}

func TestBands(t *testing.T) {
	for _, c := range []struct {
		what string
		list []signal.Signal
		want Band
	}{
		{"nothing", nil, Quiet},
		{"a little", []signal.Signal{{Nats: 3}}, Quiet},
		{"even odds", []signal.Signal{{Nats: 4.6}}, Tighten},
		{"strong, one group", []signal.Signal{{Nats: 7}}, Slow},
		{"very strong, still one group", []signal.Signal{{Nats: 30}}, Slow},
		{"sure", []signal.Signal{{Nats: 9, Sure: true}}, Refuse},
		{"sure but weak", []signal.Signal{{Nats: 2, Sure: true}}, Quiet},
		{"sure against an excuse of evidence", []signal.Signal{{Nats: 9, Sure: true}, {Nats: -8}}, Tighten},
	} {
		s := Weigh(evidence(c.list...))
		if got := s.Band(); got != c.want {
			t.Errorf("%s: band %d at p=%.3f, want %d", c.what, got, s.P(), c.want)
		}
	}
}

func TestZeroScoreIsThePrior(t *testing.T) {
	if s := Weigh(evidence()); math.Abs(s.P()-0.01) > 1e-12 {
		t.Errorf("P without evidence is %v, want 0.01", s.P())
	}
}

func TestReasonsAreTheStrongest(t *testing.T) {
	s := Weigh(evidence(signal.Signal{Code: "b", Nats: 2}, signal.Signal{Code: "d", Nats: .5}, signal.Signal{Code: "a", Nats: 3}, signal.Signal{Code: "c", Nats: 1}))
	var got string
	for _, r := range s.Reasons() {
		got += r.Code
	}
	if got != "abc" {
		t.Errorf("reasons %q, want abc", got)
	}
}

// More evidence of one group never weakens the score, and a group never adds more than its cap.
func TestWeighIsMonotoneAndCapped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nats := rapid.SliceOfN(rapid.Float32Range(0.01, 20), 1, signal.MaxSensors-1).Draw(t, "nats")
		var list []signal.Signal
		for _, n := range nats {
			list = append(list, signal.Signal{Nats: n})
		}
		fewer := Weigh(evidence(list...))
		more := Weigh(evidence(append(list, signal.Signal{Nats: rapid.Float32Range(0, 20).Draw(t, "one more")})...))
		if more.Nats < fewer.Nats-1e-9 || more.Nats > GroupCap+1e-9 {
			t.Fatalf("%v nats, then %v", fewer.Nats, more.Nats)
		}
	})
}
