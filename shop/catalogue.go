package shop

import (
	"math/rand/v2"
	"strings"
)

type product struct {
	ID       int    `json:"id"`
	Name     string `json:"name"`
	Category string `json:"category"`
	Cents    int    `json:"price_cents"`
	Stock    int    `json:"stock"` // units the shop owns, held or not
}

// catalogue is fixed once made, so that it needs no lock.
type catalogue struct {
	products []product // by ID-1
	words    []string  // by ID-1: what a search looks in
}

func newCatalogue(seed uint64, n int) *catalogue {
	looks := [...]string{"Amber", "Birch", "Cobalt", "Dusk", "Ember", "Fern", "Granite", "Harbour", "Indigo", "Juniper", "Linen", "Moss"}
	things := [...]struct{ name, category string }{
		{"Kettle", "kitchen"}, {"Teapot", "kitchen"}, {"Skillet", "kitchen"}, {"Lamp", "home"}, {"Blanket", "home"},
		{"Mirror", "home"}, {"Rucksack", "outdoor"}, {"Tent", "outdoor"}, {"Bottle", "outdoor"}, {"Scarf", "clothing"},
		{"Jacket", "clothing"}, {"Trainers", "clothing"}, {"Headphones", "audio"}, {"Speaker", "audio"}, {"Turntable", "audio"},
	}
	sizes := [...]string{"Mini", "Classic", "Large", "Pro"}
	rng := rand.New(rand.NewPCG(seed, 2))
	c := &catalogue{products: make([]product, n), words: make([]string, n)}
	for i := range n {
		thing := things[rng.IntN(len(things))]
		name := looks[rng.IntN(len(looks))] + " " + thing.name + " " + sizes[rng.IntN(len(sizes))]
		c.products[i] = product{ID: i + 1, Name: name, Category: thing.category, Cents: 100*(5+rng.IntN(200)) - 1, Stock: 5 + rng.IntN(46)}
		c.words[i] = strings.ToLower(name + " " + thing.category)
	}
	return c
}

func (c *catalogue) get(id int) (product, bool) {
	if id < 1 || id > len(c.products) {
		return product{}, false
	}
	return c.products[id-1], true
}

// page is the nth run of limit products, n from 1; empty past the end.
func (c *catalogue) page(n, limit int) []product {
	if n-1 > len(c.products)/limit { // also keeps the product below from overflowing
		return []product{}
	}
	from := min((n-1)*limit, len(c.products))
	return c.products[from:min(from+limit, len(c.products))]
}

// find returns the first most products that have every word of the query, and how many there are in all.
func (c *catalogue) find(query string, most int) (found []product, total int) {
	found = []product{}
	wanted := strings.Fields(strings.ToLower(query))
	for i, text := range c.words {
		if !hasAll(text, wanted) {
			continue
		}
		if total++; total <= most {
			found = append(found, c.products[i])
		}
	}
	return found, total
}

func hasAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}
