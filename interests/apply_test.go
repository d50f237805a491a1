package interests

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"newsfeed/interests/topic"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func stamp(text string) Stamp {
	s, err := ParseStamp(text)
	if err != nil {
		panic(err)
	}
	return s
}

// The digests that the API document gives.
func TestDigest(t *testing.T) {
	l := List{Topics: map[topic.ID]Register{}}
	for _, step := range []struct {
		topic  topic.ID
		reg    Register
		digest string
	}{
		{"", Register{}, "0000000000000000"},
		{"north-korea", Register{Level: Follow, At: stamp("0192f0c1a2b30000a1b2c3d4e5f60718")}, "8c1d9ce6be9782f4"},
		{"iran", Register{Level: Mute, At: stamp("0192f0c1a2b40001a1b2c3d4e5f60718")}, "8315dc3f9cde7090"},
		{"cuba", Register{Level: None, At: stamp("0192f0c1a2b40002a1b2c3d4e5f60718")}, "8315dc3f9cde7090"},
	} {
		if step.topic != "" {
			l.Topics[step.topic] = step.reg
		}
		if got := fmt.Sprintf("%016x", l.Digest()); got != step.digest {
			t.Errorf("after %s: digest %s, want %s", step.topic, got, step.digest)
		}
	}
}

func TestApply(t *testing.T) {
	at := func(d time.Duration, counter uint16) Stamp { return NewStamp(noon.Add(d), counter, 9) }
	list := List{Revision: 5, Floor: at(-time.Hour, 0), Topics: map[topic.ID]Register{
		"iran": {Level: Follow, At: at(-time.Minute, 0), Since: noon.Add(-time.Minute)},
		"cuba": {Level: None, At: at(-time.Minute, 0)},
	}}
	for _, c := range []struct {
		name   string
		op     Op
		status Status
		reason Reason
		level  Level // of the topic, after
	}{
		{"a new follow", Op{Topic: "chad", Level: Follow, At: at(0, 0)}, Applied, "", Follow},
		{"a later level", Op{Topic: "iran", Level: Mute, At: at(0, 0)}, Applied, "", Mute},
		{"an earlier level", Op{Topic: "iran", Level: Mute, At: at(-2*time.Minute, 0)}, Superseded, "", Follow},
		{"the same again", Op{Topic: "iran", Level: Follow, At: at(-time.Minute, 0)}, Duplicate, "", Follow},
		{"the same stamp, a lower level", Op{Topic: "cuba", Level: Mute, At: at(-time.Minute, 0)}, Superseded, "", None},
		{"the same stamp, a higher level", Op{Topic: "iran", Level: Favourite, At: at(-time.Minute, 0)}, Applied, "", Favourite},
		{"an older follow of what was removed", Op{Topic: "cuba", Level: Follow, At: at(-2*time.Minute, 0)}, Superseded, "", None},
		{"a later follow of what was removed", Op{Topic: "cuba", Level: Follow, At: at(0, 0)}, Applied, "", Follow},
		{"at the floor, of an absent topic", Op{Topic: "chad", Level: Follow, At: at(-time.Hour, 0)}, Rejected, TooOld, 0},
		{"below the floor, of a present topic", Op{Topic: "iran", Level: Mute, At: at(-2*time.Hour, 0)}, Superseded, "", Follow},
		{"119 s ahead", Op{Topic: "chad", Level: Follow, At: at(119*time.Second, 0)}, Applied, "", Follow},
		{"121 s ahead", Op{Topic: "chad", Level: Follow, At: at(121*time.Second, 0)}, Rejected, ClockAhead, 0},
		{"ahead with a great counter", Op{Topic: "chad", Level: Follow, At: at(time.Second, 0x8000)}, Rejected, ClockAhead, 0},
		{"not ahead with a great counter", Op{Topic: "chad", Level: Follow, At: at(0, 0xffff)}, Applied, "", Follow},
	} {
		next, results := Apply(list, []Op{c.op}, noon)
		if r := results[0]; r.Status != c.status || r.Reason != c.reason {
			t.Errorf("%s: %s %s, want %s %s", c.name, r.Status, r.Reason, c.status, c.reason)
		}
		if got := next.Topics[c.op.Topic].Level; got != c.level {
			t.Errorf("%s: level %s, want %s", c.name, got, c.level)
		}
		if applied := c.status == Applied; applied != (next.Revision > list.Revision) {
			t.Errorf("%s: revision %d after %d", c.name, next.Revision, list.Revision)
		}
		if list.Topics["iran"].Level != Follow || len(list.Topics) != 2 {
			t.Fatalf("%s: the list that was given has changed: %v", c.name, list)
		}
	}
}

func TestLimits(t *testing.T) {
	l := List{}
	set := func(id string, level Level) Result {
		next, r := Apply(l, []Op{{Topic: topic.ID(id), Level: level, At: l.NextStamp(noon)}}, noon)
		l = next
		return r[0]
	}
	for i := range MaxFollowed {
		if r := set(fmt.Sprintf("f%d", i), Follow); r.Status != Applied {
			t.Fatalf("follow %d: %v", i, r)
		}
	}
	for i := range MaxMuted {
		if r := set(fmt.Sprintf("m%d", i), Mute); r.Status != Applied {
			t.Fatalf("mute %d: %v", i, r)
		}
	}
	for _, c := range []struct {
		topic string
		level Level
		want  Reason
	}{
		{"more", Follow, ListFull}, {"more", Favourite, ListFull}, {"more", Mute, ListFull},
		{"f1", Mute, ListFull}, {"m1", Follow, ListFull},
		{"f1", Favourite, ""}, {"f2", None, ""}, {"more", Follow, ""}, {"m1", None, ""}, {"f1", Mute, ""},
	} {
		if r := set(c.topic, c.level); r.Reason != c.want {
			t.Errorf("%s to %s: %q, want %q", c.topic, c.level, r.Reason, c.want)
		}
	}
}

