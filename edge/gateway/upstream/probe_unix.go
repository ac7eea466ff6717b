//go:build unix

package upstream

import "syscall"

// probe looks at the socket without waiting: quiet means nothing to read and not closed. A byte read here is lost, and
// so is the connection, on which it had no business.
func (c *conn) probe(fd uintptr) {
	var b [1]byte
	_, err := syscall.Read(int(fd), b[:])
	c.quiet = err == syscall.EAGAIN || err == syscall.EINTR
}
