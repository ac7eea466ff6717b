package outcome

import (
	"errors"
	"strings"
	"testing"

	"glacis/decide/facts"
)

func TestMeanings(t *testing.T) {
	for _, c := range []struct {
		what   string
		config Config
		class  facts.Class
		want   map[int]Meaning
	}{
		{"login preset", Config{}, facts.Login, map[int]Meaning{200: Success, 302: Success, 401: Failure, 422: Failure, 429: None, 500: None}},
		{"plain preset", Config{}, facts.Plain, map[int]Meaning{204: Success, 404: Failure, 422: None}},
		{"own rules", Config{"status == 200", "status in [401, 403]"}, facts.Login, map[int]Meaning{200: Success, 201: None, 403: Failure, 404: None}},
		{"failure wins", Config{"status < 600", "status >= 400"}, facts.Login, map[int]Meaning{200: Success, 404: Failure}},
	} {
		r, err := New(c.config, c.class)
		if err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		for status, want := range c.want {
			if got := r.Of(status); got != want {
				t.Errorf("%s: %d means %q, want %q", c.what, status, got, want)
			}
		}
		for _, absurd := range []int{-1, 0, 600, 1 << 40} {
			if got := r.Of(absurd); got != None {
				t.Errorf("%s: status %d means %q", c.what, absurd, got)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for expression, hint := range map[string]string{
		"status = 200":                       "Syntax error",
		"stauts == 200":                      "undeclared reference",
		"status + 1":                         "not a condition",
		"1 / (status - 200) > 0":             "fails for status 200",
		strings.Repeat("!", 2000) + "status": "too long",
	} {
		_, err := New(Config{Failure: expression}, facts.Login)
		var e *Error
		if !errors.As(err, &e) || e.Field != "failure" || !strings.Contains(e.Message, hint) {
			t.Errorf("%.40q: %v, want a failure error with %q", expression, err, hint)
		}
	}
}

func TestEveryPresetCompiles(t *testing.T) {
	for class := range facts.NumClasses {
		if _, err := New(Config{}, class); err != nil {
			t.Errorf("%s: %v", class, err)
		}
	}
}
