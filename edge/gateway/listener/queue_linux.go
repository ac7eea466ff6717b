package listener

import (
	"net"

	"golang.org/x/sys/unix"
)

// unacknowledged is how many bytes written to a socket the other side has not acknowledged yet (tcp(7), SIOCOUTQ).
func unacknowledged(c *net.TCPConn) int64 {
	if c == nil {
		return 0
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	n := 0
	if err := raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); err != nil {
		return 0
	}
	return int64(n)
}
