package shop

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"
)

const (
	holdLife     = 10 * time.Minute
	mostPerHold  = 10
	mostCheckout = 50 // holds in one checkout
)

type hold struct {
	ID       string    `json:"id"`
	Product  int       `json:"product"`
	Quantity int       `json:"quantity"`
	Expires  time.Time `json:"expires_at"`

	owner int
}

type order struct {
	ID    int    `json:"id"`
	Items []item `json:"items"`
	Cents int    `json:"total_cents"`

	owner int
}

type item struct {
	Product  int `json:"product"`
	Quantity int `json:"quantity"`
	Cents    int `json:"price_cents"`
}

// cart owns what is held and what was ordered. At all times held[p] is the sum of the quantities of the holds on p, and never
// more than the product's stock. What is sold is restocked at once, or a shop left open would sell out.
type cart struct {
	clock     func() time.Time
	catalogue *catalogue

	mu        sync.Mutex
	held      []int // units by product ID-1
	holds     *shelf[string, hold]
	orders    *shelf[int, order]
	lastOrder int
}

func newCart(clock func() time.Time, goods *catalogue, holds, orders int) *cart {
	return &cart{
		clock: clock, catalogue: goods, held: make([]int, len(goods.products)),
		holds: newShelf[string, hold](holds), orders: newShelf[int, order](orders),
	}
}

// available is how many units of a known product nobody holds.
func (c *cart) available(product int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	return c.free(product)
}

func (c *cart) free(product int) int {
	return c.catalogue.products[product-1].Stock - c.held[product-1]
}

// expire releases the holds whose time is up. All live equally long, so the oldest end first.
func (c *cart) expire() {
	now := c.clock()
	for {
		_, h, ok := c.holds.oldest()
		if !ok || now.Before(h.Expires) {
			return
		}
		c.release(h)
	}
}

func (c *cart) release(h hold) {
	c.holds.drop(h.ID)
	c.held[h.Product-1] -= h.Quantity
}

// hold reserves units of a known product, or says false when there are too few.
func (c *cart) hold(owner, product, quantity int) (hold, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	if quantity > c.free(product) {
		return hold{}, false
	}
	h := hold{ID: rand.Text(), Product: product, Quantity: quantity, Expires: c.clock().Add(holdLife), owner: owner}
	if oldest, full := c.holds.put(h.ID, h); full {
		c.release(oldest)
	}
	c.held[product-1] += quantity
	return h, true
}

// drop ends a hold of the owner's; false when there is none of that name.
func (c *cart) drop(owner int, id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	h, ok := c.holds.get(id)
	if !ok || h.owner != owner {
		return false
	}
	c.release(h)
	return true
}

// checkout turns the owner's holds into one order: all of them, or none and false when one is gone or named twice.
func (c *cart) checkout(owner int, ids []string) (order, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	o := order{owner: owner, Items: make([]item, 0, len(ids))}
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		h, ok := c.holds.get(id)
		if !ok || h.owner != owner || seen[id] {
			return order{}, false
		}
		seen[id] = true
		price := c.catalogue.products[h.Product-1].Cents
		o.Items = append(o.Items, item{h.Product, h.Quantity, price})
		o.Cents += h.Quantity * price
	}
	for id := range seen {
		h, _ := c.holds.get(id)
		c.release(h)
	}
	c.lastOrder++
	o.ID = c.lastOrder
	c.orders.put(o.ID, o)
	return o, true
}

// order finds an order of the owner's.
func (c *cart) order(owner, id int) (order, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, ok := c.orders.get(id)
	return o, ok && o.owner == owner
}

func (s *shop) makeHold(r *http.Request, who account) reply {
	var in struct{ Product, Quantity int }
	if bad, ok := read(r, &in); !ok {
		return bad
	}
	if in.Quantity < 1 || in.Quantity > mostPerHold {
		return fail(http.StatusBadRequest, "invalid_quantity")
	}
	if _, ok := s.catalogue.get(in.Product); !ok {
		return fail(http.StatusNotFound, "not_found")
	}
	h, ok := s.cart.hold(who.ID, in.Product, in.Quantity)
	if !ok {
		return fail(http.StatusConflict, "out_of_stock")
	}
	return reply{http.StatusCreated, h}
}

func (s *shop) dropHold(r *http.Request, who account) reply {
	if !s.cart.drop(who.ID, r.PathValue("id")) {
		return fail(http.StatusNotFound, "not_found")
	}
	return reply{http.StatusNoContent, nil}
}
