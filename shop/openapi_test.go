package shop

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// node is any mapping of the document.
type node = map[string]any

func loadDocument(t *testing.T) node {
	t.Helper()
	var doc node
	if err := yaml.UnmarshalWithOptions(OpenAPI(), &doc, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if version, _ := doc["openapi"].(string); !strings.HasPrefix(version, "3.1.") {
		t.Fatalf("openapi: %q", version)
	}
	return doc
}

// operations calls f with every operation of the document by its name, "METHOD path".
func operations(doc node, f func(name string, op node)) {
	for path, item := range doc["paths"].(node) {
		for method, op := range item.(node) {
			f(strings.ToUpper(method)+" "+path, op.(node))
		}
	}
}

func TestDocumentAndRoutesAreOneList(t *testing.T) {
	var documented, served []string
	operations(loadDocument(t), func(name string, _ node) { documented = append(documented, name) })
	for _, r := range (&shop{}).routes() {
		served = append(served, r.method+" "+r.path)
	}
	slices.Sort(documented)
	slices.Sort(served)
	if !slices.Equal(documented, served) {
		t.Errorf("documented:\n%s\nserved:\n%s", strings.Join(documented, "\n"), strings.Join(served, "\n"))
	}
}

// TestEveryDocumentedAnswer makes the shop give each answer the document promises and holds its body against the schema.
func TestEveryDocumentedAnswer(t *testing.T) {
	c := openShop(t, Options{MaxBody: 300, Streams: 1})
	token, pair := c.login(1), fmt.Sprintf(`{"email":%q,"password":%q}`, Email(1), Password(1))
	hold, gone := c.hold(token, 3, 1), c.hold(token, 4, 1)
	c.want(202, "POST /api/auth/otp", `{"phone":"+4912345678"}`)
	long := strings.Repeat(" ", 301)
	c.want(201, "POST /api/checkout "+token, fmt.Sprintf(`{"holds":[%q]}`, c.hold(token, 5, 1)))

	tried := map[string]bool{}
	doc := loadDocument(t)
	for _, at := range []struct{ operation, line, body string }{
		{"POST /api/auth/login 200", "", pair},
		{"POST /api/auth/login 400", "", "{"},
		{"POST /api/auth/login 401", "", "{}"},
		{"POST /api/auth/login 413", "", long},
		{"POST /api/auth/signup 201", "", `{"email":"a@b.example","password":"longenough","name":"A"}`},
		{"POST /api/auth/signup 400", "", "{}"},
		{"POST /api/auth/signup 409", "", `{"email":"a@b.example","password":"longenough","name":"A"}`},
		{"POST /api/auth/signup 413", "", long},
		{"POST /api/auth/reset 202", "", `{"email":"a@b.example"}`},
		{"POST /api/auth/reset 400", "", "{}"},
		{"POST /api/auth/reset 413", "", long},
		{"POST /api/auth/otp/verify 200", "", fmt.Sprintf(`{"phone":"+4912345678","code":%q}`, c.codes["+4912345678"])},
		{"POST /api/auth/otp/verify 400", "", "{"},
		{"POST /api/auth/otp/verify 401", "", "{}"},
		{"POST /api/auth/otp/verify 413", "", long},
		{"POST /api/auth/otp 202", "", `{"phone":"+4912345678"}`},
		{"POST /api/auth/otp 400", "", "{}"},
		{"POST /api/auth/otp 413", "", long},
		{"GET /api/profile 200", "GET /api/profile " + token, ""},
		{"GET /api/profile 401", "", ""},
		{"PATCH /api/profile 200", "PATCH /api/profile " + token, `{"name":"Ada"}`},
		{"PATCH /api/profile 400", "PATCH /api/profile " + token, `{"name":""}`},
		{"PATCH /api/profile 401", "", ""},
		{"PATCH /api/profile 413", "PATCH /api/profile " + token, long},
		{"GET /api/products 200", "", ""},
		{"GET /api/products 400", "GET /api/products?limit=1000", ""},
		{"GET /api/products/{id} 200", "GET /api/products/1", ""},
		{"GET /api/products/{id} 404", "GET /api/products/0", ""},
		{"GET /api/search 200", "GET /api/search?q=lamp", ""},
		{"GET /api/search 400", "", ""},
		{"POST /api/cart/holds 201", "POST /api/cart/holds " + token, `{"product":1,"quantity":5}`},
		{"POST /api/cart/holds 400", "POST /api/cart/holds " + token, `{}`},
		{"POST /api/cart/holds 401", "", `{}`},
		{"POST /api/cart/holds 404", "POST /api/cart/holds " + token, `{"quantity":1}`},
		{"POST /api/cart/holds 409", "", ""}, // below: the shelf has to be emptied first
		{"POST /api/cart/holds 413", "POST /api/cart/holds " + token, long},
		{"DELETE /api/cart/holds/{id} 204", "DELETE /api/cart/holds/" + gone + " " + token, ""},
		{"DELETE /api/cart/holds/{id} 401", "DELETE /api/cart/holds/1", ""},
		{"DELETE /api/cart/holds/{id} 404", "DELETE /api/cart/holds/1 " + token, ""},
		{"POST /api/checkout 201", "POST /api/checkout " + token, fmt.Sprintf(`{"holds":[%q]}`, hold)},
		{"POST /api/checkout 400", "POST /api/checkout " + token, "{}"},
		{"POST /api/checkout 401", "", "{}"},
		{"POST /api/checkout 409", "POST /api/checkout " + token, `{"holds":["x"]}`},
		{"POST /api/checkout 413", "POST /api/checkout " + token, long},
		{"GET /api/orders/{id} 200", "GET /api/orders/1 " + token, ""},
		{"GET /api/orders/{id} 401", "GET /api/orders/1", ""},
		{"GET /api/orders/{id} 404", "GET /api/orders/99 " + token, ""},
		{"GET /healthz 200", "", ""},
	} {
		part := strings.Fields(at.operation)
		if at.line == "" {
			at.line = part[0] + " " + part[1]
		}
		tried[at.operation] = true
		if at.operation == "POST /api/cart/holds 409" {
			at.line, at.body = at.line+" "+token, `{"product":9,"quantity":10}`
			for range 6 { // a product has at most 50 units
				c.send(at.line, at.body)
			}
		}
		answer := c.send(at.line, at.body)
		if fmt.Sprint(answer.Code) != part[2] {
			t.Errorf("%s: answered %d %s", at.operation, answer.Code, answer.Body)
			continue
		}
		checkBody(t, doc, part[0], part[1], answer)
	}
	// The stream has no end; its own tests answer for it.
	tried["GET /api/events 200"], tried["GET /api/events 503"] = true, true
	operations(doc, func(name string, op node) {
		for status := range op["responses"].(node) {
			if !tried[name+" "+status] {
				t.Errorf("%s %s is documented and never tried", name, status)
			}
		}
	})
}

func checkBody(t *testing.T, doc node, method, path string, answer *httptest.ResponseRecorder) {
	t.Helper()
	op := doc["paths"].(node)[path].(node)[strings.ToLower(method)].(node)
	promised := follow(doc, op["responses"].(node)[fmt.Sprint(answer.Code)].(node))
	content, ok := promised["content"].(node)
	if !ok {
		if answer.Body.Len() > 0 {
			t.Errorf("%s %s %d: a body where none is documented: %q", method, path, answer.Code, answer.Body)
		}
		return
	}
	var body any
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
		t.Errorf("%s %s %d: %v", method, path, answer.Code, err)
		return
	}
	schema := content["application/json"].(node)["schema"].(node)
	if err := fits(doc, schema, body); err != nil {
		t.Errorf("%s %s %d: %v", method, path, answer.Code, err)
	}
}

