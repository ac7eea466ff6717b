package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// tell writes the tables for people, and how the gate stands to what it promises.
func (all samples) tell(to io.Writer) error {
	fmt.Fprintln(to, "\nFlood: as fast as answers come. Medians; ratios are taken round by round.")
	w := columns(to)
	fmt.Fprintln(w, "target\tCPU us/req\tx tuned\tx nginx\treq/s\tp50 us\tp99 us\tRSS MiB\tshare\terrors\t")
	for _, name := range all.names(flood) {
		s := all.of(flood, name)
		fmt.Fprintf(w, "%s\t%.1f\t%s\t%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.2f\t%.0f\t\n", name, median(s.values(cpu)),
			all.times(flood, name, tunedName), all.times(flood, name, nginxName), median(s.values(rate)), median(s.values(p50)),
			median(s.values(p99)), median(s.values(memory)), median(s.values(share)), total(s.values(errs)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(all.names(paced)) > 0 {
		if err := all.tellPaced(to); err != nil {
			return err
		}
	}
	all.tellPromises(to)
	return nil
}

func (all samples) tellPaced(to io.Writer) error {
	fmt.Fprintf(to, "\nPaced: %.0f requests a second for everybody, half of what %s takes.\n", all.pace(), tunedName)
	w := columns(to)
	fmt.Fprintln(w, "target\tCPU us/req\tx tuned\tp50 us\tp99 us\tp50 - tuned\tp99 - tuned\terrors\t")
	for _, name := range all.names(paced) {
		s, base := all.of(paced, name), all.of(paced, tunedName)
		fmt.Fprintf(w, "%s\t%.1f\t%s\t%.0f\t%.0f\t%+.0f\t%+.0f\t%.0f\t\n", name, median(s.values(cpu)), all.times(paced, name, tunedName),
			median(s.values(p50)), median(s.values(p99)), median(s.against(base, p50, difference)),
			median(s.against(base, p99, difference)), total(s.values(errs)))
	}
	return w.Flush()
}

// pace is the rate that was asked for.
func (all samples) pace() float64 {
	var rates []float64
	for _, s := range all {
		if s.phase == paced {
			rates = append(rates, asked(s)/s.seconds)
		}
	}
	return median(rates)
}

// times is how often the CPU per request of base goes into that of name; - when base was not measured.
func (all samples) times(phase, name, base string) string {
	ratios := all.of(phase, name).against(all.of(phase, base), cpu, ratio)
	if len(ratios) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", median(ratios))
}

// What the gate promises.
const (
	mostTimesTuned = 0.8
	mostAdded      = 60 // microseconds
)

// tellPromises holds the gate against them.
func (all samples) tellPromises(to io.Writer) {
	gate, tuned := all.of(flood, gateName), all.of(flood, tunedName)
	if ratios := gate.against(tuned, cpu, ratio); len(ratios) > 0 {
		fmt.Fprintf(to, "\nCPU per request, gate to tuned: %.2f (rounds %.2f to %.2f); at most %.2f: %s\n", median(ratios), slices.Min(ratios),
			slices.Max(ratios), mostTimesTuned, kept(median(ratios) <= mostTimesTuned))
	}
	if costs := gate.against(all.of(flood, openGateName), cpu, difference); len(costs) > 0 {
		fmt.Fprintf(to, "CPU per request of four limits: %+.1f us (rounds %+.1f to %+.1f)\n", median(costs), slices.Min(costs), slices.Max(costs))
	}
	if added := all.of(paced, gateName).against(all.of(paced, tunedName), p99, difference); len(added) > 0 {
		fmt.Fprintf(to, "p99 at half load, gate over tuned: %+.0f us (rounds %+.0f to %+.0f); at most +%d: %s\n", median(added), slices.Min(added),
			slices.Max(added), mostAdded, kept(median(added) <= mostAdded))
	}
}

func kept(yes bool) string {
	if yes {
		return "kept"
	}
	return "NOT KEPT"
}

func columns(to io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
}
