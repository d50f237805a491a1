package servers

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	installMongo = "put a mongod on the PATH or its path into MONGOD; or, where there is none, " +
		"a wire-compatible server: pip install secantusdb==0.7.0b3 in a virtual environment, " +
		"and secantusd-py on the PATH or its path into SECANTUSD"
	replicaSet = "rs0" // of a mongod of ours
)

// Mongo is a MongoDB server that is the primary of a replica set of one: a mongod
// ($MONGOD, or on the PATH) where there is one, else the wire-compatible
// secantusd ($SECANTUSD, or secantusd-py on the PATH). Kind says which.
func Mongo(t testing.TB) *Server {
	t.Helper()
	return forTest(t, mongoProgram(t, false))
}

// MongoStandalone is the same without a replica set: no change streams, no
// transactions, and majority alone is not durable there.
func MongoStandalone(t testing.TB) *Server {
	t.Helper()
	return forTest(t, mongoProgram(t, true))
}

func mongoProgram(t testing.TB, standalone bool) program {
	t.Helper()
	if path, found := findBinary("MONGOD", "mongod"); found {
		return mongod(path, standalone)
	}
	if path, found := findBinary("SECANTUSD", "secantusd-py"); found {
		return secantusd(path, standalone)
	}
	Missing(t, "mongo", installMongo)
	return program{}
}

// findBinary takes the path in the environment, else what the PATH has. A path
// that was set and is wrong is not replaced: launch will say so.
func findBinary(env, name string) (string, bool) {
	if path := os.Getenv(env); path != "" {
		return path, true
	}
	path, err := exec.LookPath(name)
	return path, err == nil
}

func mongod(path string, standalone bool) program {
	p := program{
		path: path,
		args: func(dir string, port int) []string {
			args := []string{"--bind_ip", "127.0.0.1", "--port", strconv.Itoa(port),
				"--dbpath", dir, "--wiredTigerCacheSizeGB", "0.25"}
			if !standalone {
				args = append(args, "--replSet", replicaSet)
			}
			return args
		},
		look: lookAtMongo,
		name: func(_, version string) string { return "mongod " + version },
		db:   mongoURL,
	}
	if !standalone {
		p.prep = initiate
	}
	return p
}

func secantusd(path string, standalone bool) program {
	return program{
		path: path,
		args: func(dir string, port int) []string {
			// An empty configuration, or it would look for one in HOME and /etc.
			args := []string{"--config", mustWrite(dir, "secantusd.toml", ""), "--host", "127.0.0.1", "--port", strconv.Itoa(port),
				"--storage-path", filepath.Join(dir, "db"), "--sync-on-commit", "--cache-size", "256M"}
			if standalone {
				args = append(args, "--standalone")
			}
			return args
		},
		look: lookAtMongo,
		name: func(path, _ string) string { return strings.TrimSpace("secantusd " + secantusVersion(path)) },
		db:   mongoURL,
	}
}

// secantusVersion is read from the virtual environment around the binary: over
// the wire the server gives the version of MongoDB that it resembles.
func secantusVersion(path string) string {
	const before, after = "secantusdb-", ".dist-info"
	found, _ := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(path)),
		"lib", "python*", "site-packages", before+"*"+after))
	if len(found) == 0 {
		return ""
	}
	name := filepath.Base(found[0])
	return name[len(before) : len(name)-len(after)]
}

func mongoURL(id identity, db string) string {
	url := "mongodb://" + id.addr + "/" + db
	if id.replicaSet != "" {
		url += "?replicaSet=" + id.replicaSet
	}
	return url
}

// initiate makes a replica set of one out of a fresh mongod.
func initiate(addr string) error {
	member := bson{}.num("_id", 0).str("host", addr)
	config := bson{}.str("_id", replicaSet).array("members", member)
	_, err := askMongo(addr, bson{}.doc("replSetInitiate", config))
	if err != nil && strings.Contains(err.Error(), "already initialized") {
		return nil
	}
	return err
}

