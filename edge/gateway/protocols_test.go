package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
)

// echo is an API that says back over a WebSocket whatever it hears.
func echo(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = c.CloseNow() }()
		c.SetReadLimit(1 << 20)
		for {
			kind, b, err := c.Read(r.Context())
			if err != nil || c.Write(r.Context(), kind, b) != nil {
				return
			}
		}
	}
}

// socket opens a WebSocket through the gate.
func (s *site) socket() *websocket.Conn {
	s.t.Helper()
	c, _, err := websocket.Dial(s.t.Context(), s.url("/live"), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.CloseNow() })
	c.SetReadLimit(1 << 20)
	return c
}

// says expects words back from the other end.
func says(t *testing.T, c *websocket.Conn, words string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.Write(ctx, websocket.MessageText, []byte(words)); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Read(ctx); err != nil || string(got) != words {
		t.Fatalf("%d bytes of %d came back, %v", len(got), len(words), err)
	}
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	s := open(t, "mode: enforce\n", upstream(t, echo(t)))
	c := s.socket()
	for _, n := range []int{0, 1, 1000, 100_000} {
		says(t, c, strings.Repeat("x", n))
	}
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	if l := s.only(); l.Status != http.StatusSwitchingProtocols || l.Out < 101_001 || l.Failure != "" || l.Path != "/live" {
		t.Errorf("%+v", l)
	}
}

// TestWebSocketAtTheEnd: a connection that would never end by itself is cut at a stop, and is in the record like any other.
func TestWebSocketAtTheEnd(t *testing.T) {
	t.Parallel()
	s := open(t, "server: {drain_timeout: 10ms}", upstream(t, echo(t)))
	s.cut = true
	c := s.socket()
	says(t, c, "hello")
	if l := s.only(); l.Status != http.StatusSwitchingProtocols || l.Out < 5 {
		t.Errorf("%+v", l)
	}
	if _, _, err := c.Read(t.Context()); err == nil {
		t.Error("the socket is still open")
	}
}

// TestWebSocketRefused: a handshake is a request like any other.
func TestWebSocketRefused(t *testing.T) {
	t.Parallel()
	s := open(t, "mode: enforce\nbars: [{prefix: 127.0.0.1/32}]\n", upstream(t, echo(t)))
	if _, res, err := websocket.Dial(t.Context(), s.url("/live"), nil); err == nil || res.StatusCode != 403 {
		t.Errorf("%v %v", res, err)
	}
}

func TestGRPC(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	decisions := make(chan string, 10)
	srv := grpc.NewServer(grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		decisions <- strings.Join(md.Get("glacis-decision"), "+")
		return handle(ctx, req)
	}))
	healthpb.RegisterHealthServer(srv, health.NewServer())
	reflection.Register(srv)
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(srv.Stop)

	s := open(t, "mode: enforce\n", "h2c://"+l.Addr().String())
	conn, err := grpc.NewClient(s.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	checks := healthpb.NewHealthClient(conn)
	if res, err := checks.Check(ctx, &healthpb.HealthCheckRequest{}); err != nil || res.Status != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("%v %v", res, err)
	}
	if _, err := checks.Check(ctx, &healthpb.HealthCheckRequest{Service: "nobody"}); status.Code(err) != codes.NotFound {
		t.Errorf("%v", err)
	}
	stream, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // each answer before the next question
		if err := stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}); err != nil {
			t.Fatal(err)
		}
		if res, err := stream.Recv(); err != nil || len(res.GetListServicesResponse().GetService()) != 3 {
			t.Fatalf("%v %v", res, err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Error(err)
	}
	if _, err := stream.Recv(); err != io.EOF {
		t.Errorf("%v", err)
	}
	lines := s.lines()
	if len(lines) != 3 || lines[0].ID != <-decisions || lines[1].ID != <-decisions || lines[0].In == 0 || lines[0].Out == 0 {
		t.Errorf("%+v", lines)
	}
}

