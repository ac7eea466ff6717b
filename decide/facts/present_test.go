package facts

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestCredential(t *testing.T) {
	p, err := newPresented([]string{"x-api-key", "X-Other"}, []string{"sid", "__Host-s"})
	if err != nil {
		t.Fatal(err)
	}
	type header = http.Header
	long := strings.Repeat("k", maxCredential+1)
	for _, tc := range []struct {
		name string
		in   http.Header
		want Credential
	}{
		{"nothing", nil, Credential{}},
		{"bearer", header{"Authorization": {"Bearer abc"}}, NewCredential(Bearer, "abc")},
		{"bearer, odd case and blanks", header{"Authorization": {"  bEARER   abc "}}, NewCredential(Bearer, "abc")},
		{"basic", header{"Authorization": {"Basic dTpw"}}, NewCredential(Basic, "dTpw")},
		{"other scheme", header{"Authorization": {`Digest username="u"`}}, NewCredential(Other, `Digest username="u"`)},
		{"no scheme", header{"Authorization": {"abc"}}, NewCredential(Other, "abc")},
		{"scheme alone", header{"Authorization": {"Bearer "}}, NewCredential(Other, "Bearer")},
		{"empty", header{"Authorization": {""}}, NewCredential(Other, "")},
		{"twice", header{"Authorization": {"Bearer a", "Bearer b"}}, NewCredential(Other, "")},
		{"before the key", header{"Authorization": {"Bearer a"}, "X-Api-Key": {"k"}}, NewCredential(Bearer, "a")},
		{"as long as allowed", header{"Authorization": {"Bearer " + long[1:]}}, NewCredential(Bearer, long[1:])},
		{"too long", header{"Authorization": {"Bearer " + long}}, NewCredential(Other, "")},
		{"key", header{"X-Api-Key": {" k "}}, NewCredential(APIKey, "k")},
		{"second key", header{"X-Api-Key": {""}, "X-Other": {"o"}}, NewCredential(APIKey, "o")},
		{"first key first", header{"X-Api-Key": {"k"}, "X-Other": {"o"}}, NewCredential(APIKey, "k")},
		{"key twice", header{"X-Api-Key": {"k", "k"}}, NewCredential(Other, "")},
		{"key too long", header{"X-Api-Key": {long}}, NewCredential(Other, "")},
		{"cookie", header{"Cookie": {"a=1; sid=xyz; b=2"}}, NewCredential(Cookie, "xyz")},
		{"cookie, quoted", header{"Cookie": {`sid="xyz"`}}, NewCredential(Cookie, "xyz")},
		{"cookie on a second line", header{"Cookie": {"a=1", "sid=xyz"}}, NewCredential(Cookie, "xyz")},
		{"second cookie", header{"Cookie": {"sid=; __Host-s=h"}}, NewCredential(Cookie, "h")},
		{"cookie by exact name", header{"Cookie": {"SID=a; xsid=b; sidx=c; sid"}}, Credential{}},
		{"cookie twice, same", header{"Cookie": {"sid=a; sid=a"}}, NewCredential(Cookie, "a")},
		{"cookie twice", header{"Cookie": {"sid=a", "sid=b"}}, NewCredential(Other, "")},
		{"cookie behind the key", header{"Cookie": {"sid=a"}, "X-Api-Key": {"k"}}, NewCredential(APIKey, "k")},
		{"cookie far behind", header{"Cookie": {strings.Repeat("a=1;", 1<<14) + "sid=a"}}, NewCredential(Cookie, "a")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := p.credential(tc.in, tc.in["Authorization"]); got != tc.want {
				t.Errorf("got %v %.20q, want %v %.20q", got.Kind, got.text, tc.want.Kind, tc.want.text)
			}
		})
	}
}

func TestPresentedDefaults(t *testing.T) {
	p, err := newPresented(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{"X-Api-Key": {"k"}, "Cookie": {"sid=a"}}
	if got := p.credential(h, nil); got != NewCredential(APIKey, "k") {
		t.Errorf("by default X-Api-Key is a key; got %v", got)
	}
	if p, err = newPresented([]string{}, nil); err != nil {
		t.Fatal(err)
	}
	if got := p.credential(h, nil); got.Kind != NoCredential {
		t.Errorf("without key headers and cookies nothing is presented; got %v", got)
	}
	for _, name := range []string{"", "cookie", "Authorization", "x key", "k:"} {
		if _, err := newPresented([]string{name}, nil); err == nil {
			t.Errorf("key header %q is accepted", name)
		}
		if name == "" || strings.ContainsAny(name, " :") {
			if _, err := newPresented(nil, []string{name}); err == nil {
				t.Errorf("cookie %q is accepted", name)
			}
		}
	}
}

func TestCredentialTextIsNotPrinted(t *testing.T) {
	c := NewCredential(Bearer, "s3cret")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if out := fmt.Sprintf(verb, c) + fmt.Sprintf(verb, &c) + fmt.Sprintf(verb, Facts{Credential: c}); strings.Contains(out, "s3cret") {
			t.Errorf("%s prints the secret: %s", verb, out)
		}
	}
}
