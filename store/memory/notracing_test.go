//go:build !race

package memory

const flood = 1_000_000
