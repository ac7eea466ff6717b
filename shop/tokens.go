package shop

import (
	"crypto/rand"
	"strings"
	"sync"
	"time"
)

const tokenLife = time.Hour

// tokens remembers which account each bearer token was issued to.
type tokens struct {
	clock func() time.Time
	mu    sync.Mutex
	kept  *shelf[string, grant]
}

type grant struct {
	account int
	expires time.Time
}

func newTokens(clock func() time.Time, room int) *tokens {
	return &tokens{clock: clock, kept: newShelf[string, grant](room)}
}

func (t *tokens) issue(account int) string {
	token := rand.Text()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept.put(token, grant{account, t.clock().Add(tokenLife)})
	return token
}

// owner is the account an Authorization header proves. A token in use is kept longer than one that is not, so that a flood
// of logins pushes out its own tokens first.
func (t *tokens) owner(authorization string) (account int, ok bool) {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return 0, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	g, ok := t.kept.get(token)
	if !ok {
		return 0, false
	}
	if !t.clock().Before(g.expires) {
		t.kept.drop(token)
		return 0, false
	}
	t.kept.touch(token)
	return g.account, true
}
