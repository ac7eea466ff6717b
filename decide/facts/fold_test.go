package facts

import "testing"

// A field cannot be hidden by writing its name in another case: servers that match names in any case would still read it. Where the exact
// name is there too, it is the one that counts, and the pair is odd.
func TestNamesInAnyCase(t *testing.T) {
	spec := BodySpec{Fields: []FieldSpec{{Role: RoleUser, Name: "user", Paths: []string{"$.account.email", "$.login"}}, {Name: "n", Paths: []string{"$.items[0].id"}}}}
	plan, err := compileFields(&Route{Body: spec})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		body, user, n string
		odd           Odd
	}{
		{`{"account":{"email":"a"}}`, "a", "", 0},
		{`{"account":{"EMAIL":"a"}}`, "a", "", 0},
		{`{"Account":{"email":"a"}}`, "a", "", 0},
		{`{"ACCOUNT":{"Email":"a"},"Items":[{"ID":7}]}`, "a", "7", 0},
		{`{"account":{"email":"a","EMAIL":"b"}}`, "a", "", OddBodyDuplicate},
		{`{"account":{"EMAIL":"b","email":"a"}}`, "a", "", OddBodyDuplicate},
		{`{"Account":{"email":"b"},"account":{"email":"a"}}`, "a", "", OddBodyDuplicate},
		{`{"account":{"EMAIL":"b","Email":"c"}}`, "c", "", OddBodyDuplicate},
		{`{"LOGIN":"b","account":{"email":"a"}}`, "a", "", 0},
		{`{"LOGIN":"b","login":"c"}`, "c", "", OddBodyDuplicate},
		{`{"LOGIN":"b","Account":{"email":"a"}}`, "a", "", 0},
	} {
		var f Fields
		odd := scanJSON(plan, []byte(c.body), false, &f)
		user, _ := f.Get(0)
		n, _ := f.Get(1)
		if user != c.user || n != c.n || odd != c.odd {
			t.Errorf("%s: user %q, n %q, odd %q; want %q, %q, %q", c.body, user, n, odd, c.user, c.n, c.odd)
		}
	}
}
