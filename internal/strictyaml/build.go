package strictyaml

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// builder turns what the parser made into nodes: aliases followed, merges done, repetitions counted.
type builder struct {
	doc     *Document
	anchors map[string]*node
	open    map[string]bool // anchors whose content is being read
	nodes   int
	stopped bool
	errs    []*Error
}

func (b *builder) fail(tk *token.Token, message, hint string) {
	if b.stopped {
		return
	}
	e := &Error{Message: message, Hint: hint}
	e.Line, e.Column = b.doc.where(tk)
	b.errs = append(b.errs, e)
	b.stopped = len(b.errs) >= MaxErrors
}

// count charges nodes, and stops at the bounds.
func (b *builder) count(tk *token.Token, nodes, depth int) bool {
	b.nodes += nodes
	switch {
	case b.stopped:
	case b.nodes > MaxNodes:
		b.fail(tk, fmt.Sprintf("more than %d values, aliases followed", MaxNodes), "")
		b.stopped = true
	case depth > MaxDepth:
		b.fail(tk, fmt.Sprintf("nested deeper than %d levels", MaxDepth), "")
		b.stopped = true
	}
	return !b.stopped
}

// node converts a value that stands at a depth. It never returns nil.
func (b *builder) node(n ast.Node, depth int) *node {
	tk := n.GetToken()
	out := &node{size: 1, depth: 1}
	out.line, out.col = b.doc.where(tk)
	out.end = out.line
	if !b.count(tk, 1, depth) {
		return out
	}
	switch n := n.(type) {
	case *ast.NullNode:
		if tk.Type != token.ImplicitNullType {
			out.text = tk.Value
		} else {
			out.col = max(1, tk.Position.Column-1) // of the dash before it; for the value of a key, the caller knows better
		}
	case *ast.MappingNode:
		b.mapping(out, n.Values, n.IsFlowStyle, depth)
	case *ast.MappingValueNode:
		b.mapping(out, []*ast.MappingValueNode{n}, false, depth)
	case *ast.SequenceNode:
		out.kind = sequence
		for _, item := range n.Values {
			out.items = append(out.items, out.hold(b.node(item, depth+1)))
		}
	case *ast.AnchorNode:
		return b.anchor(n, depth)
	case *ast.AliasNode:
		return b.alias(n, depth, out)
	case *ast.LiteralNode:
		out.kind, out.quoted = scalar, true
		if n.Value != nil {
			out.text = n.Value.Value
			out.end += 1 + strings.Count(out.text, "\n")
		}
	default:
		b.scalar(out, n)
	}
	return out
}

// hold reckons a child in.
func (n *node) hold(child *node) *node {
	n.size += child.size
	n.depth = max(n.depth, 1+child.depth)
	return child
}

func (b *builder) scalar(out *node, n ast.Node) {
	tk := n.GetToken()
	if _, ok := n.(ast.ScalarNode); !ok {
		b.fail(tk, "this is not read here", "")
		return
	}
	out.kind, out.text = scalar, tk.Value
	out.quoted = tk.Type == token.SingleQuoteType || tk.Type == token.DoubleQuoteType
	out.end = out.line + strings.Count(strings.Trim(tk.Origin, "\n \t"), "\n")
	if out.quoted || out.text == "" {
		return
	}
	switch { // what the parser lets pass
	case strings.ContainsRune(",[]{}&*!|>%@`", rune(out.text[0])):
		b.fail(tk, fmt.Sprintf("a text cannot begin with %q", out.text[0]), "put the text in quotes")
	case strings.Contains(out.text, ": "):
		b.fail(tk, `a text with ": " in it must be in quotes`, "or is a comma missing before it?")
	default:
		b.asWritten(tk)
	}
}

