package shop

import (
	_ "embed" // for the document
)

//go:embed openapi.yaml
var document string

// OpenAPI is the shop's OpenAPI 3.1 document in YAML. It describes every route and nothing else.
func OpenAPI() []byte { return []byte(document) }
