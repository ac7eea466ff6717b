package record

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"glacis/learn/observe"
)

// Once a denial is dropped no allow is kept until there is room again; and when allows are dropped there still is room for denials.
func TestDenialsAreDroppedLast(t *testing.T) {
	samples := []*observe.Entry{allowed(), denied(t)}
	rapid.Check(t, func(rt *rapid.T) {
		q := newQueue(minQueue)
		share := rapid.IntRange(10, 70).Draw(rt, "share of denials")
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		allowDropped, denialDropped, afterFirstDrop := false, false, 0
		for range 20_000 {
			denial := dice.IntN(100) < share
			e := samples[0]
			if denial {
				e = samples[1]
			}
			ok := q.put(fresh(*e), &standIns{}, denial)
			switch {
			case denial && !ok:
				denialDropped = true
			case !denial && !ok:
				allowDropped = true
			case !denial && denialDropped:
				rt.Fatal("an allow was kept when denials were dropped")
			}
			if denial && ok && allowDropped {
				afterFirstDrop++
			}
			if denialDropped && allowDropped {
				break
			}
		}
		if !allowDropped || !denialDropped || afterFirstDrop < 50 {
			rt.Fatalf("allow dropped %v, denial dropped %v, %d denials kept between", allowDropped, denialDropped, afterFirstDrop)
		}
	})
}

func TestAllowsLeaveTheReserveAlone(t *testing.T) {
	q := newQueue(minQueue)
	for q.put(fresh(*allowed()), &standIns{}, false) {
	}
	if len(q.free) != reserve {
		t.Errorf("%d buffers are left, want %d", len(q.free), reserve)
	}
}

func TestAllowsComeBackWhenThereIsRoom(t *testing.T) {
	q := newQueue(minQueue)
	e := denied(t)
	for q.put(fresh(*e), &standIns{}, true) {
	}
	if q.put(fresh(*allowed()), &standIns{}, false) {
		t.Fatal("there was room for an allow")
	}
	for range len(q.full) {
		q.giveBack(<-q.full)
	}
	if !q.put(fresh(*allowed()), &standIns{}, false) {
		t.Error("there is no room for an allow")
	}
}
