package listener

import (
	"io"
	"net/http"
	"time"
)

// patience is what is left of a grace: waiting uses it up, bytes earn it back at the minimum rate, and there is never more than at the
// start, so that who was fast once may not be slow for ever.
type patience struct {
	rate  int64 // bytes a second
	grace time.Duration
	left  time.Duration
}

func newPatience(rate int64, grace time.Duration) patience { return patience{rate, grace, grace} }

// spend accounts for a wait that brought n bytes.
func (p *patience) spend(waited time.Duration, n int) {
	p.left = min(p.left+p.worth(n)-waited, p.grace)
}

// worth is the time n bytes take at the minimum rate.
func (p *patience) worth(n int) time.Duration {
	return time.Duration(float64(n) / float64(p.rate) * float64(time.Second))
}

// bodyAhead, set as a read deadline, tells the connection below an HTTP/1 exchange (see paced) that what is read from now on is a
// request's body, until another deadline is set. That way the wait is measured where it takes place: also when net/http reads the rest
// of a body that the handler left, which no wrapper of the body sees, and not while the handler does other things. It lies in the past:
// a connection that does not know it reads no body at all.
var bodyAhead = time.Unix(2, 0)

// control is a response writer with what http.ResponseController finds in both of net/http's.
type control interface {
	http.ResponseWriter
	FlushError() error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// patient hands requests on with bodies that must arrive at a minimum rate and end within the size limit.
type patient struct {
	http.Handler
	rate    int64 // negative: however slow
	grace   time.Duration
	maxBody int64 // 0: however large
}

func (p *patient) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == "PRI" && r.RequestURI == "*" {
		// What net/http makes of a broken HTTP/2 preface: a request without a host that calls itself HTTP/2.
		w.Header().Set("Connection", "close")
		http.Error(w, "400 Bad Request", http.StatusBadRequest)
		return
	}
	hasBody := r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody
	c, ok := w.(control)
	switch {
	case r.ProtoMajor == 2 && ok && p.rate > 0:
		p.serveStream(c, r, hasBody)
		return
	case hasBody && ok && p.rate > 0:
		if err := c.SetReadDeadline(bodyAhead); err != nil {
			panic(http.ErrAbortHandler) // the connection is closed
		}
	}
	if hasBody {
		r = ownBody(r)
		p.limit(w, r)
	}
	p.Handler.ServeHTTP(w, r)
}

func (p *patient) serveStream(w control, r *http.Request, hasBody bool) {
	s := newStream(w, p.rate, p.grace)
	defer s.end()
	if hasBody {
		r.Body = &streamBody{r.Body, s}
		p.limit(w, r)
	}
	if r.Method == http.MethodHead {
		p.Handler.ServeHTTP(w, r) // there will be no body to wait for
		return
	}
	p.Handler.ServeHTTP(s, r)
	s.finish()
}

// ownBody gives handlers a request of their own to replace the body of. net/http looks into the body of the request that it made to
// tell whether the client still waits for 100 Continue and how much of the body is left; it must find the one that it put there.
func ownBody(r *http.Request) *http.Request {
	if r.Trailer == nil && r.ContentLength < 0 {
		r.Trailer = http.Header{} // filled at the end of the body; the map is common to both
	}
	return r.WithContext(r.Context())
}

// limit bounds the body. When its length is declared nothing of it is read: neither asked for by 100 Continue nor passed on in part.
func (p *patient) limit(w http.ResponseWriter, r *http.Request) {
	switch {
	case p.maxBody == 0:
	case r.ContentLength > p.maxBody:
		r.Body = &oversized{r.Body, p.maxBody}
	default:
		r.Body = http.MaxBytesReader(w, r.Body, p.maxBody)
	}
}

// oversized is a body known to be too long.
type oversized struct {
	io.Closer
	limit int64
}

func (o *oversized) Read([]byte) (int, error) { return 0, &http.MaxBytesError{Limit: o.limit} }
