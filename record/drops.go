package record

import (
	"strconv"
	"sync/atomic"
)

// Reason is why lines were dropped.
type Reason uint8

// The reasons.
const (
	QueueFull   Reason = iota // the file took lines more slowly than they came
	WriteFailed               // the file took none: the disk is full, or worse
	Closed                    // they came, or could not be written any more, when the recorder was closed
	numReasons
)

var reasonNames = [numReasons]string{"queue full", "write failed", "closed"}

func (r Reason) String() string { return reasonNames[r] }

// Dropped is a number of dropped lines, by what they would have told of.
type Dropped struct {
	Allows  uint64 // requests let through that no rule would have touched
	Denials uint64 // everything else: denied, slowed, or only watched and otherwise denied
}

// All is how many lines that is.
func (d Dropped) All() uint64 { return d.Allows + d.Denials }

func (d Dropped) minus(e Dropped) Dropped { return Dropped{d.Allows - e.Allows, d.Denials - e.Denials} }

// tally counts drops of one reason.
type tally struct{ allows, denials atomic.Uint64 }

func (t *tally) load() Dropped { return Dropped{t.allows.Load(), t.denials.Load()} }

func (t *tally) add(denial bool) {
	if denial {
		t.denials.Add(1)
	} else {
		t.allows.Add(1)
	}
}

// reason is why a line that finds no room is dropped.
func (q *queue) reason() Reason {
	switch {
	case q.closed.Load():
		return Closed
	case q.failing.Load():
		return WriteFailed
	}
	return QueueFull
}

// appendDropped appends the line that stands in the record for dropped ones.
func (c *encoder) appendDropped(b []byte, at int64, d Dropped, why Reason) []byte {
	b = append(c.time(b, at), `,"level":"WARN","msg":"dropped","n":`...)
	b = strconv.AppendUint(b, d.All(), 10)
	b = strconv.AppendUint(append(b, `,"allows":`...), d.Allows, 10)
	b = strconv.AppendUint(append(b, `,"denials":`...), d.Denials, 10)
	b = appendName(b, `,"why":"`, why.String())
	return append(b, '}', '\n')
}
