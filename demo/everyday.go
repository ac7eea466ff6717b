package demo

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"glacis/shop"
)

// The sample shop's accounts are shared out so that nobody hostile plays with an account of somebody honest in this crowd: that
// would make the honest look guilty for reasons the demonstration does not show.
const (
	firstShopper = 1
	firstApp     = 21
	firstVictim  = 51
	lastVictim   = 450
	firstHoarder = 451
)

// lookAround is how long a shopper looks at a page, in the median.
const lookAround = 3 * time.Second

func shopper(c *Client) {
	c.Header.Set("Accept", "application/json, text/plain, */*")
	c.Header.Set("Accept-Language", "en-GB,en;q=0.8")
	verified := c.run.Inbox == nil
	for c.Pause(c.Human(lookAround)) {
		id := lookForSomething(c)
		if c.Token == "" && !login(c, firstShopper+c.Number%(firstApp-firstShopper)) {
			continue
		}
		if !verified {
			verified = verifyPhone(c)
		}
		buy(c, id)
	}
}

// lookForSomething returns the number of the product looked at last.
func lookForSomething(c *Client) int {
	c.Get(fmt.Sprintf("/api/products?page=%d", 1+c.Rand.IntN(10)))
	if c.Rand.IntN(2) == 0 && c.Pause(c.Human(lookAround)) {
		words := [...]string{"lamp", "linen scarf", "kettle", "tent", "audio pro", "outdoor mini"}
		c.Get("/api/search?q=" + url.QueryEscape(words[c.Rand.IntN(len(words))]))
	}
	id := 0
	for range 1 + c.Rand.IntN(4) {
		if !c.Pause(c.Human(lookAround)) {
			break
		}
		id = 1 + c.Rand.IntN(500)
		c.Get(fmt.Sprintf("/api/products/%d", id))
	}
	return id
}

// login types the password of an account, now and then wrong at first.
func login(c *Client, account int) bool {
	typed := shop.Password(account)
	if c.Rand.IntN(8) == 0 {
		typed += "x"
	}
	for range 2 {
		if !c.Pause(c.Human(lookAround)) {
			return false
		}
		c.Token = c.Post("/api/auth/login", credentials(shop.Email(account), typed)).Field("token")
		if c.Token != "" {
			return true
		}
		typed = shop.Password(account)
	}
	return false
}

func credentials(email, password string) map[string]string {
	return map[string]string{"email": email, "password": password}
}

func verifyPhone(c *Client) bool {
	phone := fmt.Sprintf("+4930555%04d", c.Number)
	if !c.Pause(c.Human(lookAround)) || !c.Post("/api/auth/otp", map[string]string{"phone": phone}).OK() {
		return false
	}
	code, ok := c.run.Inbox(phone)
	return ok && c.Pause(c.Human(2*lookAround)) &&
		c.Post("/api/auth/otp/verify", map[string]string{"phone": phone, "code": code}).OK()
}

// buy holds a product and checks out, or thinks better of it.
func buy(c *Client, id int) {
	if !c.Pause(c.Human(lookAround)) {
		return
	}
	held := c.Post("/api/cart/holds", map[string]int{"product": id, "quantity": 1 + c.Rand.IntN(2)})
	forgetToken(c, held)
	hold := held.Field("id")
	if hold == "" || !c.Pause(c.Human(2*lookAround)) {
		return
	}
	if c.Rand.IntN(4) == 0 {
		c.Send(http.MethodDelete, "/api/cart/holds/"+url.PathEscape(hold), nil)
		return
	}
	order := c.Post("/api/checkout", map[string][]string{"holds": {hold}}).Field("id")
	if order != "" && c.Pause(c.Human(lookAround)) {
		c.Get("/api/orders/" + url.PathEscape(order))
	}
}

// forgetToken makes a client log in again when its token is no longer good.
func forgetToken(c *Client, a Answer) {
	if a.Status == http.StatusUnauthorized {
		c.Token = ""
	}
}

// mobileApp is opened on arrival and then left open.
func mobileApp(c *Client) {
	for ok := true; ok; ok = c.Pause(c.Jitter(15 * time.Second)) {
		if c.Token == "" && !login(c, firstApp+c.Number%(firstVictim-firstApp)) {
			continue
		}
		forgetToken(c, c.Get("/api/profile"))
		if c.Pause(c.Jitter(200 * time.Millisecond)) {
			c.Get("/api/products?limit=10")
		}
	}
}

// batchSync is as regular as a machine, and harmless.
func batchSync(c *Client) {
	c.Header.Set("X-Api-Key", c.run.APIKey)
	const pages = 20 // of a hundred: the sample shop's catalogue
	for page := 0; ; page++ {
		c.Get(fmt.Sprintf("/api/products?page=%d&limit=100", 1+page%pages))
		if !c.Pause(5 * time.Second) {
			return
		}
	}
}

func uptimeMonitor(c *Client) {
	for {
		c.Get("/healthz")
		if !c.Pause(10 * time.Second) {
			return
		}
	}
}
