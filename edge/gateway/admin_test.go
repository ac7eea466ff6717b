package gateway_test

import (
	"net/http"
)

// admin asks the operators' listener.
func (s *site) admin(path string) answer {
	s.t.Helper()
	res, err := http.Get("http://" + s.gateway.AdminAddr().String() + path)
	if err != nil {
		s.t.Fatal(err)
	}
	return read(s.t, res)
}
