package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/athand"
)

// lists keeps [interests.Store].
type lists struct{ writer }

// Lists is the server's [interests.Store].
func (s *Store) Lists() interests.Store { return lists{s.writer()} }

// listKey is the key of a person's list. All keys of a person have the same
// hash-tag; [lists.Delete] names every one of them.
func listKey(id account.ID) string { return "newsfeed:{" + id.String() + "}:list" }

// journalKey is the key of the list's journal: a Redis list, newest first, see
// entry. It expires a day after the last edit and not with the list, whose time
// may be set back and forth; so it is read only together with the list, and a
// list that begins anew clears it.
func journalKey(id account.ID) string { return "newsfeed:{" + id.String() + "}:journal" }

func listKeys(id account.ID) []string {
	return []string{listKey(id), journalKey(id), mergeKey(id)}
}

// entry is an undo as it stands in the journal: JSON, and before it what scripts
// look at, in fixed places: revision (20 digits), the one before it (20), and
// when (15), each with a space behind it.
func entry(u interests.Undo) (string, error) {
	text, err := json.Marshal(u)
	return fmt.Sprintf("%020d %020d %015d %s", u.Revision, u.Previous, u.At.UnixMilli(), text), err
}

const entryHead = 20 + 1 + 20 + 1 + 15 + 1

// swap is the one place where a list changes: compare, write, set the time, and
// the journal (see [interests.Store]). It replies 1, or 0 for a conflict, when it
// has written nothing.
//
// Revisions are compared as text: a Lua number is a float64 and takes 2^53 and
// 2^53 + 1 for one. The writes that a full or read-only server refuses come
// first, and among them the one to the key whose type was not seen yet, so that a
// script is done whole or not at all. What else an edit does at the same moment
// (tell the other nodes) stands behind the HSET.
var swap = goredis.NewScript(fmt.Sprintf(swapText, 5, ""))

// swapText is the text of a swap, with places for the number of the first undo
// among its arguments and for what else happens when there is no conflict.
var swapText = strings.NewReplacer(
	"LIMITS", fmt.Sprintf("%d, %d, %d, %d",
		interests.JournalLeast.Milliseconds(), interests.JournalMost.Milliseconds(), interests.JournalSize, interests.JournalTrim),
	"TELLING", telling(athand.List, "next"),
).Replace(`
local list, journal = KEYS[1], KEYS[2]
local from, next, json, till = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local first = %d -- of the arguments that are undos
local least, most, size, trim = LIMITS

local function at(entry)
	return tonumber(string.sub(entry, 43, 57)) or 0
end

local revision = redis.call('HGET', list, 'revision')
if (revision or '0') ~= from then
	return 0
end
%s
for i = first, #ARGV do
	redis.call('LPUSH', journal, ARGV[i])
end
redis.call('HSET', list, 'revision', next, 'list', json)
TELLING
if till == '' then
	redis.call('PERSIST', list)
else
	redis.call('PEXPIREAT', list, till)
end
if #ARGV < first then
	if not revision then
		redis.call('DEL', journal)
	end
	return 1
end
if not revision then
	redis.call('LTRIM', journal, 0, #ARGV - first)
end
local newest, entries = at(ARGV[#ARGV]), redis.call('LLEN', journal)
for _ = 1, trim do
	local age = newest - at(redis.call('LINDEX', journal, -1))
	if age <= least or age <= most and entries <= size then
		break
	end
	redis.call('RPOP', journal)
	entries = entries - 1
end
redis.call('PEXPIRE', journal, most)
return 1
`)

// remove takes the list, its journal and its merges away.
var remove = goredis.NewScript(`redis.call('DEL', KEYS[1], KEYS[2], KEYS[3]) ` + telling(athand.List, "0"))

// journal replies the list and behind it the entries newer than a revision (20
// digits), newest first. None when the oldest does not lead that far back: a
// device that was away for a week does not cost a day of edits.
var journal = goredis.NewScript(`
local list, journal, since = KEYS[1], KEYS[2], ARGV[1]
local atOnce = 20 -- most callers are a few edits behind

local json = redis.call('HGET', list, 'list')
if not json then
	return {}
end
local reply = {json}
local oldest = redis.call('LINDEX', journal, -1)
if not oldest or string.sub(oldest, 22, 41) > since then
	return reply
end
for first = 0, redis.call('LLEN', journal), atOnce do
	for _, entry in ipairs(redis.call('LRANGE', journal, first, first + atOnce - 1)) do
		if string.sub(entry, 1, 20) <= since then
			return reply
		end
		reply[#reply + 1] = entry
	end
end
return reply
`)

