//go:build race

package memory

// flood is shorter where every load is watched.
const flood = 100_000
