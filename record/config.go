package record

import (
	"cmp"
	"fmt"
	"path/filepath"
	"time"

	"glacis/internal/bytesize"
)

// Config says where the record goes and how much of it is kept. The zero value works.
type Config struct {
	Path    string        `yaml:"path" doc:"File the record is written to; - is standard output. record.jsonl in the data folder when empty."`
	MaxSize bytesize.Size `yaml:"max_size" default:"128MiB" doc:"Size at which the file is put aside under a name with the time in it, such as record-20261102T150405.000.jsonl. At least 64KiB."`
	Files   int           `yaml:"files" default:"8" doc:"Most files kept, the one being written included; the oldest are removed."`
	Queue   bytesize.Size `yaml:"queue" default:"3MiB" doc:"Memory for lines that wait to be written. When it is used up lines are dropped and counted, denials last. At least 2MiB."`
	Flush   time.Duration `yaml:"flush" default:"250ms" doc:"How long a line waits at most before it is written."`
}

const (
	standardOutput = "-"

	minSize  = 2 * maxLine
	minQueue = 8 * bufferSize
	maxQueue = 1 << 30
)

// effective puts the defaults in. The error is a sentence about the setting that is wrong.
func (c Config) effective(dataDir string) (Config, error) {
	c.Path = cmp.Or(c.Path, filepath.Join(dataDir, "record.jsonl"))
	c.MaxSize = cmp.Or(c.MaxSize, 128<<20)
	c.Files = cmp.Or(c.Files, 8)
	c.Queue = cmp.Or(c.Queue, 3<<20)
	c.Flush = cmp.Or(c.Flush, 250*time.Millisecond)
	switch {
	case c.MaxSize < minSize:
		return c, fmt.Errorf("max_size: %d bytes are too few, at least %d", c.MaxSize, minSize)
	case c.Files < 1:
		return c, fmt.Errorf("files: %d are too few, at least 1", c.Files)
	case c.Queue < minQueue || c.Queue > maxQueue:
		return c, fmt.Errorf("queue: %d bytes are out of range, at least %d and at most %d", c.Queue, minQueue, maxQueue)
	case c.Flush < time.Millisecond || c.Flush > time.Minute:
		return c, fmt.Errorf("flush: %s is out of range, at least 1ms and at most 1m", c.Flush)
	}
	return c, nil
}
