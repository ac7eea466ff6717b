package listener

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func remote(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) }

// v2 is a PROXY protocol header of version 2: command, family and an address block of the stated length.
func v2(command, family byte, block string) string {
	return "\r\n\r\n\x00\r\nQUIT\n" + string([]byte{command, family, byte(len(block) >> 8), byte(len(block))}) + block
}

const (
	v4Block = "\xcb\x00\x71\x09\x0a\x00\x00\x01\x10\xe1\x00\x50" // 203.0.113.9:4321 to 10.0.0.1:80
	v6Block = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x10\xe1\x00\x50"
	request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
)

func TestAnnouncedClient(t *testing.T) {
	_, addr := start(t, Config{ProxyProtocol: loopback}, remote)
	for name, c := range map[string]struct{ header, want string }{
		"v1 TCP4":            {"PROXY TCP4 203.0.113.9 10.0.0.1 4321 80\r\n", "203.0.113.9:4321"},
		"v1 TCP6":            {"PROXY TCP6 2001:db8::9 2001:db8::1 4321 80\r\n", "[2001:db8::9]:4321"},
		"v1 UNKNOWN":         {"PROXY UNKNOWN\r\n", "self"},
		"v1 UNKNOWN, more":   {"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "self"},
		"v2 TCP4":            {v2(0x21, 0x11, v4Block), "203.0.113.9:4321"},
		"v2 TCP6":            {v2(0x21, 0x21, v6Block), "[2001:db8::9]:4321"},
		"v2 TCP4, more":      {v2(0x21, 0x11, v4Block+"\x04\x00\x01x"), "203.0.113.9:4321"},
		"v2 LOCAL":           {v2(0x20, 0x00, ""), "self"},
		"v2 LOCAL, address":  {v2(0x20, 0x11, v4Block), "self"},
		"none":               {"", "refused"},
		"v1 twice":           {"PROXY TCP4 203.0.113.9 10.0.0.1 1 2\r\nPROXY TCP4 203.0.113.8 10.0.0.1 1 2\r\n", "400"},
		"v1 bare LF":         {"PROXY TCP4 203.0.113.9 10.0.0.1 4321 80\n", "refused"},
		"v1 without ports":   {"PROXY TCP4 203.0.113.9 10.0.0.1\r\n", "refused"},
		"v1 wrong family":    {"PROXY TCP4 2001:db8::9 2001:db8::1 4321 80\r\n", "refused"},
		"v1 port too big":    {"PROXY TCP4 203.0.113.9 10.0.0.1 65536 80\r\n", "refused"},
		"v1 zone":            {"PROXY TCP6 fe80::1%lo fe80::2 1 2\r\n", "refused"},
		"v1 endless":         {"PROXY TCP4 " + repeat(4096), "refused"},
		"v1 lower case":      {"proxy TCP4 203.0.113.9 10.0.0.1 4321 80\r\n", "refused"},
		"v2 unix":            {v2(0x21, 0x31, repeat(216)), "refused"},
		"v2 UDP":             {v2(0x21, 0x12, v4Block), "refused"},
		"v2 unspecified":     {v2(0x21, 0x00, ""), "refused"},
		"v2 unknown command": {v2(0x22, 0x11, v4Block), "refused"},
		"v2 version 3":       {v2(0x31, 0x11, v4Block), "refused"},
		"v2 short block":     {v2(0x21, 0x11, v4Block[:8]), "refused"},
		"garbage":            {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "refused"},
	} {
		conn := dial(t, addr)
		_, _ = io.WriteString(conn, c.header+request)
		got := rest(t, conn)
		switch c.want {
		case "refused":
			if got != "" {
				t.Errorf("%s: answered by %q", name, got)
			}
		case "400":
			if !strings.HasPrefix(got, "HTTP/1.1 400 ") {
				t.Errorf("%s: answered by %q", name, got)
			}
		case "self":
			c.want = conn.LocalAddr().String()
			fallthrough
		default:
			if !strings.HasSuffix(got, "\r\n\r\n"+c.want) {
				t.Errorf("%s: want %s: answered by %q", name, c.want, got)
			}
		}
	}
}

func TestAnnouncedClientOverTLS(t *testing.T) {
	p := newPair(t)
	pool := p.write(t, 1)
	_, addr := start(t, Config{ProxyProtocol: loopback, TLS: TLS{CertFile: p.cert, KeyFile: p.key}}, remote)
	for name, only := range map[string]func(*http.Protocols){"HTTP/1.1": http1, "HTTP/2": http2} {
		c := client(t, only, pool)
		c.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
			conn := dial(t, addr)
			send(t, conn, "PROXY TCP4 203.0.113.9 10.0.0.1 4321 80\r\n")
			return conn, nil
		}
		if _, got := get(t, c, "https://"+addr); got != "203.0.113.9:4321" {
			t.Errorf("%s: the client is %s", name, got)
		}
	}
	if err := tls.Client(dial(t, addr), &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil {
		t.Error("a handshake without announcement succeeds")
	}
}

func TestStrangersAnnounceNobody(t *testing.T) {
	elsewhere := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, networks := range map[string][]netip.Prefix{"no network": nil, "another network": elsewhere} {
		_, addr := start(t, Config{ProxyProtocol: networks}, remote)
		for _, header := range []string{"PROXY TCP4 203.0.113.9 10.0.0.1 4321 80\r\n", v2(0x21, 0x11, v4Block)} {
			if got := talk(t, addr, header+request); !strings.HasPrefix(got, "HTTP/1.1 400 ") || strings.Contains(got, "203.0.113.9") {
				t.Errorf("%s: %.12q is answered by %q", name, header, got)
			}
		}
		conn := dial(t, addr)
		send(t, conn, request)
		if got := rest(t, conn); !strings.HasSuffix(got, conn.LocalAddr().String()) {
			t.Errorf("%s: a client without announcement is answered by %q", name, got)
		}
	}
}

// A load balancer that says nothing, or half of it, holds up nobody else and is closed in the end.
func TestSlowAnnouncementsHoldUpNobody(t *testing.T) {
	_, addr := start(t, Config{ProxyProtocol: loopback, HeaderTimeout: 300 * time.Millisecond}, remote)
	var slow []net.Conn
	for _, part := range []string{"", "P", "PROXY", "PROXY TCP4 203", "\r\n\r\n\x00\r\nQUI", v2(0x21, 0x11, v4Block)[:20]} {
		c := dial(t, addr)
		send(t, c, part)
		slow = append(slow, c)
	}
	quick := dial(t, addr)
	send(t, quick, "PROXY TCP4 203.0.113.9 10.0.0.1 4321 80\r\n"+strings.Replace(request, "close", "keep-alive", 1))
	if status, got := answer(t, bufio.NewReader(quick)); status != 200 || got != "203.0.113.9:4321" {
		t.Errorf("a client among slow ones gets %d %q", status, got)
	}
	for _, c := range slow {
		if got := rest(t, c); got != "" {
			t.Errorf("a slow announcement is answered by %q", got)
		}
	}
}

// The timeout of the announcement is none for the rest of the connection.
func TestAnnouncementLeavesNoDeadline(t *testing.T) {
	_, addr := start(t, Config{ProxyProtocol: loopback, HeaderTimeout: 50 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
			t.Error("the context ends while the client waits")
		case <-time.After(150 * time.Millisecond):
		}
		remote(w, r)
	})
	c := dial(t, addr)
	send(t, c, "PROXY TCP4 203.0.113.9 10.0.0.1 4321 80\r\n"+request)
	if got := rest(t, c); !strings.HasSuffix(got, "203.0.113.9:4321") {
		t.Errorf("answered by %q", got)
	}
}
