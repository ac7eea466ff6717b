package facts

import "unicode/utf8"

// Bounds of a JSON document. They bound what an upstream's parser could be made to do as much as what ours does.
const (
	maxJSONDepth  = 64
	maxJSONNumber = 256
)

// jsonState is what may come next.
type jsonState uint8

const (
	wantValue      jsonState = iota
	wantValueOrEnd           // just after "["
	wantName                 // after "," in an object
	wantNameOrEnd            // just after "{"
	wantCommaOrEnd           // after a value inside a container
	wantNothing              // after the document
)

// jsonFrame is one open container: where it lies on the declared paths (-1: on none) and, for an array, the index of its
// current element.
type jsonFrame struct {
	node  int16
	array bool
	index int32
}

// jsonScan reads one document, without recursion and without building it, and gives the values of declared fields to its finder.
//
// Two kinds of fault: what makes it unclear how to go on ends the scan; what other parsers go on after does not hide the rest of the
// document from us (invalid UTF-8, a lone surrogate, a byte order mark, a number of absurd length). Both are OddBodySyntax.
type jsonScan struct {
	finder
	b      []byte
	i      int
	more   bool // the document goes on after b
	plan   *fieldPlan
	node   int16 // where the value to come lies on the declared paths
	depth  int
	stack  [maxJSONDepth]jsonFrame
	seen   [maxPathNodes / 64]uint64
	buffer [maxFieldValue + utf8.UTFMax]byte
}

// scanJSON looks for the declared fields in b, which is a whole document or, with more, the beginning of one.
func scanJSON(plan *fieldPlan, b []byte, more bool, into *Fields) Odd {
	s := jsonScan{b: b, more: more, plan: plan, finder: newFinder(into)}
	if len(b) >= 3 && string(b[:3]) == "\xef\xbb\xbf" {
		s.i, s.odd = 3, OddBodySyntax
	}
	s.document()
	if more {
		s.odd |= OddBodyTruncated
	}
	return s.odd
}

func (s *jsonScan) document() {
	state := wantValue
	for {
		s.skipSpace()
		if s.i == len(s.b) {
			if state != wantNothing {
				s.cut()
			}
			return
		}
		next, ok := s.token(state, s.b[s.i])
		if !ok {
			return
		}
		state = next
	}
}

// token takes one token and tells what may follow. ok is false where the scan ends early; it has then noted why.
func (s *jsonScan) token(state jsonState, c byte) (next jsonState, ok bool) {
	switch {
	case state == wantNothing:
		return s.bad()
	case state == wantCommaOrEnd && c == ',':
		return s.comma()
	case c == '}' && (state == wantNameOrEnd || state == wantCommaOrEnd && !s.top().array),
		c == ']' && (state == wantValueOrEnd || state == wantCommaOrEnd && s.top().array):
		s.i++
		s.depth--
		return s.afterValue(), true
	case state == wantCommaOrEnd:
		return s.bad()
	case state == wantName || state == wantNameOrEnd:
		return s.name(c)
	}
	return s.value(c)
}

func (s *jsonScan) top() *jsonFrame { return &s.stack[s.depth-1] }

func (s *jsonScan) afterValue() jsonState {
	if s.depth == 0 {
		return wantNothing
	}
	return wantCommaOrEnd
}

func (s *jsonScan) bad() (jsonState, bool) {
	s.odd |= OddBodySyntax
	return wantNothing, false
}

// cut notes that the bytes ended inside the document: ours to blame, or the client's.
func (s *jsonScan) cut() (jsonState, bool) {
	if s.more {
		s.odd |= OddBodyTruncated
	} else {
		s.odd |= OddBodySyntax
	}
	return wantNothing, false
}

func (s *jsonScan) comma() (jsonState, bool) {
	s.i++
	frame := s.top()
	if !frame.array {
		return wantName, true
	}
	frame.index++
	s.enter(s.elementOf(frame))
	return wantValue, true
}

func (s *jsonScan) elementOf(frame *jsonFrame) int16 {
	if frame.node < 0 {
		return -1
	}
	return s.plan.nodes[frame.node].element(int(frame.index))
}

