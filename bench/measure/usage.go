package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// usage is what a group of processes has used.
type usage struct {
	cpu time.Duration // on a CPU, in nanoseconds as the scheduler counts
	rss int64         // bytes in memory now
}

// usageOf adds up every process of a group.
func usageOf(group int) (usage, error) {
	var u usage
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return u, err
	}
	found := false
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if err != nil || groupIn(string(text)) != group {
			continue // it ended, or it is another's
		}
		found = true
		dir := filepath.Dir(stat)
		u.cpu += cpuOf(dir)
		u.rss += rssOf(dir)
	}
	if !found {
		return u, fmt.Errorf("process group %d is gone", group)
	}
	return u, nil
}

// groupIn finds the process group in /proc/PID/stat: pid (name) state parent group; the name may hold anything.
func groupIn(stat string) int {
	_, rest, _ := cutLast(stat, ")")
	fields := strings.Fields(rest)
	if len(fields) < 3 {
		return 0
	}
	group, _ := strconv.Atoi(fields[2]) // 0 is no group
	return group
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// cpuOf adds up the threads of a process. What a thread that ended has used is lost; servers keep theirs.
func cpuOf(dir string) (sum time.Duration) {
	files, _ := filepath.Glob(filepath.Join(dir, "task/*/schedstat")) // the pattern is sound
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		onCPU, _, _ := strings.Cut(string(text), " ")
		ns, _ := strconv.ParseInt(onCPU, 10, 64)
		sum += time.Duration(ns)
	}
	return sum
}

// rssOf is the resident memory of a process. Pages that processes share count for each of them.
func rssOf(dir string) int64 {
	text, err := os.ReadFile(filepath.Join(dir, "statm"))
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
