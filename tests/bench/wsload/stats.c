/*
 * wsload: what is measured: latency histograms, CPU time of processes and of
 * the machine; and the report, one line of JSON on standard output.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "wsload.h"

struct histogram latency, connecting;

/* 64 linear steps for each power of two. */
void
hist_add(struct histogram *h, uint64_t v)
{
	unsigned int shift = 0, i;

	if (v >= 1u << (HIST_SUB_BITS + 1))
		shift = 63 - (unsigned int)__builtin_clzll(v) - HIST_SUB_BITS;
	i = (shift << HIST_SUB_BITS) + (unsigned int)(v >> shift);
	h->count[i]++;
	h->total++;
	h->sum += (double)v;
	if (v > h->max)
		h->max = v;
}

/* Microseconds below which a fraction q of the values lie. */
static double
hist_quantile(const struct histogram *h, double q)
{
	uint64_t want, low, seen = 0;
	unsigned int i, shift;

	want = (uint64_t)(q * (double)h->total);
	for (i = 0; i < HIST_SIZE; i++) {
		seen += h->count[i];
		if (h->count[i] == 0 || seen <= want)
			continue;
		shift = i >> HIST_SUB_BITS;
		shift = shift > 0 ? shift - 1 : 0;
		low = (uint64_t)(i - (shift << HIST_SUB_BITS)) << shift;
		return ((double)(low + ((1u << shift) >> 1)) / 1e3);
	}
	return ((double)h->max / 1e3);
}

/* Sum over all threads, in seconds; schedstat counts nanoseconds. */
static double
process_cpu(int pid)
{
	char path[300], line[128];
	struct dirent *d;
	double sum = 0;
	DIR *dir;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	if ((dir = opendir(path)) == NULL)
		return (0);
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.32s/schedstat",
		    pid, d->d_name);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		if (fgets(line, sizeof(line), f) != NULL)
			sum += (double)strtoull(line, NULL, 10) / 1e9;
		fclose(f);
	}
	closedir(dir);
	return (sum);
}

double
watch_cpu(const struct watch *w)
{
	double sum = 0;
	int i;

	for (i = 0; i < w->npids; i++)
		sum += process_cpu(w->pids[i]);
	return (sum);
}

/* CPU time of the whole machine so far, and time stolen from it. */
void
machine_cpu(double *busy, double *steal)
{
	unsigned long long user, nice, sys, idle, wait, irq, softirq, stolen;
	double tick = 1.0 / (double)sysconf(_SC_CLK_TCK);
	FILE *f;

	*busy = *steal = 0;
	if ((f = fopen("/proc/stat", "r")) == NULL)
		return;
	if (fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user,
	    &nice, &sys, &idle, &wait, &irq, &softirq, &stolen) == 8) {
		*busy = (double)(user + nice + sys + irq + softirq) * tick;
		*steal = (double)stolen * tick;
	}
	fclose(f);
}

double
own_cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

static void
report_count(const char *name, uint64_t value)
{
	printf("\"%s\":%llu,", name, (unsigned long long)value);
}

static void
report_scenario(void)
{
	printf("{\"label\":\"%s\",\"proto\":\"%s\",\"scenario\":\"%s\","
	    "\"channels\":%u,\"subs\":%u,\"size\":%zu,\"fill\":\"%s\","
	    "\"window\":%u,\"rate\":%g,\"conns\":%u,", opt.label,
	    opt.proto->name, opt.scenario_name, opt.channels, opt.subs,
	    opt.size, opt.fill, opt.window, opt.rate, nconns);
	printf("\"setup_s\":%.4f,\"setup_per_s\":%.0f,\"settle_s\":%.4f,"
	    "\"setup_us\":{\"p50\":%.1f,\"p99\":%.1f},", timing.setup,
	    nready / timing.setup, timing.settle,
	    hist_quantile(&connecting, .5), hist_quantile(&connecting, .99));
}

static void
report_checks(void)
{
	const struct counters *c = &counters;
	uint64_t expected = c->published * opt.subs;
	bool ok;

	ok = c->delivered == expected && c->gaps + c->late + c->misrouted +
	    c->corrupt + c->closed + c->failed == 0;
	printf("\"ok\":%s,", ok ? "true" : "false");
	report_count("expected", expected);
	report_count("received", c->delivered);
	printf("\"lost\":%lld,", (long long)(expected - c->delivered));
	report_count("gaps", c->gaps);
	report_count("late", c->late);
	report_count("misrouted", c->misrouted);
	report_count("corrupt", c->corrupt);
	report_count("verified", c->verified);
	report_count("echoed", c->echoed);
	report_count("other", c->other);
	report_count("closed", c->closed);
	report_count("failed", c->failed);
	report_count("stalls", c->stalls);
	report_count("notified", c->notified);
}

static void
report_latency(void)
{
	printf("\"lat_us\":{\"n\":%llu,\"mean\":%.1f,\"p50\":%.1f,"
	    "\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},",
	    (unsigned long long)latency.total,
	    latency.total > 0 ? latency.sum / (double)latency.total / 1e3 : 0,
	    hist_quantile(&latency, .5), hist_quantile(&latency, .9),
	    hist_quantile(&latency, .99), hist_quantile(&latency, .999),
	    (double)latency.max / 1e3);
}

void
report(void)
{
	uint64_t delivered, published, roundtrips;
	double took = (double)(timing.to - timing.from) / 1e9, cpu;
	const struct watch *w;
	int i;

	if (opt.scenario == IDLE)
		took = 1;
	delivered = counters_end.delivered - counters_start.delivered;
	published = counters_end.published - counters_start.published;
	roundtrips = counters_end.roundtrips - counters_start.roundtrips;
	report_scenario();
	report_checks();
	report_latency();
	printf("\"seconds\":%.4f,\"from\":%.6f,\"to\":%.6f,"
	    "\"deliveries\":%llu,\"deliveries_per_s\":%.0f,"
	    "\"msgs_per_s\":%.0f,\"roundtrips_per_s\":%.0f,"
	    "\"payload_mb_per_s\":%.1f,", took, timing.unix_from,
	    timing.unix_to, (unsigned long long)delivered,
	    (double)delivered / took, (double)published / took,
	    (double)roundtrips / took,
	    (double)delivered * (double)opt.size / took / 1e6);
	printf("\"client_busy\":%.3f,\"machine_busy\":%.3f,\"steal\":%.3f,"
	    "\"cpu\":{", timing.own / took, timing.busy / took,
	    timing.steal / took);
	for (i = 0; i < opt.nwatch; i++) {
		w = &opt.watch[i];
		cpu = w->at_end - w->at_start;
		printf("%s\"%s\":{\"setup_s\":%.4f,\"s\":%.4f,\"busy\":%.3f,"
		    "\"per_million\":%.4f}", i > 0 ? "," : "", w->name,
		    w->at_setup, cpu, cpu / took,
		    delivered > 0 ? cpu / (double)delivered * 1e6 : 0);
	}
	printf("}}\n");
	fflush(stdout);
}
