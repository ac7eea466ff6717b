package upstream

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// loadEnv makes the test binary a target and a load generator for BenchmarkForward instead of a test, so that the CPU
// time of the measuring process is the proxy's alone.
const loadEnv = "UPSTREAM_TEST_LOAD"

func TestMain(m *testing.M) {
	if os.Getenv(loadEnv) != "" {
		loadMain()
		return
	}
	log.SetOutput(io.Discard) // http.Transport tells it of bytes nobody asked for
	os.Exit(m.Run())
}

const benchConns = 64

var benchAnswer = func() []byte {
	body := `{"items":"` + strings.Repeat("x", 997) + `"}`
	return []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) +
		"\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nCache-Control: no-store\r\nServer: bench\r\n\r\n" + body)
}()

const benchRequest = "GET /api/products/4711?fields=name,price HTTP/1.1\r\nHost: api.example.test\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\nAccept: application/json, */*;q=0.5\r\n" +
	"Accept-Encoding: gzip, br\r\nAccept-Language: en-GB,en;q=0.8\r\nAuthorization: Bearer 0123456789abcdef0123456789abcdef\r\n" +
	"Cookie: session=0123456789abcdef; theme=dark\r\nReferer: https://app.example.test/list\r\nX-Request-Id: 8d7c6b5a\r\n\r\n"

// loadMain serves raw answers, prints its address, and then obeys lines "address count": that many requests.
func loadMain() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answerAll(c)
		}
	}()
	fmt.Println(l.Addr())
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var addr string
		var n int
		if _, err := fmt.Sscan(in.Text(), &addr, &n); err != nil {
			panic(err)
		}
		generate(addr, n)
		fmt.Println("done")
	}
}

func answerAll(c net.Conn) {
	defer func() { _ = c.Close() }()
	br := bufio.NewReader(c)
	for skipHead(br) == nil {
		if _, err := c.Write(benchAnswer); err != nil {
			return
		}
	}
}

func skipHead(br *bufio.Reader) error {
	for {
		line, err := br.ReadSlice('\n')
		if err != nil || len(line) == 2 {
			return err
		}
	}
}

func generate(addr string, n int) {
	var wg sync.WaitGroup
	for i := range benchConns {
		wg.Go(func() {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				panic(err)
			}
			defer func() { _ = c.Close() }()
			br := bufio.NewReader(c)
			for range (n + i) / benchConns {
				if _, err := io.WriteString(c, benchRequest); err != nil {
					panic(err)
				}
				if status, err := br.Peek(12); err != nil || string(status[9:]) != "200" {
					panic(fmt.Sprint(string(status), err))
				}
				if skipHead(br) != nil {
					panic("cut head")
				}
				if _, err := br.Discard(1009); err != nil {
					panic(err)
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkForward reports the CPU time per request of the proxying process alone (cpu-us/req), client and target being
// another one: a bare tuned ReverseProxy, rung A and rung B, 64 keep-alive connections, answers of 1 kB.
func BenchmarkForward(b *testing.B) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), loadEnv+"=1", "GOMAXPROCS=1")
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = in.Close(); _ = child.Wait() })
	lines := bufio.NewScanner(out)
	lines.Scan()
	target := lines.Text()

	p, err := New(Config{Targets: []string{target}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.Close)
	for _, bench := range []struct {
		name    string
		handler http.HandlerFunc
	}{
		{"ReverseProxy", bareProxy(target, &p.buffers)},
		{"A", func(w http.ResponseWriter, r *http.Request) { must(forwardA(p, w, r)) }},
		{"B", func(w http.ResponseWriter, r *http.Request) { must(p.Forward(w, r)) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			gate := httptest.NewServer(bench.handler)
			defer gate.Close()
			b.ReportAllocs()
			run := func(n int) {
				_, _ = fmt.Fprintln(in, gate.Listener.Addr(), n)
				lines.Scan()
			}
			run(2 * benchConns)
			b.ResetTimer()
			before := cpu(b)
			run(b.N)
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-us/req")
		})
	}
}

func must(res Result) {
	if res.Err != nil {
		panic(http.ErrAbortHandler)
	}
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// bareProxy is the yardstick: ReverseProxy with everything that is known to help it.
func bareProxy(target string, pool httputil.BufferPool) http.HandlerFunc {
	u := &url.URL{Scheme: "http", Host: target}
	rp := &httputil.ReverseProxy{
		Rewrite:    func(pr *httputil.ProxyRequest) { pr.SetURL(u); pr.Out.Host = pr.In.Host },
		BufferPool: pool,
		Transport:  &http.Transport{MaxIdleConnsPerHost: 1024, DisableCompression: true, ReadBufferSize: readBuffer, WriteBufferSize: readBuffer},
	}
	return rp.ServeHTTP
}
