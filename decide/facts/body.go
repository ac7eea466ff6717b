package facts

import (
	"io"
	"mime"
	"net/http"
	"strings"
)

// maxFieldValue bounds one field's value, in bytes. A longer one is not kept, and its absence is OddBodyTruncated.
const maxFieldValue = 1 << 10

// finder keeps the values a scan finds. The last value of the first path that is present wins.
type finder struct {
	into  *Fields
	odd   Odd
	order [MaxFields]uint8 // of the path that gave each field's value
}

func newFinder(into *Fields) finder {
	f := finder{into: into}
	for i := range f.order {
		f.order[i] = 2 * maxFieldPath
	}
	return f
}

// found keeps a copy of text for each of the targets.
func (f *finder) found(targets []fieldTarget, text []byte, fits bool) {
	if len(targets) == 0 {
		return
	}
	if !fits {
		f.odd |= OddBodyTruncated
		return
	}
	value := string(text)
	for _, t := range targets {
		if t.order <= f.order[t.field] {
			f.order[t.field] = t.order
			f.into.Set(int(t.field), value)
		}
	}
}

// mediaKind is the kind of a body that can be read for fields.
type mediaKind uint8

const (
	mediaNone mediaKind = iota
	mediaJSON
	mediaForm
	mediaMultipart
)

// mediaOf tells the kind of a body from its header, and for multipart its boundary.
func mediaOf(h http.Header) (kind mediaKind, boundary string) {
	if coding := h["Content-Encoding"]; len(coding) > 1 || len(coding) == 1 && !strings.EqualFold(coding[0], "identity") {
		return mediaNone, ""
	}
	lines := h["Content-Type"]
	if len(lines) != 1 {
		return mediaNone, ""
	}
	switch lines[0] { // what nearly everybody sends
	case "application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8":
		return mediaJSON, ""
	case "application/x-www-form-urlencoded":
		return mediaForm, ""
	}
	media, params, err := mime.ParseMediaType(lines[0])
	if err != nil && err != mime.ErrInvalidMediaParameter { // servers take the type and leave a broken parameter
		return mediaNone, ""
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
		return mediaNone, ""
	}
	switch {
	case media == "application/json", strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"):
		return mediaJSON, ""
	case media == "application/x-www-form-urlencoded":
		return mediaForm, ""
	case media == "multipart/form-data" && params["boundary"] != "":
		return mediaMultipart, params["boundary"]
	}
	return mediaNone, ""
}

// ReadBody reads the declared fields of f.Route out of the body into f.Fields, and gives a body that yields the same bytes: use it in
// place of the one given, which it owns and closes once. A route that declares nothing, or a body that is absent or of a kind not read
// (OddBodyType), comes back untouched.
//
// It reads at most the route's limit, waiting for the client where it must: set a deadline on the connection. A body that did not end
// within the limit is OddBodyTruncated, even where nothing would have followed.
//
// The error is that of the read ahead, for an edge that wants to answer it at once (*http.MaxBytesError); the body is good all the
// same and yields the error behind the bytes that came before it.
func (r *Reader) ReadBody(f *Facts, body io.ReadCloser, header http.Header) (io.ReadCloser, error) {
	plan := r.planOf(f.Route)
	if plan == nil || body == nil || body == http.NoBody {
		return body, nil
	}
	media, boundary := mediaOf(header)
	if media == mediaNone {
		f.Odd |= OddBodyType
		return body, nil
	}
	ahead := r.buffers.readAhead(body, plan.limit)
	b, more := ahead.pending, ahead.err != io.EOF
	if len(b) > 0 {
		f.Odd |= scanBody(plan, media, boundary, b, more, &f.Fields)
	}
	if more {
		return ahead, ahead.err
	}
	return ahead, nil
}

func scanBody(plan *fieldPlan, media mediaKind, boundary string, b []byte, more bool, into *Fields) Odd {
	switch media {
	case mediaJSON:
		return scanJSON(plan, b, more, into)
	case mediaForm:
		return scanForm(plan, b, more, into)
	}
	return scanMultipart(plan, boundary, b, more, into)
}

func (r *Reader) planOf(route *Route) *fieldPlan {
	if route == nil || route.Index < 0 || route.Index >= len(r.plans) {
		return nil
	}
	return r.plans[route.Index]
}
