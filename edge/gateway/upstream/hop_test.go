package upstream

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestStripHop: nothing of one connection stays but an upgrade and the wish for trailers, everything else does, and a
// second time changes nothing.
func TestStripHop(t *testing.T) {
	names := []string{"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "X-A", "X-B", "Accept", "Cookie"}
	values := []string{"", "close", "keep-alive", "upgrade", "Upgrade, x-a", "X-B,, TE", "websocket", "trailers", "gzip, Trailers;q=1", "trailers , x"}
	rapid.Check(t, func(rt *rapid.T) {
		h := http.Header{}
		for range rapid.IntRange(0, 8).Draw(rt, "fields") {
			h.Add(rapid.SampledFrom(names).Draw(rt, "name"), rapid.SampledFrom(values).Draw(rt, "value"))
		}
		before := h.Clone()
		stripHop(h)
		named := strings.ToLower(strings.Join(before["Connection"], ","))
		for _, name := range names[9:] {
			want := before[name]
			if strings.Contains(named, strings.ToLower(name)) {
				want = nil
			}
			if !reflect.DeepEqual(h[name], want) {
				rt.Errorf("%q: %s is %q", before, name, h[name])
			}
		}
		for name := range h {
			switch {
			case !hop(name):
			case name == "Te" && reflect.DeepEqual(h["Te"], []string{"trailers"}) && token(before["Te"], "trailers"):
			case (name == "Connection" || name == "Upgrade") && upgradeOf(h) != "" && upgradeOf(h) == upgradeOf(before) && len(h["Connection"]) == 1:
			default:
				rt.Errorf("%q: %s: %q", before, name, h[name])
			}
		}
		after := h.Clone()
		if stripHop(h); !reflect.DeepEqual(h, after) {
			rt.Errorf("%q, again %q", after, h)
		}
	})
}
