package shop

import (
	"fmt"
	"testing"
)

func TestOrder(t *testing.T) {
	c := openShop(t, Options{})
	mine, theirs := c.login(1), c.login(2)
	a, b := c.hold(mine, 1, 2), c.hold(mine, 2, 1)

	c.wantError(409, "hold_gone", "POST /api/checkout "+theirs, fmt.Sprintf(`{"holds":[%q]}`, a))
	c.wantError(404, "not_found", "DELETE /api/cart/holds/"+a+" "+theirs, "")
	c.wantError(409, "hold_gone", "POST /api/checkout "+mine, fmt.Sprintf(`{"holds":[%q,%q]}`, a, a))

	order := c.want(201, "POST /api/checkout "+mine, fmt.Sprintf(`{"holds":[%q,%q]}`, a, b))
	one, two := c.want(200, "GET /api/products/1", ""), c.want(200, "GET /api/products/2", "")
	if want := 2*one["price_cents"].(float64) + two["price_cents"].(float64); order["total_cents"] != want {
		t.Errorf("total %v, want %v", order["total_cents"], want)
	}
	path := fmt.Sprintf("GET /api/orders/%v ", order["id"])
	c.want(200, path+mine, "")
	c.wantError(404, "not_found", path+theirs, "")
	c.wantError(409, "hold_gone", "POST /api/checkout "+mine, fmt.Sprintf(`{"holds":[%q]}`, a))
	if one["available"] != one["stock"] {
		t.Errorf("what was sold is not restocked: %v", one)
	}
}

func TestHoldsRunOutAndExpire(t *testing.T) {
	c := openShop(t, Options{})
	token := c.login(1)
	stock := int(c.want(200, "GET /api/products/1", "")["stock"].(float64))
	for range stock {
		c.hold(token, 1, 1)
	}
	c.wantError(409, "out_of_stock", "POST /api/cart/holds "+token, `{"product":1,"quantity":1}`)
	c.now = c.now.Add(holdLife)
	token = c.login(1)
	id := c.hold(token, 1, 1)
	c.want(204, "DELETE /api/cart/holds/"+id+" "+token, "")
	if got := c.want(200, "GET /api/products/1", ""); got["available"] != got["stock"] {
		t.Errorf("everything was released: %v", got)
	}
}
