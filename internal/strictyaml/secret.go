package strictyaml

import "log/slog"

// Secret is a text that is never shown: however it is printed, logged or marshalled, it reads [redacted].
type Secret string

// Reveal is the text.
func (s Secret) Reveal() string { return string(s) }

// String is "[redacted]".
func (Secret) String() string { return redacted }

// GoString is "[redacted]".
func (Secret) GoString() string { return redacted }

// MarshalText writes "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON writes "[redacted]".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalYAML writes "[redacted]".
func (Secret) MarshalYAML() (any, error) { return redacted, nil }

// LogValue is "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
