package glacis_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"glacis"
	"glacis/config"
	"glacis/decide/limit"
	"glacis/posture"
)

// settings are those of the examples: three searches a minute from each address. Programs usually read theirs from glacis.yaml, with
// config.Load.
func settings(data string) config.Config {
	c := config.Default()
	c.Data = data
	c.Mode = posture.Enforce
	var client limit.Dimension
	_ = client.UnmarshalText([]byte("client"))
	c.Routes = []config.Route{{Match: "GET /search", Class: "search",
		Limits: []limit.Config{{Name: "searches", Per: []limit.Dimension{client}, Rate: limit.Rate{N: 3, Per: time.Minute}}}}}
	return c
}

// The gate as middleware: what it lets through reaches the handler, and the rest is answered in its place.
func ExampleGate_Handler() {
	data, err := os.MkdirTemp("", "glacis")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(data)
	gate, err := glacis.Open(settings(data))
	if err != nil {
		panic(err)
	}
	defer gate.Close()

	search := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "found nothing, %s", r.Header.Get("Glacis-Subject"))
	})
	server := httptest.NewServer(gate.Handler(search))
	defer server.Close()

	for range 4 {
		res, err := http.Get(server.URL + "/search?q=lamp")
		if err != nil {
			panic(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			fmt.Println(res.StatusCode, string(body))
		} else {
			fmt.Println(res.StatusCode, res.Header.Get("Content-Type"), res.Header.Get("RateLimit-Policy"), "Retry-After:", res.Header.Get("Retry-After"))
		}
	}
	// Output:
	// 200 found nothing, anonymous
	// 200 found nothing, anonymous
	// 200 found nothing, anonymous
	// 429 application/problem+json "searches";q=3;w=60 Retry-After: 20
}

// A program that acts on decisions itself: it asks, answers in its own way, and reports what it answered.
func ExampleGate_Decide() {
	data, err := os.MkdirTemp("", "glacis")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(data)
	gate, err := glacis.Open(settings(data))
	if err != nil {
		panic(err)
	}
	defer gate.Close()

	for range 4 {
		r := httptest.NewRequest("GET", "/search?q=lamp", strings.NewReader(""))
		decision := gate.Decide(r)
		status := http.StatusOK
		if !decision.Allowed() {
			status = http.StatusTooManyRequests
		}
		gate.Report(decision, status, 0)
		fmt.Println(status, decision.Verdict().Done.Action)
	}
	// Output:
	// 200 allow
	// 200 allow
	// 200 allow
	// 429 limit
}

// A gate over a whole API without any configuration: it guesses what paths are for, changes no answer, and records what it would
// have done.
func ExampleOpen() {
	data, err := os.MkdirTemp("", "glacis")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(data)
	settings := config.Default()
	settings.Data = data
	gate, err := glacis.Open(settings)
	if err != nil {
		panic(err)
	}
	defer gate.Close()

	r := httptest.NewRequest("POST", "/v1/account/login", strings.NewReader(`{"email":"ann@example.com"}`))
	w := httptest.NewRecorder()
	gate.Handler(http.NotFoundHandler()).ServeHTTP(w, r)
	for _, learnt := range gate.Learnt() {
		fmt.Println(w.Code, learnt.Template, learnt.Post)
	}
	// Output:
	// 404 /v1/account/login login
}
