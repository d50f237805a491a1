// Command newsload makes corpora, drives load, and measures newsfeed beside the
// best that stock databases do on the same question. Each subcommand prints a
// table, and writes the same numbers as JSON and as a page with plots.
// docs/benchmarks.md tells what is measured, and what is unfair about it.
//
// It is a module of its own, so that the rivals' drivers are not the product's.
// It runs on Linux only: processor time of other processes is read from their
// clocks. It is no test: whether answers are right is asked first, and a wrong
// one ends the run, but whether a figure is good enough is the reader's to say.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is what can be typed.
type commands struct {
	Corpus    corpusCommand    `cmd:"" help:"Write articles as POST /articles takes them (NDJSON), or people, to standard output."`
	Retrieval retrievalCommand `cmd:"" help:"The 30 best articles for a person: the index beside databases."`
	Growth    growthCommand    `cmd:"" help:"How the cost of a page grows with articles, people, interests and pages; memory; collection."`
	HTTP      httpCommand      `cmd:"" name:"http" help:"A running server: processor time per feed beside a fixed body, latency, visibility."`
}

// outputs says where the numbers go, beside the table on standard output.
type outputs struct {
	JSON string `help:"Also write the numbers as JSON to FILE." placeholder:"FILE"`
	HTML string `help:"Also write a page with tables and plots to FILE." placeholder:"FILE"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal kills
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "newsload:", err)
		os.Exit(1)
	}
}

// tool is what a command works with.
type tool struct {
	args   []string
	stdout io.Writer // data: the table
	stderr io.Writer // how far it is
}

func (t *tool) say(format string, args ...any) { fmt.Fprintf(t.stderr, format+"\n", args...) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var cli commands
	helped := false
	parser, err := kong.New(&cli, kong.Name("newsload"),
		kong.Description("Corpora, load, and measurements beside rivals. See docs/benchmarks.md."),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return fmt.Errorf("build the command line: %w", err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if helped || err != nil {
		return err
	}
	return parsed.Run(&tool{args, stdout, stderr})
}
