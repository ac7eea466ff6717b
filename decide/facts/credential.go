package facts

import "log/slog"

// Credential is what the caller presented to say who it is. The text itself never leaves the decision: printing it gives its kind.
type Credential struct {
	Kind CredentialKind
	text string
}

// CredentialKind is the scheme of a credential.
type CredentialKind uint8

// The schemes told apart. Other is an Authorization header of any other scheme.
const (
	NoCredential CredentialKind = iota
	Bearer
	Basic
	APIKey
	Cookie
	Other
)

var credentialNames = [...]string{"none", "bearer", "basic", "key", "cookie", "other"}

func (k CredentialKind) String() string { return credentialNames[k] }

// NewCredential wraps a presented secret.
func NewCredential(kind CredentialKind, text string) Credential { return Credential{kind, text} }

// Reveal gives the secret to a prover. Never log, record or forward it.
func (c Credential) Reveal() string { return c.text }

func (c Credential) String() string { return c.Kind.String() + " [redacted]" }

// GoString keeps %#v from printing the secret.
func (c Credential) GoString() string { return c.String() }

// LogValue keeps slog from printing the secret.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }
