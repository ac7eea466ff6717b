package record

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"glacis/decide/verdict"
)

// A disk that fills up: what fits stands there in whole lines, the queue holds the rest, then drops; when there is room again
// nothing that was held is lost, and what was dropped is told.
func TestFullDiskRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &leaky{room: 100_000}
		var log bytes.Buffer
		r := recorder(t, disk, WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		for range 200 {
			r.Observe(fresh(*allowed()))
		}
		for range 400 { // the disk is full for 100 s
			time.Sleep(250 * time.Millisecond)
			r.Observe(fresh(*denied(t)))
		}
		synctest.Wait()
		s := r.Stats()
		if s.Errors < 390 || s.Lines == 0 || s.Lines >= 200 {
			t.Errorf("while the disk is full: %+v", s)
		}
		if n := strings.Count(log.String(), "no space left"); n != 2 {
			t.Errorf("%d complaints in 100 s, want 2:\n%s", n, &log)
		}
		for range 20_000 {
			r.Observe(fresh(*allowed()))
		}
		synctest.Wait()
		if n := r.Stats().Errors; n != s.Errors {
			t.Errorf("the full disk was tried %d times before its time", n-s.Errors)
		}
		if d := r.Dropped(WriteFailed); d.Allows == 0 || d.Denials != 0 {
			t.Errorf("dropped %+v", d)
		}
		disk.makeRoom()
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		finish(t, r)
		s = r.Stats()
		torn, lines, told := 0, uint64(0), uint64(0)
		for line, err := range Read(&disk.Buffer) {
			switch {
			case err != nil:
				torn++
			case line.Msg == "dropped":
				told += line.N
			default:
				lines++
			}
		}
		if torn != 1 || lines != s.Lines || told != s.DroppedAllows || s.Lines+s.DroppedAllows != 20_600 {
			t.Errorf("%d torn, %d read, %d told, %+v", torn, lines, told, s)
		}
		if !strings.Contains(log.String(), "being written again") {
			t.Error("the end of the trouble was not logged")
		}
	})
}

func TestCloseOnAFullDiskCountsTheRest(t *testing.T) {
	disk := &leaky{room: 5000}
	r := recorder(t, disk)
	for i := range 3000 {
		e := allowed()
		if i%3 == 0 {
			e = denied(t)
		}
		r.Observe(fresh(*e))
	}
	if err := r.Close(t.Context()); !errors.Is(err, errNoSpace) {
		t.Errorf("close: %v", err)
	}
	s := r.Stats()
	if s.Lines == 0 || s.Lines+s.DroppedAllows+s.DroppedDenials != 3000 || r.Dropped(Closed).Denials == 0 {
		t.Errorf("%+v, at the end %+v", s, r.Dropped(Closed))
	}
	kept := Dropped{}
	for line, err := range Read(&disk.Buffer) {
		if err != nil {
			continue // the torn one at the end
		}
		if line.Verdict == verdict.Allow.String() {
			kept.Allows++
		} else {
			kept.Denials++
		}
	}
	if kept.All() != s.Lines || kept.Denials+s.DroppedDenials != 1000 {
		t.Errorf("kept %+v, %+v", kept, s)
	}
}
