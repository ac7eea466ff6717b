package demo

import (
	"fmt"
	"time"

	"glacis/shop"
)

// victims is how many of the sample shop's accounts the hostile know of.
const victims = lastVictim - firstVictim + 1

// stuffingBot works through a list that its clients share out: two in three of the addresses have no account here, and of the
// passwords of those that have, one in fifty still works.
func stuffingBot(c *Client) {
	for n := c.Number; c.Pause(c.Jitter(500 * time.Millisecond)); n += c.Of {
		email, password := fmt.Sprintf("leaked%05d@example.net", n), fmt.Sprintf("hunter%d", n)
		if n%3 == 0 {
			account := firstVictim + n/3%victims
			email = shop.Email(account)
			if c.Rand.IntN(50) == 0 {
				password = shop.Password(account)
			}
		}
		c.Post("/api/auth/login", credentials(email, password))
	}
}

func passwordSprayer(c *Client) {
	passwords := [...]string{shop.CommonPassword, "Welcome123", "Password1!"}
	for n := c.Number; c.Pause(c.Jitter(1200 * time.Millisecond)); n += c.Of {
		c.Post("/api/auth/login", credentials(shop.Email(firstVictim+n%victims), passwords[n/victims%len(passwords)]))
	}
}

func scraper(c *Client) {
	const pages = 100 // of twenty: the sample shop's catalogue
	for n := c.Number; c.Pause(c.Jitter(200 * time.Millisecond)); n += c.Of {
		c.Get(fmt.Sprintf("/api/products?page=%d", 1+n%pages))
	}
}

func enumerator(c *Client) {
	for id := 1951; c.Pause(c.Jitter(200 * time.Millisecond)); id++ {
		c.Get(fmt.Sprintf("/api/products/%d", id))
	}
}

func codeBomber(c *Client) {
	for c.Pause(c.Jitter(time.Second)) {
		c.Post("/api/auth/otp", map[string]string{"phone": "+12025550123"}) // a number set aside for fiction
	}
}

func hoarder(c *Client) {
	account := firstHoarder + c.Number
	for n := c.Number; c.Pause(c.Jitter(700 * time.Millisecond)); n += c.Of {
		if c.Token == "" {
			c.Token = c.Post("/api/auth/login", credentials(shop.Email(account), shop.Password(account))).Field("token")
			continue
		}
		forgetToken(c, c.Post("/api/cart/holds", map[string]int{"product": 1 + n%500, "quantity": 10}))
	}
}

func honeypotVisitor(c *Client) {
	paths := [...]string{"/api/internal/export", "/.env", "/api/products/1", "/api/v1/users/all"}
	for n := 0; c.Pause(c.Jitter(3 * time.Second)); n++ {
		c.Get(paths[n%len(paths)])
	}
}
