package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// profileSpan is how long the gate is looked at.
const profileSpan = 6 * time.Second

// profile floods a gate with a profiler, keeps what the profiler saw in file, and prints what costs most.
func (s *stage) profile(ctx context.Context, at place, l *load, file string) error {
	profiler, err := freeAddress()
	if err != nil {
		return err
	}
	gate := targets(s.bin)[0]
	gate.name, gate.program = "profiled", filepath.Join(s.bin, "bench", "profiled")
	gate.args = []string{"-c", "{{.Dir}}/glacis.yaml", "-pprof", profiler}
	c, err := s.add(ctx, at, gate)
	if err != nil {
		return err
	}
	defer c.stop()
	flooded := make(chan error, 1)
	go func() {
		_, err := l.flood(ctx, c.address, profileSpan+2*time.Second)
		flooded <- err
	}()
	err = save(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%.0f", profiler, profileSpan.Seconds()), file)
	if ended := <-flooded; err == nil {
		err = ended
	}
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	fmt.Printf("\nProfile of the gate under flood, kept in %s:\n", file)
	top := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-cum", "-nodecount=60", file)
	top.Stdout, top.Stderr = os.Stdout, io.Discard
	return top.Run()
}

// save puts what a URL answers into a file.
func save(ctx context.Context, url, file string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, answer.Status)
	}
	return writeWith(file, func(w io.Writer) error {
		_, err := io.Copy(w, answer.Body)
		return err
	})
}
