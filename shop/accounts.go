package shop

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
)

// CommonPassword is the password of every WeakEvery-th account: what a password sprayer hopes for.
const (
	CommonPassword = "Summer2026!"
	WeakEvery      = 50
)

// Email is the address of the nth account there from the start, n from 1: user0001@example.com.
func Email(n int) string { return fmt.Sprintf("user%04d@example.com", n) }

// Password is the password of the nth account: open-sesame-0001, or CommonPassword when WeakEvery divides n.
func Password(n int) string {
	if n%WeakEvery == 0 {
		return CommonPassword
	}
	return fmt.Sprintf("open-sesame-%04d", n)
}

type account struct {
	ID    int    `json:"id"`
	Email string `json:"email"`
	Name  string `json:"name"`
	Phone string `json:"phone"`

	// A single hash keeps the sample from being slower than what is measured around it. Real passwords need a slow one.
	secret [sha256.Size]byte
}

// accounts is the book of customers: the first ones stay, those who signed up are forgotten oldest first.
type accounts struct {
	mu      sync.Mutex
	first   []account // by ID-1
	signups *shelf[int, account]
	byEmail map[string]int // ID of everyone in first and signups, nobody else
	lastID  int
}

func newAccounts(seed uint64, n, signups int) *accounts {
	b := &accounts{signups: newShelf[int, account](signups), byEmail: make(map[string]int, n), lastID: n}
	rng := rand.New(rand.NewPCG(seed, 1))
	for id := 1; id <= n; id++ {
		email := Email(id)
		b.first = append(b.first, account{ID: id, Email: email, Name: personName(rng), secret: sha256.Sum256([]byte(Password(id)))})
		b.byEmail[email] = id
	}
	return b
}

func personName(rng *rand.Rand) string {
	given := [...]string{"Ada", "Bo", "Chidi", "Dara", "Elif", "Femi", "Grace", "Hana", "Ivo", "Jun", "Kaya", "Lena", "Mats", "Noor", "Olga", "Pia"}
	family := [...]string{"Abel", "Bauer", "Costa", "Diaz", "Eriksen", "Fischer", "Gupta", "Hughes", "Ito", "Jansen", "Khan", "Lopez"}
	return given[rng.IntN(len(given))] + " " + family[rng.IntN(len(family))]
}

func (b *accounts) get(id int) (account, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.find(id)
}

func (b *accounts) find(id int) (account, bool) {
	if 1 <= id && id <= len(b.first) {
		return b.first[id-1], true
	}
	return b.signups.get(id)
}

// login finds the account of an e-mail address and a password. Unknown address and wrong password are one answer.
func (b *accounts) login(email, password string) (account, bool) {
	secret := sha256.Sum256([]byte(password))
	b.mu.Lock()
	defer b.mu.Unlock()
	who, known := b.find(b.byEmail[normal(email)]) // ID 0 is nobody's
	same := subtle.ConstantTimeCompare(who.secret[:], secret[:]) == 1
	return who, known && same
}

// add opens an account, or says false when the address has one.
func (b *accounts) add(email, password, name string) (account, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	email = normal(email)
	if _, taken := b.byEmail[email]; taken {
		return account{}, false
	}
	b.lastID++
	who := account{ID: b.lastID, Email: email, Name: name, secret: sha256.Sum256([]byte(password))}
	if gone, full := b.signups.put(who.ID, who); full {
		delete(b.byEmail, gone.Email)
	}
	b.byEmail[email] = who.ID
	return who, true
}

// edit applies a change to an account and returns it as it now stands.
func (b *accounts) edit(id int, change func(*account)) (account, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	who, ok := b.find(id)
	if !ok {
		return account{}, false
	}
	change(&who)
	if id <= len(b.first) {
		b.first[id-1] = who
	} else {
		b.signups.change(id, who)
	}
	return who, true
}

func normal(email string) string { return strings.ToLower(strings.TrimSpace(email)) }
