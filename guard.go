package glacis

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"glacis/decide/facts"
	"glacis/decide/verdict"
	"glacis/edge"
	"glacis/internal/tracing"
	"glacis/learn/observe"
)

// Guard puts the gate in front of an upstream. Forwarding headers are rewritten for it: what clients claim about themselves is
// stripped unless a trusted proxy vouches for it.
func (g *Gate) Guard(up edge.Upstream) http.Handler {
	return &guard{gate: g, upstream: up, rewrite: true}
}

// guard is the flow of one exchange: read, decide, answer or forward, record.
type guard struct {
	gate     *Gate
	upstream edge.Upstream
	rewrite  bool
}

// exchange is one request on its way through a guard. It is pooled: nothing may keep it, or anything in it, after record.
type exchange struct {
	gate    *Gate
	plan    *plan
	facts   facts.Facts
	verdict verdict.Verdict
	entry   observe.Entry
	writer  edge.Writer
	length  int64                                     // of the body as declared; 0 when there is none or nothing was declared
	body    *counter                                  // of a body without a declared length; its own object, because a transport may read on after the answer
	set     [3 + facts.MaxRewritten]facts.HeaderField // what the upstream gets besides the client's header
	span    tracing.Span
	done    bool // the handler returned and did not panic
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

func (h *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := exchanges.Get().(*exchange)
	x.begin(h.gate, w, r)
	defer x.end(h.rewrite) // also when the handler panics: what happened is recorded, and the panic goes on
	sent := r
	r = x.decide(own(sent))
	switch {
	case x.verdict.Done.Action >= verdict.Limit:
		edge.Answer(&x.writer, r, &x.verdict)
	case !x.held(r):
		panic(http.ErrAbortHandler) // a clean end would be an empty answer with status 200
	default:
		h.forward(x, r)
		x.writer.End()
		sent.MultipartForm = r.MultipartForm // whose files the server removes, but of its own request only
	}
	x.done = true
}

// own gives a request whose body may be replaced. By the body of its own request the server sees what was not read of it, and so whether
// the client still waits to be told to send it.
func own(r *http.Request) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}
	if r.ContentLength < 0 && r.Trailer == nil {
		r.Trailer = http.Header{} // filled at the end of the body; the map is common to both
	}
	return r.WithContext(r.Context())
}

// begin takes the exchange into use.
func (x *exchange) begin(g *Gate, w http.ResponseWriter, r *http.Request) {
	x.gate, x.plan = g, g.plan.Load()
	x.writer.Begin(w)
	x.span = g.tracer.Begin(r)
}

// decide reads the facts and asks the engine. The request to go on with is r, or stands for it.
func (x *exchange) decide(r *http.Request) *http.Request {
	r = x.read(r)
	x.verdict = x.plan.engine.Decide(&x.facts)
	x.gate.metrics.decided(x.gate.clock.now() - x.facts.At)
	return r
}

// read gets the facts, of the body only where the route declares fields.
func (x *exchange) read(r *http.Request) *http.Request {
	f := &x.facts
	x.plan.Reader.Read(f, edge.Head(r), x.gate.clock.now())
	x.length = max(0, r.ContentLength)
	if r.ContentLength < 0 && r.Body != nil {
		x.body = &counter{ReadCloser: r.Body}
		r.Body = x.body
	}
	if len(f.Route.Body.Fields) > 0 && r.Body != nil && r.Body != http.NoBody {
		var broken error
		if r.Body, broken = x.plan.Reader.ReadBody(f, r.Body, r.Header); broken != nil {
			// The error comes up again when the body is read on, and is answered there. But net/http ended the context as well, and a
			// request whose context is over goes nowhere.
			return r.WithContext(context.WithoutCancel(r.Context()))
		}
	}
	return r
}

// held keeps a suspicious request waiting, as long as there is room to wait and the client does; false when it went away.
func (x *exchange) held(r *http.Request) bool {
	if x.verdict.Done.Action != verdict.Slow {
		return true
	}
	select {
	case x.gate.slow <- struct{}{}:
	default:
		return true
	}
	defer func() { <-x.gate.slow }()
	wait := time.NewTimer(x.verdict.Done.Delay)
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-r.Context().Done():
		x.entry.Failure = "client gone"
		return false
	}
}

// forward lets the request through and answers in the upstream's place when it fails.
func (h *guard) forward(x *exchange, r *http.Request) {
	set := x.introduction()
	if h.rewrite {
		set = x.plan.Reader.Rewrite(r.Header, &x.facts, r.Host, set) // takes fields of our name away, too
	} else {
		edge.Strip(r.Header)
	}
	reply := h.upstream.Forward(&x.writer, r, set)
	e := &x.entry
	e.Target, e.Upstream, e.Failure, e.Out = reply.Target, reply.Wait, reply.Failure, reply.Passed
	switch {
	case reply.Failure == "":
	case reply.Started || reply.Problem == nil:
		panic(http.ErrAbortHandler) // a clean end would make the client take half an answer, or an empty one, for a whole one
	default:
		reply.Problem.Write(&x.writer, r, x.facts.ID)
	}
}

// introduction is what the upstream is told of the decision.
func (x *exchange) introduction() []facts.HeaderField {
	v := &x.verdict
	var buf [128]byte
	b := v.ID.AppendText(buf[:0])
	score := len(b)
	b = strconv.AppendFloat(b, v.Score.P(), 'f', 4, 64)
	subject := len(b)
	text := string(v.Subject.AppendText(b)) // one allocation for the three
	return append(x.set[:0], facts.HeaderField{Name: edge.DecisionHeader, Value: text[:score]},
		facts.HeaderField{Name: edge.ScoreHeader, Value: text[score:subject]},
		facts.HeaderField{Name: edge.SubjectHeader, Value: text[subject:]})
}

// end records the exchange and gives it back to the pool, unless somebody may have kept it: a handler its writer, or a program its
// verdict.
func (x *exchange) end(pooled bool) {
	e, f, v := &x.entry, &x.facts, &x.verdict
	if f.Route != nil { // else reading the facts panicked, and there is nothing to tell
		e.Facts, e.Verdict = f, v
		e.Status, e.Out = x.writer.Status, e.Out+x.writer.Bytes
		e.In = x.received()
		e.Took = time.Duration(x.gate.clock.now() - f.At)
		if !x.done && e.Failure == "" {
			e.Failure = "aborted"
		}
		if v.Done.Action < verdict.Limit && e.Failure == "" { // our own refusals mean nothing
			e.Outcome = x.plan.Outcomes[f.Route.Index].Of(e.Status)
		}
		x.gate.record.Observe(e)
		x.gate.metrics.observed(x.plan.counted, e)
		x.span.End(f.Method, f.Template, e.Status, &v.ID, v.Done.Action)
	}
	if pooled {
		*x = exchange{}
		exchanges.Put(x)
	}
}

// received is how long the request's body was: counted, or else as declared.
func (x *exchange) received() int64 {
	if x.body != nil {
		return x.body.n.Load()
	}
	return x.length
}

// counter counts the bytes of a body whose length was not declared.
type counter struct {
	io.ReadCloser
	n atomic.Int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// program is a Go handler as an upstream.
type program struct{ http.Handler }

// Forward calls the handler; its panics pass through.
func (p program) Forward(w http.ResponseWriter, r *http.Request, set []facts.HeaderField) edge.Reply {
	if r.Header == nil { // a request made by a program
		r.Header = http.Header{}
	}
	for _, f := range set {
		r.Header[f.Name] = []string{f.Value}
	}
	p.ServeHTTP(w, r)
	return edge.Reply{Started: true}
}
