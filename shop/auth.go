package shop

import (
	"net/http"
	"strings"
	"unicode/utf8"
)

func (s *shop) login(r *http.Request) reply {
	var in struct{ Email, Password string }
	if bad, ok := read(r, &in); !ok {
		return bad
	}
	who, ok := s.accounts.login(in.Email, in.Password)
	if !ok {
		return fail(http.StatusUnauthorized, "invalid_credentials")
	}
	return reply{http.StatusOK, map[string]any{
		"token":      s.tokens.issue(who.ID),
		"expires_in": int(tokenLife.Seconds()),
	}}
}

func (s *shop) signup(r *http.Request) reply {
	var in struct{ Email, Password, Name string }
	if bad, ok := read(r, &in); !ok {
		return bad
	}
	if !plausibleEmail(in.Email) || !plausibleName(in.Name) || len(in.Password) < 8 || len(in.Password) > 128 {
		return fail(http.StatusBadRequest, "invalid_request")
	}
	who, ok := s.accounts.add(in.Email, in.Password, in.Name)
	if !ok {
		return fail(http.StatusConflict, "email_taken")
	}
	return reply{http.StatusCreated, who}
}

// reset answers the same whether or not anybody has the address. No message is sent: there is no mail server.
func (s *shop) reset(r *http.Request) reply {
	var in struct{ Email string }
	if bad, ok := read(r, &in); !ok {
		return bad
	}
	if !plausibleEmail(in.Email) {
		return fail(http.StatusBadRequest, "invalid_request")
	}
	return reply{http.StatusAccepted, map[string]bool{"mail_sent": true}}
}

func (s *shop) readProfile(_ *http.Request, who account) reply {
	return reply{http.StatusOK, who}
}

func (s *shop) editProfile(r *http.Request, who account) reply {
	var in struct{ Name, Phone *string }
	if bad, ok := read(r, &in); !ok {
		return bad
	}
	if in.Name != nil && !plausibleName(*in.Name) || in.Phone != nil && !plausiblePhone(*in.Phone) {
		return fail(http.StatusBadRequest, "invalid_request")
	}
	who, ok := s.accounts.edit(who.ID, func(a *account) {
		if in.Name != nil {
			a.Name = *in.Name
		}
		if in.Phone != nil {
			a.Phone = *in.Phone
		}
	})
	if !ok {
		return fail(http.StatusUnauthorized, "unauthorized")
	}
	return reply{http.StatusOK, who}
}

func plausibleEmail(s string) bool {
	s = strings.TrimSpace(s)
	name, host, ok := strings.Cut(s, "@")
	return ok && name != "" && strings.Contains(host, ".") && len(s) <= 254 && !strings.ContainsAny(s, " \t\r\n")
}

func plausibleName(s string) bool {
	n := utf8.RuneCountInString(s)
	return strings.TrimSpace(s) != "" && n <= 100
}

// plausiblePhone wants the international form of E.164: a plus and 7 to 15 digits.
func plausiblePhone(s string) bool {
	digits, ok := strings.CutPrefix(s, "+")
	return ok && len(digits) >= 7 && len(digits) <= 15 && strings.Trim(digits, "0123456789") == ""
}
