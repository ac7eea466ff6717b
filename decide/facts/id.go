package facts

import (
	"encoding/base32"
	"encoding/binary"
	"errors"
	"math/rand/v2"
)

// ID names one decision: 48 bits of Unix milliseconds and 80 random bits, so IDs sort by time (the layout of ULID).
// It carries nothing about the client.
type ID [16]byte

// crockford is the ULID alphabet: no I, L, O, U, so that an ID survives being read out on the telephone.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// IDLen is the length of an ID's text.
const IDLen = 26

// NewID makes the ID of a decision made at the given time (nanoseconds since the Unix epoch).
// The random part comes from the runtime's per-thread ChaCha8: unguessable, without a lock or a system call.
func NewID(at int64) ID {
	var id ID
	ms := uint64(at / 1e6)
	binary.BigEndian.PutUint64(id[0:], ms<<16|rand.Uint64()&0xffff)
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	return id
}

// AppendText appends the 26 characters of the ID.
func (id ID) AppendText(b []byte) []byte { return crockford.AppendEncode(b, id[:]) }

func (id ID) String() string { return string(id.AppendText(make([]byte, 0, IDLen))) }

// IsZero tells that there is no ID.
func (id ID) IsZero() bool { return id == ID{} }

// Millis is the time in the ID, in milliseconds since the Unix epoch.
func (id ID) Millis() int64 { return int64(binary.BigEndian.Uint64(id[0:]) >> 16) }

// ParseID reads the text of an ID.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != IDLen {
		return id, errors.New("a decision id has 26 characters")
	}
	if _, err := crockford.Decode(id[:], []byte(s)); err != nil {
		return ID{}, errors.New("a decision id is made of 0-9 and A-Z without I, L, O and U")
	}
	return id, nil
}
