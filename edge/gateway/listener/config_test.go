package listener

import (
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"glacis/internal/bytesize"
)

// Every duration, size and number says its default in its doc tag, and has it.
func TestDefaultsAreAsDocumented(t *testing.T) {
	c, err := Config{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	stated := regexp.MustCompile(`Default:? ([0-9]\w*|no limit)`)
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Name == "TLS" || field.Name == "ProxyProtocol" {
			continue
		}
		m := stated.FindStringSubmatch(field.Tag.Get("doc"))
		if m == nil {
			t.Errorf("%s does not say its default", field.Name)
			continue
		}
		if got := written(t, v.Field(i).Interface()); got != m[1] {
			t.Errorf("%s is %s by default, its doc says %s", field.Name, got, m[1])
		}
	}
}

func written(t *testing.T, v any) string {
	switch v := v.(type) {
	case time.Duration:
		return fmt.Sprint(v.Seconds(), "s")
	case bytesize.Size:
		if v == 0 {
			return "no limit"
		}
		b, err := v.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	return fmt.Sprint(v)
}

func TestNegativeIsRefusedUnlessDocumented(t *testing.T) {
	v := reflect.TypeFor[Config]()
	for i := range v.NumField() {
		field := v.Field(i)
		if k := field.Type.Kind(); k != reflect.Int && k != reflect.Int64 {
			continue
		}
		var c Config
		reflect.ValueOf(&c).Elem().Field(i).SetInt(-1)
		_, err := New(c, http.HandlerFunc(hello), slog.New(slog.DiscardHandler))
		allowed := strings.Contains(field.Tag.Get("doc"), "negative")
		if allowed != (err == nil) {
			t.Errorf("%s below zero: %v", field.Name, err)
		}
		if err != nil && !strings.Contains(err.Error(), field.Tag.Get("yaml")) {
			t.Errorf("%s: the error does not name the setting: %v", field.Name, err)
		}
	}
}
