package strictyaml

import (
	"fmt"
	"strings"
)

// didYouMean suggests the known word closest to a wrong one, or else tells the known words when they are few.
func didYouMean(wrong string, known []string) string {
	if best := closest(wrong, known); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(known) == 0 || len(known) > 12 {
		return ""
	}
	return "known here: " + strings.Join(known, ", ")
}

// closest is the word at the smallest edit distance, when a third of its letters or less differ; ties go to the first.
func closest(wrong string, known []string) string {
	w := fold(wrong)
	if len(w) > 64 {
		return ""
	}
	best, least := "", 1<<30
	for _, k := range known {
		f := fold(k)
		if d := distance(w, f); d < least && 3*d <= max(len(w), len(f)) {
			best, least = k, d
		}
	}
	return best
}

// fold makes trustedProxies, trusted-proxies and trusted_proxies the same.
func fold(s string) []rune {
	return []rune(strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s)))
}

// distance counts the letters to insert, delete, replace or swap with their neighbour (optimal string alignment).
func distance(a, b []rune) int {
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		next[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
