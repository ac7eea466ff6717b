package facts

// Route is one path template with a method, and its kind. Rooms that keep something per route index their tables by Index.
type Route struct {
	Index   int    // dense, 0-based, unique within one Routes
	Pattern string // as configured, net/http syntax: "POST /api/auth/login"; for unmatched paths "(class)" such as "(login)"
	Class   Class
	Learnt  bool // stands for unmatched paths whose class was guessed; the template is learnt
	Body    BodySpec
}

// BodySpec says what to read of a request's body. The zero value reads nothing.
type BodySpec struct {
	Fields []FieldSpec
	Limit  int // most bytes read ahead; 0 means DefaultBodyLimit
}

// DefaultBodyLimit bounds the read-ahead of a body whose fields are declared: 64 KiB.
const DefaultBodyLimit = 64 << 10

// FieldSpec declares one payload field: its role and where it stands, in JSON as a path ("$.user.email", "$.items[0].id")
// and in a form as the path's last name. Several paths may be given; the first that is present wins.
type FieldSpec struct {
	Role  Role
	Name  string // the key in the configuration, for custom fields and the record
	Paths []string
}

// Role is what a payload field means to us.
type Role uint8

// The roles. Custom fields can be limited on but have no meaning of their own.
const (
	RoleCustom Role = iota
	RoleUser        // the account being named: e-mail, user name, customer number
	RoleSecret      // a password or code; never recorded, not even hashed
	RolePhone
	RoleEmail
	RoleItem // a product or object being named
)

var roleNames = [...]string{"custom", "user", "secret", "phone", "email", "item"}

func (r Role) String() string { return roleNames[r] }

// RoleOf gives the role of a configured field name; any other name is custom.
func RoleOf(name string) Role {
	for i, n := range roleNames {
		if n == name {
			return Role(i)
		}
	}
	return RoleCustom
}

// MaxFields bounds the declared fields of one route.
const MaxFields = 8

// Fields are the declared payload fields found in one request, by their position in the route's BodySpec.
type Fields struct {
	value [MaxFields]string
	found uint8
}

// Set keeps the value of the i-th declared field.
func (p *Fields) Set(i int, v string) {
	p.value[i] = v
	p.found |= 1 << i
}

// Get returns the value of the i-th declared field. Values are personal data: hash them before they leave the decision.
func (p *Fields) Get(i int) (string, bool) { return p.value[i], p.found&(1<<i) != 0 }

// Any tells whether any declared field was found.
func (p *Fields) Any() bool { return p.found != 0 }

// Field returns the value of the first declared field with this role.
func (f *Facts) Field(role Role) (string, bool) {
	for i := range f.Route.Body.Fields {
		if f.Route.Body.Fields[i].Role == role {
			if v, ok := f.Fields.Get(i); ok {
				return v, true
			}
		}
	}
	return "", false
}
