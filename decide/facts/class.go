package facts

import (
	"fmt"
	"strings"
)

// Class is a route's kind: what an abuser would want from it. Presets hang on it.
type Class uint8

// The classes. Plain is everything that is none of the others.
const (
	Plain Class = iota
	Login
	Reset
	OTP
	Signup
	Lookup
	Catalog
	Search
	Hold
	Checkout
	Webhook
	Internal
	NumClasses
)

var classNames = [NumClasses]string{"plain", "login", "reset", "otp", "signup", "lookup", "catalog", "search", "hold", "checkout", "webhook", "internal"}

func (c Class) String() string {
	if c >= NumClasses {
		return "plain"
	}
	return classNames[c]
}

// ClassNames lists the names in order.
func ClassNames() []string { return classNames[:] }

// MarshalText writes the class's name.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a class's name.
func (c *Class) UnmarshalText(b []byte) error {
	for i, name := range classNames {
		if name == string(b) {
			*c = Class(i)
			return nil
		}
	}
	return fmt.Errorf("no class %q; the classes are %s", b, strings.Join(classNames[:], ", "))
}
