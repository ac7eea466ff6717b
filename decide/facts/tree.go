package facts

import "strings"

// routeTree finds the most specific of many patterns. Host, then method, then segment by segment: since patterns that conflict
// were refused before, trying the literal child first, then {name}, then what is open, gives the most specific one.
// It is built once and then only read.
type routeTree struct {
	hosts   map[string]*methodTrees
	anyHost methodTrees
}

type methodTrees struct {
	byMethod  []methodTree // few, so a scan beats a map
	anyMethod routeNode
}

type methodTree struct {
	method string
	root   *routeNode
}

// routeNode stands for the segments read so far. Each is visited at most once per match, whatever the path,
// because its depth says which part of the path is read there.
type routeNode struct {
	end   *routeLeaf // a pattern ends here
	slash *routeLeaf // one ends here with {$}
	rest  *routeLeaf // one ends here with {name...} or a trailing slash
	wild  *routeNode
	few   []literalChild // up to maxFew, scanned; from there on many has them all
	many  map[string]*routeNode
}

type literalChild struct {
	segment string
	node    *routeNode
}

const maxFew = 6

// routeLeaf is what a pattern leads to.
type routeLeaf struct {
	route    *Route
	template string // the pattern's path, as configured
	open     bool   // ends in {name...} or a trailing slash
}

// match finds the leaf for a path. With a final slash, the path is read as if it had one more slash at its end.
func (t *routeTree) match(method, host, path string, final bool) *routeLeaf {
	if t.hosts != nil && host != "" {
		if trees := t.hosts[host]; trees != nil {
			if leaf := trees.match(method, path, final); leaf != nil {
				return leaf
			}
		}
	}
	return t.anyHost.match(method, path, final)
}

func (m *methodTrees) match(method, path string, final bool) *routeLeaf {
	if leaf := m.of(method).match(path, final); leaf != nil {
		return leaf
	}
	if method == "HEAD" { // RFC 9110 §9.3.2: it is GET without the content
		if leaf := m.of("GET").match(path, final); leaf != nil {
			return leaf
		}
	}
	return m.anyMethod.match(path, final)
}

func (m *methodTrees) of(method string) *routeNode {
	for i := range m.byMethod {
		if m.byMethod[i].method == method {
			return m.byMethod[i].root
		}
	}
	return nil
}

func (n *routeNode) match(path string, final bool) *routeLeaf {
	switch {
	case n == nil:
		return nil
	case path == "" && !final:
		return n.end
	case path == "" || path == "/" && !final:
		if n.slash != nil {
			return n.slash
		}
		return n.rest
	}
	segment, rest := path[1:], ""
	if i := strings.IndexByte(segment, '/'); i >= 0 {
		segment, rest = segment[:i], segment[i:]
	}
	if leaf := n.literal(segment).match(rest, final); leaf != nil {
		return leaf
	}
	if n.wild != nil {
		if leaf := n.wild.match(rest, final); leaf != nil {
			return leaf
		}
	}
	return n.rest
}

func (n *routeNode) literal(segment string) *routeNode {
	if n.many != nil {
		return n.many[segment]
	}
	for i := range n.few {
		if n.few[i].segment == segment {
			return n.few[i].node
		}
	}
	return nil
}

// add puts a leaf where the pattern says. It returns the leaf that is there already, which then stays.
func (t *routeTree) add(p pattern, leaf *routeLeaf) (taken *routeLeaf) {
	trees := &t.anyHost
	if p.host != "" {
		if t.hosts == nil {
			t.hosts = make(map[string]*methodTrees)
		}
		if trees = t.hosts[p.host]; trees == nil {
			trees = &methodTrees{}
			t.hosts[p.host] = trees
		}
	}
	n := trees.grow(p.method)
	for _, s := range p.segments {
		n = n.grow(s)
	}
	place := &n.end
	switch p.ending {
	case endsSlash:
		place = &n.slash
	case endsOpen:
		place = &n.rest
	}
	if *place != nil {
		return *place
	}
	*place = leaf
	return nil
}

func (m *methodTrees) grow(method string) *routeNode {
	if method == "" {
		return &m.anyMethod
	}
	if n := m.of(method); n != nil {
		return n
	}
	n := &routeNode{}
	m.byMethod = append(m.byMethod, methodTree{method, n})
	return n
}

func (n *routeNode) grow(s patternSegment) *routeNode {
	if s.wild {
		if n.wild == nil {
			n.wild = &routeNode{}
		}
		return n.wild
	}
	if child := n.literal(s.text); child != nil {
		return child
	}
	child := &routeNode{}
	n.few = append(n.few, literalChild{s.text, child})
	if len(n.few) > maxFew && n.many == nil {
		n.many = make(map[string]*routeNode)
		for _, c := range n.few {
			n.many[c.segment] = c.node
		}
	}
	if n.many != nil {
		n.many[s.text] = child
	}
	return child
}
