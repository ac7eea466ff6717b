package edge

import (
	"net/http"
	"time"

	"glacis/decide/facts"
)

// Upstream answers the requests that are let through.
type Upstream interface {
	// Forward answers r through w. The upstream gets the fields of set besides r.Header, which holds none of their names. When Reply.Failure is set and nothing was started, the edge answers in its place.
	Forward(w http.ResponseWriter, r *http.Request, set []facts.HeaderField) Reply
}

// Reply is what became of a forwarded request.
type Reply struct {
	Target  string        // which target answered
	Wait    time.Duration // until the response head
	Failure string        // why there is no whole answer; empty when there is
	Problem *Problem      // what to answer instead, when nothing was started
	Started bool          // the response head is out: a failure can only be shown by a cut
	Passed  int64         // bytes to the client that did not go through w (upgraded connections)
}
