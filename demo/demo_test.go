package demo

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"glacis/shop"
)

// visit lets a crowd loose on a handler behind a real loopback socket, in virtual time: the server stands outside the bubble, and
// the clients' time stands still while they wait for an answer.
func visit(t *testing.T, h http.Handler, c Crowd) (got Tally) {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	c.Target, c.fresh = server.URL, true
	synctest.Test(t, func(t *testing.T) {
		var err error
		if got, err = c.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	return got
}

func only(t *testing.T, name string) []Population {
	t.Helper()
	for _, p := range Everyone() {
		if p.Name == name {
			return []Population{p}
		}
	}
	t.Fatalf("nobody is called %q", name)
	return nil
}

// inbox keeps the codes that the shop sends.
type inbox struct{ codes sync.Map }

func (i *inbox) send(phone, code string) { i.codes.Store(phone, code) }
func (i *inbox) read(phone string) (string, bool) {
	code, ok := i.codes.Load(phone)
	text, _ := code.(string)
	return text, ok
}

func TestEveryoneInTheShop(t *testing.T) {
	var mail inbox
	goods := shop.New(shop.Options{SendCode: mail.send})
	var paths sync.Map
	start := time.Now()
	got := visit(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths.Store(r.URL.Path, true)
		goods.ServeHTTP(w, r)
	}), Crowd{Duration: time.Minute, Seed: 1, Inbox: mail.read})
	t.Logf("a virtual minute in %s", time.Since(start))
	if err := got.Write(t.Output()); err != nil {
		t.Fatal(err)
	}

	if got.Ended != "time" || got.Seconds != 60 || len(got.Notes) > 0 {
		t.Errorf("ended by %s after %v s, notes %q", got.Ended, got.Seconds, got.Notes)
	}
	// What the pace of each allows in a minute, and what the shop has to say to it.
	want := map[string]struct {
		least, most int
		ok          func(Answers) bool
	}{
		"shopper":          {60, 500, func(a Answers) bool { return a.OK > 50 && a.Denied < a.OK/5 && a.Other < a.OK/10 }},
		"mobile app":       {20, 80, func(a Answers) bool { return a.OK > 20 && a.Denied <= 6 }},
		"batch sync":       {11, 13, func(a Answers) bool { return a.OK == a.Sum() }},
		"uptime monitor":   {10, 14, func(a Answers) bool { return a.OK == a.Sum() }},
		"stuffing bot":     {300, 540, func(a Answers) bool { return a.Denied > 9*a.Sum()/10 && a.OK < a.Sum()/20 }},
		"password sprayer": {60, 115, func(a Answers) bool { return a.Denied > 9*a.Sum()/10 && a.OK > 0 }},
		"scraper":          {350, 680, func(a Answers) bool { return a.OK == a.Sum() }},
		"enumerator":       {180, 340, func(a Answers) bool { return a.OK == 50 && a.Other == a.Sum()-50 }},
		"code bomber":      {70, 135, func(a Answers) bool { return a.OK == a.Sum() }},
		"hoarder":          {100, 195, func(a Answers) bool { return a.OK > 3*a.Sum()/4 && a.OK+a.Other == a.Sum() }},
		"honeypot visitor": {12, 24, func(a Answers) bool { return a.Other > a.OK && a.OK > 0 }},
	}
	if len(got.Populations) != len(want) {
		t.Errorf("%d populations, want %d", len(got.Populations), len(want))
	}
	for _, l := range got.Populations {
		w := want[l.Name]
		if l.Requests < w.least || l.Requests > w.most || l.Requests != l.Answers.Sum() || !w.ok(l.Answers) {
			t.Errorf("%s: %d requests (want %d to %d): %+v", l.Name, l.Requests, w.least, w.most, l.Answers)
		}
		if l.Stopped > 0 || l.FirstStop != nil || l.Answers.Failed+l.Answers.Fault > 0 {
			t.Errorf("%s: there is no gate, and something stopped it: %+v", l.Name, l)
		}
	}
	for _, path := range []string{"/api/auth/otp/verify", "/api/checkout", "/api/orders/1", "/api/search", "/api/profile", "/.env"} {
		if _, ok := paths.Load(path); !ok {
			t.Errorf("nobody asked for %s", path)
		}
	}
}

