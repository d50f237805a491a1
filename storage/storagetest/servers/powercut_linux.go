package servers

import (
	"bytes"
	_ "embed" // the shim's source
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// kill -9 proves nothing about fsync: what a killed process has written is in the
// kernel's memory and safe. A power cut takes that away. It is simulated: a shim
// preloaded into the server (powercut/powercut.c) writes down what was made
// durable, and Cut kills the server and leaves of its files just that, by the
// letter of POSIX:
//
//   - a file is as long as it was when its last fsync or fdatasync began that
//     returned; what was overwritten or cut off since is back;
//   - a file that was made, renamed or removed since the last fsync of its folder
//     was not. (Most file systems do better: with a new file's content they write
//     its name.) Folders themselves stay.
//
// With a torn end, a random part survives of what was written behind the durable
// end of a file, as a disk may have written it already.

// Mains is a server whose power can be cut.
type Mains struct {
	*Server
	torn *rand.Rand // nil: nothing unsynced survives
}

const installGCC = "apt-get install gcc libc6-dev"

// RedisOnMains is a Redis like that of [Redis], with an fsync policy of one's own
// ("always", "everysec"). torn decides what of the unsynced survives a cut; nil:
// nothing.
//
// Without torn ends its file is rewritten often, so that cuts fall into that too.
// With them never: Redis 7.0 that finds a file end within a transaction cuts it off
// inside that transaction; if it begins a rewrite before it has written more, and
// is cut again before the rewrite has ended, it does not start ("the truncated file
// is not the last file") until somebody has run redis-check-aof. Nothing is lost
// by that, but there is nothing more to test.
func RedisOnMains(t testing.TB, fsync string, torn *rand.Rand) *Mains {
	t.Helper()
	gcc, found := findBinary("CC", "gcc")
	if !found {
		Missing(t, "gcc", installGCC)
	}
	shim := filepath.Join(t.TempDir(), "powercut.so")
	if err := compile(gcc, powercutSource, "-shared", "-fPIC", "-o", shim, "-x", "c", "-", "-ldl"); err != nil {
		t.Fatal(err)
	}
	m := &Mains{torn: torn}
	p := redisProgram(findRedis(t), false)
	p.args = func(dir string, port int) []string {
		prepareMains(dir)
		percentage := "100"
		if torn != nil {
			percentage = "0"
		}
		return []string{writeRedisConf(dir, port, false), "--dir", outlet(dir), "--appendfsync", fsync,
			"--auto-aof-rewrite-min-size", "256kb", "--auto-aof-rewrite-percentage", percentage}
	}
	p.env = func(dir string) []string { return preloaded(shim, dir) }
	m.Server = forTest(t, p)
	return m
}

// outlet is the folder whose files lose what is not durable.
func outlet(dir string) string   { return filepath.Join(dir, "data") }
func keepOf(dir string) string   { return filepath.Join(dir, "keep") }
func recordOf(dir string) string { return filepath.Join(dir, "powercut.log") }

func prepareMains(dir string) {
	for _, folder := range []string{outlet(dir), keepOf(dir)} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			panic(err) // a folder that we have just made
		}
	}
}

func preloaded(shim, dir string) []string {
	return []string{"LD_PRELOAD=" + shim, "POWERCUT_DIR=" + outlet(dir), "POWERCUT_KEEP=" + keepOf(dir), "POWERCUT_LOG=" + recordOf(dir)}
}

//go:embed powercut/powercut.c
var powercutSource []byte

func compile(gcc string, source []byte, args ...string) error {
	cmd := exec.Command(gcc, append([]string{"-O2", "-Wall", "-Wextra", "-Werror"}, args...)...)
	cmd.Stdin = bytes.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compile: %w\n%s", err, out)
	}
	return nil
}

// Cut is a power cut: the server is gone, and of its files what was not durable.
// It returns how many bytes and names that was. Restart turns the power on.
func (m *Mains) Cut() (lostBytes int64, lostNames int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kill()
	lostBytes, lostNames, err := cut(m.dir, m.torn)
	if err != nil {
		m.fail("cut the power of %s: %v", m.kind, err)
	}
	return lostBytes, lostNames
}

