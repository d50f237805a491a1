package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// Report is what a run found.
type Report struct {
	Command string    `json:"command"`
	At      time.Time `json:"at"`
	Machine Machine   `json:"machine"`
	Corpus  string    `json:"corpus"`
	Tables  []*Table  `json:"tables"`
	Charts  []*Chart  `json:"charts"`
}

// Machine is where it ran, in general words.
type Machine struct {
	Cores     int     `json:"cores"`
	MemoryGiB int     `json:"memory_gib"`
	System    string  `json:"system"`
	Go        string  `json:"go"`
	Load      float64 `json:"load_at_start"` // of the minute before: near 0 when the machine was idle
}

// String says it in a line.
func (m Machine) String() string {
	return fmt.Sprintf("%d cores, %d GiB, %s, %s, load %.1f at the start", m.Cores, m.MemoryGiB, m.System, m.Go, m.Load)
}

// Table has a row for each thing that was measured.
type Table struct {
	Title   string   `json:"title"`
	Columns []string `json:"columns"` // the first is of the rows' names
	Rows    []Row    `json:"rows"`
	Notes   []string `json:"notes,omitempty"`
}

// Row is a name and its figures, one for each further column.
type Row struct {
	Name    string   `json:"name"`
	Figures []Figure `json:"figures"`
}

func (t *Table) add(name string, figures ...Figure) { t.Rows = append(t.Rows, Row{name, figures}) }

func (t *Table) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

// MarshalJSON leaves out what was not measured: JSON has no word for that number.
func (r Row) MarshalJSON() ([]byte, error) {
	figures := make([]*Figure, len(r.Figures))
	for i := range r.Figures {
		if !math.IsNaN(r.Figures[i].Median) {
			figures[i] = &r.Figures[i]
		}
	}
	return json.Marshal(map[string]any{"name": r.Name, "figures": figures})
}

func newReport(t *tool, corpus string) *Report {
	return &Report{Command: "newsload " + strings.Join(t.args, " "), At: time.Now().UTC().Truncate(time.Second),
		Machine: thisMachine(), Corpus: corpus}
}

func thisMachine() Machine {
	m := Machine{Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.MemoryGiB = int(math.Round(float64(info.Totalram) * float64(info.Unit) / (1 << 30)))
		m.Load = math.Round(float64(info.Loads[0])/(1<<16)*10) / 10
	}
	return m
}

func (r *Report) table(title string, columns ...string) *Table {
	t := &Table{Title: title, Columns: columns}
	r.Tables = append(r.Tables, t)
	return t
}

// write gives the report to all who want it.
func (r *Report) write(t *tool, out outputs) error {
	r.print(t.stdout)
	return errors.Join(
		writeFile(out.JSON, func(w io.Writer) error {
			enc := json.NewEncoder(w)
			enc.SetIndent("", "  ")
			return enc.Encode(r)
		}),
		writeFile(out.HTML, func(w io.Writer) error { return reportPage.Execute(w, r) }))
}

// writeFile writes a file whole, if it has a name.
func writeFile(name string, write func(io.Writer) error) error {
	if name == "" {
		return nil
	}
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return errors.Join(write(f), f.Close())
}

func (r *Report) print(w io.Writer) {
	fmt.Fprintf(w, "%s\n%s\n%s\n", r.Command, r.Machine, r.Corpus)
	for _, t := range r.Tables {
		fmt.Fprintf(w, "\n%s\n", t.Title)
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(tw, strings.Join(t.Columns, "\t"))
		for _, row := range t.Rows {
			cells := []string{row.Name}
			for _, f := range row.Figures {
				cells = append(cells, f.String())
			}
			fmt.Fprintln(tw, strings.Join(cells, "\t"))
		}
		_ = tw.Flush() // a terminal that is full
		for _, n := range t.Notes {
			fmt.Fprintln(w, " ", n)
		}
	}
}

//go:embed report.html
var reportHTML string

var reportPage = template.Must(template.New("report").Parse(reportHTML))
