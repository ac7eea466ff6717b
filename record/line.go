package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// Line is one line of the record, as read back. A field that was left out is zero.
type Line struct {
	Time  time.Time `json:"time"`
	Level string    `json:"level"`
	Msg   string    `json:"msg"` // "decision", or "dropped" for lines that are missing
	ID    string    `json:"id"`

	Method        string            `json:"http.request.method"`
	Path          string            `json:"url.path"`
	QueryKeys     string            `json:"url.query.keys"` // names only, separated by commas
	Host          string            `json:"server.address"`
	Template      string            `json:"http.route"`
	Status        int               `json:"http.response.status_code"`
	In            int64             `json:"http.request.body.size"`
	Out           int64             `json:"http.response.body.size"`
	UserAgent     string            `json:"user_agent.original"`
	Client        string            `json:"client.address"`
	Peer          string            `json:"network.peer.address"`
	Protocol      string            `json:"network.protocol.version"`
	Route         string            `json:"route"` // as configured
	Class         string            `json:"class"`
	Subject       string            `json:"subject"`
	Credential    string            `json:"credential"`
	Mode          string            `json:"mode"`
	Tension       string            `json:"tension"`
	Verdict       string            `json:"verdict"`
	Cause         string            `json:"cause"`
	Would         string            `json:"would"`
	WouldCause    string            `json:"would_cause"`
	Limit         *Limit            `json:"limit"`
	Bar           string            `json:"bar"`
	Excuse        string            `json:"excuse"`
	Score         float64           `json:"score"` // 0 = no evidence
	Reasons       []Cause           `json:"reasons"`
	Outcome       string            `json:"outcome"`
	Failure       string            `json:"failure"`
	Upstream      string            `json:"upstream"`
	DurationMilli float64           `json:"duration_ms"`
	UpstreamMilli float64           `json:"upstream_ms"`
	Odd           string            `json:"odd"`
	RequestID     string            `json:"request_id"`
	Fields        map[string]string `json:"fields"` // stand-ins by role or name

	// Of "dropped".
	N       uint64 `json:"n"`
	Allows  uint64 `json:"allows"`
	Denials uint64 `json:"denials"`
	Why     string `json:"why"`
}

// Limit is the limit that bound.
type Limit struct {
	Name       string   `json:"name"`
	Per        []string `json:"per"`
	Rate       string   `json:"rate"`
	Burst      int64    `json:"burst"`
	Remaining  int64    `json:"remaining"`
	RetryAfter float64  `json:"retry_after_s"`
	Overflow   bool     `json:"overflow"`
}

// Cause is one piece of the evidence.
type Cause struct {
	Code     string  `json:"code"`
	Nats     float64 `json:"nats"`
	Sentence string  `json:"sentence"`
}

// LineError says which line could not be read.
type LineError struct {
	Number int // 1 is the first
	Err    error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Number, e.Err) }

// Unwrap gives what is wrong with the line.
func (e *LineError) Unwrap() error { return e.Err }

// longestRead is the longest line read. Ours are shorter by far.
const longestRead = 1 << 20

var errTooLong = errors.New("longer than 1 MiB")

// Read yields the lines of a record in the order in which they stand there. A line that cannot be read is yielded as a *LineError, and
// reading goes on with the next; empty lines and unknown names are passed over. An error of r itself is yielded last, as it is. The
// Line belongs to the caller.
func Read(r io.Reader) iter.Seq2[*Line, error] {
	return func(yield func(*Line, error) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		for number := 1; ; number++ {
			text, err := readLine(in)
			if text = bytes.TrimSpace(text); len(text) > 0 || err == errTooLong {
				line, wrong := parseLine(text, err)
				if wrong != nil {
					line, wrong = nil, &LineError{number, wrong}
				}
				if !yield(line, wrong) {
					return
				}
			}
			switch err {
			case nil, errTooLong:
			case io.EOF:
				return
			default:
				yield(nil, err)
				return
			}
		}
	}
}

func parseLine(text []byte, err error) (*Line, error) {
	if err == errTooLong {
		return nil, err
	}
	line := new(Line)
	return line, json.Unmarshal(text, line)
}

// readLine reads up to the next newline. Of a line that is too long it reads everything and returns nothing.
func readLine(in *bufio.Reader) (line []byte, err error) {
	tooLong := false
	for {
		part, err := in.ReadSlice('\n')
		if tooLong = tooLong || len(line)+len(part) > longestRead; tooLong {
			line = nil
		} else {
			line = append(line, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
		case tooLong && (err == nil || err == io.EOF):
			return nil, errTooLong
		default:
			return line, err
		}
	}
}
