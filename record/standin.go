package record

import (
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"glacis/decide/facts"
	"glacis/decide/identity"
	"glacis/internal/pseudonym"
)

// standIns are what a line tells instead of secrets and personal data. They are made before a shard is locked: hashing is the
// slowest part of a line.
type standIns struct {
	credential pseudonym.Sum
	fields     [facts.MaxFields]pseudonym.Sum
	found      uint8 // which of fields are told
}

// standInsFor makes the stand-ins of a request. It allocates only for a credential of more than 1 KiB.
func standInsFor(key *pseudonym.Key, f *facts.Facts, who *identity.Subject) (s standIns) {
	if isUnproven(who) {
		s.credential = key.Sum("credential", f.Credential.Reveal())
	}
	if !f.Fields.Any() {
		return s
	}
	for i := range f.Route.Body.Fields {
		spec := &f.Route.Body.Fields[i]
		if v, ok := f.Fields.Get(i); ok && spec.Role != facts.RoleSecret {
			s.fields[i] = foldedSum(key, labelOf(spec), v)
			s.found |= 1 << i
		}
	}
	return s
}

func isUnproven(who *identity.Subject) bool { return !who.Proven && who.Mark != 0 }

// labelOf is the name a field has in a line, and the kind of its stand-in: the role, so that the same person is the same on every
// route, or the configured name where the role says nothing.
func labelOf(spec *facts.FieldSpec) string {
	if spec.Role == facts.RoleCustom {
		return spec.Name
	}
	return spec.Role.String()
}

// longestFolded is the longest value folded on the stack; facts keeps no longer ones.
const longestFolded = 1 << 10

// foldedSum ignores case and surrounding space, as upstreams commonly do.
func foldedSum(key *pseudonym.Key, kind, v string) pseudonym.Sum {
	v = strings.TrimSpace(v)
	if len(v) > longestFolded {
		return key.Sum(kind, strings.ToLower(v))
	}
	if isFolded(v) {
		return key.Sum(kind, v)
	}
	var buf [longestFolded * utf8.UTFMax]byte
	b := buf[:0]
	for _, r := range v {
		b = utf8.AppendRune(b, unicode.ToLower(r))
	}
	return key.Sum(kind, unsafe.String(&b[0], len(b))) // Sum keeps nothing, and b is not changed before it returns
}

// isFolded tells that v is ASCII without capitals.
func isFolded(v string) bool {
	for i := range len(v) {
		if c := v[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}
