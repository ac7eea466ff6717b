//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

// serving starts an origin for one test and returns its address.
func serving(t *testing.T, size int) string {
	t.Helper()
	o, err := open(netip.MustParseAddrPort("127.0.0.1:0"), size)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- o.serve() }()
	t.Cleanup(func() {
		o.stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "127.0.0.1:" + strconv.Itoa(int(o.port))
}

func dialled(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func answered(t *testing.T, r *bufio.Reader) []byte {
	t.Helper()
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", res.StatusCode, err)
	}
	return body
}

func TestAnswersJSONOfTheSizeAskedFor(t *testing.T) {
	for _, size := range []int{0, 1000, 5000} {
		c := dialled(t, serving(t, size))
		if _, err := io.WriteString(c, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		body := answered(t, bufio.NewReader(c))
		var items []struct{ ID int }
		if err := json.Unmarshal(body, &items); err != nil {
			t.Fatal(err)
		}
		if len(body) < size || len(body) > size+60 {
			t.Errorf("%d bytes, want about %d", len(body), size)
		}
	}
}

func TestFindsWhereRequestsEnd(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	for name, pieces := range map[string][]string{
		"whole":       {request},
		"two at once": {request + request},
		"in pieces":   strings.Split(request, "o"),
		"across":      {request[:5], request[5:] + request[:20], request[20:]},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "in pieces" {
				for i := range len(pieces) - 1 {
					pieces[i] += "o"
				}
			}
			c := dialled(t, serving(t, 100))
			for _, piece := range pieces {
				if _, err := io.WriteString(c, piece); err != nil {
					t.Fatal(err)
				}
			}
			r := bufio.NewReader(c)
			for range strings.Count(strings.Join(pieces, ""), "GET") {
				answered(t, r)
			}
		})
	}
}

func TestEndlessHeadIsHungUpOn(t *testing.T) {
	c := dialled(t, serving(t, 100))
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nA: "+strings.Repeat("a", 100<<10)) // the end may come while we write
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Fatalf("%d bytes, %v, want the end", n, err)
	}
}
