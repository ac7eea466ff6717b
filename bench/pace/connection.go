//go:build linux

package main

import (
	"bytes"
	"errors"
	"net/textproto"
	"strconv"
	"time"
)

// connection is one client. The first request in its queue is under way, the others wait for its answer.
type connection struct {
	fd     int
	queue  []request
	answer answer
	broken bool
}

// request is one that is due, sent or waiting.
type request struct {
	since    time.Duration // when it counts from
	measured bool
}

// answer is an answer on its way in. Only answers with a Content-Length are understood.
type answer struct {
	head []byte // what came of the head, until it is whole
	left int    // bytes of the body still to come
	in   bool   // the head is whole
	ok   bool   // its status is 200
}

// maxHead bounds the head of an answer.
const maxHead = 32 << 10

var errAnswer = errors.New("no answer that can be read")

// read takes bytes in. It tells whether they end an answer, and whether that was a 200. Bytes beyond its end are an error: nothing is
// asked for before an answer has come.
func (a *answer) read(b []byte) (whole, ok bool, err error) {
	if !a.in {
		a.head = append(a.head, b...)
		end := bytes.Index(a.head, []byte("\r\n\r\n"))
		if end < 0 {
			if len(a.head) > maxHead {
				return false, false, errAnswer
			}
			return false, false, nil
		}
		if a.left, err = contentLength(a.head[:end]); err != nil {
			return false, false, err
		}
		a.in, a.ok = true, bytes.HasPrefix(a.head, []byte("HTTP/1.1 200 "))
		b = a.head[end+4:]
	}
	if len(b) > a.left {
		return false, false, errAnswer
	}
	if a.left -= len(b); a.left > 0 {
		return false, false, nil
	}
	ok = a.ok
	*a = answer{head: a.head[:0]}
	return true, ok, nil
}

// contentLength finds the length of the body in a head.
func contentLength(head []byte) (int, error) {
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, found := bytes.Cut(line, []byte(":"))
		if found && bytes.EqualFold(name, []byte("Content-Length")) {
			n, err := strconv.ParseUint(textproto.TrimString(string(value)), 10, 31)
			return int(n), err
		}
	}
	return 0, errAnswer
}