// whole replies the list and behind it all entries, newest first.
var whole = goredis.NewScript(`
local json = redis.call('HGET', KEYS[1], 'list')
if not json then
	return {}
end
local reply = redis.call('LRANGE', KEYS[2], 0, -1)
table.insert(reply, 1, json)
return reply
`)

func (s lists) Load(ctx context.Context, id account.ID) (interests.List, error) {
	list, err := readList(ctx, s.client.HGet(ctx, listKey(id), "list"))
	if err != nil {
		return interests.List{}, fmt.Errorf("load list of %s: %w", id, err)
	}
	return list, nil
}

// readList reads the reply to an HGET of a list.
func readList(ctx context.Context, reply *goredis.StringCmd) (list interests.List, err error) {
	text, err := reply.Bytes()
	if errors.Is(err, goredis.Nil) {
		return list, nil
	}
	if err = blame(ctx, err, interests.ErrUnavailable); err == nil {
		err = json.Unmarshal(text, &list)
	}
	return list, err
}

func (s lists) Swap(ctx context.Context, id account.ID, from interests.Revision, next interests.List, until time.Time, undos ...interests.Undo) error {
	args, err := swapArgs(from, next, until, undos)
	if err != nil {
		return fmt.Errorf("swap list of %s: %w", id, err)
	}
	swapped, err := s.run(ctx, swap, listKeys(id), args, interests.ErrUnavailable)
	if err == nil && !swapped {
		err = interests.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("swap list of %s: %w", id, err)
	}
	return nil
}

func swapArgs(from interests.Revision, next interests.List, until time.Time, undos []interests.Undo) ([]any, error) {
	text, err := json.Marshal(next)
	if err != nil {
		return nil, err
	}
	till := ""
	if !until.IsZero() {
		till = strconv.FormatInt(until.UnixMilli(), 10)
	}
	args := []any{decimal(from), decimal(next.Revision), text, till}
	for _, u := range undos {
		text, err := entry(u)
		if err != nil {
			return nil, err
		}
		args = append(args, text)
	}
	return args, nil
}

func (s lists) Journal(ctx context.Context, id account.ID, since interests.Revision) (interests.List, []interests.Undo, error) {
	var (
		list  interests.List
		undos []interests.Undo
	)
	texts, err := journal.Run(ctx, s.client, listKeys(id), fmt.Sprintf("%020d", since)).StringSlice()
	if err = blame(ctx, err, interests.ErrUnavailable); err == nil && len(texts) > 0 {
		list, undos, err = decode(texts)
	}
	if err == nil && !interests.LeadsBack(list.Revision, undos, since) {
		undos, err = nil, interests.ErrForgotten
	}
	if err != nil {
		return list, nil, fmt.Errorf("journal of list of %s since revision %d: %w", id, since, err)
	}
	return list, undos, nil
}

// decode reads a list and the entries of its journal.
func decode(texts []string) (interests.List, []interests.Undo, error) {
	var list interests.List
	if err := json.Unmarshal([]byte(texts[0]), &list); err != nil {
		return interests.List{}, nil, err
	}
	undos := make([]interests.Undo, len(texts)-1)
	for i, text := range texts[1:] {
		if len(text) < entryHead {
			return interests.List{}, nil, fmt.Errorf("damaged entry %.80q", text)
		}
		if err := json.Unmarshal([]byte(text[entryHead:]), &undos[i]); err != nil {
			return interests.List{}, nil, err
		}
	}
	return list, undos, nil
}

func (s lists) Undos(ctx context.Context, id account.ID) ([]interests.Undo, error) {
	texts, err := whole.Run(ctx, s.client, listKeys(id)).StringSlice()
	var undos []interests.Undo
	if err = blame(ctx, err, interests.ErrUnavailable); err == nil && len(texts) > 0 {
		_, undos, err = decode(texts)
	}
	if err != nil {
		return nil, fmt.Errorf("journal of list of %s: %w", id, err)
	}
	return undos, nil
}

func (s lists) Keep(ctx context.Context, id account.ID, until time.Time) error {
	command := []any{"PERSIST", listKey(id)}
	if !until.IsZero() {
		command = []any{"PEXPIREAT", listKey(id), until.UnixMilli()}
	}
	err := blame(ctx, s.client.Do(ctx, command...).Err(), interests.ErrUnavailable)
	if err != nil {
		return fmt.Errorf("keep list of %s: %w", id, err)
	}
	return nil
}

func (s lists) Delete(ctx context.Context, id account.ID) error {
	err := blame(ctx, run(ctx, s.client, remove, listKeys(id)), interests.ErrUnavailable)
	if err != nil {
		return fmt.Errorf("delete list of %s: %w", id, err)
	}
	return nil
}

func decimal(r interests.Revision) string { return strconv.FormatUint(uint64(r), 10) }
