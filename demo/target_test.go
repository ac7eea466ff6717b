package demo

import (
	"net"
	"strings"
	"testing"
)

func TestTargets(t *testing.T) {
	for text, want := range map[string]string{
		"http://127.0.0.1:8080":                "http://127.0.0.1:8080",
		"http://127.9.8.7:1/":                  "http://127.9.8.7:1",
		"http://[::1]:80":                      "http://[::1]:80",
		"http://[::ffff:127.0.0.1]:80":         "http://127.0.0.1:80",
		"http://192.0.2.1:80":                  "",
		"http://10.0.0.1:80":                   "",
		"http://0.0.0.0:80":                    "",
		"http://[::]:80":                       "",
		"http://[::ffff:192.0.2.1]:80":         "",
		"http://localhost:80":                  "",
		"http://example.com:80":                "",
		"http://127.0.0.1.example.com:80":      "",
		"http://127.0.0.1@192.0.2.1:80":        "",
		"http://x@127.0.0.1:80":                "",
		"http://2130706433:80":                 "",
		"http://127.1:80":                      "",
		"https://127.0.0.1:80":                 "",
		"http://127.0.0.1":                     "",
		"http://127.0.0.1:0":                   "",
		"http://127.0.0.1:65536":               "",
		"http://127.0.0.1:80/api":              "",
		"http://127.0.0.1:80?to=x":             "",
		"127.0.0.1:80":                         "",
		"":                                     "",
		"http://127.0.0.1:80\r\nHost: example": "",
	} {
		got, err := parseTarget(text)
		if got.base != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got.base, err, want)
		}
	}
}

// FuzzTarget: whatever the text, what is accepted is a loopback address.
func FuzzTarget(f *testing.F) {
	for _, text := range []string{"http://127.0.0.1:8080", "http://[::1%25lo]:80", "http://[::ffff:7f00:1]:1/", "http://127.0.0.1:80#x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseTarget(text)
		if err != nil {
			return
		}
		addr, err := net.ResolveTCPAddr("tcp", strings.TrimPrefix(got.base, "http://"))
		if err != nil || !addr.IP.IsLoopback() || addr.Port == 0 {
			t.Errorf("%q is let through as %q: %v %v", text, got.base, addr, err)
		}
	})
}
