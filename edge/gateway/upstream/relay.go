package upstream

import (
	"io"
	"net/http"
	"slices"
	"strings"
)

// relay hands the answer to the client. Its error means that the client has not got all of it.
func (x *exchange) relay(c *conn, res *http.Response) error {
	c.body(x.pool.cfg.BodyIdleTimeout)
	announced := announce(res)
	h := x.w.Header()
	pass(h, res)
	if len(announced) > 0 {
		h["Trailer"] = []string{strings.Join(announced, ", ")}
	}
	hasBody := res.Body != http.NoBody
	frame(h, x.r, res.ContentLength, res.Body)
	x.head(res.StatusCode)
	x.w.WriteHeader(res.StatusCode)
	if !hasBody {
		return nil
	}
	if n := res.ContentLength; n > 0 && n <= int64(c.br.Buffered()) {
		return x.whole(c, int(n))
	}
	if err := x.stream(c, res); err != nil {
		return err
	}
	trail(h, res.Trailer, announced)
	return nil
}

// pass copies the answer's fields, but for those of one connection, to the client's.
func pass(h http.Header, res *http.Response) {
	dropNamed(res.Header)
	for name := range res.Header {
		if hop(name) {
			delete(res.Header, name)
		}
	}
	merge(h, res.Header)
}

// frame chooses the framing towards HTTP/1.1. A body of unknown length stays one: net/http would measure a short one.
// Trailers, which HTTP/2 sends after a body of known length too, need chunks.
func frame(h http.Header, r *http.Request, length int64, body io.Reader) {
	if body == http.NoBody || r.ProtoMajor != 1 || r.ProtoMinor < 1 {
		return
	}
	if length < 0 || h["Trailer"] != nil {
		delete(h, "Content-Length")
		h["Transfer-Encoding"] = []string{"chunked"}
	}
}

// announce lists the trailers that the target announced and that may pass.
func announce(res *http.Response) []string {
	if len(res.Trailer) == 0 {
		return nil
	}
	dropTrailers(res.Trailer)
	names := make([]string, 0, len(res.Trailer))
	for name := range res.Trailer {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// trail sets the trailers, those that were not announced under the prefix net/http wants.
func trail(h, trailer http.Header, announced []string) {
	dropTrailers(trailer)
	for name, values := range trailer {
		if !slices.Contains(announced, name) {
			name = http.TrailerPrefix + name
		}
		h[name] = values
	}
}

// whole hands on a body that has already come in, straight from the connection's buffer.
func (x *exchange) whole(c *conn, n int) error {
	b, err := c.br.Peek(n)
	if err != nil {
		return err
	}
	if err := x.write(b); err != nil {
		return err
	}
	_, err = c.br.Discard(n)
	return err
}

// stream hands on a body as it comes in. One of unknown length may be a stream of events, so what there is of it goes
// out before more is waited for.
func (x *exchange) stream(c *conn, res *http.Response) error {
	buf := x.pool.buffers.Get()
	defer x.pool.buffers.Put(buf)
	prompt := res.ContentLength < 0
	held := prompt && c.br.Buffered() == 0
	for {
		if held {
			_ = http.NewResponseController(x.w).Flush() // a client that is gone shows at the next write
			held = false
		}
		n, err := res.Body.Read(buf)
		if n > 0 {
			if err := x.write(buf[:n]); err != nil {
				return err
			}
			held = prompt
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

func (x *exchange) write(b []byte) error {
	n, err := x.w.Write(b)
	x.res.Bytes += int64(n)
	if err != nil {
		return &clientError{err}
	}
	return nil
}
