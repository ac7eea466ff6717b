package glacis_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"glacis"
	"glacis/config"
)

// TestUploadsAreCleanedUp: the server removes the files of a form it parsed, though the handler was given a request of its own.
func TestUploadsAreCleanedUp(t *testing.T) {
	files := t.TempDir()
	t.Setenv("TMPDIR", files)
	s := open(t, "").serve(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(files); err != nil || len(left) != 1 {
			t.Error("the form is in no file, this test shows nothing", left, err)
		}
		ok(w, r)
	})
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "name")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(make([]byte, 11<<20)) // beyond what is kept in memory
	_ = form.Close()
	res, err := http.Post(s.URL+"/x", form.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	s.Close()
	if left, err := os.ReadDir(files); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}

// TestSilenceIsOK: a handler that returns without a word has answered 200, as net/http has it.
func TestSilenceIsOK(t *testing.T) {
	t.Parallel()
	g := open(t, "")
	s := g.serve(func(http.ResponseWriter, *http.Request) {})
	res, err := http.Get(s.URL + "/login")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	s.Close()
	if l := g.only(); res.StatusCode != 200 || l.Status != 200 || l.Outcome != "success" {
		t.Errorf("status %d, in the record %d %s", res.StatusCode, l.Status, l.Outcome)
	}
}

// TestBareRequest: a request put together by a program need not have a header or a body.
func TestBareRequest(t *testing.T) {
	t.Parallel()
	g := open(t, "")
	r := httptest.NewRequest("POST", "/login", nil)
	r.Header, r.Body = nil, nil
	w := httptest.NewRecorder()
	g.Handler(http.HandlerFunc(ok)).ServeHTTP(w, r)
	if w.Code != 200 || r.Header.Get("Glacis-Decision") == "" {
		t.Errorf("status %d, %v", w.Code, r.Header)
	}
}

// TestReloadOfThePlanInForce is for the race detector: requests read the plan that is given once more.
func TestReloadOfThePlanInForce(t *testing.T) {
	t.Parallel()
	plan, err := config.Zero(config.Override{Upstream: []string{"http://127.0.0.1:1"}, Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	g, err := glacis.OpenPlan(plan)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3000 {
			g.Handler(http.HandlerFunc(ok)).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/x", nil))
		}
	}()
	for range 500 {
		if _, err := g.Reload(plan); err != nil {
			t.Error(err)
		}
	}
	<-done
}
