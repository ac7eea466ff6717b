package edge

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// Writer counts what is answered through it and changes nothing: every optional ability of the writer below it stays reachable.
type Writer struct {
	http.ResponseWriter
	Status int   // final status; 0 until the head is written
	Bytes  int64 // body bytes
}

// Begin points the writer at the response of a new request.
func (w *Writer) Begin(below http.ResponseWriter) { *w = Writer{ResponseWriter: below} }

// Unwrap lets http.ResponseController reach the writer below.
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader notes the final status; interim answers (1xx) pass by, except 101 which is final.
func (w *Writer) WriteHeader(status int) {
	if w.Status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.Status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *Writer) Write(b []byte) (int, error) {
	w.implied()
	n, err := w.ResponseWriter.Write(b)
	w.Bytes += int64(n)
	return n, err
}

// ReadFrom keeps the fast ways of the writer below (sendfile) open to io.Copy.
func (w *Writer) ReadFrom(r io.Reader) (int64, error) {
	w.implied()
	n, err := io.Copy(w.ResponseWriter, r)
	w.Bytes += n
	return n, err
}

// End notes that the handler returned: what has no status yet, net/http answers with 200.
func (w *Writer) End() { w.implied() }

func (w *Writer) implied() {
	if w.Status == 0 {
		w.Status = http.StatusOK
	}
}

// Flush implements http.Flusher for handlers that ask for it directly.
func (w *Writer) Flush() {
	w.implied()
	_ = http.NewResponseController(w.ResponseWriter).Flush() // like http.Flusher, it has nothing to say about failure
}

// Hijack implements http.Hijacker for handlers that ask for it directly.
func (w *Writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil && w.Status == 0 {
		w.Status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}
