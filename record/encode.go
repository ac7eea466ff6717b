package record

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"glacis/decide/facts"
	"glacis/decide/limit"
	"glacis/decide/risk"
	"glacis/decide/verdict"
	"glacis/learn/observe"
)

// What a line holds of each text at most, in bytes. Most of it comes from the client.
const (
	maxMethod    = 32
	maxPath      = 512
	maxQueryKeys = 256
	maxHost      = 255
	maxTemplate  = 256
	maxAgent     = 256
	maxPattern   = 256
	maxSubject   = 128
	maxLimit     = 128
	maxDimension = 64
	maxWhy       = 256
	maxCode      = 64
	maxSentence  = 256
	maxFailure   = 64
	maxTarget    = 256
	maxRequestID = 128
	maxFieldName = 64

	// maxLine is above the length of any line: six bytes for each of the above, and the rest. A test writes the longest.
	maxLine = 32 << 10
)

// encoder writes entries as lines. It remembers texts that recur; its shard's lock guards it.
type encoder struct {
	second int64
	stamp  [len(stampLayout)]byte
	limits map[*limit.Limit]string
}

// maxLimits bounds the remembered limits: more than that are there only after many reloads.
const maxLimits = 1024

const stampLayout = "2006-01-02T15:04:05"

func newEncoder() encoder { return encoder{second: -1, limits: make(map[*limit.Limit]string)} }

// append appends the line of an entry, newline included. The order of the names is fixed; what is empty is left out.
func (c *encoder) append(b []byte, e *observe.Entry, x *standIns) []byte {
	v := e.Verdict
	b = append(c.time(b, e.Facts.At), `,"level":"`...)
	b = append(b, levelOf(v)...)
	b = append(b, `","msg":"decision","id":"`...)
	b = append(v.ID.AppendText(b), '"')
	b = appendRequest(b, e)
	b = appendCaller(b, e, x)
	b = c.verdict(b, v)
	b = appendScore(b, &v.Score)
	b = appendEnd(b, e)
	b = appendFields(b, e.Facts, x)
	return append(b, '}', '\n')
}

func levelOf(v *verdict.Verdict) string {
	if v.Done.Action == verdict.Allow {
		return "INFO"
	}
	return "WARN"
}

// time opens the line with the time, in UTC and RFC 3339. The clock's second changes seldom, so its text is kept.
func (c *encoder) time(b []byte, at int64) []byte {
	at = max(0, at)
	second, ns := at/int64(time.Second), at%int64(time.Second)
	if second != c.second {
		time.Unix(second, 0).UTC().AppendFormat(c.stamp[:0], stampLayout)
		c.second = second
	}
	b = append(b, `{"time":"`...)
	b = append(b, c.stamp[:]...)
	b = append(b, '.')
	b = appendDigits(b, ns, 9)
	return append(b, 'Z', '"')
}

// appendRequest tells what was asked for, in the names of OpenTelemetry's HTTP conventions.
func appendRequest(b []byte, e *observe.Entry) []byte {
	f := e.Facts
	b = appendText(b, `,"http.request.method":`, f.Method, maxMethod)
	if !tellsToken(f) {
		b = appendText(b, `,"url.path":`, f.Path, maxPath)
	}
	b = appendQueryKeys(b, f)
	b = appendText(b, `,"server.address":`, f.Host, maxHost)
	b = appendText(b, `,"http.route":`, f.Template, maxTemplate)
	b = appendNumber(b, `,"http.response.status_code":`, int64(e.Status))
	b = appendNumber(b, `,"http.request.body.size":`, e.In)
	b = appendNumber(b, `,"http.response.body.size":`, e.Out)
	b = appendText(b, `,"user_agent.original":`, f.UserAgent, maxAgent)
	b = appendAddress(b, `,"client.address":"`, f.Client)
	b = appendAddress(b, `,"network.peer.address":"`, f.Remote.Addr())
	if f.Proto <= 0 {
		return b
	}
	b = append(b, `,"network.protocol.version":"`...)
	b = strconv.AppendInt(b, int64(f.Proto/10), 10)
	if f.Proto < 20 {
		b = append(b, '.', '0'+byte(f.Proto%10))
	}
	return append(b, '"')
}

// tellsToken tells that the path may hold a secret: routes that reset or verify take one-time tokens in their placeholders.
func tellsToken(f *facts.Facts) bool {
	return (f.Route.Class == facts.Reset || f.Route.Class == facts.OTP) && f.Path != f.Template
}

// maxQueryParts bounds the parts of a query that are looked at, so that a query of ampersands costs no more than others.
const maxQueryParts = 64

