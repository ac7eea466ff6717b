package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"glacis/config/openapi"
)

type initCommand struct {
	OpenAPI  string `name:"openapi" placeholder:"FILE" help:"OpenAPI 3 document (YAML or JSON); - reads standard input."`
	Upstream string `placeholder:"URL" help:"Where the API is."`
	Out      string `short:"o" default:"glacis.yaml" placeholder:"FILE" help:"File to write; - prints it. An existing file is never overwritten without --force."`
	Force    bool   `help:"Overwrite an existing file."`
}

// Run writes a first configuration.
func (c *initCommand) Run(t *terminal) error {
	var operations []openapi.Operation
	if c.OpenAPI != "" {
		src, err := c.document(t.stdin)
		if err != nil {
			return err
		}
		if operations, err = openapi.Read(src); err != nil {
			return fmt.Errorf("%s: %w", c.OpenAPI, err)
		}
	}
	if c.Out == "-" {
		return openapi.Write(t.stdout, c.Upstream, operations)
	}
	if err := c.write(operations); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.stdout, "wrote %s with %d routes in monitor mode; next: glacis check %s, glacis run -c %s\n", c.Out, len(operations), c.Out, c.Out)
	return err
}

func (c *initCommand) document(stdin io.Reader) ([]byte, error) {
	if c.OpenAPI == "-" {
		return io.ReadAll(io.LimitReader(stdin, openapi.MaxSize+1))
	}
	return os.ReadFile(c.OpenAPI)
}

// write makes the file without ever destroying one that took somebody work.
func (c *initCommand) write(operations []openapi.Operation) (err error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if c.Force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(c.Out, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists; --force overwrites it", c.Out)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return openapi.Write(f, c.Upstream, operations)
}
