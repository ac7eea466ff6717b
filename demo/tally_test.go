package demo

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTallyInJSONAndInPrint(t *testing.T) {
	tally := Tally{
		Target: "http://127.0.0.1:8080", Seconds: 120.4, Ended: "time", Requests: 1210,
		Populations: []Line{
			{Name: "shopper", Clients: 12, Requests: 210, Answers: Answers{OK: 200, Denied: 10}, Addresses: []string{"127.10.1.10"}},
			{Name: "stuffing bot", Hostile: true, Clients: 4, Requests: 1000, Answers: Answers{OK: 1, Denied: 39, Limited: 955, Other: 2, Fault: 2, Failed: 1},
				Addresses: []string{}, Stopped: 955, StoppedClients: 4, FirstStop: &Stop{Seconds: 18.25, Client: 2, Request: 11, Status: 429}},
		},
		Notes: []string{"it rained"},
	}
	var page strings.Builder
	if err := tally.Write(&page); err != nil {
		t.Fatal(err)
	}
	if want := `What the gate did to whom: 1210 requests to http://127.0.0.1:8080 in 120 s, ended by time

                clients  requests  2xx  401/403  429  other  5xx  failed  stopped  first stopped
everyday
  shopper            12       210  200       10    0      0    0       0        0  never
hostile
  stuffing bot        4      1000    1       39  955      2    2       1      955  after 18.2 s, at request 11; 4 of 4 clients

note: it rained
`; page.String() != want {
		t.Errorf("got:\n%s", page.String())
	}

	text, err := json.Marshal(tally)
	if err != nil {
		t.Fatal(err)
	}
	var back Tally
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(back); string(again) != string(text) {
		t.Errorf("there and back:\n%s\n%s", text, again)
	}
}
