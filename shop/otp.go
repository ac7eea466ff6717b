package shop

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const codeLife = 5 * time.Minute

// codes remembers the last one-time code of each phone number.
type codes struct {
	clock func() time.Time
	mu    sync.Mutex
	kept  *shelf[string, code]
}

type code struct {
	text    string
	expires time.Time
}

func newCodes(clock func() time.Time, room int) *codes {
	return &codes{clock: clock, kept: newShelf[string, code](room)}
}

func (c *codes) issue(phone string) string {
	text := sixDigits()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept.put(phone, code{text, c.clock().Add(codeLife)})
	return text
}

// spend says whether the code is the phone's, and ends it if so: a code works once.
func (c *codes) spend(phone, text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	pending, ok := c.kept.get(phone)
	if !ok || pending.text != text || !c.clock().Before(pending.expires) {
		return false
	}
	c.kept.drop(phone)
	return true
}

func sixDigits() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%06d", binary.LittleEndian.Uint64(b[:])%1_000_000)
}

func (s *shop) sendCode(r *http.Request) reply {
	var in struct{ Phone string }
	if bad, ok := read(r, &in); !ok {
		return bad
	}
	if !plausiblePhone(in.Phone) {
		return fail(http.StatusBadRequest, "invalid_request")
	}
	s.options.SendCode(in.Phone, s.codes.issue(in.Phone))
	return reply{http.StatusAccepted, map[string]bool{"code_sent": true}}
}

func (s *shop) verifyCode(r *http.Request) reply {
	var in struct{ Phone, Code string }
	if bad, ok := read(r, &in); !ok {
		return bad
	}
	if !s.codes.spend(in.Phone, in.Code) {
		return fail(http.StatusUnauthorized, "invalid_code")
	}
	return reply{http.StatusOK, map[string]bool{"verified": true}}
}