// cut makes the files those of the disk, and begins a new record.
func cut(dir string, torn *rand.Rand) (lostBytes int64, lostNames int, err error) {
	d, err := readDisk(dir)
	if err != nil {
		return 0, 0, err
	}
	if lostBytes, lostNames, err = d.leave(torn); err != nil {
		return 0, 0, err
	}
	return lostBytes, lostNames, d.begin()
}

// inode names a file whatever its path.
type inode uint64

// disk is what the record says is on the disk, and what only seems so.
type disk struct {
	dir     string
	files   map[inode]*diskFile
	folders map[inode]*diskFolder
	byPath  map[string]*diskFolder
	names   map[string]inode // as the server sees them
	durable map[string]inode
	begun   map[string]func() // what the end of a sync makes durable
}

type diskFile struct {
	length int64
	lost   []undo // not taken back by a sync, oldest first
	undos  int    // there were so many
	synced int    // of the syncs that have ended, the one that began last
	syncs  int    // have begun
}

// undo is what stood in a file before it was overwritten or cut off.
type undo struct {
	number int
	offset int64
	bytes  []byte
}

type diskFolder struct {
	changes []change // not made durable by a sync, oldest first
	made    int      // durable ones
}

// change is what became of names: an inode, or 0 for removed.
type change map[string]inode

// readDisk starts with the files in keep, which were durable when the record
// began unless it says that they were made later, and follows the record.
func readDisk(dir string) (*disk, error) {
	d := &disk{dir: dir, files: map[inode]*diskFile{}, folders: map[inode]*diskFolder{}, byPath: map[string]*diskFolder{},
		names: map[string]inode{}, durable: map[string]inode{}, begun: map[string]func(){}}
	err := filepath.WalkDir(outlet(dir), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		f := &diskFolder{}
		d.folders[inodeOf(info)], d.byPath[path] = f, f
		return nil
	})
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(recordOf(dir))
	for err == nil && len(text) > 0 {
		text, err = d.follow(text)
	}
	return d, err
}

func inodeOf(info fs.FileInfo) inode { return inode(info.Sys().(*syscall.Stat_t).Ino) }

// follow reads one record and returns what is behind it.
func (d *disk) follow(text []byte) (rest []byte, err error) {
	line, rest, whole := bytes.Cut(text, []byte("\n"))
	what, args, _ := strings.Cut(string(line), " ")
	if !whole {
		return nil, nil // the kill cut it short: what it is about was not done or not told
	}
	switch what {
	case "durable": // written by begin
		length, args := number(args)
		i, path := number(args)
		d.file(inode(i)).length = int64(length)
		d.names[path], d.durable[path] = inode(i), inode(i)
	case "create":
		i, path := number(args)
		d.change(path, change{path: inode(i)})
	case "rename":
		from, to, _ := strings.Cut(args, "\t")
		d.change(to, change{to: d.names[from], from: 0})
	case "unlink":
		d.change(args, change{args: 0})
	case "begin":
		d.beginSync(args)
	case "end":
		if made := d.begun[args]; made != nil {
			made()
			delete(d.begun, args)
		}
	case "undo":
		return d.undo(args, rest)
	default:
		return nil, fmt.Errorf("the record says %q", line)
	}
	return rest, nil
}

// number reads one, 0 for what is none.
func number(args string) (n uint64, rest string) {
	word, rest, _ := strings.Cut(args, " ")
	n, _ = strconv.ParseUint(word, 10, 64)
	return n, rest
}

func (d *disk) file(i inode) *diskFile {
	f := d.files[i]
	if f == nil {
		f = &diskFile{}
		d.files[i] = f
	}
	return f
}

func (d *disk) change(path string, c change) {
	for name, i := range c {
		set(d.names, name, i)
	}
	if folder := d.byPath[filepath.Dir(path)]; folder != nil {
		folder.changes = append(folder.changes, c)
	}
}

