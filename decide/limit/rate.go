package limit

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Rate is how many units a budget regains in a period: N per Per. The zero Rate is unset.
type Rate struct {
	N   int64
	Per time.Duration
}

const (
	day     = 24 * time.Hour
	maxPer  = 31 * day
	minUnit = 100 // ns: the shortest interval, 10 million units a second
	maxRate = int64(time.Second / minUnit)
)

// periods are the units of the text form, longest first.
var periods = []struct {
	name string
	d    time.Duration
}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}}

const ratePattern = `^[1-9][0-9]*/([1-9][0-9]*)?(ms|s|m|h|d)$`

// ParseRate reads "120/m", "10/s", "5/15m", "1000/h", "3/24h" or "1/d".
func ParseRate(s string) (Rate, error) {
	number, period, ok := strings.Cut(s, "/")
	switch {
	case len(s) > 40:
		return Rate{}, fmt.Errorf("a rate of %d characters is too long; write it as 120/m or 5/15m", len(s))
	case !ok:
		return Rate{}, fmt.Errorf("rate %q: write it as a number per period, such as 120/m or 5/15m", s)
	}
	n, err := parseNumber(s, "number", number)
	if err != nil {
		return Rate{}, err
	}
	per, err := parsePeriod(s, period)
	if err != nil {
		return Rate{}, err
	}
	r := Rate{N: n, Per: per}
	return r, r.Validate()
}

// parseNumber reads one whole number of the rate s; what says which.
func parseNumber(s, what, digits string) (int64, error) {
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case err != nil && strings.Trim(digits, "0123456789") == "" && digits != "":
		return 0, fmt.Errorf("rate %q: the %s is out of range", s, what)
	case err != nil || digits[0] == '+':
		return 0, fmt.Errorf("rate %q: %q is not a whole number", s, digits)
	case n <= 0:
		return 0, fmt.Errorf("rate %q: the %s must be at least 1", s, what)
	case digits[0] == '0':
		return 0, fmt.Errorf("rate %q: the %s must not start with 0", s, what)
	}
	return n, nil
}

// parsePeriod reads "m", "15m" or "24h", the period of the rate s.
func parsePeriod(s, period string) (time.Duration, error) {
	digits := period[:len(period)-len(strings.TrimLeft(period, "+-0123456789."))]
	unit := period[len(digits):]
	count := int64(1)
	if digits != "" {
		var err error
		if count, err = parseNumber(s, "period", digits); err != nil {
			return 0, err
		}
	}
	for _, p := range periods {
		if p.name != unit {
			continue
		}
		if count > int64(maxPer/p.d) {
			return 0, fmt.Errorf("rate %q: the period is longer than 31 days", s)
		}
		return time.Duration(count) * p.d, nil
	}
	return 0, fmt.Errorf("rate %q: no unit of time %q; use ms, s, m, h or d", s, unit)
}

// Validate says in a sentence what is wrong with the rate, if anything.
func (r Rate) Validate() error {
	switch {
	case r.N <= 0:
		return fmt.Errorf("rate %s: the number must be at least 1", r)
	case r.Per <= 0:
		return fmt.Errorf("rate %s: the period must be longer than nothing", r)
	case r.Per > maxPer:
		return fmt.Errorf("rate %s: the period is longer than 31 days", r)
	case r.Per%time.Millisecond != 0:
		return fmt.Errorf("rate %s: the period must be whole milliseconds", r)
	case int64(r.Per)/r.N < minUnit:
		return fmt.Errorf("rate %s: more than %d units a second are too close together for the clock", r, maxRate)
	}
	return nil
}

// Interval is the time in which one unit is regained, in whole nanoseconds. It is rounded up, so the rate kept is never above the
// rate stated and less than 1 ns a unit below it (at most one percent at the fastest rate allowed, 1e-8 at 120/m). A rate that is
// not valid has the longest interval there is.
func (r Rate) Interval() int64 {
	if r.N <= 0 || r.Per <= 0 {
		return math.MaxInt64
	}
	return (int64(r.Per)-1)/r.N + 1
}

// IsZero says that no rate is set.
func (r Rate) IsZero() bool { return r == Rate{} }

// String is the text form with the longest unit that divides the period: 3/24h prints as 3/d.
func (r Rate) String() string {
	for _, p := range periods {
		if r.Per <= 0 || r.Per%p.d != 0 {
			continue
		}
		count := strconv.FormatInt(int64(r.Per/p.d), 10)
		if count == "1" {
			count = ""
		}
		return strconv.FormatInt(r.N, 10) + "/" + count + p.name
	}
	return strconv.FormatInt(r.N, 10) + "/" + r.Per.String()
}

// MarshalText writes the text form; nothing for the zero Rate.
func (r Rate) MarshalText() ([]byte, error) {
	if r.IsZero() {
		return nil, nil
	}
	return []byte(r.String()), r.Validate()
}

// UnmarshalText reads the text form.
func (r *Rate) UnmarshalText(b []byte) error {
	v, err := ParseRate(string(b))
	if err != nil {
		return err
	}
	*r = v
	return nil
}

// JSONSchema describes the text form.
func (Rate) JSONSchema() map[string]any {
	return map[string]any{
		"type": "string", "pattern": ratePattern,
		"description": "Units per period, as number/period: the period is ms, s, m, h or d, with a count before it if not 1; at most 31 days and 10 million units a second.",
		"examples":    []string{"10/s", "120/m", "5/15m", "1000/h", "3/24h", "1/d"},
	}
}
