// Package config is one file to one plan. Every room owns its own Config; here they are only held together, read strictly, and
// compiled into what the gate runs on. Nothing runs here.
package config

import (
	"net/netip"
	"time"

	"glacis/decide/identity/apikey"
	"glacis/decide/limit"
	"glacis/edge/gateway/listener"
	"glacis/edge/gateway/upstream"
	"glacis/internal/bytesize"
	"glacis/learn/outcome"
	"glacis/posture"
	"glacis/record"
)

// Config is glacis.yaml. The zero value with an upstream guards everything in monitor mode.
type Config struct {
	Listen   []string     `yaml:"listen" oneormany:"true" default:":8080" doc:"Addresses the gate listens on." example:":8080"`
	Upstream []string     `yaml:"upstream" oneormany:"true" doc:"Where the API is: one or several of http://host:port, https://host:port, h2c://host:port." example:"http://127.0.0.1:3000"`
	Mode     posture.Mode `yaml:"mode" default:"monitor" doc:"monitor: no answer changes, the record says what would have happened. enforce: rules act. Routes, classes and limits can override it."`

	TrustedProxies []netip.Prefix `yaml:"trusted_proxies" doc:"Networks of the proxies in front of the gate; only their forwarding headers are believed."`
	ClientHeader   string         `yaml:"client_header" default:"x-forwarded-for" doc:"The header in which trusted proxies tell the client's address: x-forwarded-for, forwarded (RFC 7239), or one that holds a single address and that the proxies overwrite, such as x-real-ip."`
	KeyHeaders     []string       `yaml:"key_headers" doc:"Headers in which callers present an API key, besides Authorization. x-api-key when missing."`
	SessionCookies []string       `yaml:"session_cookies" doc:"Names of cookies that identify a session."`

	Routes  []Route          `yaml:"routes" doc:"Routes of the API. Paths that match none are counted under learnt templates, in a class guessed from their words."`
	Classes map[string]Class `yaml:"classes" doc:"Changes to the presets of a class, by its name."`
	Limits  []limit.Config   `yaml:"limits" doc:"Limits on every route, besides those of its class and its own."`

	Keys    []apikey.Config `yaml:"keys" doc:"API keys the gate itself proves, by hash."`
	Traps   []string        `yaml:"traps" doc:"Honeypot paths no legitimate client asks for. A visit is strong evidence against the address and the credential."`
	TrapFor time.Duration   `yaml:"trap_for" default:"1h" doc:"How long a visit to a honeypot is held against the visitor."`
	Bars    []Term          `yaml:"bars" doc:"Networks to refuse."`
	Excuses []Term          `yaml:"excuses" doc:"Networks never to limit, slow or refuse: an excuse beats every bar."`

	Paths  Paths           `yaml:"paths" doc:"How to treat paths that different servers read differently."`
	Memory Memory          `yaml:"memory" doc:"How much is remembered. Fixed at start."`
	Server listener.Config `yaml:"server" doc:"How connections are accepted."`
	Pool   upstream.Config `yaml:"pool" doc:"How the upstream is reached."`
	Record record.Config   `yaml:"record" doc:"The line kept of every decision."`
	Admin  Admin           `yaml:"admin" doc:"Metrics and health, on a listener of their own."`
	Trace  Trace           `yaml:"trace" doc:"OpenTelemetry traces. Off without an endpoint."`
	Data   string          `yaml:"data" default:"glacis-data" doc:"The data folder. It is made when missing."`
}

// Route is one route of the API.
type Route struct {
	Match   string            `yaml:"match" required:"true" doc:"Method, host (optional) and path, in the syntax of net/http patterns." example:"GET /api/products/{id}"`
	Class   string            `yaml:"class" enum:"plain,login,reset,otp,signup,lookup,catalog,search,hold,checkout,webhook,internal" doc:"What an abuser would want from the route; brings limits, fields and outcomes. Guessed from the path when empty."`
	Mode    posture.Mode      `yaml:"mode" doc:"monitor or enforce; the class's or the file's mode when empty."`
	Limits  []limit.Config    `yaml:"limits" doc:"Limits of this route, besides those of its class and of every route."`
	Preset  *bool             `yaml:"preset" doc:"false: the class's own limits do not apply here."`
	Fields  map[string]string `yaml:"fields" doc:"Payload fields to count by: a name (user, secret, phone, email, item have a meaning) and where it stands, such as $.email; alternatives are separated by |. The class's preset when empty."`
	Body    bytesize.Size     `yaml:"body" doc:"Most bytes of a body read to find the fields. Default 64KiB."`
	Outcome outcome.Config    `yaml:"outcome" doc:"What the answers of this route mean."`
}

// Class changes the presets of a class.
type Class struct {
	Mode   posture.Mode    `yaml:"mode" doc:"monitor or enforce; the file's mode when empty."`
	Limits *[]limit.Config `yaml:"limits" doc:"Limits instead of the preset ones; an empty list removes them."`
}

// Term is a bar or an excuse.
type Term struct {
	Prefix netip.Prefix `yaml:"prefix" required:"true" doc:"Network, or a single address as /32 or /128."`
	Why    string       `yaml:"why" doc:"Why, for the record."`
	Until  time.Time    `yaml:"until" doc:"When it ends, RFC 3339; never when empty."`
}

// Paths is how to treat ambiguous paths.
type Paths struct {
	Malformed string `yaml:"malformed" enum:"refuse,pass" default:"refuse" doc:"Dot segments, control characters and broken encodings: refuse answers 400 (where the mode is enforce), pass hands them to the upstream as they are."`
}

// Memory is how much is remembered.
type Memory struct {
	Budgets int `yaml:"budgets" default:"1048576" doc:"Limit budgets kept apart at once, 16 bytes each, at start."`
	Actors  int `yaml:"actors" default:"65536" doc:"Actors whose evidence is remembered, 32 bytes each."`
}

// Admin is the listener for operators.
type Admin struct {
	Listen string `yaml:"listen" default:"127.0.0.1:9180" doc:"Address of /metrics, /healthz and /readyz. Keep it off the public network."`
}

// Trace is where spans go.
type Trace struct {
	Endpoint string  `yaml:"endpoint" doc:"OTLP/HTTP endpoint." example:"http://127.0.0.1:4318"`
	Sample   float64 `yaml:"sample" default:"0.01" doc:"Share of requests traced when the caller has not decided."`
}
