package main

import (
	"net"
	"net/http"
	"sync"
	"time"

	"glacis/shop"
)

// sample is the built-in shop on a loopback port.
type sample struct {
	inbox  inbox
	server *http.Server
	url    string
}

func openSample() (*sample, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sample{url: "http://" + l.Addr().String()}
	s.server = &http.Server{Handler: shop.New(shop.Options{SendCode: s.inbox.put}), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(l) }() // ends with close
	return s, nil
}

func (s *sample) close() { _ = s.server.Close() }

// inbox holds the code last sent to each phone, so that honest clients can type it in.
type inbox struct {
	mu    sync.Mutex
	codes map[string]string
}

// phones bounds the inbox.
const phones = 4096

func (b *inbox) put(phone, code string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.codes == nil || len(b.codes) >= phones {
		b.codes = map[string]string{}
	}
	b.codes[phone] = code
}

func (b *inbox) last(phone string) (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	code, ok := b.codes[phone]
	return code, ok
}
