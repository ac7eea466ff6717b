package gateway_test

import "testing"

// TestWatchedRefusalsAreNone: whom only a watching rule would refuse gets no further than anybody past the limits that act.
func TestWatchedRefusalsAreNone(t *testing.T) {
	t.Parallel()
	const few = "limits: [{name: few, per: [client], rate: 2/h, mode: enforce}]\n"
	for what, c := range map[string]struct{ yaml, path string }{
		"a bar":     {"mode: monitor\nbars: [{prefix: 127.0.0.0/8}]\n", "/x"},
		"a trap":    {"mode: monitor\ntraps: [/trap]\n", "/trap"},
		"malformed": {"mode: monitor\n", "/%00"},
	} {
		s := open(t, c.yaml+few, upstream(t, ok))
		denied := false
		for range 4 {
			denied = s.get(c.path).StatusCode == 429 || denied
		}
		if !denied {
			t.Errorf("%s: the limit let four through", what)
		}
	}
}

// TestRefusalsSpendNothing: what is refused anyway must not use up what others need.
func TestRefusalsSpendNothing(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ yaml, path string }{
		"a trap":    {"traps: [/trap]\n", "/trap"},
		"malformed": {"", "/%00"},
	} {
		s := open(t, "mode: enforce\n"+c.yaml+"limits: [{name: few, per: [method], rate: 2/h}]\n", upstream(t, ok))
		for range 4 {
			if status := s.get(c.path).StatusCode; status != 403 && status != 400 {
				t.Fatalf("%s: status %d", what, status)
			}
		}
		s.reload("mode: enforce\nlimits: [{name: few, per: [method], rate: 2/h}]\n")
		if status := s.send("GET", "/x", "").StatusCode; status != 200 {
			t.Errorf("%s: status %d for an honest request afterwards", what, status)
		}
	}
}
