package posture

import "fmt"

// Mode tells whether a rule acts or only says what it would have done.
type Mode uint8

// The modes. Inherit takes the mode of whatever the rule belongs to.
const (
	Inherit Mode = iota
	Monitor      // shadow: nothing of any answer changes, the record says what would have happened
	Enforce      // live
)

var modeNames = [...]string{"", "monitor", "enforce"}

func (m Mode) String() string { return modeNames[m] }

// Or is m, or the other mode when m inherits.
func (m Mode) Or(outer Mode) Mode {
	if m == Inherit {
		return outer
	}
	return m
}

// MarshalText writes the mode's name; Inherit is empty.
func (m Mode) MarshalText() ([]byte, error) { return []byte(modeNames[m]), nil }

// UnmarshalText reads a mode's name.
func (m *Mode) UnmarshalText(b []byte) error {
	switch string(b) {
	case "monitor":
		*m = Monitor
	case "enforce":
		*m = Enforce
	default:
		return fmt.Errorf("no mode %q; the modes are monitor and enforce", b)
	}
	return nil
}

// JSONSchema describes the text form.
func (Mode) JSONSchema() map[string]any {
	return map[string]any{"type": "string", "enum": []string{"monitor", "enforce"}}
}
