package limit

import (
	"fmt"
	"hash/maphash"
	"sync"

	"glacis/decide/facts"
	"glacis/decide/identity"
	"glacis/posture"
)

// Bound is a limit on a route, with the mode it has there.
type Bound struct {
	*Limit
	Mode posture.Mode // Monitor or Enforce
}

// MaxPerRoute bounds the limits asked for one request.
const MaxPerRoute = 16

// Set is every limit of a plan, by route. It is immutable; budgets live in the store and outlast it.
type Set struct {
	store   Store
	seed    maphash.Seed
	byRoute [][]rule // indexed by facts.Route.Index
	scratch sync.Pool
}

// rule is a bound limit with the hash its keys start from.
type rule struct {
	Bound
	base uint64
}

// NewSet makes the set of limits: bounds[i] are those of the route with index i. Sets that share a store must share the seed, or a
// reload would forget every budget.
func NewSet(store Store, seed maphash.Seed, bounds [][]Bound) (*Set, error) {
	s := &Set{store: store, seed: seed, byRoute: make([][]rule, len(bounds))}
	s.scratch.New = func() any { return new(scratch) }
	for i, list := range bounds {
		if len(list) > MaxPerRoute {
			return nil, fmt.Errorf("%d limits on one route are too many, at most %d", len(list), MaxPerRoute)
		}
		for _, b := range list {
			s.byRoute[i] = append(s.byRoute[i], rule{b, maphash.String(seed, b.Name)})
		}
	}
	return s, nil
}

// scratch is the room for one request's claims; a Store is an interface, so without it they would be allocated.
type scratch struct {
	claims [MaxPerRoute]Claim
	limits [MaxPerRoute]*Limit
}

// Spent is how a request's limits answered.
type Spent struct {
	Denied bool  // a limit that is enforced has nothing left; nothing was charged
	By     State // the limit that bound: when denied the one with the longest wait, otherwise the one with the least left
	// Shadowed and Shadow are the same for the limits that only watch: what they would have done.
	Shadowed bool
	Shadow   State
}

// Take asks every limit of the request's route and charges them together: all or none. Enforced limits come first, and the watching
// ones are charged, together as well, only when the request passes: exactly as if they were live. Each of the two has its own strain:
// ≥ 1 makes each unit dearer; a strain of 0 asks and charges nothing.
func (s *Set) Take(f *facts.Facts, who identity.Subject, live, shadow float64) (spent Spent) {
	rules := s.byRoute[f.Route.Index]
	if live == 0 && shadow == 0 || len(rules) == 0 {
		return spent
	}
	x := s.scratch.Get().(*scratch)
	if live != 0 {
		spent.By, spent.Denied = s.take(x, rules, posture.Enforce, f, who, live)
	}
	if shadow != 0 && !spent.Denied {
		spent.Shadow, spent.Shadowed = s.take(x, rules, posture.Monitor, f, who, shadow)
	}
	s.scratch.Put(x)
	return spent
}

// take asks the limits of one mode.
func (s *Set) take(x *scratch, rules []rule, mode posture.Mode, f *facts.Facts, who identity.Subject, strain float64) (State, bool) {
	n := 0
	for i := range rules {
		if rules[i].Mode != mode {
			continue
		}
		if k, ok := s.key(&rules[i], f, who); ok {
			x.claims[n], x.limits[n] = rules[i].claim(k, strain), rules[i].Limit
			n++
		}
	}
	if n == 0 {
		return State{}, false
	}
	met := s.store.Take(f.At, x.claims[:n])
	return x.tightest(n), !met
}

func (s *Set) key(r *rule, f *facts.Facts, who identity.Subject) (h uint64, ok bool) {
	h = r.base
	for _, d := range r.Per {
		if h, ok = d.hash(h, s.seed, f, who); !ok {
			return 0, false
		}
	}
	return h, true
}

// tightest is the state to tell of: the longest wait, or else the smallest share of its burst left.
func (x *scratch) tightest(n int) State {
	at := 0
	for i := 1; i < n; i++ {
		a, b := &x.claims[i], &x.claims[at]
		if a.Wait != b.Wait {
			if a.Wait > b.Wait {
				at = i
			}
			continue
		}
		if float64(a.Debt)/float64(a.Tolerance) > float64(b.Debt)/float64(b.Tolerance) {
			at = i
		}
	}
	return x.limits[at].state(&x.claims[at])
}