// follow goes where a reference points.
func follow(doc, n node) node {
	ref, ok := n["$ref"].(string)
	for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		if ok {
			doc = doc[part].(node)
			n = doc
		}
	}
	return n
}

// fits holds a JSON value against the few words of JSON Schema that the document's answers use. An object must have what is
// required and nothing that is not described.
func fits(doc, schema node, v any) error {
	schema = follow(doc, schema)
	switch kind := schema["type"]; kind {
	case nil:
		return fits(doc, merged(doc, schema["allOf"].([]any)), v)
	case "object":
		return fitsObject(doc, schema, v)
	case "array":
		list, ok := v.([]any)
		if !ok {
			return fmt.Errorf("%v is no array", v)
		}
		for _, e := range list {
			if err := fits(doc, schema["items"].(node), e); err != nil {
				return err
			}
		}
		return nil
	default:
		is := map[any]bool{}
		switch x := v.(type) {
		case string:
			is["string"] = true
		case bool:
			is["boolean"] = true
		case float64:
			is["integer"] = x == float64(int(x))
		}
		if !is[kind] {
			return fmt.Errorf("%v (%T) is no %v", v, v, kind)
		}
		return nil
	}
}

func fitsObject(doc, schema node, v any) error {
	object, ok := v.(node)
	if !ok {
		return fmt.Errorf("%v is no object", v)
	}
	for _, name := range schema["required"].([]any) {
		if _, ok := object[name.(string)]; !ok {
			return fmt.Errorf("%v has no %v", v, name)
		}
	}
	for name, value := range object {
		property, ok := schema["properties"].(node)[name].(node)
		if !ok {
			return fmt.Errorf("%s is not described", name)
		}
		if err := fits(doc, property, value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// merged is the one object that several describe together.
func merged(doc node, all []any) node {
	properties, required := node{}, []any{}
	for _, one := range all {
		object := follow(doc, one.(node))
		maps.Copy(properties, object["properties"].(node))
		required = append(required, object["required"].([]any)...)
	}
	return node{"type": "object", "properties": properties, "required": required}
}