// loginGate refuses the eleventh login of an address, and everything from an address that looked for what is hidden.
type loginGate struct {
	next http.Handler
	mu   sync.Mutex
	of   map[string]int
}

func (g *loginGate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from, _, _ := net.SplitHostPort(r.RemoteAddr)
	g.mu.Lock()
	if r.URL.Path == "/api/auth/login" {
		g.of[from]++
	}
	if strings.HasPrefix(r.URL.Path, "/.") {
		g.of[from] = 100
	}
	n := g.of[from]
	g.mu.Unlock()
	if n < 11 {
		g.next.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
	status := http.StatusTooManyRequests
	if n >= 100 {
		status = http.StatusUnauthorized
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte("{}"))
}

func TestTallySaysWhoWasStopped(t *testing.T) {
	gate := &loginGate{next: shop.New(shop.Options{}), of: map[string]int{}}
	var lines []string
	got := visit(t, gate, Crowd{Duration: 30 * time.Second, Seed: 3, Log: func(format string, args ...any) {
		lines = append(lines, fmt.Sprintf(format, args...))
	}})
	for _, l := range got.Populations {
		stop := l.FirstStop
		switch l.Name {
		case "stuffing bot", "password sprayer":
			if stop == nil || stop.Request != 11 || stop.Status != 429 || l.StoppedClients != l.Clients || l.Answers.OK+l.Answers.Denied != 10*l.Clients {
				t.Errorf("%s: %+v, first stop %+v", l.Name, l, stop)
			}
			if stop != nil && (stop.Seconds < 3 || stop.Seconds > 30) {
				t.Errorf("%s: first stopped after %v s", l.Name, stop.Seconds)
			}
		case "honeypot visitor":
			if stop == nil || stop.Request != 2 || stop.Status != 401 || l.Stopped != l.Requests-1 {
				t.Errorf("%s: %+v, first stop %+v", l.Name, l, stop)
			}
		default:
			if l.Stopped > 0 {
				t.Errorf("%s: has an address of its own and was stopped: %+v", l.Name, stop)
			}
		}
	}
	if text := strings.Join(lines, "\n"); !strings.Contains(text, "stopped at its request 11 (429)") || !strings.Contains(text, "12 × shopper") {
		t.Errorf("log:\n%s", text)
	}
}

func TestEachClientHasAnAddress(t *testing.T) {
	var seen sync.Map
	got := visit(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		from, _, _ := net.SplitHostPort(r.RemoteAddr)
		seen.Store(from, true)
	}), Crowd{Duration: 40 * time.Second})
	networks := map[string]bool{}
	for _, l := range got.Populations {
		if len(l.Addresses) != l.Clients {
			t.Errorf("%s: %d clients, addresses %v", l.Name, l.Clients, l.Addresses)
		}
		for _, addr := range l.Addresses {
			if _, ok := seen.LoadAndDelete(addr); !ok {
				t.Errorf("%s: nobody came from %s, or another did too", l.Name, addr)
			}
			network := addr[:strings.LastIndex(addr, ".")]
			if !l.Hostile && networks[network] {
				t.Errorf("%s: %s is in somebody else's network", l.Name, addr)
			}
			networks[network] = true
		}
	}
	seen.Range(func(addr, _ any) bool { t.Errorf("somebody came from %s", addr); return true })
}

func TestSharedAddressIsSaid(t *testing.T) {
	var strangers atomic.Int64
	got := visit(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.RemoteAddr, "127.0.0.1:") {
			strangers.Add(1)
		}
	}), Crowd{Duration: 10 * time.Second, binds: func(string) bool { return false }})
	if strangers.Load() > 0 || got.Requests == 0 || len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "share one") {
		t.Errorf("%d of %d requests from elsewhere, notes %q", strangers.Load(), got.Requests, got.Notes)
	}
}