// maxBareKey is the length from which a part of a query without "=" may be a value on its own, such as a token.
const maxBareKey = 16

// appendQueryKeys tells the names in the query, never the values.
func appendQueryKeys(b []byte, f *facts.Facts) []byte {
	if f.Query == "" {
		return b
	}
	empty := len(b)
	b = append(b, `,"url.query.keys":"`...)
	start := len(b)
	left := maxQueryKeys
	rest := f.Query
	for n := 0; n < maxQueryParts && left > 0 && rest != ""; n++ {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		name, _, named := strings.Cut(pair, "=")
		if name == "" {
			continue
		}
		if !named && len(name) > maxBareKey || strings.IndexByte(name, ',') >= 0 {
			name = "?"
		}
		if len(b) > start {
			b = append(b, ',')
			left--
		}
		b = appendEscaped(b, name, left)
		left -= len(name)
	}
	if len(b) == start {
		return b[:empty]
	}
	return append(b, '"')
}

// appendCaller tells who asked, where.
func appendCaller(b []byte, e *observe.Entry, x *standIns) []byte {
	f, who := e.Facts, &e.Verdict.Subject
	b = appendText(b, `,"route":`, f.Route.Pattern, maxPattern)
	b = appendName(b, `,"class":"`, f.Route.Class.String())
	switch {
	case who.Proven:
		b = append(b, `,"subject":"`...)
		b = append(b, who.Kind.String()...)
		b = append(b, ':')
		b = append(appendEscaped(b, who.Name, maxSubject), '"')
	case isUnproven(who):
		b = append(b, `,"subject":"unproven:`...)
		b = append(x.credential.AppendText(b), '"')
	default:
		b = append(b, `,"subject":"anonymous"`...)
	}
	if f.Credential.Kind != facts.NoCredential {
		b = appendName(b, `,"credential":"`, f.Credential.Kind.String())
	}
	return b
}

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

// appendEnd tells what became of the request.
func appendEnd(b []byte, e *observe.Entry) []byte {
	b = appendName(b, `,"outcome":"`, e.Outcome.String())
	b = appendText(b, `,"failure":`, e.Failure, maxFailure)
	b = appendText(b, `,"upstream":`, e.Target, maxTarget)
	b = appendThousandths(append(b, `,"duration_ms":`...), e.Took.Microseconds())
	if e.Upstream > 0 {
		b = appendThousandths(append(b, `,"upstream_ms":`...), e.Upstream.Microseconds())
	}
	if e.Facts.Odd != 0 {
		b = append(b, `,"odd":"`...)
		b = append(e.Facts.Odd.AppendText(b), '"')
	}
	return appendText(b, `,"request_id":`, e.Facts.RequestID, maxRequestID)
}

// appendFields tells the payload fields by their stand-ins.
func appendFields(b []byte, f *facts.Facts, x *standIns) []byte {
	if x.found == 0 {
		return b
	}
	before := `,"fields":{`
	for i := range f.Route.Body.Fields {
		if x.found&(1<<i) == 0 {
			continue
		}
		b = append(b, before...)
		b = appendQuoted(b, labelOf(&f.Route.Body.Fields[i]), maxFieldName)
		b = append(b, ':', '"')
		b = append(x.fields[i].AppendText(b), '"')
		before = ","
	}
	return append(b, '}')
}

// appendText appends a name with its colon and a text from outside, or nothing when there is no text.
func appendText(b []byte, name, s string, most int) []byte {
	if s == "" {
		return b
	}
	return appendQuoted(append(b, name...), s, most)
}

// appendName is appendText for words of our own, which need no escape; name ends with the opening quote.
func appendName(b []byte, name, word string) []byte {
	if word == "" {
		return b
	}
	b = append(b, name...)
	return append(append(b, word...), '"')
}

func appendNumber(b []byte, name string, n int64) []byte {
	if n <= 0 {
		return b
	}
	return strconv.AppendInt(append(b, name...), n, 10)
}

func appendAddress(b []byte, name string, a netip.Addr) []byte {
	if !a.IsValid() {
		return b
	}
	return append(a.WithZone("").AppendTo(append(b, name...)), '"')
}

// appendThousandths appends n/1000 with three decimals.
func appendThousandths(b []byte, n int64) []byte {
	n = max(0, n)
	b = append(strconv.AppendInt(b, n/1000, 10), '.')
	return appendDigits(b, n%1000, 3)
}

// appendDigits appends n with leading zeros.
func appendDigits(b []byte, n int64, width int) []byte {
	var d [9]byte
	for i := width - 1; i >= 0; i-- {
		d[i] = '0' + byte(n%10)
		n /= 10
	}
	return append(b, d[:width]...)
}
