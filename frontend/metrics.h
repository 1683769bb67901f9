/*
 * GET /metrics: clients that wait until the parent has gathered the rows of all
 * processes.
 */
#ifndef FRONTEND_METRICS_H
#define FRONTEND_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct client;

#define METRICS_WAITING_MAX	16	/* beyond it the answer is 503 */
#define METRICS_WAIT_MS		5000	/* later than that, too */

/*
 * Answers a request for the metrics, later; until then the client is not read
 * from.  head: it was a HEAD; end: the connection ends after the answer.
 */
void	metrics_wait(struct client *, int head, int end);

/* The client is gone. */
void	metrics_forget(const struct client *);

/* What the parent says: a row, and that there are no more. */
void	metrics_gather(uint32_t number, const void *row, size_t len);
void	metrics_gathered(uint32_t number, uint32_t problem);

#endif
