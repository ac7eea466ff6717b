// Command profiled is the gate with the language's own profiler beside it, to see where its CPU goes. It is not glacis run: it does not
// reload, and what listens on -pprof is open to whoever reaches it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"syscall"
	"time"

	"glacis"
	"glacis/config"
	"glacis/edge/gateway"
)

func main() {
	file := flag.String("c", "glacis.yaml", "configuration `file`")
	address := flag.String("pprof", "127.0.0.1:0", "loopback `address` of the profiler")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *file, *address)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "profiled:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file, address string) error {
	plan, err := config.Load(file, config.Override{})
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	gate, err := glacis.OpenPlan(plan, glacis.WithLogger(log))
	if err != nil {
		return err
	}
	g, err := gateway.New(gate, log)
	if err == nil {
		err = g.Start()
	}
	if err != nil {
		return errors.Join(err, gate.Close())
	}
	return errors.Join(serve(ctx, g, address), g.Stop(context.Background()), gate.Close())
}

// serve answers with profiles until the end.
func serve(ctx context.Context, g *gateway.Gateway, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	defer server.Close()
	select {
	case <-ctx.Done():
		return nil
	case err := <-g.Failed():
		return err
	case err := <-failed:
		return err
	}
}
