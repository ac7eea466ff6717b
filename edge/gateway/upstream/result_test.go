package upstream

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestErrorSpeaks(t *testing.T) {
	for want, err := range map[string]error{
		"upstream a:80: timeout: EOF":     &Error{Kind: Timeout, Target: "a:80", Err: io.EOF},
		"upstream: no target: EOF":        &Error{Kind: NoTarget, Err: io.EOF},
		"upstream a:80: bad response: x":  &Error{Kind: BadResponse, Target: "a:80", Err: errors.New("x")},
		"upstream a:80: client gone: EOF": &Error{Kind: ClientGone, Target: "a:80", Err: io.EOF},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
	if k := KindOf(fmt.Errorf("wrapped: %w", &Error{Kind: Refused, Err: io.EOF})); k != Refused {
		t.Errorf("wrapped: %s", k)
	}
	if KindOf(nil) != OK || KindOf(io.EOF) != BadResponse {
		t.Error("kinds of others")
	}
	if s := fmt.Sprint(NoRung, RungA, RungB, Rung(9), Kind(99)); s != "none a b b refused" {
		t.Error(s)
	}
}

// TestCallersFieldsStay: fields set before Forward are kept, the answer's are added to them.
func TestCallersFieldsStay(t *testing.T) {
	onBothRungs(t, func(t *testing.T, forward forwarder) {
		s := newStub(t, always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nVary: Cookie\r\nX-Target: 1\r\n\r\n"))
		p := pool(t, Config{}, s.addr())
		shared := []string{"Origin", "spare"}[:1]
		w := httptest.NewRecorder()
		w.Header()["Vary"], w.Header()["X-Caller"] = shared, []string{"1"}
		if res := forward(p, w, httptest.NewRequest("GET", "/", nil)); res.Err != nil {
			t.Fatal(res.Err)
		}
		want := http.Header{"Content-Length": {"0"}, "Vary": {"Origin", "Cookie"}, "X-Caller": {"1"}, "X-Target": {"1"}}
		if got := fields(w.Header()); fmt.Sprint(got) != fmt.Sprint(fields(want)) {
			t.Errorf("%q", got)
		}
		if shared[:2][1] != "spare" {
			t.Error("wrote into the caller's slice")
		}
	})
}
