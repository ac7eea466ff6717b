package gateway_test

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestTheUpstreamCanBelieveUs: what a client says of itself in our names, or in those of a proxy, does not get through.
func TestTheUpstreamCanBelieveUs(t *testing.T) {
	t.Parallel()
	up, reached := seen(t)
	lies := http.Header{
		"Glacis-Decision": {"untrue", "untrue"}, "Glacis-Score": {"0.0000"}, "Glacis-Subject": {"key:admin"}, "Glacis-Whatever": {"untrue"}, "Glacis_Subject": {"untrue"},
		"X-Forwarded-For": {"8.8.8.8"}, "Forwarded": {"for=8.8.8.8;host=untrue"}, "X-Real-Ip": {"8.8.8.8"}, "True-Client-Ip": {"8.8.8.8"},
		"X-Forwarded-Host": {"untrue"}, "X-Forwarded-Proto": {"https"}, "X_Forwarded_For": {"8.8.8.8"}, "X-Original-Url": {"/untrue"},
	}
	for name, hop := range map[string]http.Header{
		"plain":               {},
		"named in Connection": {"Connection": {"Glacis-Decision, glacis-score", "Glacis-Subject", "X-Forwarded-For, x-real-ip, X-Forwarded-Proto, X-Forwarded-Host", "keep-alive"}},
		"upgrade":             {"Connection": {"Upgrade, Glacis-Decision, Glacis-Score, Glacis-Subject, X-Forwarded-For, X-Real-Ip, X-Forwarded-Proto, X-Forwarded-Host"}, "Upgrade": {"other"}},
	} {
		s := open(t, "", up)
		r, err := http.NewRequest("GET", s.url("/x"), nil)
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(r.Header, lies)
		maps.Copy(r.Header, hop)
		r.Host = "shop.example"
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		read(t, res)
		got := within(t, "the request", reached)
		want := http.Header{
			"Glacis-Decision": {s.only().ID}, "Glacis-Score": {"0.0100"}, "Glacis-Subject": {"anonymous"},
			"X-Forwarded-For": {"127.0.0.1"}, "X-Real-Ip": {"127.0.0.1"}, "X-Forwarded-Host": {"shop.example"}, "X-Forwarded-Proto": {"http"},
		}
		for field := range want {
			if !slices.Equal(got.Header[field], want[field]) {
				t.Errorf("%s: %s is %q, want %q", name, field, got.Header[field], want[field])
			}
		}
		for field, values := range got.Header {
			if text := strings.Join(values, " "); strings.Contains(text, "8.8.8.8") || strings.Contains(text, "untrue") {
				t.Errorf("%s: %s: %s got through", name, field, text)
			}
		}
	}
}

// TestTrustedProxiesAreBelieved: from them, and from them only, an address counts.
func TestTrustedProxiesAreBelieved(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		trust, sent, client, passed string
	}{
		{"", "203.0.113.7", "127.0.0.1", "127.0.0.1"},
		{"10.0.0.0/8", "203.0.113.7", "127.0.0.1", "127.0.0.1"},
		{"127.0.0.0/8", "203.0.113.7", "203.0.113.7", "203.0.113.7, 127.0.0.1"},
		{"127.0.0.0/8", "8.8.8.8, 203.0.113.7", "203.0.113.7", "8.8.8.8, 203.0.113.7, 127.0.0.1"},
		{"127.0.0.0/8, 10.0.0.0/8", "8.8.8.8, 203.0.113.7, 10.1.2.3", "203.0.113.7", "8.8.8.8, 203.0.113.7, 10.1.2.3, 127.0.0.1"},
		{"127.0.0.0/8", "2001:db8::1", "2001:db8::1", "2001:db8::1, 127.0.0.1"},
	} {
		up, reached := seen(t)
		s := open(t, "trusted_proxies: ["+c.trust+"]\n", up)
		s.get("/x", from(c.sent)...)
		if got := within(t, "the request", reached).Header.Get("X-Forwarded-For"); got != c.passed {
			t.Errorf("%+v: the upstream is told %q", c, got)
		}
		if l := s.only(); l.Client != c.client || l.Remote != "127.0.0.1" {
			t.Errorf("%+v: the record tells %s, %s", c, l.Client, l.Remote)
		}
	}
}

// TestSubjects: a key the gate proves has a name; what nobody proves has none.
func TestSubjects(t *testing.T) {
	t.Parallel()
	up, reached := seen(t)
	sum := sha256.Sum256([]byte("a-long-enough-secret-key-0123456789"))
	s := open(t, "keys: [{name: partner, sha256: "+hex.EncodeToString(sum[:])+"}]\n", up)
	for field, want := range map[[2]string]string{
		{"X-Api-Key", "a-long-enough-secret-key-0123456789"}: "key:partner",
		{"X-Api-Key", "another"}:                             "unproven",
		{"Authorization", "Bearer abc"}:                      "unproven",
		{"Accept", "*/*"}:                                    "anonymous",
	} {
		s.get("/x", field[0], field[1])
		r := within(t, "the request", reached)
		if got := r.Header.Get("Glacis-Subject"); got != want {
			t.Errorf("%v: %q, want %q", field, got, want)
		}
		if r.Header.Get(field[0]) != field[1] {
			t.Errorf("%v did not reach the upstream", field)
		}
	}
}
