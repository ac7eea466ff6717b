package strictyaml

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"unicode/utf8"
)

const (
	maxSecret   = 64 << 10 // bytes of one file that is referred to
	maxExpanded = 8 << 20  // bytes of all values that are referred to, each as often as it is
)

// Lookup is where references get their values. A nil function refuses its kind of reference.
type Lookup struct {
	Env  func(name string) (value string, ok bool) // ${env:NAME}, ${env:NAME:-default}
	File func(name string) (io.ReadCloser, error)  // ${file:/path}; at most 64 KiB are read, and one line end at the end is dropped
}

// System looks into the environment and the files of this machine.
func System() Lookup {
	return Lookup{Env: os.LookupEnv, File: func(name string) (io.ReadCloser, error) { return os.Open(name) }}
}

// expand replaces the references in a text; $${ stands for ${. It names the last reference it met. Values go in as they are: they are
// not searched for references, and being put into a scalar that is already parsed they cannot become YAML.
func (d *decoder) expand(text string) (out, reference string, err error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			return b.String(), reference, nil
		}
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(escaped + "${")
			text = after
			continue
		}
		b.WriteString(before)
		inside, rest, closed := strings.Cut(after, "}")
		if !closed {
			return "", "", errors.New("a reference without its }; to write ${ itself, write $${")
		}
		value, name, err := d.refer(inside)
		if err != nil {
			return "", "", err
		}
		if d.expanded += len(value); d.expanded > maxExpanded {
			return "", "", fmt.Errorf("all references together give more than %d MiB", maxExpanded>>20)
		}
		if !utf8.ValidString(value) {
			return "", "", fmt.Errorf("the value of %s is not valid UTF-8", name)
		}
		b.WriteString(value)
		reference, text = name, rest
	}
}

// refer gets the value of what stands between ${ and }, and the reference without its default.
func (d *decoder) refer(inside string) (value, reference string, err error) {
	kind, name, _ := strings.Cut(inside, ":")
	switch kind {
	case "env":
		name, instead, hasDefault := strings.Cut(name, ":-")
		reference = "${env:" + name + "}"
		if !isVariable(name) {
			return "", "", fmt.Errorf("%s is not the name of an environment variable", d.shown(name))
		}
		if strings.Contains(instead, "${") {
			return "", "", fmt.Errorf("the default in %s cannot hold a reference", reference)
		}
		value, err = d.env(name, instead, hasDefault)
	case "file":
		reference = "${file:" + name + "}"
		if !path.IsAbs(name) {
			return "", "", fmt.Errorf("%s is not an absolute path", d.shown(name))
		}
		value, err = d.file(name)
	default:
		return "", "", fmt.Errorf("unknown reference %s; write ${env:NAME}, ${file:/path}, or $${ for ${ itself", d.shown("${"+inside+"}"))
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", reference, err)
	}
	return value, reference, err
}

// shown is a text for a message, unless it may be a piece of a secret.
func (d *decoder) shown(s string) string {
	if d.secret {
		return "what stands here"
	}
	return quote(s)
}

// env takes the default for a variable that is unset or empty, as a shell does.
func (d *decoder) env(name, instead string, hasDefault bool) (string, error) {
	if d.doc.lookup.Env == nil {
		return "", errors.New("references to the environment are not followed here")
	}
	value, ok := d.doc.lookup.Env(name)
	switch {
	case hasDefault && value == "":
		return instead, nil
	case !ok:
		return "", errors.New("the environment variable is not set")
	}
	return value, nil
}

func (d *decoder) file(name string) (string, error) {
	if d.doc.lookup.File == nil {
		return "", errors.New("references to files are not followed here")
	}
	f, err := d.doc.lookup.File(name)
	if err != nil {
		return "", cause(err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch {
	case err != nil:
		return "", cause(err)
	case len(b) > maxSecret:
		return "", fmt.Errorf("the file is larger than %d KiB", maxSecret>>10)
	}
	value := string(b)
	if s, ok := strings.CutSuffix(value, "\n"); ok {
		value = strings.TrimSuffix(s, "\r")
	}
	return value, nil
}

// cause is a file error without the path, which the reference already names.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func isVariable(name string) bool {
	for i, r := range name {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}