// TestEvents: each event is here before the next one is made.
func TestEvents(t *testing.T) {
	t.Parallel()
	next := make(chan int)
	s := open(t, "", upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for n := range next {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", n)
			_ = http.NewResponseController(w).Flush()
		}
	}))
	go func() { next <- 0 }() // the head of the answer may wait for the first event
	res, err := http.Get(s.url("/events"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	events := bufio.NewScanner(res.Body)
	for n := range 20 {
		if n > 0 {
			next <- n
		}
		if !events.Scan() || events.Text() != fmt.Sprintf("data: %d", n) || !events.Scan() {
			t.Fatalf("event %d: %q %v", n, events.Text(), events.Err())
		}
	}
	close(next)
	if events.Scan() || events.Err() != nil {
		t.Errorf("after the last: %q %v", events.Text(), events.Err())
	}
}

// TestTrailersAndHints: what comes beside an answer's head and body, over both protocols.
func TestTrailersAndHints(t *testing.T) {
	t.Parallel()
	s := open(t, "mode: enforce\n", upstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Trailer", "X-Sum")
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%d %s", len(body), r.Trailer.Get("X-Client-Sum"))
		w.Header().Set("X-Sum", "7")
	}))
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		var hints []string
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hints = append(hints, fmt.Sprint(code, " ", h.Get("Link")))
			return nil
		}})
		r, err := http.NewRequestWithContext(ctx, "POST", s.url("/x"), io.LimitReader(strings.NewReader("hello"), 5))
		if err != nil {
			t.Fatal(err)
		}
		r.Trailer = http.Header{"X-Client-Sum": {"9"}}
		transport := &http.Transport{Protocols: new(http.Protocols)}
		transport.Protocols.SetHTTP1(protocol == "HTTP/1.1")
		transport.Protocols.SetUnencryptedHTTP2(protocol == "HTTP/2.0")
		res, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		a := read(t, res)
		transport.CloseIdleConnections()
		if a.Proto != protocol || a.body != "5 9" || a.Trailer.Get("X-Sum") != "7" || len(hints) != 1 || hints[0] != "103 </style.css>; rel=preload" {
			t.Errorf("%s: %q, trailer %v, hints %q", a.Proto, a.body, a.Trailer, hints)
		}
	}
}

// TestExpect: a client that asks before it sends is told to by the upstream, and is spared the sending by a refusal.
func TestExpect(t *testing.T) {
	t.Parallel()
	up := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusExpectationFailed)
			return
		}
		n, err := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, n, err)
	})
	s := open(t, "mode: enforce\nbars: [{prefix: 203.0.113.0/24}]\ntrusted_proxies: [127.0.0.0/8]\n", up)
	for _, c := range []struct{ path, from, first, last string }{
		{"/x", "192.0.2.1", "HTTP/1.1 100 Continue", "HTTP/1.1 200 OK"},
		{"/api/login", "192.0.2.1", "HTTP/1.1 100 Continue", "HTTP/1.1 200 OK"},
		{"/no", "192.0.2.1", "HTTP/1.1 417 Expectation Failed", ""},
		{"/x", "203.0.113.1", "HTTP/1.1 403 Forbidden", ""},
	} {
		conn := s.dial()
		if _, err := fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: %s\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 6\r\n\r\n", c.path, c.from); err != nil {
			t.Fatal(err)
		}
		br := bufio.NewReader(conn)
		if line, err := br.ReadString('\n'); strings.TrimSpace(line) != c.first {
			t.Errorf("%s: first %q %v", c.path, line, err)
		}
		if c.last != "" {
			_, _ = br.ReadString('\n')
			_, _ = io.WriteString(conn, "[1, 2]")
			res, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Fatal(err)
			}
			if a := read(t, res); a.Proto+" "+a.Status != c.last || a.body != "6 <nil>" {
				t.Errorf("%s: %s %q", c.path, a.Status, a.body)
			}
		}
		_ = conn.Close()
	}
}
