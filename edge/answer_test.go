package edge

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"glacis/decide/facts"
	"glacis/decide/limit"
	"glacis/decide/verdict"
)

func login(t *testing.T) *limit.Limit {
	var client limit.Dimension
	if err := client.UnmarshalText([]byte("client")); err != nil {
		t.Fatal(err)
	}
	l, err := limit.New(limit.Config{Name: "login:client", Per: []limit.Dimension{client}, Rate: limit.Rate{N: 10, Per: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func answer(v verdict.Verdict, method string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	v.ID = facts.NewID(1e18)
	Answer(w, httptest.NewRequest(method, "/api/login", nil), &v)
	return w
}

func TestLimitedAnswer(t *testing.T) {
	w := answer(verdict.Verdict{Done: verdict.Choice{Action: verdict.Limit, Cause: verdict.Spent,
		Limit: limit.State{Limit: login(t), Wait: 4200 * time.Millisecond}}}, "POST")
	if w.Code != 429 {
		t.Errorf("status %d", w.Code)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/problem+json", "Cache-Control": "no-store", "Retry-After": "5",
		"RateLimit-Policy": `"login:client";q=10;w=60`, "RateLimit": `"login:client";r=0;t=5`,
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	var problem struct {
		Type, Title, Decision string
		Status                int
		Violated              []string `json:"violated-policies"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	if problem.Status != 429 || problem.Decision != w.Header().Get(DecisionHeader) || len(problem.Decision) != facts.IDLen ||
		len(problem.Violated) != 1 || problem.Violated[0] != "login:client" {
		t.Errorf("%+v", problem)
	}
}

func TestRefusalsTellNothing(t *testing.T) {
	for cause, status := range map[verdict.Cause]int{verdict.Barred: 403, verdict.Suspected: 403, verdict.Malformed: 400} {
		w := answer(verdict.Verdict{Done: verdict.Choice{Action: verdict.Refuse, Cause: cause}}, "GET")
		if w.Code != status {
			t.Errorf("%s: status %d, want %d", cause, w.Code, status)
		}
		for _, word := range []string{"bar", "risk", "score", "trap", "signal", "evidence"} {
			if strings.Contains(strings.ToLower(w.Body.String()), word) {
				t.Errorf("%s: the answer speaks of %q: %s", cause, word, w.Body)
			}
		}
	}
}

func TestNoBodyForHEAD(t *testing.T) {
	w := answer(verdict.Verdict{Done: verdict.Choice{Action: verdict.Refuse}}, "HEAD")
	if w.Body.Len() != 0 || w.Header().Get("Content-Length") == "0" {
		t.Errorf("body %q, length %s", w.Body, w.Header().Get("Content-Length"))
	}
}

func TestStripTakesOnlyOurs(t *testing.T) {
	h := http.Header{"Glacis-Decision": {"x"}, "Glacis-Anything": {"x"}, "Glacis": {"x"}, "X-Glacis-Score": {"x"}, "Accept": {"x"}}
	Strip(h)
	if len(h) != 3 || h["Glacis-Decision"] != nil || h["Glacis-Anything"] != nil {
		t.Errorf("%v", h)
	}
}

// Every ability of the writer below stays reachable, and what passes is counted.
func TestWriterCountsAndHidesNothing(t *testing.T) {
	var seen Writer
	done := make(chan struct{}, 3)
	mux := http.NewServeMux()
	serve := func(h func(w *Writer, r *http.Request)) http.HandlerFunc {
		return func(below http.ResponseWriter, r *http.Request) {
			var w Writer
			w.Begin(below)
			h(&w, r)
			seen = w
			done <- struct{}{}
		}
	}
	mux.HandleFunc("/flush", serve(func(w *Writer, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.WriteString(w, "hello")
		w.Flush()
		_, _ = io.Copy(w, strings.NewReader(" world"))
	}))
	mux.HandleFunc("/hijack", serve(func(w *Writer, _ *http.Request) {
		conn, _, err := w.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\nraw")
		_ = conn.Close()
	}))
	server := httptest.NewServer(mux)
	defer server.Close()
	r, err := http.Get(server.URL + "/flush")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if <-done; string(body) != "hello world" || seen.Bytes != 11 || seen.Status != 200 {
		t.Errorf("%q, counted %d with status %d", body, seen.Bytes, seen.Status)
	}
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "GET /hijack HTTP/1.1\r\nHost: x\r\n\r\n")
	line, _ := bufio.NewReader(conn).ReadString('\n')
	if <-done; !strings.Contains(line, "101") || seen.Status != 101 {
		t.Errorf("%q, status %d", line, seen.Status)
	}
}
