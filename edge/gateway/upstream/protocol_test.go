package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	grpchealth "google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
)

// target starts a net/http server to be a target.
func startTarget(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func TestWebSocket(t *testing.T) {
	echo := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"echo"}})
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = c.CloseNow() }()
		c.SetReadLimit(1 << 20)
		for {
			kind, b, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if err := c.Write(r.Context(), kind, b); err != nil {
				return
			}
		}
	}))
	t.Cleanup(echo.Close)
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			s := httptest.NewUnstartedServer(echo.Config.Handler)
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			if s.EnableHTTP2 = true; scheme == "https" {
				s.StartTLS()
			} else {
				s.Start()
			}
			t.Cleanup(s.Close)
			webSocketEcho(t, s.URL)
		})
	}
}

func webSocketEcho(t *testing.T, target string) {
	p := pool(t, Config{TLS: TLS{InsecureSkipVerify: true}}, target)
	g := newGate(t, p, func(p *Pool, w http.ResponseWriter, r *http.Request) Result {
		stripHop(r.Header)
		w.Header().Set("X-Caller", "1")
		return p.Forward(w, r)
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, res, err := websocket.Dial(ctx, g.URL, &websocket.DialOptions{Subprotocols: []string{"echo"}})
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadLimit(1 << 20)
	if res.Header.Get("X-Caller") != "1" || c.Subprotocol() != "echo" {
		t.Errorf("%v", res.Header)
	}
	for _, n := range []int{0, 1, 1000, 100000} {
		want := strings.Repeat("x", n)
		if err := c.Write(ctx, websocket.MessageText, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(ctx); err != nil || string(got) != want {
			t.Fatalf("%d bytes came back, %v", len(got), err)
		}
	}
	if n := p.Targets()[0].Pending; n != 1 {
		t.Errorf("%d pending", n)
	}
	if err := c.Close(websocket.StatusNormalClosure, "done"); err != nil {
		t.Error(err)
	}
	if r := g.result(t); r.Err != nil || r.Status != 101 || r.Bytes < 101000 || !r.Started || r.Rung != RungA {
		t.Errorf("%+v", r)
	}
}

// TestUpgradeRefusedOrOdd: a target may decline an upgrade, or answer another one than was asked for.
func TestUpgradeRefusedOrOdd(t *testing.T) {
	for answer, want := range map[string]int{
		"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n":                                                403,
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n":           502,
		"HTTP/1.1 101 Switching Protocols\r\n\r\n":                                                    502,
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: mine\r\n\r\nfirst words": 101,
	} {
		s := newStub(t, func(c net.Conn, q request) bool {
			_, _ = io.WriteString(c, answer)
			return false
		})
		g := newGate(t, pool(t, Config{}, s.addr()), (*Pool).Forward)
		c := g.dial(t)
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: mine\r\n\r\nsaid too early")
		br := bufio.NewReader(c)
		got := read(br, "GET")
		if got.Status != want {
			t.Errorf("%q: %+v", answer, got)
		}
		if want == 101 {
			if rest, err := io.ReadAll(br); err != nil || string(rest) != "first words" {
				t.Errorf("%q %v", rest, err)
			}
		}
	}
}

func TestGRPC(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer()
	checks := grpchealth.NewServer()
	healthpb.RegisterHealthServer(srv, checks)
	reflection.Register(srv)
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(srv.Stop)

	p := pool(t, Config{}, "h2c://"+l.Addr().String())
	g := newGate(t, p, (*Pool).Forward)
	conn, err := grpc.NewClient(g.addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := healthpb.NewHealthClient(conn)

	t.Run("unary", func(t *testing.T) {
		res, err := client.Check(ctx, &healthpb.HealthCheckRequest{})
		if err != nil || res.Status != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("%v %v", res, err)
		}
	})
	t.Run("status in trailers only", func(t *testing.T) {
		if _, err := client.Check(ctx, &healthpb.HealthCheckRequest{Service: "nobody"}); status.Code(err) != codes.NotFound {
			t.Errorf("%v", err)
		}
	})
	t.Run("stream down", func(t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := client.Watch(ctx, &healthpb.HealthCheckRequest{Service: "s"})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []healthpb.HealthCheckResponse_ServingStatus{healthpb.HealthCheckResponse_SERVICE_UNKNOWN, healthpb.HealthCheckResponse_SERVING, healthpb.HealthCheckResponse_NOT_SERVING} {
			if i > 0 {
				checks.SetServingStatus("s", want)
			}
			if res, err := stream.Recv(); err != nil || res.Status != want {
				t.Fatalf("%v %v", res, err)
			}
		}
	})
	t.Run("stream both ways", func(t *testing.T) {
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
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != io.EOF {
			t.Errorf("%v", err)
		}
	})
}

// TestH2CTarget: an ordinary HTTP/1.1 client and a target that speaks only HTTP/2.
func TestH2CTarget(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum")
		_, _ = fmt.Fprint(w, r.Proto, " ", r.Host, " ", r.RequestURI, " ", len(b), " ", err)
		w.Header().Set("X-Sum", "1")
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	defer s.Close()
	g := newGate(t, pool(t, Config{}, strings.Replace(s.URL, "http", "h2c", 1)), (*Pool).Forward)
	for request, want := range map[string]string{
		"GET /a%2Fb;c?d HTTP/1.1\r\nHost: h\r\n\r\n":                                          "HTTP/2.0 h /a%2Fb;c?d 0 <nil>",
		"GET //a//b? HTTP/1.1\r\nHost: h\r\n\r\n":                                             "HTTP/2.0 h //a//b? 0 <nil>",
		"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n":                                               "",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello":                        "HTTP/2.0 h / 5 <nil>",
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n": "HTTP/2.0 h / 1 <nil>",
	} {
		got := g.send(t, request)
		if got.Body != want || got.Status != 200 || got.Cut {
			t.Errorf("%q: %+v", request, got)
		}
		if want != "" && !has(got.Trailer, "X-Sum: 1") {
			t.Errorf("%q: trailers %q", request, got.Trailer)
		}
	}
}

// TestHTTP2Client: the short way serves HTTP/2 clients as well, trailers and hints included.
func TestHTTP2Client(t *testing.T) {
	onBothRungs(t, func(t *testing.T, forward forwarder) {
		s := newStub(t, func(c net.Conn, q request) bool {
			if q.path() == "/hint" {
				return always(oddAnswers["103"].raw)(c, q)
			}
			return always(oddAnswers["trailers both"].raw)(c, q)
		})
		g := newGate(t, pool(t, Config{}, s.addr()), forward)
		client := h2Client(t)
		for _, path := range []string{"/a%2Fb?;", "/hint"} {
			req, err := http.NewRequest("POST", g.URL+path, strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Te", "trailers")
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if err != nil || string(b) != "ok" {
				t.Errorf("%q %v", b, err)
			}
			if path != "/hint" && (res.Trailer.Get("X-Sum") != "1" || res.Trailer.Get("X-Late") != "2") {
				t.Errorf("trailers %v", res.Trailer)
			}
		}
		if q := s.requests()[0]; q.path() != "/a%2Fb?;" || q.body != "body" || !has(q.lines(), "Te: trailers") {
			t.Errorf("%+v", q)
		}
	})
}

// TestRequestTrailers: they reach the target.
func TestRequestTrailers(t *testing.T) {
	s := newStub(t, always(okAnswer))
	g := newGate(t, pool(t, Config{}, s.addr()), (*Pool).Forward)
	g.send(t, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")
	if q := s.requests()[0]; q.body != "hello" || q.rest != "X-Sum: 1\r\n" {
		t.Errorf("%+v", q)
	}
}

// TestEventsArriveAtOnce: each event is here before the next is made, and the head before the first.
func TestEventsArriveAtOnce(t *testing.T) {
	onBothRungs(t, func(t *testing.T, forward forwarder) {
		next := make(chan bool)
		s := startTarget(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			rc := http.NewResponseController(w)
			_ = rc.Flush()
			for i := range 3 {
				<-next
				_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
				_ = rc.Flush()
			}
			<-next
		})
		g := newGate(t, pool(t, Config{}, s.URL), forward)
		for name, client := range map[string]*http.Client{"HTTP/1.1": {Timeout: patience}, "HTTP/2": h2Client(t)} {
			res, err := client.Get(g.URL)
			if err != nil {
				t.Fatal(name, err)
			}
			br := bufio.NewReader(res.Body)
			for i := range 3 {
				next <- true
				if line, err := br.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
					t.Fatalf("%s: %q %v", name, line, err)
				}
				_, _ = br.ReadString('\n')
			}
			next <- true
			if rest, err := io.ReadAll(br); err != nil || len(rest) > 0 {
				t.Errorf("%s: %q %v", name, rest, err)
			}
			_ = res.Body.Close()
		}
	})
}

// TestBigBodies: 256 MiB each way with memory that does not follow.
func TestBigBodies(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	const size = 256 << 20
	s := startTarget(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Method == "POST" {
			_, _ = fmt.Fprint(w, n)
			return
		}
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", fmt.Sprint(size))
		}
		_, _ = io.CopyN(w, zeros{}, size)
	})
	p := pool(t, Config{}, s.URL)
	g := newGate(t, p, (*Pool).Forward)
	allocated := func(work func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		work()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	client := &http.Client{Transport: &http.Transport{DisableCompression: true, WriteBufferSize: 64 << 10}}
	defer client.CloseIdleConnections()
	for _, path := range []string{"/chunked", "/length"} {
		if n := allocated(func() {
			res, err := client.Get(g.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
			_ = res.Body.Close()
		}); n > 8<<20 {
			t.Errorf("down, %s: %d bytes allocated", path, n)
		}
		if r := g.result(t); r.Bytes != size || r.Rung != RungB {
			t.Errorf("%+v", r)
		}
		length := map[string]int64{"/chunked": -1, "/length": size}[path]
		if n := allocated(func() {
			req, err := http.NewRequest("POST", g.URL+path, io.LimitReader(zeros{}, size))
			if err != nil {
				t.Fatal(err)
			}
			req.ContentLength = length
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(res.Body); string(b) != fmt.Sprint(size) || err != nil {
				t.Errorf("%q, %v", b, err)
			}
			_ = res.Body.Close()
		}); n > 8<<20 {
			t.Errorf("up, %s: %d bytes allocated", path, n)
		}
		if r := g.result(t); r.Err != nil || r.Rung != RungA {
			t.Errorf("%+v", r)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestTLSTarget: verified by the given authority and name, HTTP/1.1 for short requests, HTTP/2 where it is of use.
func TestTLSTarget(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.Proto, " ", len(r.TLS.PeerCertificates))
	}))
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	var dialled atomic.Int64
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			dialled.Add(1)
		}
	}
	s.StartTLS()
	defer s.Close()
	dir := t.TempDir()
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := file("ca.pem", "CERTIFICATE", s.Certificate().Raw)
	cert, key := clientPair(t, file)

	p := pool(t, Config{TLS: TLS{CAFile: ca, CertFile: cert, KeyFile: key}}, s.URL)
	g := newGate(t, p, (*Pool).Forward)
	for range 3 {
		if got := g.get(t, "/"); got.Body != "HTTP/1.1 1" {
			t.Errorf("%+v", got)
		}
	}
	if n := dialled.Load(); n != 1 {
		t.Errorf("%d connections for three requests", n)
	}
	if n := p.Targets()[0].Idle; n != 1 {
		t.Errorf("%d idle", n)
	}
	if got := g.send(t, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"); got.Body != "HTTP/2.0 1" {
		t.Errorf("%+v", got)
	}
	for name, c := range map[string]TLS{"unknown authority": {}, "wrong name": {CAFile: ca, ServerName: "other.test"}} {
		p := pool(t, Config{TLS: c}, s.URL)
		for rung, forward := range rungs {
			res := forward(p, httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			if _, ok := errors.AsType[*tls.CertificateVerificationError](res.Err); !ok || KindOf(res.Err) != Unreachable {
				t.Errorf("%s by %s: %+v", name, rung, res)
			}
		}
	}
	p = pool(t, Config{TLS: TLS{InsecureSkipVerify: true}}, s.URL)
	if res := p.Forward(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)); res.Err != nil {
		t.Error(res.Err)
	}
}
