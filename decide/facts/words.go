package facts

import "strings"

// word is a group of words that say the same about a route.
type word uint8

const (
	noWord word = iota
	paramWord
	apiWord // says nothing, stands in front
	loginWord
	sessionWord
	authWord
	tokenWord
	forgotWord
	resetWord
	passwordWord
	emailWord
	otpWord
	signupWord
	registerWord
	usersWord
	profileWord
	lookupWord
	catalogWord
	searchWord
	queryWord
	holdWord
	ordersWord
	checkoutWord
	webhookWord
	internalWord
	healthWord
	liveWord
	numWords
)

// vocabulary gives the words of each group: lower case, without "-" and "_".
var vocabulary = readVocabulary([numWords]string{
	apiWord:      "api apis rest ajax json gateway public web mobile app v0 v1 v2 v3 v4 v5 v6 v7 v8 v9 v10 v11 v12",
	loginWord:    "login signin logon authenticate dologin userlogin wplogin signinwithpassword jsecuritycheck",
	sessionWord:  "session sessions",
	authWord:     "auth oauth oauth2 openidconnect connect authentication identity",
	tokenWord:    "token tokens",
	forgotWord:   "forgot forgotpassword forgottenpassword passwordforgot lostpassword resetpassword passwordreset passwordresets recoverpassword passwordrecovery recoveraccount accountrecovery",
	resetWord:    "reset recover recovery",
	passwordWord: "password passwords",
	emailWord:    "email",
	otpWord: "otp totp 2fa mfa twofactor sms passcode verify verification verifications verifyphone verifyemail verifycode verifyotp verifysms " +
		"phoneverification emailverification verificationcode sendotp sendcode sendsms resendotp resendcode resendsms",
	signupWord:   "signup createaccount accountcreate",
	registerWord: "register registration registrations enroll enrol",
	usersWord:    "user users account accounts customer customers member members",
	profileWord:  "profile profiles",
	lookupWord:   "exists checkemail checkusername checkuser availability usernameavailable emailavailable lookup balance giftcard giftcards voucher vouchers coupon coupons",
	catalogWord:  "product products item items catalog catalogue listing listings article articles",
	searchWord:   "search searches autocomplete suggest suggestion suggestions typeahead",
	queryWord:    "q query",
	holdWord:     "cart carts basket baskets hold holds reserve reservation reservations booking bookings",
	ordersWord:   "order orders",
	checkoutWord: "checkout checkouts payment payments pay purchase purchases",
	webhookWord:  "webhook webhooks hooks callback callbacks",
	internalWord: "internal admin debug actuator healthz livez readyz",
	healthWord:   "health metrics",
	liveWord:     "live ready liveness readiness",
})

func readVocabulary(groups [numWords]string) map[string]word {
	m := make(map[string]word)
	for w, text := range groups {
		for _, s := range strings.Fields(text) {
			m[s] = word(w)
		}
	}
	return m
}

// maxWord is the length of the longest word worth looking up.
const maxWord = 24

// wordOf gives the meaning of a segment of a path or template.
func wordOf(segment string) word {
	var small [maxWord]byte
	if _, w := normalWord(small[:0], segment); w != noWord {
		return w
	}
	if segment[0] == '{' {
		return paramWord
	}
	if stem, _ := cutExtension(cutParameters(segment)); shapeOf(stem) != "" {
		return paramWord
	}
	return noWord
}

// normalWord appends the word of the vocabulary that a segment is, in its normal spelling, and says what it means.
func normalWord(b []byte, segment string) ([]byte, word) {
	segment = cutParameters(segment)
	segment = segment[strings.LastIndexByte(segment, ':')+1:]
	if i := strings.IndexByte(segment, '.'); i > 0 {
		segment = segment[:i]
	}
	start := len(b)
	for i := range len(segment) {
		c := segment[i]
		if c == '-' || c == '_' {
			continue
		}
		if len(b)-start == maxWord {
			return b[:start], noWord
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		b = append(b, c)
	}
	if w := vocabulary[string(b[start:])]; w != noWord {
		return b, w
	}
	return b[:start], noWord
}

// wordSet is a set of words.
type wordSet uint32

func setOf(words ...word) (s wordSet) {
	for _, w := range words {
		s |= 1 << w
	}
	return s
}
