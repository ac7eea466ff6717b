// Command measure compares the gate with its neighbours: one core for the proxy, one for the load and the origin, every target running,
// one asked at a time, in turns. It tells what a request costs and how long it takes; it does not say whether answers are right.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are flags, each with an environment variable for its default.
type options struct {
	rounds      int
	span        time.Duration
	connections int
	targets     []string
	ends        place // of load and origin
	middle      place // of the targets
	profile     string
	results     string
	bin         string
}

func main() {
	runtime.LockOSThread() // servers are tied to the thread that starts them
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := measure(ctx, parse())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse() options {
	var o options
	flag.IntVar(&o.rounds, "rounds", number("ROUNDS", 5), "visits to every target (ROUNDS)")
	seconds := flag.Int("seconds", number("DUR", 2), "seconds of every visit (DUR)")
	flag.IntVar(&o.connections, "connections", number("CONN", 64), "client connections (CONN)")
	names := flag.String("targets", os.Getenv("TARGETS"), "names of targets, all when empty (TARGETS)")
	flag.IntVar(&o.ends.cpu, "load-cpu", number("LOAD_CPU", 0), "CPU of the load and the origin (LOAD_CPU)")
	flag.IntVar(&o.middle.cpu, "proxy-cpu", number("PROXY_CPU", 1), "CPU of the targets (PROXY_CPU)")
	nice := flag.Int("nice", number("NICE", 0), "niceness of everything, for a machine with other work; below 0 only as root (NICE)")
	flag.StringVar(&o.profile, "profile", os.Getenv("PROFILE"), "write a CPU profile of the gate under load to this file, after the rest (PROFILE)")
	flag.StringVar(&o.results, "results", "bench/results", "folder for what was measured")
	flag.StringVar(&o.bin, "bin", "bin", "folder with glacis, and with the programs of bench/ in bench")
	flag.Parse()
	o.span = time.Duration(*seconds) * time.Second
	o.ends.nice, o.middle.nice = *nice, *nice
	o.targets = strings.Fields(strings.ReplaceAll(*names, ",", " "))
	return o
}

// limit is when to give up: four minutes, or twice the time that all visits take.
func (o options) limit() time.Duration {
	const visited = 8 + 4 // targets of the two phases
	return max(4*time.Minute, time.Duration(2*visited*o.rounds)*o.span)
}

func number(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return otherwise
}

func measure(ctx context.Context, o options) (err error) {
	if runtime.NumCPU() < 2 {
		return errors.New("two CPUs are needed: one for the proxy, one for the load")
	}
	if o.rounds < 1 || o.span < time.Second || o.connections < 1 {
		return errors.New("rounds, seconds and connections must be at least 1")
	}
	if o.bin, err = filepath.Abs(o.bin); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "glacis-bench-")
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // workers of others drop root
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit())
	defer cancel()
	s := &stage{dir: dir, bin: o.bin}
	defer func() { err = errors.Join(err, s.strike()) }()
	began := time.Now()
	fmt.Println(machine(began))
	l, err := newLoad(o.ends, filepath.Join(o.bin, "bench"), dir, o.connections)
	if err != nil {
		return err
	}
	if err := s.raise(ctx, o.ends, o.middle, o.targets, os.Stdout); err != nil {
		return err
	}
	all, err := s.play(ctx, o, l)
	if err != nil {
		return err
	}
	if err := publish(o.results, began, all); err != nil {
		return err
	}
	if o.profile != "" {
		if err := s.profile(ctx, o.middle, l, o.profile); err != nil {
			return err
		}
	}
	fmt.Printf("\n%s; %d rounds of %v, %d connections, %.0f s in all\n", machine(time.Now()), o.rounds, o.span, o.connections, time.Since(began).Seconds())
	return nil
}

// publish prints the tables, and keeps them and the samples.
func publish(folder string, began time.Time, all samples) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	stamp := filepath.Join(folder, began.UTC().Format("20060102T150405"))
	var tables strings.Builder
	if err := all.tell(&tables); err != nil {
		return err
	}
	fmt.Print(tables.String())
	return errors.Join(
		writeWith(stamp+".csv", all.write),
		writeWith(stamp+".txt", func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%s\n%s", machine(began), tables.String())
			return err
		}))
}

func writeWith(file string, write func(io.Writer) error) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
