package facts

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
)

// Bounds of what is learnt from paths that anybody may send.
const (
	maxTemplates = 4096 // then all that is new is counted under otherTemplate
	maxSegments  = 16   // of a path; deeper ones end in "/…"
	maxLiterals  = 64   // different words in one place; further ones become {name}
)

const (
	otherTemplate = "/{other}"
	deeper        = "…"
)

// learner makes templates of paths: /users/17/orders is /users/{id}/orders. It is a tree of segments. A path whose template is
// known is found by reading alone, without a lock; a new one is put in under the lock.
//
// It is bounded by count: templates, nodes (each holds one segment of at most maxLiteral bytes) and words in one place. The words
// that GuessClass reads are not subject to the last, or a scanner sending nonsense first could hide /login behind /{name}.
type learner struct {
	root      learntNode
	templates atomic.Int64
	unlearnt  atomic.Uint64

	maxTemplates int
	full         atomic.Bool // there is no room for another node or template; it stays so

	mu    sync.Mutex // for writing the tree
	nodes int        // guarded by mu
}

// learntNode is one segment below another. Its map is never changed, only replaced, so that readers need no lock.
type learntNode struct {
	parent   *learntNode
	segment  string
	children atomic.Pointer[map[string]*learntNode]
	literals atomic.Int32 // children spelt as they came
	ends     atomic.Pointer[learntTemplate]
}

// learntTemplate is a template with the class it has under each kind of method.
type learntTemplate struct {
	text  string
	class [numMethodKinds]Class
}

func newLearner(maxTemplates int) *learner { return &learner{maxTemplates: maxTemplates} }

// template gives the class and the template of a path, learning it if it is new.
func (l *learner) template(method, path string) (Class, string) {
	if t := l.find(path); t != nil {
		return t.class[methodKindOf(method)], t.text
	}
	l.unlearnt.Add(1)
	return GuessClass(method, path), otherTemplate
}

// find walks the path down the tree, growing it where needed. It returns nil when there is no room to grow.
func (l *learner) find(path string) *learntTemplate {
	n := &l.root
	for depth := 0; len(path) > 1; depth++ {
		segment := path[1:]
		if depth == maxSegments {
			segment, path = deeper, ""
		} else if i := strings.IndexByte(segment, '/'); i >= 0 {
			segment, path = segment[:i], segment[i:]
		} else {
			path = ""
		}
		if n = l.child(n, segment); n == nil {
			return nil
		}
	}
	if t := n.ends.Load(); t != nil {
		return t
	}
	return l.end(n)
}

// child gives the node that a segment of a path leads to from n.
func (l *learner) child(n *learntNode, segment string) *learntNode {
	segment = cutParameters(segment)
	crowded := n.crowded() // before the children are read: a place found crowded must show all its words
	children := n.childMap()
	if c := children[segment]; c != nil {
		return c
	}
	var small [2 * maxLiteral]byte
	key, literal := appendKey(small[:0], segment, crowded)
	if !literal {
		if c := children[string(key)]; c != nil {
			return c
		}
	}
	if l.full.Load() {
		return nil
	}
	return l.grow(n, segment)
}

// grow is child under the lock, with a new node where there is none yet.
func (l *learner) grow(n *learntNode, segment string) *learntNode {
	l.mu.Lock()
	defer l.mu.Unlock()
	children := n.childMap()
	if c := children[segment]; c != nil { // put in meanwhile, perhaps as the last word before the place was crowded
		return c
	}
	key, literal := appendKey(nil, segment, n.crowded())
	if c := children[string(key)]; c != nil {
		return c
	}
	if l.nodes >= 2*l.maxTemplates {
		l.full.Store(true)
		return nil
	}
	l.nodes++
	c := &learntNode{parent: n, segment: string(key)}
	grown := make(map[string]*learntNode, len(children)+1)
	maps.Copy(grown, children)
	grown[c.segment] = c
	n.children.Store(&grown)
	if literal {
		n.literals.Add(1)
	}
	return c
}

// end makes the path that leads to n a template.
func (l *learner) end(n *learntNode) *learntTemplate {
	if l.full.Load() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := n.ends.Load(); t != nil {
		return t
	}
	if int(l.templates.Load()) >= l.maxTemplates {
		l.full.Store(true)
		return nil
	}
	l.templates.Add(1)
	t := &learntTemplate{text: n.text()}
	for k := range t.class {
		t.class[k] = guess(methodKind(k), t.text)
	}
	n.ends.Store(t)
	return t
}

func (n *learntNode) childMap() map[string]*learntNode {
	if m := n.children.Load(); m != nil {
		return *m
	}
	return nil
}

func (n *learntNode) crowded() bool { return n.literals.Load() >= maxLiterals }

// text is the path of segments that leads to n.
func (n *learntNode) text() string {
	if n.parent == nil {
		return "/"
	}
	return strings.TrimSuffix(n.parent.text(), "/") + "/" + n.segment
}

// appendKey appends what a segment is called in a template: its placeholder, or itself, which is then literal.
// In a crowded place a word is itself only when it tells a class, and then in its one normal spelling.
func appendKey(b []byte, segment string, crowded bool) (_ []byte, literal bool) {
	stem, extension := cutExtension(segment)
	shape := shapeOf(stem)
	if shape == "" && len(segment) > maxLiteral {
		shape = shapeToken
	}
	if shape == "" && !crowded {
		return append(b, segment...), true
	}
	if shape == "" {
		if spelling, w := normalWord(b, segment); w != noWord {
			return spelling, false
		}
		shape = shapeName
	}
	return append(append(b, shape...), extension...), false
}

// cutParameters drops the matrix parameters of a segment, which say which one and not what.
func cutParameters(segment string) string {
	if i := strings.IndexByte(segment, ';'); i > 0 {
		return segment[:i]
	}
	return segment
}
