// Package outcome is what the upstream's answer meant: on a login route a 401 is a failed login, elsewhere it is something else.
// It reads the status; what follows from outcomes is not decided here.
package outcome

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"glacis/decide/facts"
)

// Meaning is what an answer meant to the caller's purpose.
type Meaning uint8

// The meanings. None is an answer that neither rule speaks of.
const (
	None    Meaning = iota
	Success         // the purpose was reached: logged in, code sent, hold made
	Failure         // it was not: wrong password, unknown account, wrong code
)

var meaningNames = [...]string{"", "success", "failure"}

func (m Meaning) String() string { return meaningNames[m] }

// Config says what a route's answers mean. The expressions are CEL over `status`, an integer.
type Config struct {
	Success string `yaml:"success" doc:"CEL over status: when the answer means success. The class's preset when empty." example:"status == 200"`
	Failure string `yaml:"failure" doc:"CEL over status: when the answer means failure. The class's preset when empty." example:"status in [401, 403]"`
}

// Preset is what answers mean on routes of a class when nothing is configured: 2xx and 3xx are success; the statuses by which
// APIs commonly refuse wrong or unknown credentials and codes are failure.
func Preset(class facts.Class) Config {
	c := Config{Success: "status >= 200 && status < 400"}
	switch class {
	case facts.Login, facts.Reset, facts.OTP, facts.Signup:
		c.Failure = "status in [400, 401, 403, 404, 409, 410, 422]"
	case facts.Hold, facts.Checkout:
		c.Failure = "status in [400, 402, 403, 404, 409, 410, 422]"
	default:
		c.Failure = "status in [401, 403, 404]"
	}
	return c
}

// Rule tells meanings by status. Expressions are evaluated once, for every status there is; asking is a look-up.
type Rule struct {
	meaning [600]Meaning
}

// MaxExpression bounds the length of an expression.
const MaxExpression = 1024

// Error tells which of the two expressions is wrong.
type Error struct {
	Field   string // "success" or "failure"
	Message string
}

func (e *Error) Error() string { return e.Message }

// New compiles a rule; empty expressions take the class's preset. A status both expressions claim is a failure.
func New(c Config, class facts.Class) (*Rule, error) {
	preset := Preset(class)
	if c.Success == "" {
		c.Success = preset.Success
	}
	if c.Failure == "" {
		c.Failure = preset.Failure
	}
	r := new(Rule)
	if err := r.mark(c.Success, Success); err != nil {
		return nil, &Error{"success", err.Error()}
	}
	if err := r.mark(c.Failure, Failure); err != nil {
		return nil, &Error{"failure", err.Error()}
	}
	return r, nil
}

func (r *Rule) mark(expression string, as Meaning) error {
	program, err := compile(expression)
	if err != nil {
		return err
	}
	for status := 100; status < len(r.meaning); status++ {
		v, _, err := program.Eval(map[string]any{"status": status})
		if err != nil {
			return fmt.Errorf("%q fails for status %d: %w", expression, status, err)
		}
		if v == types.True {
			r.meaning[status] = as
		}
	}
	return nil
}

func compile(expression string) (cel.Program, error) {
	if len(expression) > MaxExpression {
		return nil, fmt.Errorf("an expression of %d characters is too long, at most %d", len(expression), MaxExpression)
	}
	env, err := cel.NewEnv(cel.Variable("status", cel.IntType))
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	if ast.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("%q is a %s, not a condition", expression, ast.OutputType())
	}
	return env.Program(ast, cel.CostLimit(10_000))
}

// Of tells what a status meant.
func (r *Rule) Of(status int) Meaning {
	if status < 0 || status >= len(r.meaning) {
		return None
	}
	return r.meaning[status]
}
