package limit

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"net/textproto"
	"strings"

	"glacis/decide/facts"
	"glacis/decide/identity"
)

// Dimension is one thing a limit counts apart.
type Dimension struct {
	kind dimension
	name string // of a header (canonical) or of a payload field
}

type dimension uint8

const (
	all dimension = iota
	client
	network
	key
	subject
	user
	route
	class
	host
	method
	header
	field
)

var dimensionNames = [...]string{"all", "client", "network", "key", "subject", "user", "route", "class", "host", "method", "header", "field"}

func (d Dimension) String() string {
	if d.name != "" {
		return dimensionNames[d.kind] + ":" + d.name
	}
	return dimensionNames[d.kind]
}

// MarshalText writes the dimension as configured.
func (d Dimension) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads "client" or "header:X-Tenant".
func (d *Dimension) UnmarshalText(b []byte) error {
	kind, name, named := strings.Cut(string(b), ":")
	for i, n := range dimensionNames {
		if n != kind {
			continue
		}
		if wants := dimension(i) == header || dimension(i) == field; wants != (named && name != "") {
			return fmt.Errorf("dimension %q: header and field take a name, as in header:X-Tenant; the others do not", b)
		}
		if dimension(i) == header {
			name = textproto.CanonicalMIMEHeaderKey(name)
		}
		*d = Dimension{dimension(i), name}
		return nil
	}
	return fmt.Errorf("no dimension %q; the dimensions are %s (header and field with :NAME)", b, strings.Join(dimensionNames[:], ", "))
}

// JSONSchema describes the text form.
func (Dimension) JSONSchema() map[string]any {
	return map[string]any{"type": "string", "pattern": "^(all|client|network|key|subject|user|route|class|host|method|header:.+|field:.+)$",
		"examples": []string{"client", "key", "header:X-Tenant"}}
}

// NeedsField gives the payload field the dimension is about, if any.
func (d Dimension) NeedsField() (name string, ok bool) {
	switch d.kind {
	case user:
		return "user", true
	case field:
		return d.name, true
	}
	return "", false
}

// hash mixes the request's value in this dimension into h; false when the request has none.
func (d Dimension) hash(h uint64, seed maphash.Seed, f *facts.Facts, who identity.Subject) (uint64, bool) {
	switch d.kind {
	case all:
		return h, true
	case client:
		return addressHash(h, f, 32, 64)
	case network:
		return addressHash(h, f, 24, 48)
	case key:
		return credentialHash(h, seed, who)
	case subject:
		return mix(h, maphash.String(seed, who.Name)), who.Proven
	case user:
		return roleHash(h, seed, f)
	case field:
		return fieldHash(h, seed, f, d.name)
	case class:
		return mix(h, uint64(f.Route.Class)), true
	case header:
		values := f.Header[d.name]
		if len(values) == 0 {
			return 0, false
		}
		return mix(h, maphash.String(seed, values[0])), true
	}
	text := f.Template
	switch d.kind {
	case host:
		text = f.Host
	case method:
		text = f.Method
	}
	return mix(h, maphash.String(seed, text)), true
}

// addressHash keeps the first bits of the client's address, per family.
func addressHash(h uint64, f *facts.Facts, bits4, bits6 int) (uint64, bool) {
	a := f.Client.Unmap()
	if !a.IsValid() {
		return 0, false
	}
	if a.Is4() {
		raw := a.As4()
		v := binary.BigEndian.Uint32(raw[:])
		return mix(h, uint64(v>>(32-bits4))|4<<32), true
	}
	raw := a.As16()
	v := binary.BigEndian.Uint64(raw[:8])
	return mix(mix(h, 6), v>>(64-bits6)), true
}

// credentialHash is the proven caller, whichever of its secrets it used, or else the credential as presented.
func credentialHash(h uint64, seed maphash.Seed, who identity.Subject) (uint64, bool) {
	if who.Proven {
		return mix(h, maphash.String(seed, who.Name)), true
	}
	return mix(mix(h, 1), who.Mark), who.Mark != 0
}

func roleHash(h uint64, seed maphash.Seed, f *facts.Facts) (uint64, bool) {
	v, ok := f.Field(facts.RoleUser)
	return mix(h, foldedHash(seed, v)), ok
}

func fieldHash(h uint64, seed maphash.Seed, f *facts.Facts, name string) (uint64, bool) {
	for i := range f.Route.Body.Fields {
		if f.Route.Body.Fields[i].Name == name {
			if v, ok := f.Fields.Get(i); ok {
				return mix(h, foldedHash(seed, v)), true
			}
		}
	}
	return 0, false
}

// foldedHash ignores ASCII case and surrounding space: upstreams commonly do, so an attacker must not gain a fresh budget by them.
func foldedHash(seed maphash.Seed, v string) uint64 {
	v = strings.TrimSpace(v)
	var buf [1024]byte
	n := copy(buf[:], v)
	for i, c := range buf[:n] {
		if 'A' <= c && c <= 'Z' {
			buf[i] = c + 'a' - 'A'
		}
	}
	return maphash.Bytes(seed, buf[:n])
}

// mix folds one value into a running hash (the multiply and xor-shift of splitmix64, Steele, Lea and Flood 2014). Every attacker-chosen
// text was hashed with the secret seed before it gets here, and h starts from it too.
func mix(h, v uint64) uint64 {
	h = (h ^ v) + 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
