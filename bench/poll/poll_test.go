//go:build linux

package poll_test

import (
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"glacis/bench/poll"
)

// TestAConnection goes once through everything: listen, dial, accept, write, wait, read.
func TestAConnection(t *testing.T) {
	p, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	listener, port, err := poll.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(listener)
	if err := p.Add(listener); err != nil {
		t.Fatal(err)
	}
	if _, err := poll.Accept(listener); err != syscall.EAGAIN {
		t.Fatalf("accepted nobody: %v", err)
	}
	if ready, err := p.Wait(time.Microsecond); err != nil || len(ready) != 0 {
		t.Fatalf("ready %v, %v", ready, err)
	}
	client, err := poll.Dial(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(client)
	waitFor(t, p, listener)
	server, err := poll.Accept(listener)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(server)
	if err := p.Add(server); err != nil {
		t.Fatal(err)
	}
	if err := poll.WriteAll(client, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, p, server)
	var b [16]byte
	if n, err := syscall.Read(server, b[:]); err != nil || string(b[:n]) != "hello" {
		t.Errorf("%q, %v", b[:n], err)
	}
	if err := poll.WriteAll(client, make([]byte, 64<<20)); err == nil {
		t.Error("64 MiB fitted into a socket")
	}
}

func waitFor(t *testing.T, p *poll.Poller, fd int) {
	t.Helper()
	ready, err := p.Wait(5 * time.Second)
	if err != nil || !slices.Contains(ready, fd) {
		t.Fatalf("ready %v, %v, want %d", ready, err, fd)
	}
}

func TestNobodyThere(t *testing.T) {
	fd, port, err := poll.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)
	if other, _, err := poll.Listen(at); err == nil {
		_ = syscall.Close(other)
		t.Error("two listen at one address")
	}
	if err := syscall.Close(fd); err != nil {
		t.Fatal(err)
	}
	if c, err := poll.Dial(at); err == nil {
		_ = syscall.Close(c)
		t.Error("connected to nobody")
	}
}
