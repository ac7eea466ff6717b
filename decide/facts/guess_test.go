package facts

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestGuessClass(t *testing.T) {
	for _, c := range []struct {
		method, path string
		want         Class
	}{
		{"POST", "/login", Login},
		{"POST", "/api/v1/auth/login", Login},
		{"GET", "/login", Login},
		{"HEAD", "/Sign-In", Login},
		{"POST", "/sign_in", Login},
		{"POST", "/users/sign_in", Login},
		{"POST", "/wp-login.php", Login},
		{"POST", "/login;jsessionid=1", Login},
		{"POST", "/login/", Login},
		{"POST", "/v1/accounts:signInWithPassword", Login},
		{"POST", "/api/sessions", Login},
		{"GET", "/api/sessions", Plain},
		{"POST", "/api/sessions/{id}/refresh", Plain},
		{"POST", "/oauth/token", Login},
		{"POST", "/auth/token", Login},
		{"POST", "/realms/main/protocol/openid-connect/token", Login},
		{"POST", "/api/token", Login},
		{"POST", "/token", Login},
		{"POST", "/oauth/token/revoke", Plain},
		{"GET", "/crypto/token", Plain},
		{"POST", "/auth", Login},
		{"GET", "/auth", Plain},
		{"POST", "/admin/login", Login},
		{"POST", "/login.php/webhook", Login}, // what follows a script's name must not change what it is
		{"GET", "/auth/login/callback", Login},
		{"", "/login", Login},
		{"OPTIONS", "/login", Plain},

		{"POST", "/password/reset", Reset},
		{"POST", "/forgot-password", Reset},
		{"POST", "/api/auth/forgotPassword", Reset},
		{"POST", "/users/{id}/reset-password", Reset},
		{"GET", "/reset/{token}", Reset},
		{"POST", "/reset/password", Reset},
		{"POST", "/account/recover", Reset},
		{"POST", "/password/email", Reset},
		{"POST", "/devices/{id}/reset", Plain},
		{"POST", "/password", Plain},
		{"POST", "/contact/email", Plain},

		{"POST", "/api/otp", OTP},
		{"POST", "/auth/login/verify", OTP},
		{"POST", "/verify-phone", OTP},
		{"GET", "/verify-email/{token}", OTP},
		{"POST", "/login/2fa", OTP},
		{"POST", "/user/mfa/challenge", OTP},
		{"POST", "/send/sms", OTP},
		{"GET", "/verified-sellers", Plain},

		{"POST", "/signup", Signup},
		{"POST", "/api/auth/register", Signup},
		{"GET", "/register/of/members", Plain},
		{"POST", "/register/of/ships", Plain},
		{"GET", "/register", Plain},
		{"POST", "/api/users", Signup},
		{"POST", "/v1/accounts/", Signup},
		{"POST", "/accounts/{$}", Signup},
		{"GET", "/api/users", Plain},
		{"POST", "/api/users/{id}", Plain},
		{"POST", "/profile", Plain},

		{"GET", "/api/products/search", Search},
		{"GET", "/search/products", Search},
		{"POST", "/search", Search},
		{"GET", "/q", Search},
		{"GET", "/q/and/a", Plain},
		{"GET", "/places/autocomplete", Search},
		{"GET", "/research", Plain},

		{"GET", "/api/products", Catalog},
		{"GET", "/products/{id}/reviews", Catalog},
		{"GET", "/catalogue/{name}", Catalog},
		{"POST", "/products", Plain},
		{"GET", "/cart/items", Plain},
		{"GET", "/users/{id}/items", Plain},
		{"GET", "/blog/how-to-login-safely", Plain},

		{"GET", "/users/{id}", Lookup},
		{"GET", "/users/17", Lookup},
		{"GET", "/users/{name}", Lookup},
		{"GET", "/profiles/{name}", Lookup},
		{"GET", "/users/me", Plain},
		{"PUT", "/users/{id}", Plain},
		{"GET", "/users/{id}/orders", Plain},
		{"POST", "/users/exists", Lookup},
		{"POST", "/check-email", Lookup},
		{"GET", "/products/{id}/availability", Lookup},
		{"GET", "/giftcards/{token}/balance", Lookup},

		{"POST", "/cart", Hold},
		{"PUT", "/basket/{id}", Hold},
		{"GET", "/cart", Plain},
		{"POST", "/events/{id}/reserve", Hold},
		{"POST", "/cart/items", Hold},

		{"POST", "/cart/checkout", Checkout},
		{"POST", "/checkout", Checkout},
		{"POST", "/payments", Checkout},
		{"POST", "/api/orders", Checkout},
		{"GET", "/api/orders", Plain},
		{"POST", "/api/orders/{id}/notes", Plain},

		{"POST", "/webhooks/stripe/payment", Webhook},
		{"POST", "/hooks/verify", Webhook},
		{"GET", "/auth/callback", Webhook},
		{"POST", "/products/webhook", Webhook},

		{"GET", "/internal/users/{id}", Internal},
		{"GET", "/admin/products", Internal},
		{"GET", "/metrics", Internal},
		{"GET", "/health", Internal},
		{"GET", "/api/health/live", Internal},
		{"GET", "/healthz", Internal},
		{"GET", "/actuator/env", Internal},
		{"GET", "/debug/pprof/heap", Internal},
		{"GET", "/blog/health", Plain},
		{"GET", "/health/articles/{id}", Catalog},

		{"POST", "/logout", Plain},
		{"GET", "/log", Plain},
		{"GET", "/", Plain},
		{"GET", "", Plain},
		{"GET", "/{rest...}", Plain},
		{"GET", "/catalogs-of-the-world", Plain},
		{"POST", strings.Repeat("/a", maxSegments-1) + "/login", Login},
		{"POST", strings.Repeat("/a", maxSegments) + "/login", Plain}, // templates do not go so deep
	} {
		if got := GuessClass(c.method, c.path); got != c.want {
			t.Errorf("GuessClass(%q, %q) = %v, want %v", c.method, c.path, got, c.want)
		}
	}
}

