package upstream

import (
	"strings"
	"testing"
)

func TestCredentialsInATargetAreNotPrinted(t *testing.T) {
	for _, target := range []string{"http://u:s3cret@127.0.0.1:1", "u:s3cret@127.0.0.1:1", "ftp://u:s3cret@h", "http://u:s3@cret@h:1"} {
		_, err := New(Config{Targets: []string{target}})
		if err == nil || strings.Contains(err.Error(), "s3") {
			t.Errorf("%q: %v", target, err)
		}
	}
}
