package shop

import (
	"fmt"
	"net/http"
	"time"
)

// events streams a tick a second as Server-Sent Events (WHATWG HTML, section 9.2) until the client goes.
func (s *shop) events(w http.ResponseWriter, r *http.Request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		fail(http.StatusServiceUnavailable, "too_many_streams").write(w)
		return
	}
	stream := http.NewResponseController(w)
	_ = stream.SetWriteDeadline(time.Time{}) // a server's limit on whole answers does not fit one without an end
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}

	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 1; ; n++ {
		_, err := fmt.Fprintf(w, "id: %d\nevent: tick\ndata: {\"time\":%q}\n\n", n, s.options.Clock().UTC().Format(time.RFC3339Nano))
		if err != nil || stream.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}
