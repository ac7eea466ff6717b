package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// place is where a program may run, and how it is favoured.
type place struct {
	cpu  int
	nice int
}

// command is a program on one CPU. A Go program gets one thread to compute on, as the others have one worker.
func (p place) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	line := []string{"-c", strconv.Itoa(p.cpu)}
	if p.nice != 0 {
		line = append(line, "nice", "-n", strconv.Itoa(p.nice))
	}
	c := exec.CommandContext(ctx, "taskset", append(append(line, program), args...)...)
	c.Env = append(os.Environ(), "GOMAXPROCS=1")
	return c
}

// process is a server that runs, with its children, in a process group of its own.
type process struct {
	group int
	log   string
	ended chan struct{}
}

// launch starts a server whose home is the folder dir. It must be called on a thread that lives as long as this program: the server
// dies with it.
func (p place) launch(dir, program string, args []string) (*process, error) {
	log := filepath.Join(dir, "log")
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	c := p.command(context.Background(), program, args...)
	c.Stdout, c.Stderr = out, out
	c.Dir = dir
	c.Env = append(c.Env, "HOME="+dir)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(c.SysProcAttr)
	if err := c.Start(); err != nil {
		return nil, err
	}
	s := &process{c.Process.Pid, log, make(chan struct{})}
	go func() {
		_ = c.Wait() // how it ended stands in its log
		close(s.ended)
	}()
	return s, nil
}

// stop ends a server and its children: politely, then not.
func (s *process) stop() {
	_ = syscall.Kill(-s.group, syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(3 * time.Second):
	}
	_ = syscall.Kill(-s.group, syscall.SIGKILL) // whoever of the group is left
	<-s.ended
}

// answers waits until a server answers 200.
func (s *process) answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		last := ask(ctx, url)
		if last == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("it ended: %s", lastBytes(s.log))
		case <-ctx.Done():
			return fmt.Errorf("%w: %s", last, lastBytes(s.log))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func ask(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}

// lastBytes is the end of a log, for a message.
func lastBytes(file string) string {
	text, _ := os.ReadFile(file) // no log, no words
	return string(text[max(0, len(text)-400):])
}
