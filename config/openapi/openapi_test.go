package openapi

import (
	"maps"
	"os"
	"strings"
	"testing"

	"glacis/decide/facts"
)

func TestRead(t *testing.T) {
	src, err := os.ReadFile("testdata/bank.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(src)
	if err != nil {
		t.Fatal(err)
	}
	want := []Operation{
		{"GET /v1/accounts/{account_id}", facts.Lookup, nil},
		{"GET /v1/accounts/{account_id}/statements/{period}", facts.Plain, nil},
		{"POST /v1/auth/otp", facts.OTP, map[string]string{"phone": "$.contact.phone-number"}},
		{"POST /v1/oauth/token", facts.Login, map[string]string{"user": "$.username", "secret": "$.password"}},
		{"GET /v1/search/{$}", facts.Search, nil},
		{"POST /v1/users", facts.Signup, map[string]string{"user": "$.email", "secret": "$.password"}},
	}
	want[2].Fields["phone"] = `$.contact["phone-number"]`
	byMatch := map[string]Operation{}
	for _, o := range got {
		byMatch[o.Match] = o
	}
	for _, w := range want {
		o, ok := byMatch[w.Match]
		if !ok {
			t.Errorf("%s is missing", w.Match)
			continue
		}
		for role, path := range w.Fields {
			if o.Fields[role] != path {
				t.Errorf("%s: %s stands at %q, want %q", w.Match, role, o.Fields[role], path)
			}
		}
		if o.Class != w.Class {
			t.Errorf("%s is %s, want %s", w.Match, o.Class, w.Class)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d operations, want %d: %v", len(got), len(want), got)
	}
}

// TestFields: what names somebody best is taken, wherever the alphabet puts it.
func TestFields(t *testing.T) {
	for path, c := range map[string]struct {
		properties string
		want       map[string]string
	}{
		"/auth/login":   {"account: {type: string}, otp: {type: string}, password: {type: string}, username: {type: string}", map[string]string{"user": "$.username", "secret": "$.password"}},
		"/accounts":     {"by: {type: object, properties: {email: {type: string}}}, email: {type: [string, 'null']}", map[string]string{"user": "$.email"}},
		"/otp/send":     {"email: {type: string}", map[string]string{"user": "$.email", "email": "$.email"}},
		"/otp/verify":   {"code: {type: string}, phone_number: {type: string}", map[string]string{"secret": "$.code", "phone": "$.phone_number"}},
		"/carts/things": {"item: {type: object, properties: {sku: {type: string}}}", map[string]string{"item": "$.item.sku"}},
		"/nothing":      {"size: {type: string}", nil},
	} {
		list, err := Read([]byte("openapi: 3.1.0\ninfo: {title: x, version: '1'}\npaths: {" + path + ": {post: {requestBody: {content: {application/json: {schema: {type: object, properties: {" +
			c.properties + "}}}}}, responses: {'200': {description: ok}}}}}"))
		if err != nil || len(list) != 1 || !maps.Equal(list[0].Fields, c.want) {
			t.Errorf("%s: %v (%v), want fields %v", path, list, err, c.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for what, src := range map[string]string{
		"nothing":         "",
		"not a document":  "just text",
		"Swagger 2":       "swagger: '2.0'\ninfo: {title: x, version: '1'}\npaths: {}",
		"an outside ref":  "openapi: 3.1.0\ninfo: {title: x, version: '1'}\npaths: {/a: {$ref: 'http://127.0.0.1:1/x.yaml'}}",
		"a relative path": "openapi: 3.1.0\ninfo: {title: x, version: '1'}\npaths: {a: {get: {responses: {'200': {description: ok}}}}}",
	} {
		if list, err := Read([]byte(src)); err == nil {
			t.Errorf("%s was accepted: %v", what, list)
		}
	}
}

func TestPattern(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/{$}", "/a/": "/a/{$}", "/a/{id}": "/a/{id}", "/a/{user-id}/{user_id}": "/a/{user_id}/{user_id_}",
		"/a/{id}.json": "/a/{id}", "/a/{1}": "/a/{p1}", "/a/{}": "/a/{p}", "/a/{broken": "/a/broken",
	} {
		if got, err := pattern("", path); err != nil || got != want {
			t.Errorf("%s becomes %s (%v), want %s", path, got, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	src, err := os.ReadFile("testdata/bank.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(src)
	f.Add([]byte("openapi: 3.1.0\npaths: {/a: {get: {}}}"))
	f.Fuzz(func(t *testing.T, src []byte) {
		list, err := Read(src)
		if err != nil {
			return
		}
		if err := Write(new(strings.Builder), "", list); err != nil {
			t.Error(err)
		}
	})
}
