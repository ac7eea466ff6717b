package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// TestOneLineEach: whatever becomes of a request, the record tells of it once.
func TestOneLineEach(t *testing.T) {
	t.Parallel()
	socket := echo(t)
	asked := make(chan string, 100)
	s := open(t, "mode: enforce\ntrusted_proxies: [127.0.0.0/8]\nbars: [{prefix: 203.0.113.0/24}]\nlimits: [{name: once, per: [\"header:X-Once\"], rate: 1/d}]\n",
		upstream(t, func(w http.ResponseWriter, r *http.Request) {
			asked <- r.Header.Get("Glacis-Decision")
			switch r.URL.Path {
			case "/live":
				socket(w, r)
			case "/missing":
				w.WriteHeader(http.StatusNotFound)
			case "/cut":
				w.Header().Set("Content-Length", "100")
				_, _ = io.WriteString(w, "half")
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			case "/hang":
				<-r.Context().Done()
			default:
				_, _ = io.Copy(w, r.Body)
			}
		}))
	want := map[string]line{} // by decision
	passed := func(l line) { want[within(t, "the request", asked)] = l }
	refused := func(a answer, l line) { want[a.Header.Get("Glacis-Decision")] = l }

	s.get("/x")
	passed(line{Verdict: "allow", Status: 200, Outcome: "success"})
	s.send("POST", "/x", "hello")
	passed(line{Verdict: "allow", Status: 200, Outcome: "success", In: 5, Out: 5})
	s.get("/missing", "X-Once", "a")
	passed(line{Verdict: "allow", Status: 404, Outcome: "failure"})
	refused(s.get("/x", "X-Once", "a"), line{Verdict: "limit", Cause: "limit", Status: 429, Out: 1})
	refused(s.get("/x", from("203.0.113.1")...), line{Verdict: "refuse", Cause: "bar", Status: 403, Out: 1})
	refused(s.send("CONNECT", "/", ""), line{Verdict: "allow", Status: 400, Failure: "refused", Out: 1})
	s.raw("GET /cut HTTP/1.1\r\nHost: h\r\n\r\n")
	passed(line{Verdict: "allow", Status: 200, Failure: "bad response", Out: 4})
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		r, err := http.NewRequestWithContext(ctx, "GET", s.url("/hang"), nil)
		if err == nil {
			_, err = http.DefaultTransport.RoundTrip(r)
		}
		gone <- err
	}()
	passed(line{Verdict: "allow", Failure: "client gone"})
	leave()
	if err := <-gone; err == nil {
		t.Error("an answer for a client that left")
	}
	c := s.socket()
	passed(line{Verdict: "allow", Status: 101, Outcome: "", Out: 1})
	says(t, c, "hello")
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}

	for _, l := range s.lines() {
		w, known := want[l.ID]
		delete(want, l.ID)
		got := line{Verdict: l.Verdict, Cause: l.Cause, Status: l.Status, Outcome: l.Outcome, Failure: l.Failure, In: l.In, Out: l.Out}
		if w.Out == 1 { // as much as it is
			got.Out = min(got.Out, 1)
		}
		if !known || got != w {
			t.Errorf("%s: %+v, want %+v", l.Path, got, w)
		}
	}
	for id, w := range want {
		t.Errorf("no line of %s: %+v", id, w)
	}
}

// TestSecretsStayOut: nothing a caller trusts us with is in the record, in the log, or anywhere else on the disk.
func TestSecretsStayOut(t *testing.T) {
	t.Parallel()
	const (
		email, password, phone, code = "ann.secret@example.com", "pass-secret-1", "+4917612345678", "code-secret-6"
		bearer, key, cookie          = "bearer-secret-2", "key-secret-3", "cookie-secret-4"
		query, token                 = "query-secret-of-some-length", "a1b2c3d4e5f60718293a4b5c6d7e8f90"
	)
	fields := []string{"Authorization", "Bearer " + bearer, "X-Api-Key", key, "Cookie", "sid=" + cookie, "Content-Type", "application/json"}
	body := fmt.Sprintf(`{"email":%q,"password":%q,"phone":%q,"code":%q}`, email, password, phone, code)
	form := "email=ann.secret%40example.com&password=" + password + "&phone=%2B4917612345678&code=" + code
	for name, yaml := range map[string]string{"monitor": "mode: monitor\n", "enforce": "mode: enforce\n", "bare": "classes: {login: {limits: []}}\n"} {
		for kind, up := range map[string]string{"well": upstream(t, ok), "dead": nobody(t), "broken": blunt(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				s := open(t, yaml+"session_cookies: [sid]\n", up)
				send := func(path, body string, fields ...string) {
					r, err := http.NewRequest("POST", s.url(path), strings.NewReader(body))
					if err != nil {
						t.Fatal(err)
					}
					for i := 0; i < len(fields); i += 2 {
						r.Header.Set(fields[i], fields[i+1])
					}
					if res, err := http.DefaultTransport.RoundTrip(r); err == nil {
						_ = res.Body.Close()
					}
				}
				for _, path := range []string{"/api/login", "/api/otp/verify", "/api/signup", "/api/password/reset", "/password/reset/" + token, "/x", "/x?token=" + query, "/x?" + query} {
					send(path, body, fields...)
					send(path, form, append(fields[:6:6], "Content-Type", "application/x-www-form-urlencoded")...)
					send(path, strings.Repeat(" ", 70_000)+body, fields...)      // too long to be read ahead, and for the short way
					send(path, body[:len(body)-1]+`,"email":"x"`, fields[:2]...) // broken
				}
				s.stop()
				texts := map[string]string{"log": s.log.String(), "metrics": ""}
				err := filepath.WalkDir(s.data, func(path string, d os.DirEntry, err error) error {
					if err != nil || d.IsDir() {
						return err
					}
					text, err := os.ReadFile(path)
					texts[d.Name()] = string(text)
					return err
				})
				if err != nil || len(texts["record.jsonl"]) == 0 {
					t.Fatal(err, len(texts))
				}
				for where, text := range texts {
					for _, secret := range []string{email, "ann.secret", password, phone, phone[1:], code, bearer, key, cookie, query, token} {
						if at := strings.Index(text, secret); at >= 0 {
							t.Errorf("%s in the %s: …%s…", secret, where, text[max(0, at-200):min(len(text), at+100)])
						}
					}
				}
			})
		}
	}
}
