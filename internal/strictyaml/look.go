package strictyaml

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// look is what a plain scalar is taken for (the core schema of YAML 1.2).
type look string

const (
	looksNull  look = "nothing"
	looksBool  look = "boolean"
	looksInt   look = "whole number"
	looksFloat look = "number"
	looksText  look = "text"
)

var (
	intLook   = regexp.MustCompile(`^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	floatLook = regexp.MustCompile(`^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

func lookOf(plain string) look {
	switch plain {
	case "", "~", "null", "Null", "NULL":
		return looksNull
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return looksBool
	}
	switch {
	case intLook.MatchString(plain):
		return looksInt
	case floatLook.MatchString(plain):
		return looksFloat
	}
	return looksText
}

// reading is a scalar with its references replaced.
type reading struct {
	text      string
	reference string // the value came through it and must not be shown
	quoted    bool
}

func (s reading) look() look {
	if s.quoted {
		return looksText
	}
	return lookOf(s.text)
}

// accepts tells whether the scalar may be read as what its text looks like: a quoted text is a text, but what a reference gives may be
// anything.
func (s reading) accepts(want ...look) bool {
	if s.reference != "" {
		return slices.Contains(want, lookOf(s.text))
	}
	return slices.Contains(want, s.look())
}

func (s reading) natural() any {
	if s.reference != "" {
		return s.text
	}
	switch s.look() {
	case looksNull:
		return nil
	case looksBool:
		return strings.EqualFold(s.text, "true")
	case looksInt:
		if i, err := strconv.ParseInt(s.text, 0, 64); err == nil && !leadingZero(s.text) {
			return i
		}
	case looksFloat:
		if f, err := strconv.ParseFloat(s.text, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return f
		}
	}
	return s.text
}

func (s reading) describe() string {
	if look := s.look(); look != looksText {
		return fmt.Sprintf("the %s %s", look, s.text)
	}
	return "the text " + quote(s.text)
}

// leadingZero tells 017, which is 17 to some and 15 to others.
func leadingZero(text string) bool {
	digits := strings.TrimLeft(text, "+-")
	return len(digits) > 1 && digits[0] == '0' && '0' <= digits[1] && digits[1] <= '9'
}
