package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

const (
	longestAnswer = 1 << 20 // bytes read of one
	mostPatience  = 30      // seconds that an everyday client stays away when told to
)

// Client is one visitor: a source address, a connection, a token once it has logged in. It belongs to one goroutine.
type Client struct {
	// Rand is the only chance a behaviour may take.
	Rand *rand.Rand
	// Number is the client's among the Of clients of its population, from 0.
	Number, Of int
	// Token is sent as the bearer token when it is not empty.
	Token string
	// Header is sent with every request.
	Header http.Header

	run    *run
	people Population
	group  int
	addr   string // "" when it has none of its own
	http   *http.Client
	count  count
}

// Answer is what a request came back with. Status is 0 when none came or none was sent, because the time was up.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// OK says whether the answer is a success.
func (a Answer) OK() bool { return a.Status >= 200 && a.Status < 300 }

// Field is a member of an answer's JSON object as text; "" when there is none.
func (a Answer) Field(name string) string {
	var object map[string]json.RawMessage
	if json.Unmarshal(a.Body, &object) != nil {
		return ""
	}
	var text string
	if json.Unmarshal(object[name], &text) != nil {
		text = string(object[name])
	}
	return text
}

func newClient(r *run, people Population, group, number int, addr string, chance rand.Source) *Client {
	dialer := &net.Dialer{}
	if addr != "" {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), 0))
	}
	c := &Client{
		Rand: rand.New(chance), Number: number, Of: people.Clients, Header: http.Header{},
		run: r, people: people, group: group, addr: addr,
	}
	c.Header.Set("User-Agent", people.agent(number))
	c.http = &http.Client{
		Timeout: requestTime,
		// Neither the environment's proxy nor a redirect may lead a client away from its target.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, "tcp", r.target.addr.String())
			},
			DisableKeepAlives: r.fresh,
		},
	}
	return c
}

// live is a client's whole life.
func (c *Client) live() {
	defer c.http.CloseIdleConnections()
	arrival := time.Duration(c.Rand.Int64N(int64(3 * time.Second)))
	if c.people.Hostile {
		arrival += c.run.Duration / 10
	}
	if c.Pause(arrival) {
		c.people.Behave(c)
	}
}

// Pause waits. It returns false when the run is over, at once or at its end, and every behaviour then returns.
func (c *Client) Pause(d time.Duration) bool {
	left := c.run.end.Sub(c.run.Clock())
	if c.run.over() {
		return false
	}
	if d = min(d, left); d > 0 && c.run.Sleep(c.run.ctx, d) != nil {
		return false
	}
	return !c.run.over()
}

// Human is how long a person looks at something: log-normal about the median, between half a second and twenty.
func (c *Client) Human(median time.Duration) time.Duration {
	d := time.Duration(float64(median) * math.Exp(0.8*c.Rand.NormFloat64()))
	return min(max(d, 500*time.Millisecond), 20*time.Second)
}

// Jitter is a program's pause: d, a fifth more or less.
func (c *Client) Jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*c.Rand.Float64()))
}

// Get asks for a path.
func (c *Client) Get(path string) Answer { return c.Send(http.MethodGet, path, nil) }

// Post sends v as JSON.
func (c *Client) Post(path string, v any) Answer { return c.Send(http.MethodPost, path, v) }

// Send makes one request, with v as its JSON body unless it is nil, and counts the answer. Everyday clients that are told to come
// back later stay away that long, half a minute at most.
func (c *Client) Send(method, path string, v any) Answer {
	if !c.run.enter() {
		return Answer{}
	}
	answer, err := c.exchange(method, path, v)
	c.run.leave()
	if err != nil && c.run.ctx.Err() != nil {
		return Answer{} // cut short by us: nobody's failure
	}
	c.note(answer)
	if answer.Status == http.StatusTooManyRequests && !c.people.Hostile {
		wait, _ := strconv.Atoi(answer.Header.Get("Retry-After")) // seconds; the other form, a date, counts as one
		c.Pause(time.Duration(min(max(wait, 1), mostPatience)) * time.Second)
	}
	return answer
}

func (c *Client) exchange(method, path string, v any) (Answer, error) {
	var body io.Reader
	if v != nil {
		text, err := json.Marshal(v)
		if err != nil {
			return Answer{}, err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(c.run.ctx, method, c.run.target.base+path, body)
	if err != nil {
		return Answer{}, err
	}
	r.Header = c.Header.Clone()
	if v != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	w, err := c.http.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = w.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(w.Body, longestAnswer))
	if err != nil {
		return Answer{}, err
	}
	return Answer{w.StatusCode, w.Header, text}, nil
}

// note counts an answer, and remembers the first that was the gate's and not the API's.
func (c *Client) note(a Answer) {
	c.count.answers.add(a.Status)
	if !stopped(a) {
		return
	}
	c.count.stopped++
	if c.count.first == nil {
		after := c.run.Clock().Sub(c.run.start)
		c.count.first = &Stop{Seconds: seconds(after), Client: c.Number + 1, Request: c.count.answers.Sum(), Status: a.Status}
		c.run.say("%5.1f s: %s %d stopped at its request %d (%d)", after.Seconds(), c.people.Name, c.Number+1, c.count.first.Request, a.Status)
	}
}

// stopped tells a gate's refusal from the API's own: the sample API knows neither 403 nor 429, nor problem documents (RFC 9457).
func stopped(a Answer) bool {
	if a.Status == http.StatusForbidden || a.Status == http.StatusTooManyRequests {
		return true
	}
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	return a.Status >= 400 && a.Status < 500 && kind == "application/problem+json"
}
