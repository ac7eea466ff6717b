//go:build linux

// Command origin is the API behind every proxy that is measured: it answers each GET with the same kilobyte of JSON, on one thread,
// as cheaply as it can. It is no web server: it reads no bodies and looks at nothing but where a request ends.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"glacis/bench/poll"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "IPv4 `address` to listen on")
	size := flag.Int("body", 1000, "`bytes` of each answer's body")
	flag.Parse()
	if err := run(*listen, *size); err != nil {
		fmt.Fprintln(os.Stderr, "origin:", err)
		os.Exit(1)
	}
}

func run(listen string, size int) error {
	at, err := netip.ParseAddrPort(listen)
	if err != nil {
		return err
	}
	o, err := open(at, size)
	if err != nil {
		return err
	}
	return o.serve()
}

// origin answers requests until it is stopped.
type origin struct {
	listener int
	port     uint16
	answer   []byte
	pending  map[int][]byte // by connection: a request of which the end has not come yet
	buffer   [16 << 10]byte
	stopped  atomic.Bool
}

func open(at netip.AddrPort, size int) (*origin, error) {
	fd, port, err := poll.Listen(at)
	if err != nil {
		return nil, err
	}
	return &origin{listener: fd, port: port, answer: answer(size), pending: map[int][]byte{}}, nil
}

// answer is a whole response with a body of about size bytes.
func answer(size int) []byte {
	items := make([]string, 0, size/40+1)
	for n := 2; n < size; n += len(items[len(items)-1]) + 1 {
		items = append(items, fmt.Sprintf(`{"id":%d,"name":"item-%05d","price":12.5}`, len(items), len(items)))
	}
	body := "[" + strings.Join(items, ",") + "]"
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Mon, 02 Nov 2026 12:00:00 GMT\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\nCache-Control: no-store\r\nX-Request-Id: 0123456789abcdef\r\nVary: Accept-Encoding\r\n\r\n%s", len(body), body)
}

// serve runs until stop, or until waiting fails.
func (o *origin) serve() error {
	p, err := poll.New()
	if err != nil {
		return err
	}
	defer p.Close()
	defer syscall.Close(o.listener)
	if err := p.Add(o.listener); err != nil {
		return err
	}
	for !o.stopped.Load() {
		ready, err := p.Wait(100 * time.Millisecond)
		if err != nil {
			return err
		}
		for _, fd := range ready {
			if fd == o.listener {
				o.accept(p)
			} else if err := o.read(fd); err != nil {
				delete(o.pending, fd)
				_ = syscall.Close(fd)
			}
		}
	}
	return nil
}

func (o *origin) stop() { o.stopped.Store(true) }

// accept takes every connection that waits.
func (o *origin) accept(p *poll.Poller) {
	for {
		fd, err := poll.Accept(o.listener)
		if err != nil {
			return
		}
		if p.Add(fd) != nil {
			_ = syscall.Close(fd)
		}
	}
}

var errTooLong = errors.New("request head too long")

// read answers every request that has come whole. An error means that the connection is of no more use.
func (o *origin) read(fd int) error {
	n, err := syscall.Read(fd, o.buffer[:])
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return nil
	case err != nil:
		return err
	case n == 0:
		return syscall.ECONNRESET
	}
	unread := o.buffer[:n]
	if begun := o.pending[fd]; begun != nil {
		unread = append(begun, unread...)
		delete(o.pending, fd)
	}
	for {
		end := bytes.Index(unread, []byte("\r\n\r\n"))
		if end < 0 {
			break
		}
		if err := poll.WriteAll(fd, o.answer); err != nil {
			return err
		}
		unread = unread[end+4:]
	}
	if len(unread) > len(o.buffer) {
		return errTooLong
	}
	if len(unread) > 0 {
		o.pending[fd] = bytes.Clone(unread)
	}
	return nil
}
