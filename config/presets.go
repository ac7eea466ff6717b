package config

import (
	"time"

	"glacis/decide/facts"
	"glacis/decide/limit"
)

// preset is what a class brings: limits and payload fields. The figures are meant to be out of everybody's way but a program's: the
// sensitive classes allow what a clumsy person does, the others what a busy page does.
type preset struct {
	limits []limit.Config
	fields map[string]string
}

func rate(n int64, per time.Duration) limit.Rate { return limit.Rate{N: n, Per: per} }

func per(dimensions ...string) []limit.Dimension {
	list := make([]limit.Dimension, len(dimensions))
	for i, d := range dimensions {
		if err := list[i].UnmarshalText([]byte(d)); err != nil {
			panic(err) // presets are constants; a test compiles each of them
		}
	}
	return list
}

const (
	userPaths  = "$.email | $.username | $.user | $.login | $.user.email | $.identifier"
	emailPaths = "$.email | $.user.email"
	phonePaths = "$.phone | $.phone_number | $.phoneNumber | $.mobile | $.to"
)

// presetOf is the preset of a class.
func presetOf(class facts.Class) preset {
	switch class {
	case facts.Login:
		return preset{[]limit.Config{
			{Per: per("client"), Rate: rate(10, time.Minute)},
			// Wide enough that somebody who fails on purpose in another's name does not soon lock the owner out.
			{Per: per("user"), Rate: rate(30, 10*time.Minute)},
			{Per: per("network"), Rate: rate(120, time.Minute)},
		}, map[string]string{"user": userPaths, "secret": "$.password | $.pass | $.secret"}}
	case facts.Reset:
		return preset{[]limit.Config{
			{Per: per("client"), Rate: rate(5, 10*time.Minute)},
			{Per: per("user"), Rate: rate(3, time.Hour)},
		}, map[string]string{"user": userPaths}}
	case facts.OTP:
		return preset{[]limit.Config{
			{Per: per("client"), Rate: rate(5, 10*time.Minute)},
			{Per: per("field:phone"), Rate: rate(3, 10*time.Minute)},
			{Per: per("field:email"), Rate: rate(3, 10*time.Minute)},
			{Per: per("network"), Rate: rate(60, 10*time.Minute)},
		}, map[string]string{"phone": phonePaths, "email": emailPaths, "secret": "$.code | $.otp | $.token"}}
	case facts.Signup:
		return preset{[]limit.Config{
			{Per: per("client"), Rate: rate(5, time.Hour)},
			{Per: per("network"), Rate: rate(60, time.Hour)},
		}, map[string]string{"user": userPaths, "email": emailPaths, "phone": phonePaths, "secret": "$.password"}}
	case facts.Lookup:
		return preset{limits: []limit.Config{
			{Per: per("client"), Rate: rate(120, time.Minute), Burst: 60},
			{Per: per("key"), Rate: rate(600, time.Minute)},
		}}
	case facts.Catalog, facts.Search:
		return preset{limits: []limit.Config{
			{Per: per("client"), Rate: rate(240, time.Minute), Burst: 120},
			{Per: per("key"), Rate: rate(1200, time.Minute)},
		}}
	case facts.Hold, facts.Checkout:
		return preset{limits: []limit.Config{
			{Per: per("client"), Rate: rate(30, time.Minute)},
			{Per: per("key"), Rate: rate(60, time.Minute)},
		}}
	case facts.Internal:
		return preset{limits: []limit.Config{{Per: per("client"), Rate: rate(120, time.Minute)}}}
	case facts.Webhook:
		return preset{limits: []limit.Config{{Per: per("client"), Rate: rate(1200, time.Minute)}}}
	}
	return preset{limits: []limit.Config{
		{Per: per("client"), Rate: rate(600, time.Minute), Burst: 300},
		{Per: per("key"), Rate: rate(3000, time.Minute)},
	}}
}
