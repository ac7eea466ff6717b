package shop

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzShop sends any body to any route, with a good token: the shop neither panics nor answers with a fault of its own, and
// what it says is JSON.
func FuzzShop(f *testing.F) {
	f.Add(uint8(0), "", `{"email":"user0001@example.com","password":"open-sesame-0001"}`)
	f.Add(uint8(1), "", `{"email":"a@b.c","password":"longenough","name":"\ud800"}`)
	f.Add(uint8(6), "", `{"name":null,"phone":"+1234567"}`)
	f.Add(uint8(7), "page=9223372036854775807&limit=100", "")
	f.Add(uint8(9), "q=%ff%00", "")
	f.Add(uint8(10), "", `{"product":1e3,"quantity":-1}`)
	f.Add(uint8(12), "", `{"holds":[null,"",[]]}`)

	s := New(Options{Products: 50, Accounts: 5, Signups: 5, Tokens: 5, Codes: 5, Holds: 5, Orders: 5, MaxBody: 4096, Clock: func() time.Time { return time.Unix(0, 0) }})
	var ways []string
	for _, r := range (&shop{}).routes() {
		if r.path != "/api/events" {
			ways = append(ways, r.method+" "+r.path)
		}
	}
	f.Fuzz(func(t *testing.T, way uint8, text, body string) {
		login := httptest.NewRecorder()
		s.ServeHTTP(login, httptest.NewRequest("POST", "/api/auth/login", strings.NewReader(`{"email":"user0002@example.com","password":"open-sesame-0002"}`)))
		var got struct{ Token string }
		if err := json.Unmarshal(login.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}

		method, path, _ := strings.Cut(ways[int(way)%len(ways)], " ")
		path, hasID := strings.CutSuffix(path, "{id}")
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		if r.URL.RawQuery = text; hasID {
			r.URL = &url.URL{Path: path + text}
		}
		r.Header.Set("Authorization", "Bearer "+got.Token)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatalf("%s %s?%q %q: %d", method, path, text, body, w.Code)
		}
		if redirect := w.Code == http.StatusMovedPermanently || w.Code == http.StatusTemporaryRedirect; !redirect && w.Code != http.StatusNoContent && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s %s: not JSON: %q", method, path, w.Body)
		}
	})
}
