package redis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/athand"
)

// marks keeps [feed.Marks]:
//
//	newsfeed:{<account>}:marks  hash: revision (decimal), floor (stamp as text),
//	                            past (feed.AppendPast),
//	                            16 bytes of a story's id → feed.StoryMarks in binary
//
// Ids and marks are bytes, not text, because there may be 30,000: text takes
// three times the memory and time of a Load.
type marks struct{ writer }

// Marks is the server's [feed.Marks].
func (s *Store) Marks() feed.Marks { return marks{s.writer()} }

func marksKey(id account.ID) string { return "newsfeed:{" + id.String() + "}:marks" }

// swapMarks is to marks what swap is to lists, and only the stories that changed
// are sent. From ARGV[6] on stand the number of stories to forget, these, then
// stories and marks in turn. HSET and HDEL get 500 stories at a time, since Lua
// cannot hand over more than some thousand arguments.
var swapMarks = goredis.NewScript(`
local marks = KEYS[1]
local from, next, floor, past, till, forget = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])

if (redis.call('HGET', marks, 'revision') or '0') ~= from then
	return 0
end
redis.call('HSET', marks, 'revision', next, 'floor', floor, 'past', past)
for i = 7 + forget, #ARGV, 1000 do
	redis.call('HSET', marks, unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
for i = 7, 6 + forget, 500 do
	redis.call('HDEL', marks, unpack(ARGV, i, math.min(i + 499, 6 + forget)))
end
if till == '' then
	redis.call('PERSIST', marks)
else
	redis.call('PEXPIREAT', marks, till)
end
` + telling(athand.Marks, "next") + `
return 1
`)

// removeMarks unlinks: freeing 30,000 fields is not done while others wait.
var removeMarks = goredis.NewScript(`redis.call('UNLINK', KEYS[1]) ` + telling(athand.Marks, "0"))

func (s marks) Load(ctx context.Context, id account.ID) (feed.MarkSet, error) {
	set, err := readMarks(ctx, s.client.HGetAll(ctx, marksKey(id)))
	if err != nil {
		return feed.MarkSet{}, fmt.Errorf("load marks of %s: %w", id, err)
	}
	return set, nil
}

// readMarks reads the fields of a hash; of none makes the zero set.
func readMarks(ctx context.Context, reply *goredis.MapStringStringCmd) (feed.MarkSet, error) {
	fields, err := reply.Result()
	if err = blame(ctx, err, feed.ErrMarksUnavailable); err != nil {
		return feed.MarkSet{}, err
	}
	if len(fields) == 0 {
		return feed.MarkSet{}, nil
	}
	revision, err := strconv.ParseUint(fields["revision"], 10, 64)
	if err != nil {
		return feed.MarkSet{}, fmt.Errorf("read the revision: %w", err)
	}
	set := feed.MarkSet{Revision: interests.Revision(revision), Stories: make(map[feed.StoryID]feed.StoryMarks, len(fields))}
	if set.Floor, err = interests.ParseStamp(fields["floor"]); err != nil {
		return feed.MarkSet{}, fmt.Errorf("read the floor: %w", err)
	}
	if set.Past, err = feed.ParsePast([]byte(fields["past"])); err != nil {
		return feed.MarkSet{}, err
	}
	for field, value := range fields {
		if len(field) != len(feed.StoryID{}) {
			continue // the fields above
		}
		story, of := feed.StoryID([]byte(field)), feed.StoryMarks{}
		if err := of.UnmarshalBinary([]byte(value)); err != nil {
			return feed.MarkSet{}, fmt.Errorf("read story %s: %w", story, err)
		}
		set.Stories[story] = of
	}
	return set, nil
}

func (s marks) Swap(ctx context.Context, id account.ID, from interests.Revision, change feed.MarkChange, until time.Time) error {
	till := ""
	if !until.IsZero() {
		till = strconv.FormatInt(until.UnixMilli(), 10)
	}
	forgotten, kept, err := marksArgs(change)
	if err != nil {
		return fmt.Errorf("swap marks of %s: %w", id, err)
	}
	args := []any{decimal(from), decimal(change.Revision), change.Floor.String(), feed.AppendPast(nil, change.Past), till, len(forgotten)}
	args = append(args, forgotten...)
	swapped, err := s.run(ctx, swapMarks, []string{marksKey(id)}, append(args, kept...), feed.ErrMarksUnavailable)
	if err == nil && !swapped {
		err = feed.ErrMarksConflict
	}
	if err != nil {
		return fmt.Errorf("swap marks of %s: %w", id, err)
	}
	return nil
}

// marksArgs are the stories to forget, and those to keep with their marks.
func marksArgs(change feed.MarkChange) (forgotten, kept []any, err error) {
	for story, of := range change.Stories {
		if of.IsZero() {
			forgotten = append(forgotten, story[:])
			continue
		}
		value, err := of.MarshalBinary()
		if err != nil {
			return nil, nil, err
		}
		kept = append(kept, story[:], value)
	}
	return forgotten, kept, nil
}

func (s marks) Keep(ctx context.Context, id account.ID, until time.Time) error {
	command := []any{"PERSIST", marksKey(id)}
	if !until.IsZero() {
		command = []any{"PEXPIREAT", marksKey(id), until.UnixMilli()}
	}
	err := blame(ctx, s.client.Do(ctx, command...).Err(), feed.ErrMarksUnavailable)
	if err != nil {
		return fmt.Errorf("keep marks of %s: %w", id, err)
	}
	return nil
}

func (s marks) Delete(ctx context.Context, id account.ID) error {
	err := blame(ctx, run(ctx, s.client, removeMarks, []string{marksKey(id)}), feed.ErrMarksUnavailable)
	if err != nil {
		return fmt.Errorf("delete marks of %s: %w", id, err)
	}
	return nil
}
