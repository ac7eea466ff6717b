package facts

import "testing"

func TestLearntListsWhatWasGuessed(t *testing.T) {
	r, err := NewRoutes([]RouteSpec{{Pattern: "GET /configured"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/configured", "/items/17", "/items/18", "/api/login"} {
		r.Match("GET", "", path)
	}
	got := r.Learnt()
	want := []Learnt{{"/api/login", Plain, Login}, {"/items/{id}", Catalog, Plain}}
	if len(got) != len(want) {
		t.Fatalf("%v, want %v", got, want)
	}
	for i := range want {
		if got[i].Template != want[i].Template || got[i].Post != want[i].Post {
			t.Errorf("%v, want %v", got[i], want[i])
		}
	}
}

func TestNothingOddHidesARoute(t *testing.T) {
	r, err := NewRoutes([]RouteSpec{{Pattern: "POST /api/login"}, {Pattern: "GET /exact;v=1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	odd := map[string]string{"/exact;v=1": "/exact;v=1"}
	for _, path := range []string{"/api/login;x=1", "/api;a/login;b", "/api/login;", "/api/login#x", "/api%2Flogin", `/api\login`, "/api/login ", "/x%2F..%2Fapi/login"} {
		odd[path] = "/api/login"
	}
	for path, want := range odd {
		method := "POST"
		if path == want {
			method = "GET"
		}
		if route, template := r.Match(method, "", path); route.Learnt || template != want {
			t.Errorf("%s is counted under %s, want %s", path, template, want)
		}
	}
}
