package upstream

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait of a test that would otherwise hang; no test passes by it.
const patience = 20 * time.Second

// rungs are the two ways, each to be tested alike.
var rungs = map[string]func(*Pool, http.ResponseWriter, *http.Request) Result{
	"A": forwardA,
	"B": (*Pool).Forward,
}

func onBothRungs(t *testing.T, test func(t *testing.T, forward func(*Pool, http.ResponseWriter, *http.Request) Result)) {
	for name, forward := range rungs {
		t.Run(name, func(t *testing.T) { test(t, forward) })
	}
}

// forwardA is Forward by rung A whatever the request.
func forwardA(p *Pool, w http.ResponseWriter, r *http.Request) Result {
	x := exchange{pool: p, w: w, r: r, uri: originForm(r), begun: time.Now()}
	if err := vet(r, x.uri, x.set); err != nil {
		x.fail(nil, Refused, err)
		return x.res
	}
	x.run()
	return x.res
}

func pool(t testing.TB, cfg Config, targets ...string) *Pool {
	t.Helper()
	cfg.Targets = targets
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// gate is a server in front of a pool that answers as the real one is told to; every Result is sent to results.
type gate struct {
	*httptest.Server
	results chan Result
}

// statusOf is what a caller would answer.
var statusOf = map[Kind]int{NoTarget: 503, Unreachable: 502, Timeout: 504, BadResponse: 502, ClientGone: 499, RequestBody: 400, Refused: 400}

func newGate(t testing.TB, p *Pool, forward func(*Pool, http.ResponseWriter, *http.Request) Result) *gate {
	t.Helper()
	g := &gate{results: make(chan Result, 10000)}
	g.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		res := forward(p, w, r)
		g.results <- res
		switch {
		case res.Err == nil:
		case res.Started:
			panic(http.ErrAbortHandler)
		default:
			w.WriteHeader(statusOf[KindOf(res.Err)])
		}
	}))
	g.Config.ErrorLog = log.New(io.Discard, "", 0)
	g.Config.Protocols = new(http.Protocols)
	g.Config.Protocols.SetHTTP1(true)
	g.Config.Protocols.SetUnencryptedHTTP2(true)
	g.Start()
	t.Cleanup(g.Close)
	return g
}

func (g *gate) addr() string { return g.Listener.Addr().String() }

// request is what a stub got, byte for byte.
type request struct {
	conn int    // which connection, counted from 0
	head string // up to and including the empty line
	body string
	rest string // trailer section of a chunked body
}

// lines are the lines of the head, the fields sorted.
func (q request) lines() []string {
	lines := strings.Split(strings.TrimSuffix(q.head, "\r\n\r\n"), "\r\n")
	slices.Sort(lines[1:])
	return lines
}

func (q request) path() string { return strings.Split(q.head, " ")[1] }

// stub is a target that shows every byte it gets and answers with whatever bytes it likes. answer returns false to close
// the connection.
type stub struct {
	net.Listener
	answer func(c net.Conn, q request) bool

	mu  sync.Mutex
	got []request
}

func newStub(t testing.TB, answer func(c net.Conn, q request) bool) *stub {
	t.Helper()
	s := &stub{answer: answer}
	s.Listener = rawTarget(t, func(i int, c net.Conn) {
		br := bufio.NewReader(c)
		for {
			q, err := readRequest(br)
			if err != nil {
				return
			}
			q.conn = i
			s.mu.Lock()
			s.got = append(s.got, q)
			s.mu.Unlock()
			if !s.answer(c, q) {
				return
			}
		}
	})
	return s
}

// always answers every request with the same bytes and keeps the connection.
func always(answer string) func(net.Conn, request) bool {
	return func(c net.Conn, _ request) bool {
		_, err := io.WriteString(c, answer)
		return err == nil
	}
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"

func (s *stub) addr() string { return s.Addr().String() }

func (s *stub) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// rawTarget runs serve for every connection, closes it after, and waits for all of them at the end of the test.
func rawTarget(t testing.TB, serve func(i int, c net.Conn)) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	all.Go(func() {
		for i := 0; ; i++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			all.Go(func() {
				defer func() { _ = c.Close() }()
				serve(i, c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return l
}

func readRequest(br *bufio.Reader) (request, error) {
	var q request
	length, chunked := 0, false
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return q, err
		}
		q.head += line
		if v, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			length, err = strconv.Atoi(strings.TrimSpace(v))
			if err != nil {
				return q, err
			}
		}
		chunked = chunked || strings.HasPrefix(line, "Transfer-Encoding: chunked")
		if line == "\r\n" {
			break
		}
	}
	if !chunked {
		b := make([]byte, length)
		_, err := io.ReadFull(br, b)
		q.body = string(b)
		return q, err
	}
	b, err := io.ReadAll(httputil.NewChunkedReader(br))
	q.body = string(b)
	for err == nil {
		var line string
		line, err = br.ReadString('\n')
		if line == "\r\n" {
			break
		}
		q.rest += line
	}
	return q, err
}

// seen is what a client made of the answer to one request.
type seen struct {
	Informs []string // informational answers: status and sorted fields
	Status  int
	Header  []string // sorted, without Date
	Body    string
	Trailer []string
	Cut     bool // the answer did not end cleanly
}

// dial opens a connection to the gate that cannot hang a test.
func (g *gate) dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", g.addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// send writes a request as it stands on a connection of its own and reads the answer.
func (g *gate) send(t testing.TB, raw string) seen {
	t.Helper()
	c := g.dial(t)
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(raw, " ")
	return read(bufio.NewReader(c), method)
}

func (g *gate) get(t testing.TB, path string) seen {
	t.Helper()
	return g.send(t, "GET "+path+" HTTP/1.1\r\nHost: test\r\n\r\n")
}

// read reads one answer with what comes before it.
func read(br *bufio.Reader, method string) seen {
	var s seen
	for {
		res, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			return seen{Cut: true}
		}
		if res.StatusCode < 200 && res.StatusCode != 101 {
			s.Informs = append(s.Informs, fmt.Sprint(res.StatusCode, fields(res.Header)))
			continue
		}
		s.Status, s.Header = res.StatusCode, fields(res.Header)
		if len(res.TransferEncoding) > 0 {
			s.Header = append(s.Header, fmt.Sprint("Transfer-Encoding: ", res.TransferEncoding))
		}
		if res.StatusCode == 101 {
			return s
		}
		b, err := io.ReadAll(res.Body)
		s.Body, s.Cut = string(b), err != nil
		s.Trailer = fields(res.Trailer)
		return s
	}
}

func fields(h http.Header) []string {
	var lines []string
	for name, values := range h {
		if name == "Date" {
			continue
		}
		for _, v := range values {
			if name == "Trailer" {
				names := strings.Split(v, ", ")
				slices.Sort(names)
				v = strings.Join(names, ", ")
			}
			lines = append(lines, name+": "+v)
		}
	}
	slices.Sort(lines)
	return lines
}

func has(lines []string, prefix string) bool {
	return slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, prefix) })
}

// result waits for what the gate has to say about the next request.
func (g *gate) result(t testing.TB) Result {
	t.Helper()
	return await(t, g.results)
}

func await[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// maxBytesBody is what an edge does to a body that may be too long.
func maxBytesBody(limit int64, next func(*Pool, http.ResponseWriter, *http.Request) Result) func(*Pool, http.ResponseWriter, *http.Request) Result {
	return func(p *Pool, w http.ResponseWriter, r *http.Request) Result {
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		return next(p, w, r)
	}
}

func isTooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}
