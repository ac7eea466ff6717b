package facts

import "strings"

// GuessClass guesses a route's class from the words of its path and its method, for paths nobody has configured. The template may be
// a configured one, a learnt one or a plain path; an empty method stands for any, of which POST is guessed first.
//
// A segment counts only as a whole, so /blog/how-to-login-safely is Plain; case, "-" and "_" do not matter, nor what follows a "." or ";"
// or precedes a ":" (sign_in, SignIn, signin.php and accounts:signIn are one word). The words are in words.go, what they say in wordRules.
// When several speak: webhooks, if nothing about accounts stands before; then login, reset, otp and signup, the last of them;
// then internal; then search; then the last of the rest. OPTIONS, a browser's question beforehand, is always Plain.
//
// It is a guess: it says what is worth watching, and the configuration has the last word.
func GuessClass(method, template string) Class {
	if method == "" {
		if c := guess(methodPost, template); c != Plain {
			return c
		}
		return guess(methodGet, template)
	}
	return guess(methodKindOf(method), template)
}

// methodKind is as much of a method as a guess depends on.
type methodKind uint8

const (
	methodGet methodKind = iota // and HEAD
	methodPost
	methodPut // and PATCH
	methodOptions
	methodOther
	numMethodKinds
)

func methodKindOf(method string) methodKind {
	switch method {
	case "GET", "HEAD":
		return methodGet
	case "POST":
		return methodPost
	case "PUT", "PATCH":
		return methodPut
	case "OPTIONS":
		return methodOptions
	}
	return methodOther
}

// wordRule says which class a word in a path tells, and when.
type wordRule struct {
	class   Class
	methods methodSet // zero means all
	place   place
	after   wordSet // one of these must stand right before; or, with atFirst, nothing but API prefixes
	never   wordSet // none of these may stand anywhere before
}

type methodSet uint8

const (
	getOnly  methodSet = 1 << methodGet
	postOnly methodSet = 1 << methodPost
	writing            = postOnly | 1<<methodPut
)

type place uint8

const (
	atLast  place = 1 << iota // it must be the last segment
	atFirst                   // it may also be the first segment
)

// wordRules is the table. A line reads: this word tells this class, for these methods, in this place.
var wordRules = [numWords]wordRule{
	loginWord:    {class: Login},
	sessionWord:  {class: Login, methods: postOnly, place: atLast},
	authWord:     {class: Login, methods: postOnly, place: atLast},
	tokenWord:    {class: Login, place: atLast | atFirst, after: setOf(authWord, apiWord)},
	forgotWord:   {class: Reset},
	resetWord:    {class: Reset, place: atFirst, after: setOf(passwordWord, authWord, usersWord)},
	passwordWord: {class: Reset, after: setOf(resetWord)},
	emailWord:    {class: Reset, after: setOf(passwordWord)},
	otpWord:      {class: OTP},
	signupWord:   {class: Signup, methods: postOnly},
	registerWord: {class: Signup, methods: postOnly, place: atLast},
	usersWord:    {class: Signup, methods: postOnly, place: atLast},
	paramWord:    {class: Lookup, methods: getOnly, place: atLast, after: setOf(usersWord, profileWord)},
	lookupWord:   {class: Lookup},
	catalogWord:  {class: Catalog, methods: getOnly, never: setOf(usersWord, holdWord, ordersWord)},
	searchWord:   {class: Search},
	queryWord:    {class: Search, place: atLast},
	holdWord:     {class: Hold, methods: writing},
	ordersWord:   {class: Checkout, methods: postOnly, place: atLast},
	checkoutWord: {class: Checkout},
	webhookWord:  {class: Webhook},
	internalWord: {class: Internal},
	healthWord:   {class: Internal, place: atLast | atFirst, after: setOf(apiWord)},
	liveWord:     {class: Internal, place: atLast, after: setOf(healthWord)},
}

// weight orders the classes a path tells at once; of two with the same weight the later one in the path counts.
var weight = [NumClasses]uint8{
	Login: 4, Reset: 4, OTP: 4, Signup: 4,
	Webhook: 3, Internal: 3,
	Search: 2,
	Lookup: 1, Catalog: 1, Hold: 1, Checkout: 1,
}

func guess(method methodKind, path string) Class {
	if method == methodOptions {
		return Plain
	}
	best := Plain
	at := position{before: apiWord, first: true}
	for range maxSegments { // as far as a template goes
		var segment string
		segment, path = cutSegment(path)
		if segment == "" || segment == "{$}" {
			break
		}
		w := wordOf(segment)
		at.last = path == "" || path == "/" || path == "/{$}"
		if rule := &wordRules[w]; rule.applies(method, at) {
			if rule.class == Webhook && weight[best] < weight[Webhook] {
				return Webhook
			}
			if weight[rule.class] >= weight[best] {
				best = rule.class
			}
		}
		at.seen |= setOf(w)
		at.before = w
		at.first = at.first && w == apiWord
	}
	return best
}

// position is where in a path a word stands.
type position struct {
	before      word
	seen        wordSet // all before it
	first, last bool
}

func (r *wordRule) applies(method methodKind, at position) bool {
	switch {
	case r.class == Plain,
		r.methods != 0 && r.methods&(1<<method) == 0,
		r.place&atLast != 0 && !at.last,
		r.never&at.seen != 0:
		return false
	}
	return r.after == 0 || r.after&setOf(at.before) != 0 || r.place&atFirst != 0 && at.first
}

// cutSegment takes the first segment off a path; there is none left when it gives "".
func cutSegment(path string) (segment, rest string) {
	path = strings.TrimPrefix(path, "/")
	if i := strings.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i:]
	}
	return path, ""
}
