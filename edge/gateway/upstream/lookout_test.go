package upstream

import (
	"context"
	"math/rand/v2"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestLookout: an exchange ends with its context whenever that ends, the list keeps its order among comings and goings,
// and the timer rests when there is nothing to look at.
func TestLookout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipePool(t, Config{}, pipeNet(hold("")))
		l := &p.targets[0].lookout
		var gone atomic.Int64
		rng := rand.New(rand.NewPCG(1, 2))
		for range 100 {
			after := time.Duration(rng.Int64N(int64(200 * time.Millisecond)))
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				begin := time.Now()
				res := p.Forward(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(ctx))
				if took := time.Since(begin); KindOf(res.Err) != ClientGone || took < after || took > after+2*lookoutAfter {
					t.Errorf("%+v after %s, cancelled after %s", res, took, after)
				}
				gone.Add(1)
			}()
			time.AfterFunc(after, cancel)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if gone.Load() != 100 || len(l.conns) != 0 || l.armed {
			t.Errorf("%d gone, %d on the list, armed %v", gone.Load(), len(l.conns), l.armed)
		}
		p.Close()
	})
}

// TestLookoutLeavesTheQuickAlone: a context that ends after its exchange does not touch the connection's next one.
func TestLookoutLeavesTheQuickAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipePool(t, Config{IdleTimeout: time.Hour}, pipeNet(keepAlive))
		defer p.Close()
		for range 10 {
			ctx, cancel := context.WithCancel(t.Context())
			res := p.Forward(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(ctx))
			if res.Err != nil {
				t.Fatal(res.Err)
			}
			time.Sleep(time.Second)
			cancel()
			synctest.Wait()
		}
		if n := p.Targets()[0].Idle; n != 1 {
			t.Errorf("%d idle", n)
		}
	})
}
