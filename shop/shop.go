// Package shop is a small sample API, the kind a web shop puts behind its site and its app: accounts, one-time codes, a catalogue,
// a cart, orders and a stream of events. It is for demonstrations and tests that need a real API to talk to. It is not a shop
// and not an example of a safe one: like many APIs it counts nothing, slows nobody and locks nobody out. What it does
// promise is to stay small: everything it remembers has a fixed capacity, and it forgets the oldest first.
package shop

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Options says how large a shop to open. The zero value opens the usual one.
type Options struct {
	// Clock tells the time for everything that expires; nil means time.Now. It must be safe for concurrent use.
	Clock func() time.Time
	// Seed chooses the catalogue and the names of the accounts. Equal seeds open equal shops.
	Seed uint64
	// SendCode stands for the message provider: it is called with every one-time code, before the request is answered, from the
	// request's goroutine. Nil sends nothing.
	SendCode func(phone, code string)

	Products int   // products in the catalogue; default 2000
	Accounts int   // accounts there from the start, never forgotten; default 500
	Signups  int   // accounts made by signing up that are kept; default 1000
	Tokens   int   // bearer tokens kept, the least recently used forgotten first; default 5000
	Codes    int   // phone numbers with a pending code; default 5000
	Holds    int   // holds kept, the oldest released first; default 5000
	Orders   int   // orders kept; default 5000
	Streams  int   // event streams open at once, one more is answered 503; default 256
	MaxBody  int64 // bytes of a request body, more is answered 413; default 64 KiB
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		size     *int
		standard int
	}{
		{&o.Products, 2000}, {&o.Accounts, 500}, {&o.Signups, 1000}, {&o.Tokens, 5000},
		{&o.Codes, 5000}, {&o.Holds, 5000}, {&o.Orders, 5000}, {&o.Streams, 256},
	} {
		if *d.size <= 0 {
			*d.size = d.standard
		}
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 64 << 10
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.SendCode == nil {
		o.SendCode = func(string, string) {}
	}
	return o
}

// shop holds the rooms of the shop. Each guards its own state; no request holds two locks at once.
type shop struct {
	options   Options
	accounts  *accounts
	tokens    *tokens
	codes     *codes
	catalogue *catalogue
	cart      *cart
	streams   chan struct{}
}

// New opens a shop. The handler is safe for concurrent use and needs no closing.
func New(o Options) http.Handler {
	o = o.withDefaults()
	goods := newCatalogue(o.Seed, o.Products)
	s := &shop{
		options:   o,
		accounts:  newAccounts(o.Seed, o.Accounts, o.Signups),
		tokens:    newTokens(o.Clock, o.Tokens),
		codes:     newCodes(o.Clock, o.Codes),
		catalogue: goods,
		cart:      newCart(o.Clock, goods, o.Holds, o.Orders),
		streams:   make(chan struct{}, o.Streams),
	}
	return s.mux()
}

type route struct {
	method, path string
	handler      http.Handler
}

// routes is everything the shop answers; openapi.yaml describes the same list.
func (s *shop) routes() []route {
	return []route{
		{"POST", "/api/auth/login", s.open(s.login)},
		{"POST", "/api/auth/signup", s.open(s.signup)},
		{"POST", "/api/auth/reset", s.open(s.reset)},
		{"POST", "/api/auth/otp", s.open(s.sendCode)},
		{"POST", "/api/auth/otp/verify", s.open(s.verifyCode)},
		{"GET", "/api/profile", s.owned(s.readProfile)},
		{"PATCH", "/api/profile", s.owned(s.editProfile)},
		{"GET", "/api/products", s.open(s.listProducts)},
		{"GET", "/api/products/{id}", s.open(s.viewProduct)},
		{"GET", "/api/search", s.open(s.search)},
		{"POST", "/api/cart/holds", s.owned(s.makeHold)},
		{"DELETE", "/api/cart/holds/{id}", s.owned(s.dropHold)},
		{"POST", "/api/checkout", s.owned(s.checkout)},
		{"GET", "/api/orders/{id}", s.owned(s.readOrder)},
		{"GET", "/api/events", http.HandlerFunc(s.events)},
		{"GET", "/healthz", s.open(health)},
	}
}

// mux answers unknown paths and methods in JSON too, so that a client never meets two kinds of error.
func (s *shop) mux() *http.ServeMux {
	m := http.NewServeMux()
	allowed := map[string][]string{}
	for _, r := range s.routes() {
		m.Handle(r.method+" "+r.path, r.handler)
		allowed[r.path] = append(allowed[r.path], r.method)
	}
	for path, methods := range allowed {
		if slices.Contains(methods, "GET") {
			methods = append(methods, "HEAD")
		}
		slices.Sort(methods)
		allow := strings.Join(methods, ", ")
		m.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", allow)
			fail(http.StatusMethodNotAllowed, "method_not_allowed").write(w)
		})
	}
	m.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fail(http.StatusNotFound, "not_found").write(w)
	})
	return m
}

func health(*http.Request) reply {
	return reply{http.StatusOK, map[string]string{"status": "ok"}}
}
