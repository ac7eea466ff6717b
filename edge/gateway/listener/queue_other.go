//go:build !linux

package listener

import "net"

// unacknowledged is not known here: bytes count as taken when the socket's buffer takes them.
func unacknowledged(*net.TCPConn) int64 { return 0 }
