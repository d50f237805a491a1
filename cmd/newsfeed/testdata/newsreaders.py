"""What newsreaders make of a document: id, link, title and date of each item, as JSON.

newsreaders.py feedparser URL     what the library reads
newsreaders.py newsboat CACHE     what newsboat has put into its cache
"""

import calendar
import json
import sqlite3
import sys


def by_feedparser(url):
    import feedparser

    parsed = feedparser.parse(url)
    if parsed.bozo:
        raise SystemExit(f"{url} is not well formed: {parsed.bozo_exception}")
    return [(e.id, e.link, e.title, calendar.timegm(e.published_parsed)) for e in parsed.entries]


def by_newsboat(cache):
    db = sqlite3.connect(cache)
    return list(db.execute("SELECT guid, url, title, pubDate FROM rss_item ORDER BY pubDate DESC, guid"))


reader = {"feedparser": by_feedparser, "newsboat": by_newsboat}[sys.argv[1]]
json.dump(reader(sys.argv[2]), sys.stdout)
