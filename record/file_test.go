package record

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// testFile is a file in a folder of its own that begins anew after most bytes.
func testFile(t testing.TB, most int64, kept int) *file {
	t.Helper()
	f := &file{path: filepath.Join(t.TempDir(), "record.jsonl"), most: most, kept: kept, now: func() time.Time { return time.Unix(1793631845, 0) },
		complain: func(what string, err error) { t.Errorf("%s: %v", what, err) }}
	if err := f.reopen(); err != nil {
		t.Fatal(err)
	}
	return f
}

// content is what stands in a file and those put aside before, in order.
func content(t testing.TB, f *file) string {
	t.Helper()
	names, err := f.aside()
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, name := range append(names, f.path) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if f.most > 0 && int64(len(text)) > f.most {
			t.Errorf("%s has %d bytes, at most %d", filepath.Base(name), len(text), f.most)
		}
		if len(text) > 0 && text[len(text)-1] != '\n' {
			t.Errorf("%s ends within a line", filepath.Base(name))
		}
		all.Write(text)
	}
	return all.String()
}

func numbered(from, to int) []byte {
	var b []byte
	for i := from; i < to; i++ {
		b = fmt.Appendf(b, `{"n":%d}`+"\n", i)
	}
	return b
}

// However the lines come, putting files aside neither loses nor tears nor swaps one.
func TestPuttingAsideLosesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := testFile(t, int64(rapid.IntRange(20, 300).Draw(rt, "most")), 1000)
		n := 0
		for range rapid.IntRange(1, 8).Draw(rt, "writes") {
			more := rapid.IntRange(1, 60).Draw(rt, "lines")
			lines := numbered(n, n+more)
			if written, err := f.write(lines); err != nil || written != len(lines) {
				rt.Fatalf("%d of %d bytes written: %v", written, len(lines), err)
			}
			n += more
		}
		if got, want := content(t, f), string(numbered(0, n)); got != want {
			rt.Fatalf("the files hold %q, want %q", got, want)
		}
		if err := f.close(); err != nil {
			rt.Fatal(err)
		}
	})
}

// Only the newest files are kept, also when the clock steps back, and nothing of others is touched.
func TestOldestAreRemoved(t *testing.T) {
	f := testFile(t, 100, 3)
	others := []string{"record-.jsonl", "record-notes.jsonl", "record-20261102T150405.000.jsonl.gz", "record-20261302T150405.000.jsonl", "other-20261102T150405.000.jsonl"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(filepath.Dir(f.path), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 30 {
		now := time.Unix(1793631845+int64(rand.IntN(100)), 0)
		f.now = func() time.Time { return now }
		if _, err := f.write(numbered(i*10, i*10+10)); err != nil {
			t.Fatal(err)
		}
	}
	names, err := f.aside()
	if err != nil || len(names) != 2 || !slices.IsSorted(names) {
		t.Errorf("put aside: %v (%v), want 2", names, err)
	}
	if got := content(t, f); !strings.HasSuffix(string(numbered(0, 300)), got) || len(got) < 120 {
		t.Errorf("the files hold %q, want the end of what was written", got)
	}
	for _, name := range others {
		if _, err := os.Stat(filepath.Join(filepath.Dir(f.path), name)); err != nil {
			t.Error(err)
		}
	}
}

func TestNamesAside(t *testing.T) {
	f := &file{path: "/data/record.jsonl", now: func() time.Time { return time.Unix(1793631845, 678e6).In(time.FixedZone("", 3600)) }}
	if got, want := f.freshName(nil), "/data/record-20261102T150405.678.jsonl"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := f.freshName([]string{"/data/record-20261102T150405.999.jsonl"}), "/data/record-20261102T150406.000.jsonl"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A crash may leave a line without an end. It stays, alone on its line.
func TestTornTailIsEnded(t *testing.T) {
	f := testFile(t, 1000, 2)
	if err := os.WriteFile(f.path, []byte("{\"n\":0}\n{\"n\":"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.reopen(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.write(numbered(1, 3)); err != nil {
		t.Fatal(err)
	}
	want := "{\"n\":0}\n{\"n\":\n" + string(numbered(1, 3))
	if got := content(t, f); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// When the file cannot be put aside it goes on growing: better too large than lost.
func TestUnnameableFileGrows(t *testing.T) {
	f := testFile(t, 50, 2)
	complaints := 0
	f.complain = func(string, error) { complaints++ }
	if _, err := f.write(numbered(0, 5)); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Dir(f.path) + "-moved"
	if err := os.Rename(filepath.Dir(f.path), moved); err != nil {
		t.Fatal(err)
	}
	if n, err := f.write(numbered(5, 20)); err != nil || n != len(numbered(5, 20)) {
		t.Errorf("%d bytes written: %v", n, err)
	}
	text, err := os.ReadFile(filepath.Join(moved, "record.jsonl"))
	if err != nil || string(text) != string(numbered(0, 20)) || complaints == 0 {
		t.Errorf("%q (%v), %d complaints", text, err, complaints)
	}
}

func TestDevicesAreNotPutAside(t *testing.T) {
	f := &file{path: os.DevNull, most: 10, kept: 2, now: time.Now}
	if n, err := f.write(numbered(0, 100)); err != nil || n != len(numbered(0, 100)) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := f.close(); err != nil {
		t.Error(err)
	}
}

func TestRecordIsForItsOwnerOnly(t *testing.T) {
	f := testFile(t, 100, 2)
	if info, err := os.Stat(f.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
}

func TestStreamStartsANewLineAfterATornOne(t *testing.T) {
	disk := &leaky{room: 12}
	s := &stream{Writer: disk}
	lines := numbered(0, 4) // 8 bytes each
	n, err := s.write(lines)
	if n != 8 || err == nil {
		t.Fatalf("%d bytes kept, %v", n, err)
	}
	if n, err = s.write(lines[8:]); n != 0 || err == nil {
		t.Fatalf("%d bytes kept, %v", n, err)
	}
	disk.makeRoom()
	if n, err = s.write(lines[8:]); n != 24 || err != nil {
		t.Fatalf("%d bytes kept, %v", n, err)
	}
	if got, want := disk.String(), "{\"n\":0}\n{\"n\"\n{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
