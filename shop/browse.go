package shop

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	mostPerPage  = 100
	mostFound    = 20
	longestQuery = 100 // bytes
)

func (s *shop) listProducts(r *http.Request) reply {
	q := r.URL.Query()
	page, ok := positive(q, "page", 1)
	limit, okLimit := positive(q, "limit", 20)
	if !ok || !okLimit || limit > mostPerPage {
		return fail(http.StatusBadRequest, "invalid_page")
	}
	return reply{http.StatusOK, map[string]any{
		"page": page, "limit": limit, "total": len(s.catalogue.products), "products": s.catalogue.page(page, limit),
	}}
}

func (s *shop) viewProduct(r *http.Request) reply {
	id, err := strconv.Atoi(r.PathValue("id"))
	p, ok := s.catalogue.get(id)
	if err != nil || !ok {
		return fail(http.StatusNotFound, "not_found")
	}
	return reply{http.StatusOK, struct {
		product
		Available int `json:"available"`
	}{p, s.cart.available(p.ID)}}
}

func (s *shop) search(r *http.Request) reply {
	query := strings.TrimSpace(r.URL.Query().Get("q"))
	if query == "" || len(query) > longestQuery {
		return fail(http.StatusBadRequest, "invalid_query")
	}
	found, total := s.catalogue.find(query, mostFound)
	return reply{http.StatusOK, map[string]any{"query": query, "total": total, "products": found}}
}

// positive reads a whole number from 1 up; absent means standard.
func positive(q url.Values, key string, standard int) (int, bool) {
	if !q.Has(key) {
		return standard, true
	}
	n, err := strconv.Atoi(q.Get(key))
	return n, err == nil && n >= 1
}
