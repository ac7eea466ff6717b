// Package bytesize is numbers of bytes as people write them: 64KiB, 10MiB.
package bytesize

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes. Its text form takes the units KiB, MiB and GiB.
type Size int64

var units = [...]struct {
	name   string
	factor int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

// UnmarshalText reads "64KiB" or "65536".
func (s *Size) UnmarshalText(b []byte) error {
	for _, u := range units {
		digits, ok := strings.CutSuffix(string(b), u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n > math.MaxInt64/u.factor || n < -math.MaxInt64/u.factor {
			return fmt.Errorf("%q is not a size such as 65536, 64KiB or 10MiB", b)
		}
		*s = Size(n * u.factor)
		return nil
	}
	return nil
}

// MarshalText writes the size with the largest unit that divides it.
func (s Size) MarshalText() ([]byte, error) {
	for _, u := range units[:3] {
		if s != 0 && int64(s)%u.factor == 0 {
			return fmt.Appendf(nil, "%d%s", int64(s)/u.factor, u.name), nil
		}
	}
	return strconv.AppendInt(nil, int64(s), 10), nil
}

// JSONSchema describes the text form.
func (Size) JSONSchema() map[string]any {
	return map[string]any{"type": []string{"string", "integer"}, "pattern": `^-?[0-9]+ ?(B|KiB|MiB|GiB)?$`, "examples": []string{"64KiB"}}
}
