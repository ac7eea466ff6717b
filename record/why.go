package record

import (
	"math"
	"strconv"
	"time"

	"glacis/decide/limit"
	"glacis/decide/risk"
	"glacis/decide/verdict"
)

// verdict tells what was done, what would have been done instead, and why.
func (c *encoder) verdict(b []byte, v *verdict.Verdict) []byte {
	b = appendName(b, `,"mode":"`, v.Mode.String())
	b = appendName(b, `,"tension":"`, v.Tension.String())
	b = appendName(b, `,"verdict":"`, v.Done.Action.String())
	b = appendName(b, `,"cause":"`, v.Done.Cause.String())
	if differs(v) {
		b = appendName(b, `,"would":"`, v.Would.Action.String())
		b = appendName(b, `,"would_cause":"`, v.Would.Cause.String())
	}
	if !c.because(&b, &v.Done) && differs(v) {
		c.because(&b, &v.Would)
	}
	return b
}

func differs(v *verdict.Verdict) bool { return v.Would.Action != v.Done.Action }

// because appends the limit, the bar or the excuse behind a choice; false when there is none.
func (c *encoder) because(b *[]byte, choice *verdict.Choice) bool {
	switch {
	case choice.Cause == verdict.Spent && choice.Limit.Limit != nil:
		*b = c.limit(*b, &choice.Limit)
	case choice.Cause == verdict.Barred && choice.Term != nil:
		*b = appendText(*b, `,"bar":`, choice.Term.Why, maxWhy)
	case choice.Cause == verdict.Excused && choice.Term != nil:
		*b = appendText(*b, `,"excuse":`, choice.Term.Why, maxWhy)
	default:
		return false
	}
	return true
}

func (c *encoder) limit(b []byte, s *limit.State) []byte {
	text, ok := c.limits[s.Limit]
	if !ok {
		if len(c.limits) >= maxLimits {
			clear(c.limits)
		}
		text = string(appendLimit(nil, s.Limit))
		c.limits[s.Limit] = text
	}
	b = append(b, `,"limit":{`...)
	b = append(b, text...)
	b = strconv.AppendInt(append(b, `,"remaining":`...), s.Remaining, 10)
	if s.Wait > 0 { // rounded up: whoever waits that long is met
		b = appendThousandths(append(b, `,"retry_after_s":`...), (int64(s.Wait)+int64(time.Millisecond)-1)/int64(time.Millisecond))
	}
	if s.Overflow {
		b = append(b, `,"overflow":true`...)
	}
	return append(b, '}')
}

// appendLimit appends what of a limit is the same in every line.
func appendLimit(b []byte, l *limit.Limit) []byte {
	b = append(b, `"name":`...)
	b = appendQuoted(b, l.Name, maxLimit)
	b = append(b, `,"per":[`...)
	for i, d := range l.Per[:min(len(l.Per), limit.MaxDimensions)] {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(b, d.String(), maxDimension)
	}
	b = append(b, `],"rate":`...)
	b = appendQuoted(b, l.Rate.String(), maxLimit)
	return strconv.AppendInt(append(b, `,"burst":`...), l.Burst, 10)
}

// appendScore tells the evidence, when there is any.
func appendScore(b []byte, s *risk.Score) []byte {
	reasons := s.Reasons()
	if len(reasons) == 0 {
		return b
	}
	tenths := int64(min(1, max(0, s.P()))*1e4 + 0.5)
	b = append(b, `,"score":`...)
	b = append(strconv.AppendInt(b, tenths/1e4, 10), '.')
	b = appendDigits(b, tenths%1e4, 4)
	b = append(b, `,"reasons":[`...)
	for i := range reasons {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"code":`...)
		b = appendQuoted(b, reasons[i].Code, maxCode)
		b = append(b, `,"nats":`...)
		b = strconv.AppendFloat(b, float64(min(reasons[i].Nats, math.MaxFloat32)), 'f', -1, 32)
		b = appendText(b, `,"sentence":`, reasons[i].Sentence, maxSentence)
		b = append(b, '}')
	}
	return append(b, ']')
}
