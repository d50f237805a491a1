package api

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// meters are the figures at /metrics, in a registry of their own.
type meters struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	unrouted  *meter
	handler   http.Handler
}

// lagTimeout bounds the question to the store that the log's lag takes.
const lagTimeout = time.Second

func newMeters(s *Server) *meters {
	registry := prometheus.NewRegistry()
	m := &meters{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "newsfeed_http_requests_total", Help: "Requests answered.",
		}, []string{"route", "method", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "newsfeed_http_request_duration_seconds", Help: "Time from the end of the headers to the answer's being ready.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "method"}),
	}
	registry.MustRegister(m.requests, m.durations, &corpusCollector{s},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.unrouted = m.of("none", "any")
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return m
}

// meter is the figures of one route and method, looked up once.
type meter struct {
	requests *prometheus.CounterVec // of the route and method, by status
	duration prometheus.Observer
	byStatus [600]atomic.Pointer[prometheus.Counter]
}

func (m *meters) of(route, method string) *meter {
	labels := prometheus.Labels{"route": route, "method": method}
	one := &meter{requests: m.requests.MustCurryWith(labels), duration: m.durations.With(labels)}
	one.counter(http.StatusOK)
	return one
}

// counter returns the counter of a status; only the first call for it looks up a label.
func (m *meter) counter(status int) prometheus.Counter {
	if status < 0 || status >= len(m.byStatus) {
		status = http.StatusInternalServerError
	}
	if c := m.byStatus[status].Load(); c != nil {
		return *c
	}
	c := m.requests.WithLabelValues(strconv.Itoa(status))
	m.byStatus[status].Store(&c)
	return c
}

// note counts one answer.
func (m *meter) note(status int, took time.Duration) {
	m.counter(status).Inc()
	m.duration.Observe(took.Seconds())
}

// corpusCollector reads the state of the corpus when it is asked for.
type corpusCollector struct{ s *Server }

var (
	articlesDesc = prometheus.NewDesc("newsfeed_index_articles", "Articles in the index.", nil, nil)
	editionDesc  = prometheus.NewDesc("newsfeed_edition", "Newest edition in the index.", nil, nil)
	lagDesc      = prometheus.NewDesc("newsfeed_log_lag_editions", "Editions in the log that the index has not applied yet; absent when the store does not answer.", nil, nil)
	warmDesc     = prometheus.NewDesc("newsfeed_warm", "1 when the index has reached the horizon.", nil, nil)
	pollsDesc    = prometheus.NewDesc("newsfeed_source_polls_total", "Polls of addresses of sources by this node.", []string{"outcome"}, nil)
	faultsDesc   = prometheus.NewDesc("newsfeed_source_faults_total", "Polls by this node that failed, by kind, and documents that were read though something is wrong with them (cut_off, encoding, malformed).", []string{"kind"}, nil)
	tookDesc     = prometheus.NewDesc("newsfeed_source_polls_seconds_total", "Time in which this node asked addresses of sources and read what they answered, without waiting for a turn.", nil, nil)
	polledDesc   = prometheus.NewDesc("newsfeed_source_articles_total", "Articles that this node's polls brought.", []string{"outcome"}, nil)
	sourcesDesc  = prometheus.NewDesc("newsfeed_source_addresses", "Addresses of sources; absent when the store does not answer.", []string{"state"}, nil)
	topicsDesc   = prometheus.NewDesc("newsfeed_topics", "Topics in the catalogue, of all kinds.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c *corpusCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{articlesDesc, editionDesc, lagDesc, warmDesc, topicsDesc, pollsDesc, tookDesc, faultsDesc, polledDesc, sourcesDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *corpusCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	edition, warm := c.s.Index.Edition(), 0.0
	if c.s.Warm() {
		warm = 1
	}
	gauge(articlesDesc, float64(c.s.Index.Articles()))
	gauge(editionDesc, float64(edition))
	gauge(warmDesc, warm)
	gauge(topicsDesc, float64(c.s.Catalogue.Len()))
	c.collectSources(out)
	ctx, cancel := context.WithTimeout(context.Background(), lagTimeout)
	defer cancel()
	if top, _, err := c.s.Articles.Top(ctx); err == nil {
		gauge(lagDesc, max(0, float64(top)-float64(edition)))
	}
}

// collectSources tells what polling comes to.
func (c *corpusCollector) collectSources(out chan<- prometheus.Metric) {
	labelled := func(d *prometheus.Desc, kind prometheus.ValueType, v int64, label string) {
		out <- prometheus.MustNewConstMetric(d, kind, float64(v), label)
	}
	counts := &c.s.Desk.Counts
	polls, unchanged, faults := counts.Polls.Load(), counts.Unchanged.Load(), counts.Faults.Load()
	labelled(pollsDesc, prometheus.CounterValue, max(0, polls-unchanged-faults), "document")
	labelled(pollsDesc, prometheus.CounterValue, unchanged, "unchanged")
	labelled(pollsDesc, prometheus.CounterValue, faults, "fault")
	out <- prometheus.MustNewConstMetric(tookDesc, prometheus.CounterValue, time.Duration(counts.Took.Load()).Seconds())
	for kind, n := range counts.Kinds.All() {
		labelled(faultsDesc, prometheus.CounterValue, n, kind.String())
	}
	labelled(polledDesc, prometheus.CounterValue, counts.New.Load(), "accepted")
	labelled(polledDesc, prometheus.CounterValue, counts.Updated.Load(), "updated")
	labelled(polledDesc, prometheus.CounterValue, counts.Rejected.Load(), "rejected")
	all, err := c.s.Desk.All(context.Background())
	if err != nil {
		return
	}
	states := map[string]int64{"waiting": 0, "polled": 0, "failing": 0, "stopped": 0}
	for i := range all {
		states[stateOf(&all[i])]++
	}
	for state, n := range states {
		labelled(sourcesDesc, prometheus.GaugeValue, n, state)
	}
}
