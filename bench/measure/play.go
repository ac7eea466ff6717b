package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// play visits every target in turns, first under flood, then some of them at a pace.
func (s *stage) play(ctx context.Context, o options, l *load) (samples, error) {
	var all samples
	fast := func(address string) (answers, error) { return l.flood(ctx, address, o.span) }
	for _, c := range s.running { // caches, pools and heaps reach their size
		if _, err := l.flood(ctx, c.address, time.Second); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	if err := s.rounds(flood, o.rounds, s.running, fast, &all); err != nil {
		return nil, err
	}
	if _, there := s.named(tunedName); there {
		half := median(all.of(flood, tunedName).values(rate)) / 2
		slow := func(address string) (answers, error) { return l.pace(ctx, address, half, o.span) }
		if err := s.rounds(paced, o.rounds, s.pacers(), slow, &all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// pacers are the targets whose latency is of interest, and the origin without any of them.
func (s *stage) pacers() []contender {
	some := []contender{s.origin}
	for _, name := range []string{gateName, tunedName, nginxName} {
		if c, there := s.named(name); there {
			some = append(some, c)
		}
	}
	return some
}

// rounds visits A B C A B C: whatever else goes on in this machine meets them all. Every other round goes backwards, so that nobody
// always follows the same neighbour.
func (s *stage) rounds(phase string, n int, visited []contender, load func(string) (answers, error), all *samples) error {
	for round := 1; round <= n; round++ {
		fmt.Fprintf(os.Stderr, "%s: round %d of %d\n", phase, round, n)
		order := slices.Clone(visited)
		if round%2 == 0 {
			slices.Reverse(order)
		}
		for _, c := range order {
			one, err := c.sample(phase, round, load)
			if err != nil {
				return err
			}
			*all = append(*all, one)
		}
	}
	return nil
}