func TestEverydayClientsComeBackWhenTold(t *testing.T) {
	for wait, want := range map[string]int{"5": 12, "3600": 4, "": 60, "Fri, 31 Dec 1999 23:59:59 GMT": 60} {
		people := Population{Name: "eager", Clients: 1, Behave: func(c *Client) {
			for c.Pause(0) {
				c.Get("/")
			}
		}}
		refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", wait)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		got := visit(t, refuse, Crowd{Duration: 2 * time.Minute, Populations: []Population{people}})
		// Twice the minute that want is for, less an arrival of at most three seconds.
		if n := got.Requests; n > 2*want || n < 2*want-4 {
			t.Errorf("Retry-After %q: %d requests, want about %d", wait, n, 2*want)
		}
	}
}

func TestRedirectsLeadNowhere(t *testing.T) {
	var sum atomic.Int64
	got := visit(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum.Add(1)
		http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
	}), Crowd{Duration: 30 * time.Second, Populations: only(t, "uptime monitor")})
	if a := got.Populations[0].Answers; a.Other != a.Sum() || int64(a.Sum()) != sum.Load() {
		t.Errorf("%+v, %d seen", a, sum.Load())
	}
}

func TestNobodyHome(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		got, err := Crowd{Target: "http://" + l.Addr().String(), Duration: 10 * time.Second, fresh: true}.Run(t.Context())
		if err != nil || got.Requests == 0 {
			t.Fatal(got.Requests, err)
		}
		for _, l := range got.Populations {
			if l.Answers.Failed != l.Requests || l.Stopped > 0 {
				t.Errorf("%s: %+v", l.Name, l)
			}
		}
	})
}

func TestOwnClock(t *testing.T) {
	var now atomic.Int64
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	got, err := Crowd{
		Target: server.URL, Populations: []Population{{Name: "one", Clients: 1, Behave: uptimeMonitor}},
		Clock: func() time.Time { return time.Unix(0, now.Load()) },
		Sleep: func(_ context.Context, d time.Duration) error { now.Add(int64(d)); return nil },
	}.Run(t.Context())
	if err != nil || got.Requests != 12 || got.Seconds != 120 || got.Ended != "time" {
		t.Errorf("%d requests in %v s, ended by %s (%v)", got.Requests, got.Seconds, got.Ended, err)
	}
}

func TestEqualSeedsSendEqualRequests(t *testing.T) {
	record := func(seed uint64) string {
		var text strings.Builder
		visit(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintln(&text, r.Method, r.URL, r.UserAgent())
		}), Crowd{Duration: time.Minute, Seed: seed, Populations: []Population{{Name: "one", Clients: 1, Behave: shopper}}})
		return text.String()
	}
	if one, again := record(1), record(1); one != again || one == "" {
		t.Errorf("equal seeds:\n%s\n%s", one, again)
	}
	if record(1) == record(2) {
		t.Error("different seeds, equal requests")
	}
}

// The hostile come after a calm, and do not go away when told to.
func TestHostileClientsArriveLateAndStay(t *testing.T) {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	got := visit(t, refuse, Crowd{Duration: time.Minute, Populations: []Population{
		{Name: "bad", Clients: 3, Hostile: true, Behave: uptimeMonitor},
		{Name: "good", Clients: 3, Behave: uptimeMonitor},
	}})
	good, bad := got.Populations[0], got.Populations[1] // the honest first, whatever the order was
	if good.Hostile || good.FirstStop.Seconds > 3 || good.Requests > 3*3 {
		t.Errorf("good: %+v, first stop %+v", good, good.FirstStop)
	}
	if at := bad.FirstStop.Seconds; at < 6 || at > 9 || bad.Requests < 3*5 {
		t.Errorf("bad: %+v, first stop %+v", bad, bad.FirstStop)
	}
}
