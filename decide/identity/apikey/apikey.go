// Package apikey proves callers by static API keys listed in the configuration as SHA-256 hashes. The keys themselves are
// nowhere: whoever reads the configuration cannot call. Issuing and rotating keys is not done here.
package apikey

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"glacis/decide/facts"
	"glacis/decide/identity"
)

// Config is one accepted key.
type Config struct {
	Name   string `yaml:"name" required:"true" doc:"Public name of the caller; appears in the record and in Glacis-Subject."`
	SHA256 string `yaml:"sha256" required:"true" doc:"SHA-256 of the key, 64 hexadecimal characters: printf %s KEY | sha256sum."`
}

// Keys are the accepted keys.
type Keys struct {
	byHash map[[sha256.Size]byte]string
}

var _ identity.Prover = (*Keys)(nil)

// longest is the longest credential looked at; API keys are short, and hashing must stay on the stack.
const longest = 512

// New builds the set of accepted keys. The error names the entry by its index in the list.
func New(list []Config) (*Keys, error) {
	k := &Keys{byHash: make(map[[sha256.Size]byte]string, len(list))}
	names := make(map[string]bool, len(list))
	for i, c := range list {
		raw, err := hex.DecodeString(c.SHA256)
		if err != nil || len(raw) != sha256.Size {
			return nil, &Error{i, "sha256", fmt.Sprintf("the hash of key %q must be 64 hexadecimal characters", c.Name)}
		}
		h := [sha256.Size]byte(raw)
		if c.Name == "" || names[c.Name] {
			return nil, &Error{i, "name", fmt.Sprintf("key name %q is empty or used twice", c.Name)}
		}
		if other, ok := k.byHash[h]; ok {
			return nil, &Error{i, "sha256", fmt.Sprintf("keys %q and %q are the same key", other, c.Name)}
		}
		names[c.Name], k.byHash[h] = true, c.Name
	}
	return k, nil
}

// Error tells which entry of the list is wrong.
type Error struct {
	Index   int
	Field   string // "name" or "sha256"
	Message string
}

func (e *Error) Error() string { return e.Message }

// Prove looks the credential up by its hash. A look-up by hash leaks nothing useful by its time: an attacker cannot choose
// hashes that share a prefix with a secret one.
func (k *Keys) Prove(c facts.Credential) (identity.Subject, bool) {
	text := c.Reveal()
	if len(k.byHash) == 0 || len(text) > longest || c.Kind != facts.APIKey && c.Kind != facts.Bearer {
		return identity.Subject{}, false
	}
	var buf [longest]byte
	name, ok := k.byHash[sha256.Sum256(append(buf[:0], text...))]
	if !ok {
		return identity.Subject{}, false
	}
	return identity.Subject{Kind: identity.Key, Name: name}, true
}
