package glacis_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// modulePath is the first element of the import path of every room.
const modulePath = "glacis"

// A source is one parsed Go file.
type source struct {
	path string // slash-separated, from the root of the work tree
	test bool
	tree *ast.File
}

// A room is one folder with Go files. The root folder's name is glacis, any other's its path.
type room struct {
	name  string
	files []source // sorted by path
}

// A house is all the rooms of one work tree, sorted by name, with the positions of what was parsed.
type house struct {
	fset  *token.FileSet
	rooms []room
}

// readHouse parses every Go file below root in this process, so that the test cache sees each file it depends on.
// Folders named testdata, folders that begin with a dot or underscore, and modules of their own are not rooms.
func readHouse(t *testing.T, root fs.FS) house {
	t.Helper()
	h := house{fset: token.NewFileSet()}
	byName := map[string]*room{}
	err := walkHouse(root, func(file string) error {
		if path.Ext(file) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(root, file)
		if err != nil {
			return err
		}
		tree, err := parser.ParseFile(h.fset, file, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		name := roomName(path.Dir(file))
		if byName[name] == nil {
			byName[name] = &room{name: name}
		}
		byName[name].files = append(byName[name].files,
			source{path: file, test: strings.HasSuffix(file, "_test.go"), tree: tree})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range byName {
		h.rooms = append(h.rooms, *r)
	}
	slices.SortFunc(h.rooms, func(a, b room) int { return strings.Compare(a.name, b.name) })
	return h
}

// walkHouse calls visit with the path of every file of this module that is not test data, in lexical order.
func walkHouse(root fs.FS, visit func(file string) error) error {
	return fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			return visit(p)
		case p == ".":
			return nil
		case d.Name() == "testdata" || strings.ContainsAny(d.Name()[:1], "._"):
			return fs.SkipDir
		}
		if _, err := fs.Stat(root, path.Join(p, "go.mod")); err == nil {
			return fs.SkipDir
		}
		return nil
	})
}

// roomName returns the name that the plan uses for a folder.
func roomName(dir string) string {
	if dir == "." {
		return modulePath
	}
	return dir
}

// imports returns the import paths of one file.
func (s source) imports() []string {
	var paths []string
	for _, spec := range s.tree.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			p = spec.Path.Value
		}
		paths = append(paths, p)
	}
	return paths
}

// calls returns where a file calls the function fn of the standard package pkg.
func (h house) calls(s source, pkg, fn string) []token.Position {
	var found []token.Position
	ast.Inspect(s.tree, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || sel.Sel.Name != fn {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == pkg {
			found = append(found, h.fset.Position(sel.Pos()))
		}
		return true
	})
	return found
}

// funcs returns the top-level functions of one file that have no receiver.
func (s source) funcs() []*ast.FuncDecl {
	var found []*ast.FuncDecl
	for _, d := range s.tree.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
			found = append(found, f)
		}
	}
	return found
}

// doc returns the package comments of the files that are no tests, and the name they should open with.
func (r room) doc() (comments []string, opening string) {
	for _, f := range r.files {
		if f.test {
			continue
		}
		opening = "Package " + f.tree.Name.Name
		if f.tree.Name.Name == "main" {
			opening = "Command " + path.Base(r.name)
		}
		if f.tree.Doc != nil {
			comments = append(comments, f.tree.Doc.Text())
		}
	}
	return comments, opening
}

// checkDoc returns what is wrong with the sentence on the door of a room, or "".
func (r room) checkDoc() string {
	comments, opening := r.doc()
	if opening == "" {
		return "" // a folder of tests only
	}
	if len(comments) != 1 {
		return fmt.Sprintf("%s: %d package comments: write one, in one file, that begins %q and says what the room is for and what it is not",
			r.name, len(comments), opening)
	}
	rest, ok := strings.CutPrefix(comments[0], opening+" ")
	sentence, _, ends := strings.Cut(strings.Join(strings.Fields(rest), " ")+" ", ". ")
	if !ok || !ends || len(strings.Fields(sentence)) < 4 {
		return fmt.Sprintf("%s: the package comment must begin %q and go on to a whole sentence that ends with a full stop; it begins %q",
			r.name, opening, firstLine(comments[0]))
	}
	return ""
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
