package strictyaml

import (
	"fmt"
	"strconv"
	"strings"
)

// Key is the path of a key of a mapping.
func Key(path, key string) string {
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return !isWord(r) }) {
		return fmt.Sprintf("%s[%q]", path, key)
	}
	return path + "." + key
}

// Index is the path of an element of a list.
func Index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

func isWord(r rune) bool {
	return r == '_' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// place is a path while decoding, made text only when something is wrong there. The root is nil.
type place struct {
	up    *place
	key   string
	index int // -1: a key
}

func (p *place) child(key string) *place { return &place{up: p, key: key, index: -1} }
func (p *place) item(i int) *place       { return &place{up: p, index: i} }

func (p *place) String() string {
	switch {
	case p == nil:
		return "$"
	case p.index < 0:
		return Key(p.up.String(), p.key)
	}
	return Index(p.up.String(), p.index)
}

// find follows a path as far as the file goes.
func (n *node) find(path string) *node {
	rest := strings.TrimPrefix(path, "$")
	for rest != "" {
		key, index, after, ok := step(rest)
		var next *node
		switch {
		case !ok:
		case index >= 0 && index < len(n.items):
			next = n.items[index]
		case index < 0:
			if e := n.get(key); e != nil {
				next = e.value
			}
		}
		if next == nil {
			return n
		}
		n, rest = next, after
	}
	return n
}

// step reads .key, [3] or ["any key"] from the head of a path. The index is -1 for a key.
func step(path string) (key string, index int, rest string, ok bool) {
	if after, isKey := strings.CutPrefix(path, "."); isKey {
		end := strings.IndexAny(after, ".[")
		if end < 0 {
			end = len(after)
		}
		return after[:end], -1, after[end:], end > 0
	}
	after, ok := strings.CutPrefix(path, "[")
	if !ok {
		return "", 0, "", false
	}
	if quoted, err := strconv.QuotedPrefix(after); err == nil {
		key, err = strconv.Unquote(quoted)
		rest, ok = strings.CutPrefix(after[len(quoted):], "]")
		return key, -1, rest, ok && err == nil
	}
	digits, rest, ok := strings.Cut(after, "]")
	index, err := strconv.Atoi(digits)
	return "", index, rest, ok && err == nil && index >= 0
}
