/*
 * GET /metrics: the rows of what nwsd counts, as text for Prometheus.
 */
#ifndef FRONTEND_METRICS_H
#define FRONTEND_METRICS_H

struct client;

/*
 * Answers a request for the metrics, later.  head: it was a HEAD; end: the
 * connection ends after the answer.
 */
void	metrics_wait(struct client *, int head, int end);

#endif
