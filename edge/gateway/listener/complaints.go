package listener

import (
	"bytes"
	"context"
	"log/slog"
)

// complaints is the log of net/http, sorted: what broken clients cause is no operator's concern, a panic and a socket that cannot be had
// are.
type complaints struct{ log *slog.Logger }

func (c complaints) Write(line []byte) (int, error) {
	level := slog.LevelDebug
	switch {
	case bytes.HasPrefix(line, []byte("http: panic")), bytes.HasPrefix(line, []byte("http2: panic")):
		level = slog.LevelError
	case bytes.HasPrefix(line, []byte("http: Accept error")):
		level = slog.LevelWarn
	}
	c.log.Log(context.Background(), level, string(bytes.TrimSpace(line)))
	return len(line), nil
}
