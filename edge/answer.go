package edge

import (
	"net/http"
	"strconv"
	"time"

	"glacis/decide/limit"
	"glacis/decide/verdict"
)

// Answer writes the response of a verdict that does not let the request through. It must not be called for Allow and Slow.
func Answer(w http.ResponseWriter, r *http.Request, v *verdict.Verdict) int {
	p := Refused
	switch {
	case v.Done.Action == verdict.Limit:
		p = QuotaExceeded
		p.Violated = v.Done.Limit.Limit.Name
		writeQuota(w.Header(), &v.Done.Limit)
	case v.Done.Cause == verdict.Malformed:
		p = Malformed
	}
	p.Write(w, r, v.ID)
	return p.Status
}

// writeQuota describes the limit that denied, in the fields of draft-ietf-httpapi-ratelimit-headers-11: what it is, that nothing is
// left, and when there is more. Retry-After is rounded up, so that it is never earlier than the truth.
func writeQuota(h http.Header, s *limit.State) {
	name := quoted(s.Limit.Name)
	wait := strconv.FormatInt(seconds(s.Wait), 10)
	h.Set("Retry-After", wait)
	h.Set("RateLimit-Policy", name+";q="+strconv.FormatInt(s.Limit.Burst, 10)+";w="+strconv.FormatInt(window(s.Limit), 10))
	h.Set("RateLimit", name+";r=0;t="+wait)
}

// window is how long the whole burst takes to come back: the window in which the quota q holds.
func window(l *limit.Limit) int64 {
	return seconds(time.Duration(l.Burst * l.Rate.Interval()))
}

// seconds rounds up, at least 1.
func seconds(d time.Duration) int64 {
	return max(1, int64((d+time.Second-1)/time.Second))
}

// quoted writes a name as a Structured Fields string (RFC 9651 §3.3.3): printable ASCII, quote and backslash escaped.
func quoted(name string) string {
	b := make([]byte, 0, len(name)+2)
	b = append(b, '"')
	for i := range len(name) {
		switch c := name[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c > 0x7e:
			b = append(b, '?')
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}
