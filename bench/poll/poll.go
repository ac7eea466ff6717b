//go:build linux

// Package poll waits for many sockets on one thread. It serves the ends of a measurement, which must cost far less than the proxy
// between them; programs with work of their own to do use package net.
package poll

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// epollPwait2 waits with nanoseconds; the number is the same on every architecture, and package syscall has no name for it.
const epollPwait2 = 441

// prSetTimerslack is the prctl that says how late this thread may be woken.
const prSetTimerslack = 29

// Poller waits until sockets can be read. It belongs to one thread.
type Poller struct {
	fd     int
	events [256]syscall.EpollEvent
	ready  []int
}

// New makes a poller and ties the calling goroutine to its thread, which is from now on woken on time.
func New() (*Poller, error) {
	runtime.LockOSThread()
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetTimerslack, 1, 0); errno != 0 {
		return nil, fmt.Errorf("timer slack: %w", errno)
	}
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &Poller{fd: fd}, nil
}

// Add begins to watch a socket. Closing the socket ends it.
func (p *Poller) Add(fd int) error {
	return syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
}

// Wait returns the sockets that can be read, or none when the time is over. What it returns is good until the next call.
func (p *Poller) Wait(atMost time.Duration) ([]int, error) {
	limit := syscall.NsecToTimespec(int64(max(atMost, 0)))
	n, _, errno := syscall.Syscall6(epollPwait2, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)),
		uintptr(unsafe.Pointer(&limit)), 0, 0)
	p.ready = p.ready[:0]
	if errno == syscall.EINTR {
		return p.ready, nil
	}
	if errno != 0 {
		return nil, fmt.Errorf("epoll: %w", errno)
	}
	for i := range n {
		p.ready = append(p.ready, int(p.events[i].Fd))
	}
	return p.ready, nil
}

// Close ends the poller, not its sockets.
func (p *Poller) Close() error {
	defer runtime.UnlockOSThread()
	return syscall.Close(p.fd)
}

// Listen opens a listening socket on an IPv4 address and tells its port.
func Listen(at netip.AddrPort) (fd int, port uint16, err error) {
	fd, err = socket()
	if err != nil {
		return 0, 0, err
	}
	err = errors.Join(
		syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1),
		syscall.Bind(fd, &syscall.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}),
		syscall.Listen(fd, 4096))
	if err != nil {
		return 0, 0, errors.Join(fmt.Errorf("listen on %v: %w", at, err), syscall.Close(fd))
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, 0, errors.Join(err, syscall.Close(fd))
	}
	return fd, uint16(name.(*syscall.SockaddrInet4).Port), nil
}

// Accept takes one connection; syscall.EAGAIN when none waits.
func Accept(listener int) (fd int, err error) {
	fd, _, err = syscall.Accept4(listener, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
	if err != nil {
		return 0, err
	}
	return fd, prompt(fd)
}

// Dial opens a connection to an IPv4 address, and waits for it.
func Dial(to netip.AddrPort) (fd int, err error) {
	fd, err = socket()
	if err != nil {
		return 0, err
	}
	err = syscall.SetNonblock(fd, false)
	if err == nil {
		err = syscall.Connect(fd, &syscall.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
	}
	if err = errors.Join(err, syscall.SetNonblock(fd, true), prompt(fd)); err != nil {
		return 0, errors.Join(fmt.Errorf("connect to %v: %w", to, err), syscall.Close(fd))
	}
	return fd, nil
}

func socket() (int, error) {
	return syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
}

// prompt makes a connection send at once.
func prompt(fd int) error {
	return syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
}

// WriteAll writes a message that fits a socket's buffer; one that does not fit is an error.
func WriteAll(fd int, message []byte) error {
	n, err := syscall.Write(fd, message)
	if err == nil && n < len(message) {
		err = fmt.Errorf("only %d of %d bytes written", n, len(message))
	}
	return err
}
