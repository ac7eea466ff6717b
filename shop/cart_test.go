package shop

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestCartCounts: whatever happens to holds, what is held is the sum of the holds there are, and never more than the stock.
func TestCartCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		goods := newCatalogue(0, 2)
		c := newCart(func() time.Time { return now }, goods, 6, 3)
		var ids []string
		product, owner := rapid.IntRange(1, 2), rapid.IntRange(1, 2)
		t.Repeat(map[string]func(*rapid.T){
			"hold": func(t *rapid.T) {
				h, ok := c.hold(owner.Draw(t, "owner"), product.Draw(t, "product"), rapid.IntRange(1, mostPerHold).Draw(t, "quantity"))
				if ok {
					ids = append(ids, h.ID)
				}
			},
			"drop": func(t *rapid.T) {
				if len(ids) > 0 {
					c.drop(owner.Draw(t, "owner"), rapid.SampledFrom(ids).Draw(t, "id"))
				}
			},
			"checkout": func(t *rapid.T) {
				if len(ids) > 0 {
					c.checkout(owner.Draw(t, "owner"), rapid.SliceOfN(rapid.SampledFrom(ids), 1, 3).Draw(t, "ids"))
				}
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "seconds")) * time.Second)
			},
			"": func(t *rapid.T) {
				held := make([]int, 2)
				for e := c.holds.order.Front(); e != nil; e = e.Next() {
					h := e.Value.(slot[string, hold]).value
					held[h.Product-1] += h.Quantity
				}
				for p := range held {
					if stock := goods.products[p].Stock; held[p] != c.held[p] || held[p] > stock {
						t.Fatalf("product %d: %d in holds, %d counted, stock %d", p+1, held[p], c.held[p], stock)
					}
				}
				if c.holds.len() > 6 || c.orders.len() > 3 {
					t.Fatalf("%d holds, %d orders kept", c.holds.len(), c.orders.len())
				}
			},
		})
	})
}
