package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// file is a destination that is put aside when it is large enough. Nothing in it is ever rewritten; a line that could be written
// only in part is cut off again, or, when others write to the file too, ended.
type file struct {
	path string
	most int64 // bytes of one file
	kept int   // files, this one included
	now  func() time.Time
	// complain takes errors that lose no line.
	complain func(what string, err error)

	open *os.File // nil after a failure: the next write opens it again
	size int64
	torn bool // the last line has no end
}

// reopen opens the file for appending. It may be a device; a pipe is refused, because opening it would wait for a reader.
func (f *file) reopen() error {
	if info, err := os.Stat(f.path); err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeDevice == 0 {
		return fmt.Errorf("%s is neither a file nor a device; - is standard output", f.path)
	}
	open, err := os.OpenFile(f.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := open.Stat()
	if err != nil {
		return errors.Join(err, open.Close())
	}
	f.open, f.size, f.torn = open, 0, false
	if !info.Mode().IsRegular() {
		f.most = 0 // a device is never put aside
		return nil
	}
	if f.size = info.Size(); f.size > 0 {
		var last [1]byte
		_, err := open.ReadAt(last[:], f.size-1)
		f.torn = err != nil || last[0] != '\n'
	}
	return nil
}

func (f *file) write(lines []byte) (written int, err error) {
	for written < len(lines) {
		part := lines[written:]
		if err := f.ready(len(part)); err != nil {
			return written, err
		}
		n, err := f.append(f.fitting(part))
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// ready opens the file where necessary, and puts it aside when it has no room for a part of so many bytes.
func (f *file) ready(bytes int) error {
	if f.open == nil {
		if err := f.reopen(); err != nil {
			return err
		}
	}
	if f.most > 0 && f.size > 0 && f.size+int64(min(bytes, maxLine)) > f.most {
		return f.putAside()
	}
	return nil
}

// fitting is as many of the lines as the file has room for, at least one.
func (f *file) fitting(lines []byte) []byte {
	left := f.most - f.size
	if f.most == 0 || int64(len(lines)) <= left {
		return lines
	}
	if n := wholeLines(lines[:max(0, left)]); n > 0 {
		return lines[:n]
	}
	end := slices.Index(lines, '\n')
	return lines[:end+1]
}

// append writes lines, or as many whole ones as it can.
func (f *file) append(lines []byte) (int, error) {
	if f.torn {
		if n, err := f.open.Write(newline); err != nil || n == 0 {
			return 0, f.fail(err)
		}
		f.torn = false
		f.size++
	}
	n, err := f.open.Write(lines)
	f.size += int64(n)
	if err == nil {
		return n, nil
	}
	whole := wholeLines(lines[:n])
	f.cut(int64(n - whole))
	return whole, f.fail(err)
}

// cut takes back the last bytes written, if nobody else wrote meanwhile. When it cannot, opening the file again will see the torn line.
func (f *file) cut(bytes int64) {
	if bytes == 0 {
		return
	}
	if info, err := f.open.Stat(); err == nil && info.Mode().IsRegular() && info.Size() == f.size {
		_ = f.open.Truncate(f.size - bytes)
	}
}

// fail closes the file, so that the next write finds whatever is there then.
func (f *file) fail(err error) error {
	err = errors.Join(err, f.open.Close())
	f.open = nil
	return err
}

func (f *file) close() error {
	if f.open == nil {
		return nil
	}
	err := f.open.Sync()
	if f.most == 0 {
		err = nil // devices know no such thing
	}
	return errors.Join(err, f.open.Close())
}

// asideLayout is the time in the names of files put aside, in UTC.
const asideLayout = "20060102T150405.000"

// putAside renames the file and begins a new one. When it cannot, it goes on with the one there is: better too large than lost.
func (f *file) putAside() error {
	names, err := f.aside()
	if err != nil {
		f.complain("the record grows beyond its size: its folder cannot be read", err)
		return nil
	}
	name := f.freshName(names)
	if err := os.Rename(f.path, name); err != nil {
		f.complain("the record grows beyond its size: it cannot be renamed", err)
		return nil
	}
	old := f.open
	f.open = nil
	if err := errors.Join(old.Sync(), old.Close()); err != nil {
		f.complain("a record put aside may not survive a power failure", err)
	}
	f.removeOldest(append(names, name))
	return f.reopen()
}

// aside lists the files put aside, the oldest first. Only names that this room could have made are among them.
func (f *file) aside() ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(f.path))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := filepath.Join(filepath.Dir(f.path), e.Name())
		if _, ok := f.asideTime(name); ok && e.Type().IsRegular() {
			names = append(names, name)
		}
	}
	return names, nil // ReadDir sorts, and the layout sorts by time
}

func (f *file) asideTime(name string) (time.Time, bool) {
	stem, extension := f.stem()
	text, ok := strings.CutPrefix(name, stem+"-")
	text, ok2 := strings.CutSuffix(text, extension)
	if !ok || !ok2 || len(text) != len(asideLayout) {
		return time.Time{}, false
	}
	at, err := time.Parse(asideLayout, text)
	return at, err == nil
}

func (f *file) asideName(at time.Time) string {
	stem, extension := f.stem()
	return stem + "-" + at.UTC().Format(asideLayout) + extension
}

func (f *file) stem() (stem, extension string) {
	extension = filepath.Ext(f.path)
	return strings.TrimSuffix(f.path, extension), extension
}

// freshName is a name later than all of names, whatever the clock says, so that none is overwritten and the oldest are the first.
func (f *file) freshName(names []string) string {
	at := f.now().Truncate(time.Millisecond)
	if len(names) > 0 {
		if last, ok := f.asideTime(names[len(names)-1]); ok && !at.After(last) {
			at = last.Add(time.Millisecond)
		}
	}
	return f.asideName(at)
}

func (f *file) removeOldest(names []string) {
	for _, name := range names[:max(0, len(names)-(f.kept-1))] {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			f.complain("an old record cannot be removed", err)
		}
	}
}
