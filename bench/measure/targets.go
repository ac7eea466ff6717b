package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"text/template"
)

//go:embed conf
var conf embed.FS

// A target is something that stands between the load and the origin.
type target struct {
	name    string
	program string   // a name to be found on PATH, or the path of a program of ours
	files   []string // of conf, written beside the target after their blanks are filled in
	args    []string // each a template with the blanks of a site
	limits  bool
	ours    bool // nothing can be said without it
}

// site is where a target runs: the blanks of its files and arguments.
type site struct {
	Dir    string // its own, with every file it reads or writes
	Listen string // where it is asked
	Admin  string // another free address
	Origin string
	Limits bool
}

// targets are all there are, in the order in which each round visits them. bin holds the programs of ours.
func targets(bin string) []target {
	gate := func(name, program string, limits bool) target {
		return target{name, program, []string{"glacis.yaml"}, []string{"run", "-c", "{{.Dir}}/glacis.yaml"}, limits, true}
	}
	nginx := func(name string, limits bool) target {
		return target{name, "nginx", []string{"nginx.conf"}, []string{"-p", "{{.Dir}}", "-e", "stderr", "-c", "{{.Dir}}/nginx.conf"}, limits, false}
	}
	glacis := filepath.Join(bin, "glacis")
	return []target{
		gate(gateName, glacis, true),
		gate(openGateName, glacis, false),
		{name: tunedName, program: filepath.Join(bin, "bench", "tuned"), args: []string{"-listen", "{{.Listen}}", "-to", "{{.Origin}}"}, ours: true},
		nginx(nginxName, false),
		nginx("nginx-limits", true),
		{name: "haproxy", program: "haproxy", files: []string{"haproxy.cfg"}, args: []string{"-db", "-f", "{{.Dir}}/haproxy.cfg"}},
		{name: "caddy", program: "caddy", files: []string{"Caddyfile"}, args: []string{"run", "--config", "{{.Dir}}/Caddyfile", "--adapter", "caddyfile"}},
		{name: "traefik", program: "traefik", files: []string{"traefik.yml", "traefik-routes.yml"}, args: []string{"--configfile={{.Dir}}/traefik.yml"}},
	}
}

// The targets that others are compared with.
const (
	gateName     = "glacis"
	openGateName = "glacis-no-limits"
	tunedName    = "tuned"
	nginxName    = "nginx"
	originName   = "direct" // no target at all: the origin itself
)

// errNotThere says that this machine has no such program.
var errNotThere = errors.New("not on PATH")

// find gives the path of the target's program.
func (t target) find() (string, error) {
	for _, dir := range []string{"", "/usr/sbin", "/sbin"} { // not on every PATH
		if found, err := exec.LookPath(filepath.Join(dir, t.program)); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("%s: %w", t.program, errNotThere)
}

// furnish writes the target's files into its site and returns the arguments to start it with.
func (t target) furnish(s site) ([]string, error) {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return nil, err
	}
	for _, name := range t.files {
		text, err := conf.ReadFile("conf/" + name)
		if err != nil {
			return nil, err
		}
		filled, err := s.fill(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(filled), 0o644); err != nil {
			return nil, err
		}
	}
	args := make([]string, len(t.args))
	for i, arg := range t.args {
		filled, err := s.fill(arg)
		if err != nil {
			return nil, err
		}
		args[i] = filled
	}
	return args, nil
}

func (s site) fill(text string) (string, error) {
	blanks, err := template.New("").Parse(text)
	if err != nil {
		return "", err
	}
	var filled bytes.Buffer
	err = blanks.Execute(&filled, s)
	return filled.String(), err
}

// freeAddress is a loopback address nobody listens on. Another program may take it before it is used: then starting fails, and says so.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