// A word must be found under its own spelling, and in one group only.
func TestVocabularyIsNormal(t *testing.T) {
	for text, want := range vocabulary {
		spelling, w := normalWord(nil, strings.ToUpper(text))
		if string(spelling) != text || w != want {
			t.Errorf("the word %q reads as %q, %d; want %d", text, spelling, w, want)
		}
		if shapeOf(text) != "" {
			t.Errorf("the word %q has the shape %s", text, shapeOf(text))
		}
	}
}

func TestGuessClassAllocates(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { GuessClass("POST", "/api/v1/auth/Sign-In/8f14e45f") }); n != 0 {
		t.Errorf("guessing allocates %v times", n)
	}
}

// genPath draws clean paths of words, things with a shape and random text.
func genPath(t *rapid.T) string {
	words := []string{"api", "v1", "login", "users", "orders", "reset", "password", "cart", "items", "Search", "webhooks", "admin", "health", "token", "auth", "about", "x.png", "login.php"}
	segment := rapid.OneOf(
		rapid.SampledFrom(words),
		rapid.StringMatching(`[0-9]{1,6}|[0-9a-f]{8,16}|[A-Za-z0-9_-]{22}|[a-z]{1,10}(\.png|\.js)?|[0-9]{1,4}\.png|[a-z]{3}@[a-z]{3}\.de|[ -.:-~]{1,12}`),
	)
	path, _ := cleanPath("/" + strings.Join(rapid.SliceOfN(segment, 0, 18).Draw(t, "segments"), "/"))
	return path
}

// Whether a path's class is guessed by itself or by its template makes no difference.
func TestGuessClassOfTemplate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		path := genPath(t)
		method := rapid.SampledFrom([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}).Draw(t, "method")
		class, template := newLearner(64).template(method, path)
		if guessed := GuessClass(method, path); class != guessed || template == otherTemplate {
			t.Fatalf("%s %q is %v, its template %q %v", method, path, guessed, template, class)
		}
	})
}
