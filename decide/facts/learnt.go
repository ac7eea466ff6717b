package facts

import (
	"slices"
	"strings"
)

// Learnt is one template learnt of unmatched paths, with the classes guessed for reading it and for posting to it.
type Learnt struct {
	Template string
	Get      Class
	Post     Class
}

// Learnt lists the templates learnt so far, sorted. It is for operators, not for a request's way.
func (r *Routes) Learnt() []Learnt {
	var list []Learnt
	r.paths.root.collect(&list)
	slices.SortFunc(list, func(a, b Learnt) int { return strings.Compare(a.Template, b.Template) })
	return list
}

func (n *learntNode) collect(list *[]Learnt) {
	if t := n.ends.Load(); t != nil {
		*list = append(*list, Learnt{t.text, t.class[methodGet], t.class[methodPost]})
	}
	for _, c := range n.childMap() {
		c.collect(list)
	}
}
