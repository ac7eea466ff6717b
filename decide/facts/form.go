package facts

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"unicode/utf8"
)

// scanForm looks for the declared fields in an application/x-www-form-urlencoded body, by the last name of their paths.
// A pair with a broken percent-encoding is left out and is OddBodySyntax; a pair cut off by the bound is left out.
func scanForm(plan *fieldPlan, b []byte, more bool, into *Fields) Odd {
	names := formFinder{finder: newFinder(into), forms: plan.forms}
	var nameBuffer [maxPathName + 1]byte
	var valueBuffer [maxFieldValue + 1]byte
	for len(b) > 0 {
		pair, rest, whole := bytes.Cut(b, []byte{'&'})
		if !whole && more {
			break
		}
		b = rest
		name, value, _ := bytes.Cut(pair, []byte{'='})
		name, ok := percentDecode(nameBuffer[:0], name)
		if !ok {
			names.odd |= OddBodySyntax
			continue
		}
		targets := names.look(name)
		if targets == nil {
			continue
		}
		value, ok = percentDecode(valueBuffer[:0], value)
		if !ok {
			names.odd |= OddBodySyntax
			continue
		}
		names.text(targets, value[:min(len(value), maxFieldValue+1)])
	}
	if more {
		names.odd |= OddBodyTruncated
	}
	return names.odd
}

// formFinder looks names up and notices those that come back.
type formFinder struct {
	finder
	forms []formName
	seen  [(MaxFields*maxFieldPath + 63) / 64]uint64
}

func (f *formFinder) look(name []byte) []fieldTarget {
	for i := range f.forms {
		if f.forms[i].name != string(name) {
			continue
		}
		if f.seen[i/64]&(1<<(i%64)) != 0 {
			f.odd |= OddBodyDuplicate
		}
		f.seen[i/64] |= 1 << (i % 64)
		return f.forms[i].targets
	}
	return nil
}

// percentDecode decodes s: s itself where nothing is encoded, otherwise as much as the capacity of buffer holds. Buffers are one
// byte larger than what is of interest, so that too much remains too much. ok is false for a broken encoding.
func percentDecode(buffer, s []byte) (out []byte, ok bool) {
	if bytes.IndexByte(s, '%') < 0 && bytes.IndexByte(s, '+') < 0 {
		return s, true
	}
	out = buffer
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%':
			if i+2 >= len(s) || !isHexDigit(s[i+1]) || !isHexDigit(s[i+2]) {
				return nil, false
			}
			c = unhex(s[i+1])<<4 | unhex(s[i+2])
			i += 2
		}
		if len(out) < cap(out) {
			out = append(out, c)
		}
	}
	return out, true
}

// maxFormParts bounds the parts looked at in a multipart body.
const maxFormParts = 128

// scanMultipart looks for the declared fields in a multipart/form-data body (RFC 7578). Only plain values count: a part with a
// file name or a media type other than text/plain is passed over.
func scanMultipart(plan *fieldPlan, boundary string, b []byte, more bool, into *Fields) Odd {
	names := formFinder{finder: newFinder(into), forms: plan.forms}
	reader := multipart.NewReader(bytes.NewReader(b), boundary)
	for n := 0; ; n++ {
		part, err := reader.NextPart()
		if err == nil && n == maxFormParts {
			names.odd |= OddBodyTruncated
			break
		}
		var value []byte
		if err == nil {
			targets := names.plainPart(part)
			if targets == nil {
				continue
			}
			if value, err = io.ReadAll(io.LimitReader(part, maxFieldValue+1)); err == nil {
				names.text(targets, value)
				continue
			}
		}
		if err != io.EOF && !more { // a wrapped EOF is a body that ends too early
			names.odd |= OddBodySyntax
		}
		break
	}
	if more {
		names.odd |= OddBodyTruncated
	}
	return names.odd
}

// plainPart gives the fields a part is declared to be, or nil.
func (f *formFinder) plainPart(part *multipart.Part) []fieldTarget {
	if part.FileName() != "" {
		return nil
	}
	if kind := part.Header.Get("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != "text/plain" {
			return nil
		}
	}
	return f.look([]byte(part.FormName()))
}

// text keeps a value that is text.
func (f *formFinder) text(targets []fieldTarget, value []byte) {
	fits := len(value) <= maxFieldValue
	if fits && !utf8.Valid(value) {
		f.odd |= OddBodySyntax
		return
	}
	f.found(targets, value, fits)
}
