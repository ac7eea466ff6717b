package limit

// Claim is what one request asks of one budget, and, after Take, what was answered.
type Claim struct {
	Key       uint64 // keyed hash of the limit and of its dimensions' values
	Interval  int64  // ns per unit (GCRA's T)
	Tolerance int64  // ns: burst * Interval (GCRA's tau)
	Cost      int64  // units, >= 1; more than the whole burst costs the whole burst, so that no claim is refused for ever
	Debt      int64  // answered: ns of debt after the call, 0 to Tolerance; remaining = (Tolerance-Debt)/Interval
	Wait      int64  // answered: ns until the claim would be met; 0 = this claim fits
	Overflow  bool   // answered by the overflow tier
}

// GCRA is the arithmetic the claim asks for. Impossible numbers are read in the strict direction: an interval below 1 ns as 1 ns and
// a tolerance below one interval as one interval, which is a burst of 1.
func (c *Claim) GCRA() GCRA {
	t := max(1, c.Interval)
	return GCRA{Interval: t, Tolerance: max(t, c.Tolerance)}
}

// Store keeps the budgets. Take is all or nothing: when every claim fits all are charged and it returns true;
// otherwise nothing is charged, every Claim's Wait and Debt are filled, and it returns false.
//
// now is nanoseconds since the Unix epoch. Claims of one call have distinct keys. Under concurrency a store may refuse a claim that
// would have fitted, never admit one that would not; store/storetest says it in cases.
type Store interface {
	Take(now int64, claims []Claim) bool
}
