package record

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A disk of 200 KiB runs full: no line is torn, and when a file is removed the writing goes on.
func TestFullFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=204800"); err != nil {
		t.Skipf("needs to be allowed to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, []byte(strings.Repeat("x", 100_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := New(Config{MaxSize: minSize}, dir, &testKey, WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	for range 180 {
		r.Observe(fresh(*allowed()))
	}
	if err := r.Flush(t.Context()); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("flush on a full disk: %v", err)
	}
	f := &file{path: r.Path()}
	before := r.Stats()
	if n := uint64(strings.Count(content(t, f), "\n")); n != before.Lines || n == 0 || n >= 180 {
		t.Errorf("%d whole lines on the full disk: %+v", n, before)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	finish(t, r)
	lines, _ := readAll(t, strings.NewReader(content(t, f)))
	if s := r.Stats(); len(lines) != 180 || s.Lines != 180 || s.DroppedAllows != 0 {
		t.Errorf("%d lines in the end, %+v", len(lines), s)
	}
}
