package bytesize

import "testing"

func TestText(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "65536": 65536, "64KiB": 65536, "10 MiB": 10 << 20, "2GiB": 2 << 30, "512B": 512, "-1": -1} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q is %d (%v), want %d", text, s, err, want)
		}
		out, _ := s.MarshalText()
		var again Size
		if err := again.UnmarshalText(out); err != nil || again != want {
			t.Errorf("%q written as %q is read as %d (%v)", text, out, again, err)
		}
	}
	for _, text := range []string{"", "KiB", "1.5MiB", "64K", "9223372036854775807GiB", "ten"} {
		if err := new(Size).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}
