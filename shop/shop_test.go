package shop

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// counter is a shop with a clock that stands still until the test moves it.
type counter struct {
	t     *testing.T
	shop  http.Handler
	now   time.Time
	codes map[string]string // the last code sent to each phone
}

func openShop(t *testing.T, o Options) *counter {
	c := &counter{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), codes: map[string]string{}}
	o.Clock = func() time.Time { return c.now }
	o.SendCode = func(phone, code string) { c.codes[phone] = code }
	c.shop = New(o)
	return c
}

// do sends a request and returns status and JSON answer. A line is "METHOD path [token]".
func (c *counter) do(line, body string) (int, map[string]any) {
	c.t.Helper()
	w := c.send(line, body)
	var answer map[string]any
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			c.t.Fatalf("%s: answer is not JSON: %q", line, w.Body)
		}
	}
	return w.Code, answer
}

func (c *counter) send(line, body string) *httptest.ResponseRecorder {
	part := strings.Fields(line)
	r := httptest.NewRequest(part[0], part[1], strings.NewReader(body))
	if len(part) > 2 {
		r.Header.Set("Authorization", "Bearer "+part[2])
	}
	w := httptest.NewRecorder()
	c.shop.ServeHTTP(w, r)
	return w
}

func (c *counter) want(status int, line, body string) map[string]any {
	c.t.Helper()
	got, answer := c.do(line, body)
	if got != status {
		c.t.Fatalf("%s %s: %d %v, want %d", line, body, got, answer, status)
	}
	return answer
}

func (c *counter) wantError(status int, word, line, body string) {
	c.t.Helper()
	if answer := c.want(status, line, body); answer["error"] != word {
		c.t.Fatalf("%s %s: error %v, want %s", line, body, answer["error"], word)
	}
}

