package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"newsfeed/storage/storagetest/servers"
)

var (
	linearLists = flag.Int("linear.lists", 6, "lists of TestLinearizable")
	linearOps   = flag.Int("linear.ops", 40, "calls of each of the eight clients of a list")
	linearSeed  = flag.Uint64("linear.seed", 1, "their seed")
)

// linearClients are the clients of one list, on two nodes in turn.
const linearClients = 8

var linearTopics = [...]string{"iran", "chad", "cuba", "peru", "fiji", "oman"}

// levels as the model knows them; 0 is none.
var linearLevels = []string{"", "follow", "favourite", "mute"}

// A list behaves as one register would that is in one place: edits and reads of
// eight clients over two nodes, with the lines between nodes and Redis failing,
// can be put in one order that agrees with all answers and with time. A read asks
// for the greatest revision that any client has heard of, or for one beyond all,
// which sends it to the record. An edit without an answer may have happened, at
// any time since, or not.
func TestLinearizable(t *testing.T) {
	redis := servers.Redis(t)
	mongo := servers.SharedMongo(t)
	t.Logf("on %s and %s", mongo.Kind(), redis.Kind())
	var nodes []*process
	var lines []*badLine
	database := mongo.Database(fmt.Sprintf("linear%d", time.Now().UnixNano()))
	for range 2 {
		line := newBadLine(t, redis.Addr())
		lines = append(lines, line)
		nodes = append(nodes, serve(t, "MONGODB_URI="+database, "REDIS_URL="+line.url()))
	}
	var tokens []string
	for range *linearLists {
		tokens = append(tokens, nodes[0].guest("gold"))
	}
	stop := make(chan struct{})
	var failing sync.WaitGroup
	for i, line := range lines {
		failing.Go(func() { line.fail(rand.New(rand.NewPCG(*linearSeed, uint64(1000+i))), 250*time.Millisecond, stop) })
	}
	histories := make([]*history, *linearLists)
	var lists sync.WaitGroup
	next := atomic.Int64{}
	for range 4 {
		lists.Go(func() {
			for i := int(next.Add(1)) - 1; i < *linearLists; i = int(next.Add(1)) - 1 {
				histories[i] = &history{token: tokens[i], nodes: nodes}
				histories[i].record(uint64(i))
			}
		})
	}
	lists.Wait()
	close(stop)
	failing.Wait()
	checkHistories(t, histories)
	t.Logf("%d and %d cuts of the lines", lines[0].cuts.Load(), lines[1].cuts.Load())
}

func checkHistories(t *testing.T, histories []*history) {
	var known, unknown, reads, illegal, planted, caught int
	for i, h := range histories {
		switch porcupine.CheckOperationsTimeout(registerModel, h.operations, time.Minute) {
		case porcupine.Illegal:
			illegal++
			t.Errorf("list %d: no order of its %d calls agrees with the answers (-linear.seed %d)", i, len(h.operations), *linearSeed)
		case porcupine.Unknown:
			t.Errorf("list %d: could not be decided in a minute", i)
		}
		for _, op := range h.operations {
			switch out := op.Output.(output); {
			case op.Input.(input).read:
				reads++
			case out.unknown:
				unknown++
			default:
				known++
			}
		}
		if stale, ok := plantStale(h.operations); ok {
			planted++
			if porcupine.CheckOperationsTimeout(registerModel, stale, time.Minute) == porcupine.Illegal {
				caught++
			}
		}
	}
	t.Logf("%d lists × %d clients × %d calls: %d edits, %d without an answer, %d reads; %d illegal; %d of %d planted stale reads caught",
		len(histories), linearClients, *linearOps, known, unknown, reads, illegal, caught, planted)
	if caught != planted || planted == 0 {
		t.Errorf("%d of %d planted stale reads were caught", caught, planted)
	}
	if unknown == 0 {
		t.Log("no edit was left without an answer: the lines hardly failed")
	}
}

// input is a call: a read, or an edit of one topic.
type input struct {
	read  bool
	topic int
	level uint8
}

// output is its answer. Levels are those of a read.
type output struct {
	unknown  bool // there was none
	revision uint64
	levels   [len(linearTopics)]uint8
}

// register is a list. When an edit without an answer has happened since the last
// one with, the revision is some greater one.
type register struct {
	revision uint64
	beyond   bool
	levels   [len(linearTopics)]uint8
}

