package openapi

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"glacis/decide/facts"
)

// Write prints a first glacis.yaml: monitor mode, one upstream, the operations with their guessed classes. Every guess is marked, so that
// it is read before it is trusted. Without operations there are only examples.
func Write(to io.Writer, upstream string, operations []Operation) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# glacis.yaml: check it with `glacis check`, run it with `glacis run`.\n"+
		"listen: \":8080\"\nupstream: %s\n\n"+
		"# monitor changes no answer and records what would have happened; enforce makes the rules act.\nmode: monitor\n\n"+
		"# Networks of the proxies in front of the gate, if any: only they are believed about who the client is.\ntrusted_proxies: []\n\n"+
		"# Paths nobody legitimate asks for. A visit is strong evidence.\ntraps: [/api/internal/export, /.env]\n\n", quote(cmp.Or(upstream, "http://127.0.0.1:3000")))
	if len(operations) == 0 {
		b.WriteString("# Routes the API has. Other paths are counted under learnt templates, in a class guessed from their words.\nroutes: []\n" +
			"#  - match: POST /api/auth/login\n#    class: login\n#    fields: { user: $.email, secret: $.password }\n" +
			"#  - match: GET /api/products/{id}\n#    class: catalog\n#    limits: [ { per: [client], rate: 120/m, burst: 40 } ]\n")
	} else {
		b.WriteString("# Classes are guessed from method and path; correct them. A class brings limits, payload fields and outcomes.\nroutes:\n")
	}
	for _, o := range operations {
		fmt.Fprintf(&b, "  - match: %s\n", quote(o.Match))
		if o.Class != facts.Plain {
			fmt.Fprintf(&b, "    class: %s\n", o.Class)
		}
		writeFields(&b, o.Fields)
	}
	_, err := io.WriteString(to, b.String())
	return err
}

func writeFields(b *strings.Builder, fields map[string]string) {
	if len(fields) == 0 {
		return
	}
	b.WriteString("    fields:\n")
	for _, role := range slices.Sorted(maps.Keys(fields)) {
		fmt.Fprintf(b, "      %s: %s\n", role, quote(fields[role]))
	}
}

// quote writes a YAML scalar: plain where nothing in it could mean anything else, else in single quotes.
func quote(s string) string {
	plain := s != "" && !strings.ContainsAny(s, "#'\"[]{},&*!|>%@`\n\t\\") && !strings.Contains(s, ": ") && s == strings.TrimSpace(s) && !strings.HasSuffix(s, ":")
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