// asWritten refuses a text without quotes that the lexer did not read as it stands: it drops tabs between words.
func (b *builder) asWritten(tk *token.Token) {
	line, col := b.doc.where(tk)
	text, gap := b.doc.runes(line), true
	text = text[min(col-1, len(text)):]
	for _, r := range tk.Value {
		if isBlank(r) {
			gap = true
			continue
		}
		for gap && (len(text) == 0 || isBlank(text[0])) {
			if len(text) > 0 {
				text = text[1:]
			} else if line++; line > len(b.doc.lines) {
				break
			} else {
				text = b.doc.runes(line)
			}
		}
		if len(text) == 0 || text[0] != r {
			b.fail(tk, "a tab in a text without quotes", "put the text in quotes")
			return
		}
		text, gap = text[1:], false
	}
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' || r == '\n' }

func name(n ast.Node) string {
	if n == nil {
		return ""
	}
	return n.GetToken().Value
}

func (b *builder) anchor(n *ast.AnchorNode, depth int) *node {
	label := name(n.Name)
	if b.anchors[label] != nil || b.open[label] {
		b.fail(n.GetToken(), fmt.Sprintf("a second anchor &%s", label), "")
	}
	b.open[label] = true
	out := b.node(n.Value, depth)
	delete(b.open, label)
	b.anchors[label] = out
	return out
}

func (b *builder) alias(n *ast.AliasNode, depth int, none *node) *node {
	label := name(n.Value)
	known := b.anchors[label]
	switch {
	case b.open[label]:
		b.fail(n.GetToken(), fmt.Sprintf("*%s stands inside what it refers to", label), "")
	case known == nil:
		b.fail(n.GetToken(), fmt.Sprintf("no anchor &%s before this", label), "")
	case b.count(n.GetToken(), known.size, depth+known.depth-1):
		return known
	}
	return none
}

func (b *builder) mapping(out *node, values []*ast.MappingValueNode, flow bool, depth int) {
	out.kind = mapping
	places := map[string]int{} // key → line
	var merges []*ast.MappingValueNode
	for i, mv := range values {
		tk := mv.Key.GetToken()
		line, col := b.doc.where(tk)
		if i == 0 && !flow {
			out.line, out.col = line, col
		}
		key, ok := b.key(mv.Key)
		if !ok {
			continue
		}
		if at, twice := places[key]; twice {
			b.fail(tk, fmt.Sprintf("a second key %s", quote(key)), fmt.Sprintf("the first is on line %d", at))
			continue
		}
		places[key] = line
		if mv.Key.IsMergeKey() {
			merges = append(merges, mv)
			continue
		}
		value := out.hold(b.node(mv.Value, depth+1))
		if !isAlias(mv.Value) && (value.kind == null && value.text == "" || value.kind > scalar && !isFlow(mv.Value)) {
			value.line, value.col = line, col // nothing to point at, or too much: point at the key
		}
		out.entries = append(out.entries, entry{key: key, line: line, col: col, value: value})
	}
	for _, mv := range merges {
		b.merge(out, mv, depth)
	}
}

func isFlow(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.AnchorNode:
		return isFlow(n.Value)
	case *ast.MappingNode:
		return n.IsFlowStyle
	case *ast.SequenceNode:
		return n.IsFlowStyle
	}
	return false
}

func isAlias(n ast.Node) bool { _, ok := n.(*ast.AliasNode); return ok }

func (b *builder) key(n ast.MapKeyNode) (string, bool) {
	tk := n.GetToken()
	switch n.(type) {
	case *ast.NullNode:
		b.fail(tk, "a key is missing", "")
	case *ast.AnchorNode, *ast.AliasNode:
		b.fail(tk, "a key cannot be an anchor or an alias", "")
	case *ast.LiteralNode:
		b.fail(tk, "a key stands on one line", "")
	default:
		if tk.Type == token.StringType {
			b.asWritten(tk)
		}
		return tk.Value, true
	}
	return "", false
}

// merge adds the keys of <<: *base or <<: [*first, *second] that are not there yet.
func (b *builder) merge(out *node, mv *ast.MappingValueNode, depth int) {
	tk := mv.Key.GetToken()
	from := b.node(mv.Value, depth)
	bases := []*node{from}
	if from.kind == sequence {
		bases = from.items
	}
	have := map[string]bool{}
	for _, e := range out.entries {
		have[e.key] = true
	}
	for _, base := range bases {
		if base.kind != mapping {
			b.fail(tk, "<< takes a mapping, or a list of mappings", "such as <<: *name")
			return
		}
		for _, e := range base.entries {
			if have[e.key] {
				continue
			}
			have[e.key] = true
			if !b.count(tk, e.value.size, depth+e.value.depth) {
				return
			}
			out.hold(e.value)
			out.entries = append(out.entries, e)
		}
	}
}
