package upstream

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

const second = int64(time.Second)

func idlePool(t testing.TB, cfg Config, n int) *Pool {
	for range n {
		cfg.Targets = append(cfg.Targets, "192.0.2.1:80") // never dialled
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEjection(t *testing.T) {
	p := idlePool(t, Config{Ejection: Ejection{Failures: 3, For: 10 * time.Second, AtMost: 30 * time.Second}}, 2)
	bad := p.targets[0]
	now := int64(1e18)
	fail := func(kinds ...Kind) {
		for _, k := range kinds {
			p.note(now, bad, k)
		}
	}
	out := func() time.Duration { return time.Duration(bad.health.until.Load() - now) }
	fail(Timeout, BadResponse, OK, Unreachable, ClientGone, RequestBody, Timeout)
	if out() > 0 {
		t.Fatal("out after two in a row")
	}
	fail(BadResponse)
	if out() != 10*time.Second {
		t.Fatalf("out for %s", out())
	}
	fail(Timeout) // one that was under way
	if out() != 10*time.Second {
		t.Fatalf("longer by a late failure: %s", out())
	}
	for range 10 {
		if got := p.pick(now, nil); got == bad {
			t.Fatal("picked while out")
		}
	}
	now += 10 * second
	picked := 0
	for range 10 {
		if p.pick(now, nil) == bad {
			picked++
		}
	}
	if picked != 5 {
		t.Fatalf("picked %d times of 10 when back", picked)
	}
	for _, want := range []time.Duration{20 * time.Second, 30 * time.Second, 30 * time.Second} {
		fail(Timeout) // on probation: one is enough
		if out() != want {
			t.Fatalf("out for %s, want %s", out(), want)
		}
		now += int64(out())
	}
	now += 31 * second // a good while
	fail(OK, Timeout, Timeout)
	if out() > 0 {
		t.Fatal("probation did not end")
	}
	fail(Timeout)
	if out() != 10*time.Second {
		t.Fatalf("after a good while out for %s", out())
	}
	if p.pick(now, p.targets[1]) != bad {
		t.Error("a target that is out is still better than none")
	}
}

// TestEjectionBounds: whatever happens, at most half of the targets are out, never the only one, and somebody is picked.
func TestEjectionBounds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(rt, "targets")
		p := idlePool(t, Config{Balance: rapid.SampledFrom([]Balance{"", LeastPending}).Draw(rt, "balance")}, n)
		defer p.Close()
		now := int64(1e18)
		for range rapid.IntRange(0, 200).Draw(rt, "steps") {
			t := p.targets[rapid.IntRange(0, n-1).Draw(rt, "target")]
			p.note(now, t, rapid.SampledFrom([]Kind{OK, Timeout, Unreachable, BadResponse, BadResponse, ClientGone}).Draw(rt, "kind"))
			now += rapid.Int64Range(0, 20*second).Draw(rt, "pause")
			out := 0
			for _, t := range p.targets {
				if !t.health.usable(now) {
					out++
				}
			}
			if 2*out > n {
				rt.Fatalf("%d of %d out", out, n)
			}
			if got := p.pick(now, nil); got == nil || !got.health.usable(now) {
				rt.Fatalf("picked %v", got)
			}
		}
	})
}

func TestRoundRobinIsFairWithoutOne(t *testing.T) {
	p := idlePool(t, Config{}, 4)
	p.targets[1].health.up.Store(false)
	count := map[*target]int{}
	for range 300 {
		count[p.pick(0, nil)]++
	}
	for i, t2 := range p.targets {
		if want := map[bool]int{true: 0, false: 100}[i == 1]; count[t2] != want {
			t.Errorf("target %d: %d", i, count[t2])
		}
	}
}

func TestLeastPending(t *testing.T) {
	p := idlePool(t, Config{Balance: LeastPending}, 3)
	count := make([]int, 3)
	p.targets[0].pending.Store(2)
	for range 30 {
		best := p.pick(0, nil)
		best.pending.Add(1)
		count[slices.Index(p.targets, best)]++
	}
	if count[0] != 9 && count[0] != 8 || count[1]+count[2] != 30-count[0] {
		t.Errorf("%v", count)
	}
	for i := range p.targets {
		p.targets[i].pending.Store(0)
	}
	first := p.pick(0, nil)
	if second := p.pick(0, nil); first == second {
		t.Error("equals do not take turns")
	}
}