func (c *counter) login(n int) string {
	c.t.Helper()
	answer := c.want(200, "POST /api/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, Email(n), Password(n)))
	return answer["token"].(string)
}

func (c *counter) hold(token string, product, quantity int) string {
	c.t.Helper()
	answer := c.want(201, "POST /api/cart/holds "+token, fmt.Sprintf(`{"product":%d,"quantity":%d}`, product, quantity))
	return answer["id"].(string)
}

func TestErrors(t *testing.T) {
	c := openShop(t, Options{MaxBody: 200})
	token := c.login(1)
	long := `{"name":"` + strings.Repeat("x", 300) + `"}`
	for _, at := range []struct {
		line, body string
		status     int
		word       string
	}{
		{"GET /nowhere", "", 404, "not_found"},
		{"GET /", "", 404, "not_found"},
		{"GET /api/auth/login", "", 405, "method_not_allowed"},
		{"PUT /healthz", "", 405, "method_not_allowed"},
		{"POST /api/auth/login", "", 400, "invalid_json"},
		{"POST /api/auth/login", `{"email":1}`, 400, "invalid_json"},
		{"POST /api/auth/login", `{} {}`, 400, "invalid_json"},
		{"POST /api/auth/login", long, 413, "body_too_large"},
		{"POST /api/auth/signup", `{"email":"no","password":"longenough","name":"A"}`, 400, "invalid_request"},
		{"POST /api/auth/signup", `{"email":"a@b.c","password":"short","name":"A"}`, 400, "invalid_request"},
		{"POST /api/auth/signup", `{"email":"a@b.c","password":"longenough","name":" "}`, 400, "invalid_request"},
		{"POST /api/auth/reset", `{"email":"@"}`, 400, "invalid_request"},
		{"POST /api/auth/otp", `{"phone":"12345678"}`, 400, "invalid_request"},
		{"POST /api/auth/otp", `{"phone":"+1234567x"}`, 400, "invalid_request"},
		{"GET /api/products?page=0", "", 400, "invalid_page"},
		{"GET /api/products?limit=101", "", 400, "invalid_page"},
		{"GET /api/products?page=x", "", 400, "invalid_page"},
		{"GET /api/products?page=", "", 400, "invalid_page"},
		{"GET /api/products/0", "", 404, "not_found"},
		{"GET /api/products/2001", "", 404, "not_found"},
		{"GET /api/products/kettle", "", 404, "not_found"},
		{"GET /api/search", "", 400, "invalid_query"},
		{"GET /api/search?q=" + strings.Repeat("x", 101), "", 400, "invalid_query"},
		{"GET /api/profile", "", 401, "unauthorized"},
		{"GET /api/profile nonsense", "", 401, "unauthorized"},
		{"PATCH /api/profile " + token, `{"phone":"x"}`, 400, "invalid_request"},
		{"PATCH /api/profile " + token, `{"name":""}`, 400, "invalid_request"},
		{"POST /api/cart/holds " + token, `{"product":1,"quantity":0}`, 400, "invalid_quantity"},
		{"POST /api/cart/holds " + token, `{"product":1,"quantity":11}`, 400, "invalid_quantity"},
		{"POST /api/cart/holds " + token, `{"product":2001,"quantity":1}`, 404, "not_found"},
		{"POST /api/checkout " + token, `{"holds":[]}`, 400, "invalid_holds"},
		{"POST /api/checkout " + token, `{"holds":["none"]}`, 409, "hold_gone"},
		{"GET /api/orders/1 " + token, "", 404, "not_found"},
		{"GET /api/orders/x " + token, "", 404, "not_found"},
		{"DELETE /api/cart/holds/x " + token, "", 404, "not_found"},
	} {
		c.wantError(at.status, at.word, at.line, at.body)
	}
	if allow := c.send("PUT /api/profile", "").Header().Get("Allow"); allow != "GET, HEAD, PATCH" {
		t.Errorf("Allow: %q", allow)
	}
}

func TestUnknownUserAndWrongPasswordAreOneAnswer(t *testing.T) {
	c := openShop(t, Options{})
	unknown := c.send("POST /api/auth/login", `{"email":"nobody@example.com","password":"x"}`)
	wrong := c.send("POST /api/auth/login", `{"email":"user0001@example.com","password":"x"}`)
	if unknown.Code != 401 || wrong.Code != 401 || unknown.Body.String() != wrong.Body.String() ||
		fmt.Sprint(unknown.Header()) != fmt.Sprint(wrong.Header()) {
		t.Errorf("unknown: %d %s, wrong: %d %s", unknown.Code, unknown.Body, wrong.Code, wrong.Body)
	}
	// Whatever a hash of nothing is, it must not open the account of nobody.
	c.wantError(401, "invalid_credentials", "POST /api/auth/login", `{}`)
}

func TestAccountsHaveDocumentedPasswords(t *testing.T) {
	c := openShop(t, Options{})
	for _, n := range []int{1, 49, 50, 500} {
		token := c.login(n)
		if got := c.want(200, "GET /api/profile "+token, ""); got["email"] != Email(n) {
			t.Errorf("account %d has address %v", n, got["email"])
		}
	}
	if Password(50) != CommonPassword || Password(51) == CommonPassword {
		t.Error("every fiftieth account, and no other, has the common password")
	}
}

func TestSignupAndProfile(t *testing.T) {
	c := openShop(t, Options{Signups: 2})
	join := func(i int) string {
		return fmt.Sprintf(`{"email":"New%d@example.com","password":"longenough","name":"New"}`, i)
	}
	c.want(201, "POST /api/auth/signup", join(1))
	c.wantError(409, "email_taken", "POST /api/auth/signup", strings.ToLower(join(1)))
	c.wantError(409, "email_taken", "POST /api/auth/signup", `{"email":"user0007@example.com","password":"longenough","name":"N"}`)
	token := c.want(200, "POST /api/auth/login", `{"email":"new1@example.com","password":"longenough"}`)["token"].(string)
	c.want(200, "PATCH /api/profile "+token, `{"phone":"+4912345678"}`)
	got := c.want(200, "GET /api/profile "+token, "")
	if got["name"] != "New" || got["phone"] != "+4912345678" {
		t.Errorf("profile: %v", got)
	}
	if len(got) != 4 {
		t.Errorf("a profile has four fields, and no secret: %v", got)
	}

	c.want(201, "POST /api/auth/signup", join(2))
	c.want(201, "POST /api/auth/signup", join(3)) // pushes out the first
	c.wantError(401, "unauthorized", "GET /api/profile "+token, "")
	c.want(201, "POST /api/auth/signup", join(1))
}

func TestTokensExpireAndAreBounded(t *testing.T) {
	c := openShop(t, Options{Tokens: 3})
	used, idle := c.login(1), c.login(2)
	for n := 3; n < 5; n++ {
		c.want(200, "GET /api/profile "+used, "")
		c.login(n)
	}
	c.want(200, "GET /api/profile "+used, "")
	c.wantError(401, "unauthorized", "GET /api/profile "+idle, "")
	c.now = c.now.Add(tokenLife)
	c.wantError(401, "unauthorized", "GET /api/profile "+used, "")
}

func TestCodes(t *testing.T) {
	c := openShop(t, Options{Codes: 2})
	ask := func(phone string) string {
		c.want(202, "POST /api/auth/otp", fmt.Sprintf(`{"phone":%q}`, phone))
		return fmt.Sprintf(`{"phone":%q,"code":%q}`, phone, c.codes[phone])
	}
	const verify = "POST /api/auth/otp/verify"
	right := ask("+4912345678")
	c.wantError(401, "invalid_code", verify, `{"phone":"+4912345678","code":"x"}`)
	c.want(200, verify, right)
	c.wantError(401, "invalid_code", verify, right) // once only

	right = ask("+4912345678")
	c.now = c.now.Add(codeLife)
	c.wantError(401, "invalid_code", verify, right)

	right = ask("+1000000001")
	ask("+1000000002")
	ask("+1000000003")
	c.wantError(401, "invalid_code", verify, right) // pushed out
}

func TestCatalogue(t *testing.T) {
	c := openShop(t, Options{Seed: 7})
	seen := map[float64]bool{}
	for page := 1; ; page++ {
		got := c.want(200, fmt.Sprintf("GET /api/products?limit=100&page=%d", page), "")
		products := got["products"].([]any)
		if len(products) == 0 {
			break
		}
		for _, p := range products {
			seen[p.(map[string]any)["id"].(float64)] = true
		}
	}
	if len(seen) != 2000 {
		t.Errorf("pages show %d products, want 2000", len(seen))
	}
	far := c.want(200, "GET /api/products?page=9223372036854775807&limit=100", "")
	if n := len(far["products"].([]any)); n != 0 {
		t.Errorf("the farthest page has %d products", n)
	}
	p := c.want(200, "GET /api/products/42", "")
	found := c.want(200, "GET /api/search?q="+strings.ReplaceAll(p["name"].(string), " ", "+"), "")
	if found["total"].(float64) < 1 || len(found["products"].([]any)) > mostFound {
		t.Errorf("search for product 42: %v", found)
	}

	same, other := newCatalogue(7, 50), newCatalogue(8, 50)
	if again := newCatalogue(7, 50); fmt.Sprint(again.products) != fmt.Sprint(same.products) {
		t.Error("equal seeds, different catalogues")
	}
	if fmt.Sprint(other.products) == fmt.Sprint(same.products) {
		t.Error("different seeds, equal catalogues")
	}
}

func TestHead(t *testing.T) {
	server := httptest.NewServer(New(Options{}))
	defer server.Close()
	for _, path := range []string{"/healthz", "/api/events"} {
		answer, err := server.Client().Head(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != 200 || len(text) > 0 || err != nil {
			t.Errorf("HEAD %s: %d %q %v", path, answer.StatusCode, text, err)
		}
	}
}
