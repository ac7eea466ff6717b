package shop

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// reply is what a handler answers. Handlers return it; only write turns it into bytes.
type reply struct {
	status int
	body   any // nil sends no body
}

// fail is the one shape of an error: a word for programs.
func fail(status int, word string) reply {
	return reply{status, map[string]string{"error": word}}
}

func (a reply) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if a.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	text, err := json.Marshal(a.body)
	if err != nil { // only a mistake in this package can get here
		http.Error(w, `{"error":"internal"}`, http.StatusInternalServerError)
		return
	}
	text = append(text, '\n')
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(a.status)
	_, _ = w.Write(text) // a client that has gone needs no answer
}

// open serves a handler that asks nobody who they are.
func (s *shop) open(handle func(*http.Request) reply) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, s.options.MaxBody)
		handle(r).write(w)
	})
}

// owned serves a handler for the account that the bearer token names.
func (s *shop) owned(handle func(*http.Request, account) reply) http.Handler {
	return s.open(func(r *http.Request) reply {
		id, ok := s.tokens.owner(r.Header.Get("Authorization"))
		if !ok {
			return fail(http.StatusUnauthorized, "unauthorized")
		}
		who, ok := s.accounts.get(id)
		if !ok { // forgotten since the token was issued
			return fail(http.StatusUnauthorized, "unauthorized")
		}
		return handle(r, who)
	})
}

// read fills v from a JSON body. It returns false with the answer to give when that fails.
func read(r *http.Request, v any) (reply, bool) {
	text, err := io.ReadAll(r.Body)
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return fail(http.StatusRequestEntityTooLarge, "body_too_large"), false
	}
	if err != nil {
		return fail(http.StatusBadRequest, "unreadable_body"), false
	}
	if json.Unmarshal(text, v) != nil {
		return fail(http.StatusBadRequest, "invalid_json"), false
	}
	return reply{}, true
}