var registerModel = porcupine.Model{
	Init: func() any { return register{beyond: true} }, // the list was made with an edit of its own
	Step: func(state, in, out any) (bool, any) {
		s, call, answer := state.(register), in.(input), out.(output)
		if call.read {
			fits := answer.levels == s.levels && (answer.revision == s.revision && !s.beyond || answer.revision > s.revision && s.beyond)
			return fits, register{revision: answer.revision, levels: s.levels}
		}
		s.levels[call.topic] = call.level
		if answer.unknown {
			s.beyond = true
			return true, s
		}
		if answer.revision <= s.revision {
			return false, s
		}
		return true, register{revision: answer.revision, levels: s.levels}
	},
}

// history is what happened to one list.
type history struct {
	token string
	nodes []*process
	heard atomic.Uint64 // the greatest revision that anybody was told

	mu         sync.Mutex // guards operations
	operations []porcupine.Operation
}

func (h *history) record(seed uint64) {
	var clients sync.WaitGroup
	for c := range linearClients {
		random := rand.New(rand.NewPCG(*linearSeed, seed<<8|uint64(c)))
		clients.Go(func() {
			client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for i := range *linearOps {
				h.call(client, c, h.nodes[(c+i)%2].url, random)
			}
		})
	}
	clients.Wait()
}

// call makes one call and writes down what came of it.
func (h *history) call(client *http.Client, number int, url string, random *rand.Rand) {
	in := input{read: random.IntN(2) == 0}
	if !in.read {
		in.topic, in.level = random.IntN(len(linearTopics)), uint8(random.IntN(len(linearLevels)))
	}
	op := porcupine.Operation{ClientId: number, Input: in}
	least := h.heard.Load()
	if random.IntN(2) == 0 {
		least = math.MaxInt64 // to the record
	}
	op.Call = time.Now().UnixNano()
	out, err := h.ask(client, url, in, least)
	op.Output, op.Return = out, time.Now().UnixNano()
	if err != nil {
		if in.read {
			return // it says nothing
		}
		op.Output, op.Return = output{unknown: true}, math.MaxInt64
	}
	for old := h.heard.Load(); old < out.revision && !h.heard.CompareAndSwap(old, out.revision); old = h.heard.Load() {
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, op)
}

func (h *history) ask(client *http.Client, url string, in input, least uint64) (out output, err error) {
	method, path, body := "GET", "/interests", ""
	if !in.read {
		path = "/interests/" + linearTopics[in.topic]
		if method = "DELETE"; in.level > 0 {
			method, body = "PUT", `{"level":"`+linearLevels[in.level]+`"}`
		}
	}
	r, err := http.NewRequest(method, url+path, strings.NewReader(body))
	if err != nil {
		return out, err
	}
	r.Header.Set("Authorization", "Bearer "+h.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if in.read {
		r.Header.Set("X-Interests-Revision", strconv.FormatUint(least, 10))
	}
	response, err := client.Do(r)
	if err != nil {
		return out, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return out, fmt.Errorf("%d %s: %w", response.StatusCode, text, err)
	}
	var answer struct {
		Revision  uint64
		Interests []struct{ Topic, Level string }
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return out, err
	}
	out.revision = answer.Revision
	for _, i := range answer.Interests {
		if t := slices.Index(linearTopics[:], i.Topic); t >= 0 {
			out.levels[t] = uint8(slices.Index(linearLevels, i.Level))
		}
	}
	return out, nil
}

// plantStale makes a read answer what an earlier one did, before an edit that
// was acknowledged in between; false when there are no such calls.
func plantStale(operations []porcupine.Operation) ([]porcupine.Operation, bool) {
	sorted := slices.Clone(operations)
	slices.SortFunc(sorted, func(a, b porcupine.Operation) int { return int(min(max(a.Call-b.Call, -1), 1)) })
	isRead := func(op porcupine.Operation) bool { return op.Input.(input).read }
	for i, old := range sorted {
		if !isRead(old) {
			continue
		}
		for j, edit := range sorted[i+1:] {
			if isRead(edit) || edit.Output.(output).unknown || edit.Call <= old.Return {
				continue
			}
			for k := i + 1 + j + 1; k < len(sorted); k++ {
				if isRead(sorted[k]) && sorted[k].Call > edit.Return {
					sorted[k].Output = old.Output
					return sorted, true
				}
			}
		}
	}
	return nil, false
}
