package redis

import "time"

// SetSilence makes listeners impatient until the returned function is called. No
// store may listen at either moment.
func SetSilence(d time.Duration) (restore func()) {
	before := silence
	silence = d
	return func() { silence = before }
}