// A removal that is forgotten stays done: an older follow is refused.
func TestForgottenRemovalStaysDone(t *testing.T) {
	l := List{}
	now := noon
	set := func(id string, level Level, at Stamp) Result {
		next, r := Apply(l, []Op{{Topic: topic.ID(id), Level: level, At: at}}, now)
		l = next
		return r[0]
	}
	old := l.NextStamp(now)
	for i := range MaxTombstones + 50 {
		now = now.Add(time.Second)
		set(fmt.Sprintf("t%d", i), None, l.NextStamp(now))
	}
	if n := len(l.Topics); n != MaxTombstones {
		t.Fatalf("%d removals are remembered, want %d", n, MaxTombstones)
	}
	for i := range MaxTombstones + 50 {
		if r := set(fmt.Sprintf("t%d", i), Follow, old); r.Status == Applied {
			t.Fatalf("t%d: an older follow undid its removal", i)
		}
	}
	now = now.Add(tombstoneAge + time.Hour)
	set("last", Follow, l.NextStamp(now))
	if len(l.Topics) != 1 || l.Floor.IsZero() {
		t.Fatalf("90 days later %d topics are kept, floor %s", len(l.Topics), l.Floor)
	}
}

func TestNextStamp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := List{Topics: map[topic.ID]Register{}}
		for i := range rapid.IntRange(0, 4).Draw(t, "topics") {
			at := NewStamp(noon.Add(time.Duration(rapid.Int64Range(-1e5, 1e5).Draw(t, "ms"))*time.Millisecond),
				rapid.Uint16().Draw(t, "counter"), Device(rapid.Uint64().Draw(t, "device")))
			l.Topics[topic.ID(fmt.Sprint(i))] = Register{Level: Follow, At: at}
		}
		s := l.NextStamp(noon)
		if s.Milli() < noon.UnixMilli() {
			t.Fatalf("%s is before now", s)
		}
		for id, r := range l.Topics {
			if s.Compare(r.At) <= 0 {
				t.Fatalf("%s is not after %s of %s", s, r.At, id)
			}
		}
	})
}

// Join is total, commutative, associative and idempotent.
func TestJoinLaws(t *testing.T) {
	register := rapid.Custom(func(t *rapid.T) Register {
		return Register{Level: Level(rapid.IntRange(1, 4).Draw(t, "level")),
			At: NewStamp(noon.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "ms"))*time.Millisecond), uint16(rapid.IntRange(0, 1).Draw(t, "counter")), Device(rapid.IntRange(0, 1).Draw(t, "device")))}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := register.Draw(t, "a"), register.Draw(t, "b"), register.Draw(t, "c")
		if Join(a, b) != Join(b, a) {
			t.Fatal("not commutative")
		}
		if Join(a, Join(b, c)) != Join(Join(a, b), c) {
			t.Fatal("not associative")
		}
		if Join(a, a) != a {
			t.Fatal("not idempotent")
		}
	})
}

// The laws of the join hold for all registers of a small domain, and its result is
// one of the two, by the rule as the contract has it, whatever Since says.
func TestJoinEverywhere(t *testing.T) {
	var all []Register
	for level := Follow; level <= None; level++ {
		for i := range 8 {
			all = append(all, Register{Level: level, At: NewStamp(noon.Add(time.Duration(i&1)*time.Millisecond), uint16(i>>1&1), Device(i>>2))})
		}
	}
	all = append(all, Register{}, Register{Level: None, At: NewStamp(time.UnixMilli(1<<48-1), 0xffff, 1<<64-1)})
	for _, a := range all {
		for _, b := range all {
			ab := Join(a, b)
			want := a
			if b.At.String() > a.At.String() || b.At == a.At && b.Level > a.Level {
				want = b
			}
			if ab != want || Join(b, a) != ab || Join(ab, a) != ab || Join(ab, b) != ab {
				t.Fatalf("%v and %v make %v", a, b, ab)
			}
			dated := a
			if dated.Since = noon; Join(dated, b).At != ab.At || Join(dated, b).Level != ab.Level {
				t.Fatalf("since decides between %v and %v", dated, b)
			}
			for _, c := range all {
				if Join(ab, c) != Join(a, Join(b, c)) {
					t.Fatalf("%v, %v and %v: the order matters", a, b, c)
				}
			}
		}
	}
}

func TestStampText(t *testing.T) {
	s := NewStamp(time.UnixMilli(0x0192f0c1a2b3), 7, 0xa1b2c3d4e5f60718)
	if got := s.String(); got != "0192f0c1a2b30007a1b2c3d4e5f60718" {
		t.Fatalf("got %s", got)
	}
	for _, bad := range []string{"", "0192f0c1a2b30007a1b2c3d4e5f6071", "0192F0C1a2b30007a1b2c3d4e5f60718", "0192f0c1a2b30007a1b2c3d4e5f6071g", "0192f0c1a2b30007a1b2c3d4e5f6071800"} {
		if _, err := ParseStamp(bad); err == nil {
			t.Errorf("%q was taken for a stamp", bad)
		}
	}
}
