package record

import (
	"strconv"
	"strings"
	"time"

	"glacis/decide/facts"
	"glacis/decide/limit"
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
