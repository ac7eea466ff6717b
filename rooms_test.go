package glacis_test

import (
	"os"
	"testing"
)

// plan says which room may import which, on one page.
//
//	a, b < c, d;   c and d may import a and b, and everything a and b may import
//	a < b < c;     short for a < b; b < c;
//	NONE < a;      a imports nothing of ours
//	a !< b;        b must never come to import a, by whatever road: a promise the other lines are checked against
//
// Every room stands on the right of a < in exactly one rule, and a rule may name only rooms defined above it, so the page
// reads from the ground up and cannot hold a cycle. The rooms below internal/ are tools without a word of this domain: they
// import nothing of ours, anybody may import them, and they need no line here. The programs below bench/ may import
// anything and nobody may import them. A new room gets its line here, in the commit that brings it.
const plan = `
	# The hinge between the fast loop and the slow one: both know it, it knows neither.
	NONE < posture;

	# Fast: one request in, one verdict out.
	NONE < decide/facts < decide/identity < decide/actor < decide/signal < decide/risk;
	decide/facts, decide/identity, posture < decide/limit;
	decide/risk, decide/limit < decide/verdict < decide;

	# Provers, sensors and stores import the room whose interface they fill, never the other way round.
	decide/identity < decide/identity/apikey;
	decide/signal < decide/signal/trap;
	decide/limit < store/memory, store/storetest;

	# Slow: what happened.
	decide/facts < learn/outcome;
	decide/verdict, learn/outcome < learn/observe < record;

	# Translation only: request to facts, verdict to bytes. It asks nobody for a decision.
	decide/verdict, learn/observe < edge;
	decide !< edge;

	# The two ends of the gate's wire. Neither knows what passes or why.
	NONE < edge/gateway/listener;
	NONE < edge/gateway/upstream;

	# One file to one plan: rooms own their Config, this one holds them together.
	decide, decide/identity/apikey, decide/signal/trap, store/memory, record,
	edge/gateway/listener, edge/gateway/upstream < config;

	# A first configuration out of an OpenAPI document: text for people, so it needs no plan.
	decide/facts < config/openapi;

	# The front door for Go programs, and the gate behind it.
	config, edge < glacis < edge/gateway;

	# A place to try it: an API and its crowd. They see the gate as any upstream and any client do, from outside.
	NONE < shop < demo;

	edge/gateway, config/openapi, demo < cmd/glacis;

	# Deciding never waits for remembering, and no room of the fast loop reads the file people write.
	record !< decide;
	learn/observe !< decide;
	config !< decide, edge, record;
`

// testsMayImport loosens the plan for the test files of a room, which may already import what the room may, and the room.
const testsMayImport = `
	decide:        decide/identity/apikey decide/signal/trap store/memory
	store/memory:  store/storetest
`

// modules says which room may import which module of others; the rest of the house reaches it through that room.
// A * stands for every room below a folder.
const modules = `
	cel.dev/cel-go:                       learn/outcome
	github.com/alecthomas/kong:           cmd/glacis
	github.com/gaissmai/bart:             decide/facts posture
	github.com/getkin/kin-openapi:        config/openapi
	github.com/goccy/go-yaml:             internal/strictyaml
	github.com/pires/go-proxyproto:       edge/gateway/listener
	github.com/prometheus/client_golang:  glacis edge/gateway/* record cmd/glacis
	go.opentelemetry.io/otel:             edge/gateway internal/tracing
	golang.org/x/sys:                     edge/gateway/listener
`

// testModules may be imported by test files and by nothing else. The programs below bench/ count as tests.
const testModules = `
	github.com/coder/websocket
	github.com/goccy/go-yaml
	github.com/pires/go-proxyproto
	github.com/prometheus/client_golang
	github.com/rogpeppe/go-internal
	go.opentelemetry.io/proto/otlp
	golang.org/x/net
	google.golang.org/grpc
	google.golang.org/protobuf
	pgregory.net/rapid
`

// TestRooms reads the imports of every file in the work tree and holds them against the page above.
func TestRooms(t *testing.T) {
	page, err := parsePage(plan, testsMayImport, modules, testModules)
	if err != nil {
		t.Fatal(err)
	}
	for _, complaint := range page.check(readHouse(t, os.DirFS("."))) {
		t.Error(complaint)
	}
}
