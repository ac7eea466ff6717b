package demo

// Population is a kind of visitor.
type Population struct {
	// Name is two or three words, unique in a crowd.
	Name string
	// Does is a plain sentence of what they do.
	Does string
	// Hostile tells who should be stopped from who should not.
	Hostile bool
	// Clients is how many there are.
	Clients int
	// Agents are the User-Agents they show, one a client in turn.
	Agents []string
	// Behave is a client's life: requests with pauses in between until Pause returns false.
	Behave func(*Client)
}

func (p Population) agent(n int) string {
	if len(p.Agents) == 0 {
		return "demo"
	}
	return p.Agents[n%len(p.Agents)]
}

// Everyone is the usual crowd, for the sample shop.
func Everyone() []Population {
	return []Population{
		{"shopper", "Browses, searches, looks, logs in, holds something and often buys it, with the pauses of a person.", false, 12, browsers, shopper},
		{"mobile app", "Logs in once and asks for the profile and the first products about every fifteen seconds.", false, 6, phones, mobileApp},
		{"batch sync", "Copies the catalogue with an API key, one page every five seconds sharp.", false, 1, []string{"catalogue-sync/1.3"}, batchSync},
		{"uptime monitor", "Asks every ten seconds sharp whether the API is up.", false, 2, []string{"uptime-check/2.0"}, uptimeMonitor},

		{"stuffing bot", "Tries leaked pairs of address and password, each once, from a handful of addresses.", true, 4, []string{"python-requests/2.32.3"}, stuffingBot},
		{"password sprayer", "Tries a few common passwords on every account, slowly.", true, 2, browsers, passwordSprayer},
		{"scraper", "Walks through the catalogue page by page, five a second.", true, 2, []string{"Scrapy/2.11.2 (+https://scrapy.org)"}, scraper},
		{"enumerator", "Asks for one product number after the other, far past the last.", true, 1, []string{"Go-http-client/1.1"}, enumerator},
		{"code bomber", "Has one-time codes sent to one phone again and again.", true, 2, phones, codeBomber},
		{"hoarder", "Holds as much as it can of everything and buys nothing.", true, 2, browsers, hoarder},
		{"honeypot visitor", "Looks for exports, secrets and hidden lists that nobody is pointed to.", true, 1, []string{"curl/8.5.0"}, honeypotVisitor},
	}
}

var (
	browsers = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
		"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
	}
	phones = []string{"ShopApp/4.2 (Android 16)", "ShopApp/4.2 (iOS 26.0)"}
)
