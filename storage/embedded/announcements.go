package embedded

import "newsfeed/feed"

// Announcements is [feed.Announcements] inside this process, the only one that
// has the file.
func (s *Store) Announcements() feed.Announcements { return s.bell }
