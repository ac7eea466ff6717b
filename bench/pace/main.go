//go:build linux

// Command pace asks one server at a fixed rate, whether it keeps up or not, and tells how long the answers took. It is what a closed
// loop such as wrk cannot be: a request that has to wait for the one before it counts from the moment it was due.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"time"
)

func main() {
	var p plan
	to := flag.String("to", "", "IPv4 `address` of the server")
	file := flag.String("request", "", "`file` with one whole HTTP/1.1 request")
	flag.Float64Var(&p.rate, "rate", 1000, "requests a second, all connections together")
	flag.IntVar(&p.connections, "connections", 64, "connections, each with an equal share of the rate")
	flag.DurationVar(&p.warm, "warm", 300*time.Millisecond, "time before the measurement begins")
	flag.DurationVar(&p.span, "for", 2*time.Second, "time measured")
	flag.Parse()
	if err := run(p, *to, *file); err != nil {
		fmt.Fprintln(os.Stderr, "pace:", err)
		os.Exit(1)
	}
}

func run(p plan, to, file string) (err error) {
	if p.to, err = netip.ParseAddrPort(to); err != nil {
		return err
	}
	if p.request, err = os.ReadFile(file); err != nil {
		return err
	}
	if p.rate <= 0 || p.connections < 1 || p.span <= 0 || p.warm < 0 {
		return errors.New("rate, connections and time must be positive")
	}
	told, err := p.run()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(told)
}
