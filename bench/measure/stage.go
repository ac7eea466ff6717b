package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// stage is everything that runs while measuring: the origin and the targets, all the time, though only one is asked at a time.
type stage struct {
	dir     string // for everything that is written
	bin     string
	origin  contender
	running []contender
}

// contender is a server that can be asked.
type contender struct {
	name    string
	address string
	*process
}

func (c contender) url() string { return "http://" + c.address + path }

// raise starts the origin beside the load, at ends, and the wanted targets in the middle. A target that is not there is skipped, aloud.
func (s *stage) raise(ctx context.Context, ends, middle place, wanted []string, say io.Writer) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.home(originName), 0o755); err != nil {
		return err
	}
	s.origin, err = s.start(ctx, ends, originName, address, filepath.Join(s.bin, "bench", "origin"), []string{"-listen", address})
	if err != nil {
		return err
	}
	for _, t := range targets(s.bin) {
		if len(wanted) > 0 && !slices.Contains(wanted, t.name) {
			continue
		}
		c, err := s.add(ctx, middle, t)
		if err != nil && !t.ours {
			fmt.Fprintf(say, "skipped: %s: %v\n", t.name, err)
			continue
		}
		if err != nil {
			return err
		}
		s.running = append(s.running, c)
	}
	if len(s.running) == 0 {
		return errors.New("no targets")
	}
	return nil
}

// home is the folder of one program.
func (s *stage) home(name string) string { return filepath.Join(s.dir, name) }

func (s *stage) add(ctx context.Context, middle place, t target) (contender, error) {
	program, err := t.find()
	if err != nil {
		return contender{}, err
	}
	listen, err := freeAddress()
	if err != nil {
		return contender{}, err
	}
	admin, err := freeAddress()
	if err != nil {
		return contender{}, err
	}
	args, err := t.furnish(site{s.home(t.name), listen, admin, s.origin.address, t.limits})
	if err != nil {
		return contender{}, err
	}
	return s.start(ctx, middle, t.name, listen, program, args)
}

func (s *stage) start(ctx context.Context, at place, name, address, program string, args []string) (contender, error) {
	p, err := at.launch(s.home(name), program, args)
	if err != nil {
		return contender{}, fmt.Errorf("%s: %w", name, err)
	}
	c := contender{name, address, p}
	if err := p.answers(ctx, c.url()); err != nil {
		p.stop()
		return contender{}, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// strike ends everything and removes what was written.
func (s *stage) strike() error {
	for _, c := range s.running {
		c.stop()
	}
	if s.origin.process != nil {
		s.origin.stop()
	}
	return os.RemoveAll(s.dir)
}

// named gives a running target; the last result is false when it is not there.
func (s *stage) named(name string) (contender, bool) {
	i := slices.IndexFunc(s.running, func(c contender) bool { return c.name == name })
	if i < 0 {
		return contender{}, false
	}
	return s.running[i], true
}

// sample puts one contender under load once.
func (c contender) sample(phase string, round int, load func(address string) (answers, error)) (sample, error) {
	before, err := usageOf(c.group)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w: %s", c.name, err, lastBytes(c.log))
	}
	began := time.Now()
	seen, err := load(c.address)
	took := time.Since(began)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", c.name, err)
	}
	after, err := usageOf(c.group)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w: %s", c.name, err, lastBytes(c.log))
	}
	return sample{phase, round, c.name, seen, after.cpu - before.cpu, took, after.rss}, nil
}
