// Package pseudonym makes keyed, one-way stand-ins for personal data and secrets, so that two requests about the same person can be
// joined in a record without the record naming anybody. It is not encryption: nothing can be turned back, and without the key
// nothing can be guessed by trying names.
package pseudonym

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Key is the secret all stand-ins of one installation depend on. Whoever has it can test guesses, so it stays in the data folder.
type Key [32]byte

// Sum is a stand-in: 64 bits of SHA-256 over key, kind and value. Kind keeps the stand-ins of equal values in different
// roles (a user name that is also an e-mail address) apart. Truncation makes length extension useless.
type Sum [8]byte

// TextLen is the length of a Sum's text.
const TextLen = 13

var text = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// onStack is the longest value hashed without allocating.
const onStack = 1024

// Sum makes the stand-in of a value.
func (k *Key) Sum(kind, value string) Sum {
	var buf [len(k) + 16 + onStack]byte
	b := append(buf[:0], k[:]...)
	b = append(b, kind...)
	b = append(b, 0)
	b = append(b, value...)
	full := sha256.Sum256(b)
	return Sum(full[:8])
}

// AppendText appends the 13 characters of the stand-in.
func (s Sum) AppendText(b []byte) []byte { return text.AppendEncode(b, s[:]) }

func (s Sum) String() string { return string(s.AppendText(nil)) }

// NewKey makes a random key.
func NewKey() Key {
	var k Key
	_, _ = rand.Read(k[:]) // never fails since Go 1.24
	return k
}

// LoadKey reads the key from a file, or makes the file (mode 0600) with a new key when there is none, so that the
// stand-ins stay the same over restarts.
func LoadKey(path string) (Key, error) {
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return createKey(path)
	case err != nil:
		return Key{}, err
	case len(b) != len(Key{}):
		return Key{}, fmt.Errorf("%s: a pseudonym key has %d bytes, this has %d", path, len(Key{}), len(b))
	}
	return Key(b), nil
}

// createKey links a complete file into place, so that a crash leaves no half key and, of two processes, one key wins.
func createKey(path string) (Key, error) {
	k := NewKey()
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return Key{}, err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(k[:])
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return Key{}, err
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return LoadKey(path)
		}
		return Key{}, err
	}
	return k, nil
}