// lookAtMongo is satisfied by a server that accepts writes.
func lookAtMongo(addr string) (identity, error) {
	hello, err := askMongo(addr, bson{}.num("hello", 1))
	if err != nil {
		return identity{}, err
	}
	if !hello.isTrue("isWritablePrimary") {
		return identity{}, errors.New("it is not writable yet")
	}
	build, err := askMongo(addr, bson{}.num("buildInfo", 1))
	if err != nil {
		return identity{}, err
	}
	return identity{addr: addr, version: build.text("version"), replicaSet: hello.text("setName")}, nil
}

// askMongo sends one command to the admin database as an OP_MSG and returns the
// answer's document.
// (https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/)
func askMongo(addr string, command bson) (bson, error) { return askMongoOf(addr, "admin", command) }

// askMongoOf is askMongo of any database.
func askMongoOf(addr, database string, command bson) (bson, error) {
	const opMsg, headerSize, maxAnswer = 2013, 16, 48 << 20
	conn, err := dial(addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()

	body := append([]byte{0, 0, 0, 0, 0}, command.str("$db", database).bytes()...) // flags, section kind 0
	message := make([]byte, headerSize, headerSize+len(body))
	for i, field := range []uint32{uint32(headerSize + len(body)), 1, 0, opMsg} {
		binary.LittleEndian.PutUint32(message[4*i:], field)
	}
	if _, err := conn.Write(append(message, body...)); err != nil {
		return nil, err
	}
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(conn, header); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(header)
	if size < headerSize || size > maxAnswer {
		return nil, fmt.Errorf("an answer of %d bytes: this is not MongoDB", size)
	}
	answer := make(bson, size-headerSize)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return nil, err
	}
	if !answer.isOK() {
		return nil, fmt.Errorf("the server refused: %s", answer.text("errmsg"))
	}
	return answer, nil
}

// bson is the inside of a BSON document, written field by field. Reading is only
// a search for a field by its type and name, at any depth, which suffices for
// the handful of fields that are asked for here. (https://bsonspec.org/spec.html)
type bson []byte

const (
	bsonDouble, bsonString, bsonDoc, bsonArray, bsonBool, bsonInt32 = 1, 2, 3, 4, 8, 16
)

func (b bson) field(kind byte, name string) bson {
	return append(append(append(b, kind), name...), 0)
}

func (b bson) num(name string, n uint32) bson {
	return binary.LittleEndian.AppendUint32(b.field(bsonInt32, name), n)
}

func (b bson) str(name, text string) bson {
	b = binary.LittleEndian.AppendUint32(b.field(bsonString, name), uint32(len(text)+1))
	return append(append(b, text...), 0)
}

func (b bson) doc(name string, d bson) bson { return append(b.field(bsonDoc, name), d.bytes()...) }

func (b bson) array(name string, only bson) bson {
	return append(b.field(bsonArray, name), bson{}.doc("0", only).bytes()...)
}

func (b bson) bytes() []byte {
	out := binary.LittleEndian.AppendUint32(nil, uint32(len(b)+5))
	return append(append(out, b...), 0)
}

// after is what follows the name of the field, nil when there is none.
func (b bson) after(kind byte, name string) []byte {
	_, rest, _ := bytes.Cut(b, bson{}.field(kind, name))
	return rest
}

func (b bson) isTrue(name string) bool { return bytes.HasPrefix(b.after(bsonBool, name), []byte{1}) }

// isOK reads "ok", which servers write as a double or as an integer.
func (b bson) isOK() bool {
	return bytes.HasPrefix(b.after(bsonDouble, "ok"), []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}) ||
		bytes.HasPrefix(b.after(bsonInt32, "ok"), []byte{1, 0, 0, 0})
}

func (b bson) text(name string) string {
	rest := b.after(bsonString, name)
	if len(rest) < 4 {
		return ""
	}
	n := int(binary.LittleEndian.Uint32(rest))
	if n < 1 || n > len(rest)-4 {
		return ""
	}
	return string(rest[4 : 4+n-1])
}
