// Package limit is how much is left, and when there is more: named budgets over the dimensions of a request.
// The arithmetic is pure and takes the time as an argument; where the budgets are kept is a Store's business.
package limit

import (
	"fmt"
	"time"

	"glacis/posture"
)

// Config is one limit as the operator writes it.
type Config struct {
	Name  string       `yaml:"name" doc:"Name in answers, records and metrics; made from route and dimensions when empty. Counters follow the name over a reload."`
	Per   []Dimension  `yaml:"per" required:"true" doc:"What is counted apart: all, client, network, key, subject, user, route, class, host, method, header:NAME, field:NAME. A limit applies when every one of them is present in the request."`
	Rate  Rate         `yaml:"rate" required:"true" doc:"Sustained rate, such as 120/m or 5/15m."`
	Burst int64        `yaml:"burst" doc:"Most requests at once; the number in the rate when 0."`
	Cost  int64        `yaml:"cost" doc:"Units one request takes; 1 when 0."`
	Mode  posture.Mode `yaml:"mode" doc:"monitor or enforce; the route's mode when empty."`
}

// Limit is a budget ready to be asked.
type Limit struct {
	Name  string
	Per   []Dimension
	Rate  Rate
	Burst int64
	Cost  int64

	interval  int64 // ns a unit
	tolerance int64 // ns: burst * interval
}

// MaxDimensions bounds the dimensions of one limit.
const MaxDimensions = 4

// maxRefill is the longest a whole burst may take to come back, in nanoseconds: 45 days, what every store can count.
const maxRefill = 45 * 24 * int64(time.Hour)

// New makes a limit. The error is a sentence about the configuration, without a position.
func New(c Config) (*Limit, error) {
	l := &Limit{Name: c.Name, Per: c.Per, Rate: c.Rate, Burst: c.Burst, Cost: max(1, c.Cost)}
	if l.Burst == 0 {
		l.Burst = c.Rate.N
	}
	l.interval = c.Rate.Interval()
	if err := c.Rate.Validate(); err != nil {
		return nil, err
	}
	switch {
	case !validName(c.Name):
		return nil, fmt.Errorf("a limit's name is 1 to %d printable ASCII characters without quotes and backslashes, not %q", maxName, c.Name)
	case len(c.Per) == 0 || len(c.Per) > MaxDimensions:
		return nil, fmt.Errorf("a limit counts per 1 to %d dimensions, this one has %d", MaxDimensions, len(c.Per))
	case l.Burst < 1 || l.Burst > maxRefill/l.interval:
		return nil, fmt.Errorf("a burst of %d at a rate of %s is out of range: it must be at least 1 and come back within 45 days", c.Burst, c.Rate)
	case c.Cost < 0 || l.Cost > l.Burst:
		return nil, fmt.Errorf("a cost of %d can never be paid from a burst of %d", c.Cost, l.Burst)
	}
	l.tolerance = l.Burst * l.interval
	return l, nil
}

// maxName bounds a limit's name: it stands in header fields.
const maxName = 128

// validName keeps names fit for header fields, JSON and metric labels as they are.
func validName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return name != "" && len(name) <= maxName
}

// claim is what one request asks of the limit. Strain ≥ 1 makes every unit dearer; it is capped so that a full budget always
// pays for one request: nobody is shut out for good by suspicion alone.
func (l *Limit) claim(key uint64, strain float64) Claim {
	interval := l.interval
	if strain > 1 {
		interval = int64(min(float64(interval)*strain, float64(l.tolerance/l.Cost)))
	}
	return Claim{Key: key, Interval: max(interval, l.interval), Tolerance: l.tolerance, Cost: l.Cost}
}

// State is how one limit stands towards one request after it was asked.
type State struct {
	Limit     *Limit
	Remaining int64         // units that could be taken right now
	Wait      time.Duration // until the request would be met; 0 when it was
	Reset     time.Duration // until the budget is whole again
	Overflow  bool          // the budget was kept in the store's overflow tier, where keys may share
}

func (l *Limit) state(c *Claim) State {
	left := c.GCRA().Remaining(c.Debt)
	if c.Wait > 0 {
		left = 0
	}
	return State{Limit: l, Remaining: left, Wait: time.Duration(c.Wait), Reset: time.Duration(max(0, c.Debt)), Overflow: c.Overflow}
}
