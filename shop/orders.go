package shop

import (
	"net/http"
	"strconv"
)

func (s *shop) checkout(r *http.Request, who account) reply {
	var in struct{ Holds []string }
	if bad, ok := read(r, &in); !ok {
		return bad
	}
	if len(in.Holds) == 0 || len(in.Holds) > mostCheckout {
		return fail(http.StatusBadRequest, "invalid_holds")
	}
	o, ok := s.cart.checkout(who.ID, in.Holds)
	if !ok {
		return fail(http.StatusConflict, "hold_gone")
	}
	return reply{http.StatusCreated, o}
}

// readOrder answers the same for an order of somebody else's and for none.
func (s *shop) readOrder(r *http.Request, who account) reply {
	id, err := strconv.Atoi(r.PathValue("id"))
	o, ok := s.cart.order(who.ID, id)
	if err != nil || !ok {
		return fail(http.StatusNotFound, "not_found")
	}
	return reply{http.StatusOK, o}
}
