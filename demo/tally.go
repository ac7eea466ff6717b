package demo

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"
)

// Tally is how a run went.
type Tally struct {
	Target      string  `json:"target"`
	Seed        uint64  `json:"seed"`
	Seconds     float64 `json:"seconds"`
	Ended       string  `json:"ended"` // by: time, the request cap, deadline, cancellation
	Requests    int     `json:"requests"`
	Populations []Line  `json:"populations"` // everyday ones first
	// Notes are sentences on what was not as it should be, such as clients that had to share an address.
	Notes []string `json:"notes,omitempty"`
}

// Line is how a run went for one population.
type Line struct {
	Name      string   `json:"name"`
	Does      string   `json:"does"`
	Hostile   bool     `json:"hostile"`
	Clients   int      `json:"clients"`
	Addresses []string `json:"addresses"` // the clients' own, as far as they had one
	Requests  int      `json:"requests"`  // the sum of the answers
	Answers   Answers  `json:"answers"`
	// Stopped are the answers that were the gate's refusals and not the API's: 403, 429 and problem documents with 4xx.
	Stopped        int   `json:"stopped"`
	StoppedClients int   `json:"stopped_clients"` // how many met one
	FirstStop      *Stop `json:"first_stop"`      // null when nobody did
}

// Answers are counted by kind.
type Answers struct {
	OK      int `json:"2xx"`
	Denied  int `json:"401_403"`
	Limited int `json:"429"`
	Other   int `json:"other"` // every other status below 500: other 4xx, and the odd redirect
	Fault   int `json:"5xx"`
	Failed  int `json:"failed"` // no answer, or half of one
}

func (a *Answers) add(status int) {
	switch {
	case status == 0:
		a.Failed++
	case status >= 500:
		a.Fault++
	case status == 429:
		a.Limited++
	case status == 401 || status == 403:
		a.Denied++
	case status >= 200 && status < 300:
		a.OK++
	default:
		a.Other++
	}
}

// Sum is how many there were.
func (a Answers) Sum() int { return a.OK + a.Denied + a.Limited + a.Other + a.Fault + a.Failed }

func (a Answers) plus(b Answers) Answers {
	return Answers{a.OK + b.OK, a.Denied + b.Denied, a.Limited + b.Limited, a.Other + b.Other, a.Fault + b.Fault, a.Failed + b.Failed}
}

// Stop is the first time that somebody of a population was stopped.
type Stop struct {
	Seconds float64 `json:"seconds"` // since the run began
	Client  int     `json:"client"`  // which one, from 1
	Request int     `json:"request"` // at which of its requests, from 1
	Status  int     `json:"status"`
}

// count is what one client keeps of its own run.
type count struct {
	answers Answers
	stopped int
	first   *Stop
}

// tally adds up what the clients counted. Nobody counts any more.
func (r *run) tally(clients []*Client) Tally {
	t := Tally{Target: r.target.base, Seed: r.Seed, Seconds: seconds(r.Clock().Sub(r.start)), Ended: r.ended()}
	lines := make([]Line, len(r.Populations))
	for i, p := range r.Populations {
		lines[i] = Line{Name: p.Name, Does: p.Does, Hostile: p.Hostile, Clients: p.Clients, Addresses: []string{}}
	}
	for _, c := range clients {
		lines[c.group].add(c.addr, c.count)
		t.Requests += c.count.answers.Sum()
	}
	for _, hostile := range []bool{false, true} {
		for _, l := range lines {
			if l.Hostile == hostile {
				t.Populations = append(t.Populations, l)
			}
		}
	}
	return t
}

func (l *Line) add(addr string, c count) {
	if addr != "" {
		l.Addresses = append(l.Addresses, addr)
	}
	l.Requests += c.answers.Sum()
	l.Answers = l.Answers.plus(c.answers)
	l.Stopped += c.stopped
	if c.first == nil {
		return
	}
	l.StoppedClients++
	if l.FirstStop == nil || c.first.Seconds < l.FirstStop.Seconds {
		l.FirstStop = c.first
	}
}

// seconds rounds to milliseconds: more would be noise.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

// Write prints the tally as a table for people, the honest ones first.
func (t Tally) Write(w io.Writer) error {
	var page bytes.Buffer
	fmt.Fprintf(&page, "What the gate did to whom: %d requests to %s in %.0f s, ended by %s\n\n", t.Requests, t.Target, t.Seconds, t.Ended)
	for line := range strings.Lines(t.table()) {
		line = strings.TrimPrefix(line, padding) // the first column needs none
		page.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	for _, note := range t.Notes {
		fmt.Fprintf(&page, "\nnote: %s\n", note)
	}
	_, err := w.Write(page.Bytes())
	return err
}

// padding is what stands between two columns.
const padding = "  "

// table has its numbers to the right. The outer columns are words, which read better from the left: the first is padded here, and
// the last is no cell.
func (t Tally) table() string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, len(padding), ' ', tabwriter.AlignRight)
	wide := 0
	for _, l := range t.Populations {
		wide = max(wide, utf8.RuneCountInString(l.Name))
	}
	row := func(first, last string, cells ...any) {
		_, _ = fmt.Fprintf(table, "%-*s\t", wide+2, first) // to memory: cannot fail
		_, _ = fmt.Fprintf(table, strings.Repeat("%v\t", len(cells)), cells...)
		_, _ = fmt.Fprintf(table, "  %s\n", last)
	}
	row("", "first stopped", "clients", "requests", "2xx", "401/403", "429", "other", "5xx", "failed", "stopped")
	side := ""
	for _, l := range t.Populations {
		if now := sideName(l.Hostile); now != side {
			side = now
			row(side, "", "", "", "", "", "", "", "", "", "") // a cell for each column, or the columns below begin anew
		}
		a := l.Answers
		row("  "+l.Name, l.firstStop(), l.Clients, l.Requests, a.OK, a.Denied, a.Limited, a.Other, a.Fault, a.Failed, l.Stopped)
	}
	_ = table.Flush()
	return text.String()
}

func sideName(hostile bool) string {
	if hostile {
		return "hostile"
	}
	return "everyday"
}

func (l Line) firstStop() string {
	if l.FirstStop == nil {
		return "never"
	}
	return fmt.Sprintf("after %.1f s, at request %d; %d of %d clients", l.FirstStop.Seconds, l.FirstStop.Request, l.StoppedClients, l.Clients)
}
