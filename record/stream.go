package record

import (
	"bytes"
	"io"
)

// stream is a destination that cannot take anything back, such as standard output.
type stream struct {
	io.Writer
	torn bool // the last write ended within a line
}

func (s *stream) write(lines []byte) (int, error) {
	if s.torn {
		if _, err := s.Write(newline); err != nil {
			return 0, err
		}
		s.torn = false
	}
	n, err := s.Write(lines)
	if n < len(lines) && err == nil {
		err = io.ErrShortWrite
	}
	if err == nil {
		return n, nil
	}
	whole := wholeLines(lines[:n])
	s.torn = n > whole
	return whole, err
}

func (s *stream) close() error { return nil }

// wholeLines is the length of the whole lines at the beginning of b.
func wholeLines(b []byte) int { return bytes.LastIndexByte(b, '\n') + 1 }
