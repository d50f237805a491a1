package topic_test

import (
	"fmt"

	"newsfeed/interests/topic"
)

// An article is tagged with what it mentions and with what stands above that.
func Example() {
	catalogue := topic.NewCatalogue(topic.Seed())
	tags := catalogue.Tagger().Tags(topic.Text{
		Title:   "N. Korea fires missile",
		Summary: "Pyongyang launched a ballistic missile on Monday, South Korea's army said.",
	})
	for _, tag := range catalogue.Inherit(tags) {
		fmt.Printf("%s %.1f %v\n", tag.Topic, tag.Salience, tag.Inherited)
	}
	// Output:
	// north-korea 0.8 false
	// missiles 0.7 false
	// pyongyang 0.5 false
	// east-asia 0.4 true
	// south-korea 0.4 false
	// war-and-conflict 0.4 true
	// asia 0.2 true
}

// What a person types finds the topic it stands for.
func ExampleCatalogue_Resolve() {
	catalogue := topic.NewCatalogue(topic.Seed())
	for _, typed := range []string{"DPRK", "crude", "West Germany"} {
		t, _ := catalogue.Resolve(typed)
		fmt.Println(t.ID, t.Kind)
	}
	// Output:
	// north-korea country
	// crude-oil subject
	// germany country
}