// TestPendingIsCounted: while a request is under way it is, and after it is not, whatever became of it.
func TestPendingIsCounted(t *testing.T) {
	onBothRungs(t, func(t *testing.T, forward forwarder) {
		asked, answer := make(chan bool), make(chan bool)
		s := newStub(t, func(c net.Conn, q request) bool {
			asked <- true
			<-answer
			return always(okAnswer)(c, q)
		})
		p := pool(t, Config{}, s.addr())
		done := make(chan Result, 1)
		go func() { done <- forward(p, httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) }()
		await(t, asked)
		if n := p.Targets()[0].Pending; n != 1 {
			t.Errorf("%d pending", n)
		}
		answer <- true
		await(t, done)
		if n := p.Targets()[0].Pending; n != 0 {
			t.Errorf("%d pending after", n)
		}
	})
}

func TestJudge(t *testing.T) {
	c := Check{Healthy: 2, Unhealthy: 3}
	tgt := new(target)
	tgt.health.init()
	tgt.health.fails.Store(7)
	tgt.health.until.Store(1)
	run := 0
	for i, step := range []struct{ good, up bool }{
		{true, true}, {false, true}, {false, true}, {true, true}, {false, true}, {false, true}, {false, false}, {false, false},
		{true, false}, {false, false}, {true, false}, {true, true}, {true, true},
	} {
		run = c.judge(tgt, run, step.good)
		if tgt.health.up.Load() != step.up {
			t.Fatalf("step %d: up %v", i, tgt.health.up.Load())
		}
	}
	if tgt.health.fails.Load() != 0 || tgt.health.until.Load() != 0 {
		t.Error("a target that proved itself is still held to what was")
	}
}

// TestCheck: a target that fails its checks gets no requests, and gets them again when it passes.
func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var status atomic.Int64
		status.Store(200)
		var asked atomic.Int64
		var wrong atomic.Bool
		p := pipePool(t, Config{Check: Check{Path: "/health?deep=%2F", Host: "check.test", Interval: 10 * time.Second, Timeout: time.Second, Healthy: 2, Unhealthy: 2}}, pipeNet(func(c net.Conn) {
			br := bufio.NewReader(c)
			for {
				r, err := http.ReadRequest(br)
				if err != nil {
					return
				}
				if r.RequestURI == "/health?deep=%2F" {
					asked.Add(1)
					if r.Host != "check.test" || r.Method != "GET" {
						wrong.Store(true)
					}
				}
				switch status.Load() {
				case 200:
					_, err = io.WriteString(c, okAnswer)
				case 500:
					_, err = io.WriteString(c, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
				default:
					time.Sleep(time.Minute)
				}
				if err != nil {
					return
				}
			}
		}))
		expect := func(up bool) {
			t.Helper()
			synctest.Wait()
			if p.Targets()[0].Healthy != up {
				t.Errorf("at %s healthy %v", time.Now(), !up)
			}
			res := p.Forward(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			if up && status.Load() == 200 && res.Err != nil || !up && KindOf(res.Err) != NoTarget {
				t.Errorf("%+v", res)
			}
		}
		time.Sleep(time.Second)
		expect(true)
		status.Store(500)
		time.Sleep(10 * time.Second)
		expect(true)
		time.Sleep(10 * time.Second)
		expect(false)
		status.Store(200)
		time.Sleep(10 * time.Second)
		expect(false)
		time.Sleep(10 * time.Second)
		expect(true)
		status.Store(0) // no answer
		time.Sleep(22 * time.Second)
		if p.Targets()[0].Healthy {
			t.Error("healthy without an answer")
		}
		p.Close()
		before := asked.Load()
		time.Sleep(time.Hour)
		if wrong.Load() || before < 5 || asked.Load() != before {
			t.Errorf("wrong %v, %d checks, %d after Close", wrong.Load(), before, asked.Load()-before)
		}
	})
}