func set(names map[string]inode, name string, i inode) {
	if i == 0 {
		delete(names, name)
	} else {
		names[name] = i
	}
}

// beginSync notes what will be durable when the sync has ended: what was there
// when it began.
func (d *disk) beginSync(args string) {
	var (
		call   string
		i      inode
		length int64
	)
	if _, err := fmt.Sscan(args, &call, &i, &length); err != nil {
		return
	}
	if folder := d.folders[i]; folder != nil {
		upTo := folder.made + len(folder.changes)
		d.begun[call] = func() { d.makeNames(folder, upTo) }
		return
	}
	f := d.file(i)
	f.syncs++
	began, undos := f.syncs, f.undos
	d.begun[call] = func() { f.makeDurable(began, length, undos) }
}

func (d *disk) makeNames(f *diskFolder, upTo int) {
	for ; f.made < upTo; f.made++ {
		for name, i := range f.changes[0] {
			set(d.durable, name, i)
		}
		f.changes = f.changes[1:]
	}
}

func (f *diskFile) makeDurable(began int, length int64, undos int) {
	if began < f.synced {
		return
	}
	f.synced, f.length = began, length
	for len(f.lost) > 0 && f.lost[0].number <= undos {
		f.lost = f.lost[1:]
	}
}

func (d *disk) undo(args string, rest []byte) ([]byte, error) {
	var (
		i              inode
		offset, length int64
	)
	if _, err := fmt.Sscan(args, &i, &offset, &length); err != nil {
		return nil, fmt.Errorf("the record says undo %q: %w", args, err)
	}
	if length > int64(len(rest)) {
		return nil, nil // the kill cut it short, before anything was overwritten
	}
	f := d.file(i)
	f.undos++
	f.lost = append(f.lost, undo{f.undos, offset, rest[:length]})
	return rest[length:], nil
}

// leave makes the files what is on the disk.
func (d *disk) leave(torn *rand.Rand) (lostBytes int64, lostNames int, err error) {
	seen := map[string]bool{}
	err = filepath.WalkDir(outlet(d.dir), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		seen[path] = d.durable[path] != 0
		return os.Remove(path) // what remains is linked from keep
	})
	for path, i := range d.durable {
		if _, there := seen[path]; !there {
			lostNames++ // one that was renamed or removed
		}
		if err == nil {
			err = os.Link(d.kept(i), path)
		}
		if err == nil {
			var lost int64
			lost, err = d.file(i).restore(path, torn)
			lostBytes += lost
		}
	}
	for _, durable := range seen {
		if !durable {
			lostNames++
		}
	}
	return lostBytes, lostNames, err
}

func (d *disk) kept(i inode) string {
	return filepath.Join(keepOf(d.dir), strconv.FormatUint(uint64(i), 10))
}

// restore gives a file its durable length and content; with torn a random part of
// what was appended since survives.
func (f *diskFile) restore(path string, torn *rand.Rand) (lost int64, err error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	end, err := file.Seek(0, io.SeekEnd)
	for i := len(f.lost) - 1; i >= 0 && err == nil; i-- {
		_, err = file.WriteAt(f.lost[i].bytes, f.lost[i].offset)
	}
	length := f.length
	if torn != nil && end > length && len(f.lost) == 0 {
		length += torn.Int64N(end - length)
	}
	return max(0, end-length), errors.Join(err, file.Truncate(length), file.Close())
}

// begin makes a new record: all that is there now is durable.
func (d *disk) begin() error {
	if err := errors.Join(os.RemoveAll(keepOf(d.dir)), os.MkdirAll(keepOf(d.dir), 0o700)); err != nil {
		return err
	}
	var record bytes.Buffer
	err := filepath.WalkDir(outlet(d.dir), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&record, "durable %d %d %s\n", info.Size(), inodeOf(info), path)
		return os.Link(path, d.kept(inodeOf(info)))
	})
	return errors.Join(err, os.WriteFile(recordOf(d.dir), record.Bytes(), 0o600))
}
