// Command glacis guards an HTTP API against automated abuse.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "development"

// commands is the command line.
type commands struct {
	Run     runCommand     `cmd:"" help:"Guard an API: run the gate."`
	Demo    demoCommand    `cmd:"" help:"See it work: a sample shop, everyday and hostile clients, two minutes."`
	Init    initCommand    `cmd:"" help:"Write a first configuration, from an OpenAPI document when there is one."`
	Check   checkCommand   `cmd:"" help:"Check a configuration and print the plan that comes of it."`
	Version versionCommand `cmd:"" help:"Print the version."`

	Print kong.VersionFlag `name:"version" help:"Print the version."`
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // what was asked for went wrong, or the configuration is wrong
	exitUsage  = 2 // the command line is wrong
)

// terminal is where a command reads from and prints to.
type terminal struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

func (t *terminal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(t.stderr, nil)) }

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil))) // net/http's transport writes to the standard logger
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(os.Args[1:], &terminal{ctx, os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// execute runs one command line and returns its exit code.
func execute(args []string, t *terminal) int {
	var c commands
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("glacis"),
		kong.Description("A self-hosted, layered defence against automated API abuse.\n\nExit codes: 0 done, 1 failed or wrong configuration, 2 wrong command line."),
		kong.Writers(t.stdout, t.stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.UsageOnError(),
		kong.Vars{"version": versionLine()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return complain(t, err)
	}
	run, err := parser.Parse(args)
	if exited >= 0 { // help or the version was asked for and printed
		return exited
	}
	if err != nil {
		fmt.Fprintf(t.stderr, "glacis: %v\nTry glacis --help.\n", err)
		return exitUsage
	}
	return complain(t, run.Run(t))
}

// complain prints an error, once, and chooses the exit code.
func complain(t *terminal, err error) int {
	switch {
	case err == nil:
		return exitOK
	case !errors.Is(err, errSilent):
		fmt.Fprintf(t.stderr, "%v\n", err)
	}
	return exitFailed
}

// errSilent fails a command that has already said why.
var errSilent = errors.New("failed")
