package limit

import (
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseRate(t *testing.T) {
	for _, c := range []struct {
		in, canonical string
		want          Rate
	}{
		{"120/m", "120/m", Rate{120, time.Minute}},
		{"10/s", "10/s", Rate{10, time.Second}},
		{"5/15m", "5/15m", Rate{5, 15 * time.Minute}},
		{"1000/h", "1000/h", Rate{1000, time.Hour}},
		{"3/24h", "3/d", Rate{3, 24 * time.Hour}},
		{"1/d", "1/d", Rate{1, 24 * time.Hour}},
		{"1/31d", "1/31d", Rate{1, 31 * 24 * time.Hour}},
		{"5/60s", "5/m", Rate{5, time.Minute}},
		{"7/90s", "7/90s", Rate{7, 90 * time.Second}},
		{"2/1500ms", "2/1500ms", Rate{2, 1500 * time.Millisecond}},
		{"10000000/s", "10000000/s", Rate{1e7, time.Second}},
	} {
		var r Rate
		if err := r.UnmarshalText([]byte(c.in)); err != nil || r != c.want {
			t.Errorf("%s reads as %+v, %v; want %+v", c.in, r, err, c.want)
		}
		if text, err := r.MarshalText(); err != nil || string(text) != c.canonical {
			t.Errorf("%s is written %s, %v; want %s", c.in, text, err, c.canonical)
		}
	}
}

func TestParseRateSaysWhatIsWrong(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "write it as a number per period",
		strings.Repeat("9", 99):   "99 characters is too long",
		"120":                     "write it as a number per period",
		"0/m":                     "the number must be at least 1",
		"-5/m":                    "the number must be at least 1",
		"+5/m":                    "not a whole number",
		"1.5/m":                   "not a whole number",
		"1e3/m":                   "not a whole number",
		"05/m":                    "must not start with 0",
		" 5/m":                    "not a whole number",
		"NaN/m":                   "not a whole number",
		"99999999999999999999/s":  "the number is out of range",
		"10000001/s":              "too close together for the clock",
		"9223372036854775807/d":   "too close together for the clock",
		"5/":                      `no unit of time ""`,
		"5/min":                   `no unit of time "min"`,
		"5/ m":                    `no unit of time " m"`,
		"5/0m":                    "the period must be at least 1",
		"5/-1m":                   "the period must be at least 1",
		"5/1.5h":                  "not a whole number",
		"5/10us":                  `no unit of time "us"`,
		"5/32d":                   "longer than 31 days",
		"5/9223372036854775807h":  "longer than 31 days",
		"5/99999999999999999999h": "the period is out of range",
		"5/m/h":                   `no unit of time "m/h"`,
	} {
		if r, err := ParseRate(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %+v, %v; want an error saying %q", in, r, err, want)
		}
	}
}

func TestRateNotFromText(t *testing.T) {
	for r, want := range map[Rate]string{
		{}:                            "at least 1",
		{N: 5}:                        "longer than nothing",
		{N: 5, Per: -time.Second}:     "longer than nothing",
		{N: 1, Per: time.Microsecond}: "whole milliseconds",
	} {
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error saying %q", r, err, want)
		}
	}
	for _, r := range []Rate{{}, {N: 5}, {N: -1, Per: time.Second}} {
		if r.Interval() != math.MaxInt64 {
			t.Errorf("%+v has an interval of %d", r, r.Interval())
		}
	}
	if b, err := json.Marshal(struct {
		Rate Rate `json:"rate,omitzero"`
	}{}); err != nil || string(b) != "{}" {
		t.Errorf("an unset rate is written %s, %v", b, err)
	}
}

// The rate kept is never above the one stated, and a nanosecond less would be.
func TestIntervalIsRoundedUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Rate{rapid.Int64Range(1, 1e7).Draw(t, "n"), time.Duration(rapid.Int64Range(1, 31*24*3600).Draw(t, "s")) * time.Second}
		if r.Validate() != nil {
			return
		}
		i := r.Interval()
		if i*r.N < int64(r.Per) {
			t.Fatalf("%s: %d intervals of %d ns take less than the period", r, r.N, i)
		}
		if (i-1)*r.N >= int64(r.Per) {
			t.Fatalf("%s: an interval of %d ns is longer than it need be", r, i)
		}
	})
}

func TestRateTextRoundTripsAndMatchesItsSchema(t *testing.T) {
	schema := Rate{}.JSONSchema()
	pattern := regexp.MustCompile(schema["pattern"].(string))
	for _, example := range schema["examples"].([]string) {
		if _, err := ParseRate(example); err != nil || !pattern.MatchString(example) {
			t.Errorf("the example %s: %v", example, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		r := Rate{rapid.Int64Range(1, 1e6).Draw(t, "n"), time.Duration(rapid.Int64Range(1, 31*24*3600*1000).Draw(t, "ms")) * time.Millisecond}
		text, err := r.MarshalText()
		if err != nil {
			return
		}
		back, err := ParseRate(string(text))
		if err != nil || back != r || !pattern.Match(text) {
			t.Fatalf("%s reads back as %+v, %v", text, back, err)
		}
	})
}

func FuzzRate(f *testing.F) {
	for _, s := range []string{"120/m", "5/15m", "3/24h", "0/m", "5/-1h", "/", "1e9/s", "99999999999999999999/ms"} {
		f.Add(s)
	}
	pattern := regexp.MustCompile(ratePattern)
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRate(s)
		if err != nil {
			if len(err.Error()) > 500 {
				t.Fatalf("a long error: %v", err)
			}
			return
		}
		if !pattern.MatchString(s) {
			t.Fatalf("%q is read and does not match the schema", s)
		}
		if back, err := ParseRate(r.String()); err != nil || back != r {
			t.Fatalf("%q is written %s, which reads as %+v, %v", s, r, back, err)
		}
	})
}
