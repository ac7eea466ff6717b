// Package upstream is the pool of targets behind the gate and the way one request reaches one of them and its answer
// comes back.
//
// It is not a gate: it judges no request, writes no error page and adds no header of its own. [Pool.Forward] either
// relays the answer of a target or says in a [Result] why it could not, and the caller answers.
//
// There are two ways, called rungs. [RungB], the main path, serves bodyless and short requests to HTTP/1.1 targets: the
// serving goroutine itself writes the request on a pooled connection and reads the answer with [net/http.ReadResponse],
// so that no channel and no other goroutine stands between. [RungA], a tuned [net/http/httputil.ReverseProxy], takes
// everything else: upgrades, Expect, long or unsized bodies, HTTP/2 targets. Both must look the same from outside.
package upstream