// name takes a member's name and the colon after it.
func (s *jsonScan) name(c byte) (jsonState, bool) {
	if c != '"' {
		return s.bad()
	}
	text, ok := s.str()
	if !ok {
		return wantNothing, false
	}
	node := int16(-1)
	if at := s.top().node; at >= 0 {
		if plain, fits := s.unescape(text); fits {
			node = s.plan.nodes[at].named(plain)
		}
	}
	s.skipSpace()
	if s.i == len(s.b) {
		return s.cut()
	}
	if s.b[s.i] != ':' {
		return s.bad()
	}
	s.i++
	s.enter(node)
	return wantValue, true
}

// enter makes node the place of the value to come. A place entered twice is a name that occurs twice, whether it is the declared
// field's own or one on the way to it; what was found the first time stays until another value replaces it, because parsers that
// merge such objects exist.
func (s *jsonScan) enter(node int16) {
	s.node = node
	if node < 0 {
		return
	}
	place := s.plan.nodes[node].exact // a name in two cases is a name twice
	if s.seen[place/64]&(1<<(place%64)) != 0 {
		s.odd |= OddBodyDuplicate
	}
	s.seen[place/64] |= 1 << (place % 64)
}

func (s *jsonScan) value(c byte) (jsonState, bool) {
	var text string
	switch {
	case c == '{' || c == '[':
		return s.open(c == '[')
	case c == '"':
		raw, ok := s.str()
		if !ok {
			return wantNothing, false
		}
		if targets := s.targets(); targets != nil {
			plain, fits := s.unescape(raw)
			s.found(targets, plain, fits)
		}
		return s.afterValue(), true
	case c == 't':
		text = "true"
	case c == 'f':
		text = "false"
	case c == 'n':
		text = "null"
	default:
		return s.number()
	}
	rest := s.b[s.i:]
	if len(rest) < len(text) && string(rest) == text[:len(rest)] {
		return s.cut()
	}
	if len(rest) < len(text) || string(rest[:len(text)]) != text {
		return s.bad()
	}
	s.i += len(text)
	if c != 'n' {
		s.found(s.targets(), rest[:len(text)], true)
	}
	return s.afterValue(), true
}

// targets are the fields the value in hand is declared to be.
func (s *jsonScan) targets() []fieldTarget {
	if s.node < 0 {
		return nil
	}
	return s.plan.nodes[s.node].targets
}

func (s *jsonScan) open(array bool) (jsonState, bool) {
	if s.depth == maxJSONDepth {
		return s.bad()
	}
	s.i++
	s.stack[s.depth] = jsonFrame{node: s.node, array: array}
	s.depth++
	if !array {
		return wantNameOrEnd, true
	}
	s.enter(s.elementOf(s.top()))
	return wantValueOrEnd, true
}

// number takes a number by the grammar of RFC 8259 §6.
func (s *jsonScan) number() (jsonState, bool) {
	start := s.i
	s.accept('-', '-')
	switch {
	case s.accept('0', '0'):
	case s.digits():
	default:
		return s.badOrCut()
	}
	if s.accept('.', '.') && !s.digits() {
		return s.badOrCut()
	}
	if s.accept('e', 'E') {
		s.accept('+', '-')
		if !s.digits() {
			return s.badOrCut()
		}
	}
	if s.i == len(s.b) && s.more {
		return s.cut() // it may go on
	}
	if s.i-start > maxJSONNumber {
		s.odd |= OddBodySyntax
	} else {
		s.found(s.targets(), s.b[start:s.i], true)
	}
	return s.afterValue(), true
}

func (s *jsonScan) badOrCut() (jsonState, bool) {
	if s.i == len(s.b) {
		return s.cut()
	}
	return s.bad()
}

// accept takes one byte if it is either of the two.
func (s *jsonScan) accept(a, b byte) bool {
	if s.i < len(s.b) && (s.b[s.i] == a || s.b[s.i] == b) {
		s.i++
		return true
	}
	return false
}

func (s *jsonScan) digits() bool {
	start := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

func (s *jsonScan) skipSpace() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}
