/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Comparing arms: recordings under one policy against recordings under another.
 *
 *	recording -> units (a round, or blocks of its time) -> a value of each
 *	metric for each unit -> arms of many units -> pairs of arms -> verdicts
 *
 *	values.c  values of one metric, some of them censored
 *	survey.c  a recording's window and longest slice, its files read
 *	collect.c one recording's records, to the values of its units
 *	load.c	  files and result folders, to arms
 *	cost.c	  unrecorded rounds, beside recorded ones
 *	compare.c	  two arms, to verdicts; pure
 *	text.c	  tables
 *	hist.c	  histograms side by side
 *	json.c	  JSON
 */
#ifndef KVMSCHED_COMPARE_H
#define KVMSCHED_COMPARE_H

#include <jansson.h>
#include <stdio.h>

#include "model/model.h"
#include "report/view.h"
#include "stats/stats.h"

/* What is compared.  The first KVS_M_PER_UNIT have many values in a unit. */
enum kvs_metric {
	KVS_M_SLICE,
	KVS_M_WAIT_PREEMPTED,
	KVS_M_WAIT_WOKEN,
	KVS_M_TIMER_LATENESS,
	KVS_M_IRQ_DELIVERY,
	KVS_M_EXIT_COST,
	KVS_M_PER_UNIT,		/* from here on, one value for each unit */
	KVS_M_SLICES = KVS_M_PER_UNIT,
	KVS_M_PREEMPTIONS,
	KVS_M_FAIRNESS,
	KVS_M_GUEST_SHARE,
	KVS_M_SWITCHES,
	KVS_M_STEAL,
	KVS_NR_METRICS
};

enum kvs_direction { KVS_DIR_NONE, KVS_DIR_LOWER, KVS_DIR_HIGHER };

struct kvs_metric_desc {
	const char *name;	/* in JSON, and of --metric */
	const char *title;
	const char *unit;	/* "ns", "1/s" or "" (a share of 1) */
	enum kvs_direction better;
	const char *what;	/* one line of explanation */
};

extern const struct kvs_metric_desc kvs_metrics[KVS_NR_METRICS];

/* --- values.c ------------------------------------------------- */

/* Many values, in single precision (24 bits), and the few that are censored */
struct kvs_values {
	float *seen;
	size_t nr, room;
	bool sorted;
	double *censored;
	size_t nr_censored;
};

/* What stands for a unit: the share of its values that are below; 0: mean */
#define KVS_STATISTIC_MEAN	0.0

void kvs_values_add(struct kvs_values *v, double value, bool censored);
void kvs_values_merge(struct kvs_values *into, const struct kvs_values *from);
/* False: there is none. */
bool kvs_values_quantile(struct kvs_values *v, double q, struct kvs_obs *obs);
bool kvs_values_statistic(struct kvs_values *v, double statistic, struct kvs_obs *obs);
void kvs_values_free(struct kvs_values *v);

/* --- collect.c ------------------------------------------------ */

/* A vCPU that was there, whether it left a record or not */
struct kvs_witness {
	long tid;
	bool starved;		/* runnable, and never on a CPU */
};

/* How a recording is cut into units, and what it may not show by itself */
struct kvs_cut {
	double block_ns;	/* 0: one unit, the whole recording */
	const struct kvs_witness *witnesses;
	size_t nr_witnesses;
};

/* What the first pass finds out. */
struct kvs_survey {
	struct kvs_times times;
	u64 begin, end;		/* ts: while all vCPUs were there */
	double longest_ns;	/* slice */
	unsigned int vcpus;
	u64 records, lost;
	bool lost_exact;
	bool tsc;		/* the file's clock is the TSC */
};

struct kvs_unit {
	struct kvs_values values[KVS_M_PER_UNIT];
	struct kvs_obs single[KVS_NR_METRICS];	/* from KVS_M_PER_UNIT on */
	bool known[KVS_NR_METRICS];		/* of these */
};

struct kvs_units {
	struct kvs_unit *units;
	size_t nr;
	bool idle;		/* no vCPU wanted a CPU */
};

/*
 * Both give false after a message.  @whole: the window is the recording's own,
 * not the time while all its vCPUs were there.
 */
bool kvs_survey_file(const char *path, bool whole, struct kvs_survey *survey);
bool kvs_collect_file(const char *path, const struct kvs_survey *survey,
		      const struct kvs_cut *cut, struct kvs_units *units);
void kvs_units_free(struct kvs_units *units);

/* The collector itself, for kvs_collect_file() and tests. */
struct kvs_collector;

struct kvs_collector *kvs_collector_create(const struct kvs_survey *survey,
					   const struct kvs_cut *cut);
void kvs_collector_record(void *collector, const struct kvs_record *rec);
void kvs_collector_missed(void *collector, unsigned int cpu, s64 count);
/* Ends it, and frees it. */
void kvs_collector_finish(struct kvs_collector *c, struct kvs_units *units);

/* --- compare.c -------------------------------------------------------- */

struct kvs_arm {
	char *name;
	size_t files, units;
	struct kvs_obs *value[KVS_NR_METRICS];	/* one a unit that has any */
	size_t nr[KVS_NR_METRICS];
	struct kvs_values pool[KVS_NR_METRICS];	/* of all units */
	u64 lost;
	unsigned int vcpus, starved;
};

void kvs_arm_add(struct kvs_arm *arm, struct kvs_units *units, double statistic);
void kvs_arm_free(struct kvs_arm *arm);

enum kvs_verdict {
	KVS_V_BETTER, KVS_V_WORSE, KVS_V_HIGHER, KVS_V_LOWER, KVS_V_NONE, KVS_V_TOO_FEW,
};

const char *kvs_verdict_name(enum kvs_verdict verdict);

struct kvs_result {
	bool present;		/* one of the arms has values */
	bool tested;		/* both have enough for a test */
	double difference, effect, p, corrected;
	enum kvs_bound bound;
	double ci[2];
	bool exact, identical;
	double detectable;	/* of verdict none; NaN: can't be told */
	size_t needed;		/* units an arm, of verdict too_few; 0: unknown */
	enum kvs_verdict verdict;
};

struct kvs_comparison {
	struct kvs_arm *a, *b;	/* @b against @a */
	struct kvs_result result[KVS_NR_METRICS];
	size_t tests;
};

enum kvs_inference { KVS_BY_ROUND, KVS_BY_BLOCK };

#define KVS_ALPHA	0.05
#define KVS_CONFIDENCE	0.95
#define KVS_POWER	0.8
#define KVS_MIN_ROUNDS	6
#define KVS_MIN_BLOCKS	12
#define KVS_BLOCK_SLICES	10	/* a block is so many of the longest slices */
#define KVS_MAX_BLOCKS	20	/* and not more than that of the shorter file */

struct kvs_settings {
	enum kvs_inference by;
	bool too_short;		/* blocks of time would hold too few slices */
	double statistic;	/* of a unit's values */
	uint64_t seed;
	bool all_pairs;		/* correct for the tests of all pairs */
	unsigned int metrics;	/* bit mask; what is tested is corrected for */
};

/* All pairs in one call, since the correction may go over all of them. */
void kvs_compare(struct kvs_comparison *pairs, size_t nr,
		 const struct kvs_settings *settings);

/* --- load.c --------------------------------------------------- */

struct kvs_study {
	struct kvs_settings settings;
	const char *baseline;	/* name of an arm; NULL: the first */
	struct kvs_arm *arms;
	size_t nr_arms;
	struct kvs_comparison *pairs;
	size_t nr_pairs;
	double block_ns;	/* by block: how long one is */
	double needed_ns;	/* ... and what a recording would need; 0: enough */
	bool deterministic;	/* all rounds of all arms are the same */
	json_t *result;		/* result.json of a folder, or NULL */
};

/* @args: FILE..., NAME=FILE..., or one folder.  False after a message. */
bool kvs_study_load(struct kvs_study *study, char **args, size_t nr);
void kvs_study_free(struct kvs_study *study);

/* --- cost.c --------------------------------------------------- */

enum kvs_cost { KVS_COST_RUN, KVS_COST_SWITCHES, KVS_NR_COSTS };

struct kvs_cost_range {
	unsigned int rounds;
	double low, high;	/* of the rounds; per vCPU and second */
};

struct kvs_costs {
	struct kvs_cost_range recorded[KVS_NR_COSTS], unrecorded[KVS_NR_COSTS];
};

/* False: this arm has no round without a recording. */
bool kvs_study_cost(const struct kvs_study *study, size_t arm, struct kvs_costs *costs);

/* --- printers --------------------------------------------------------- */

void kvs_study_text(const struct kvs_study *study, unsigned int histograms);
bool kvs_study_json(const struct kvs_study *study);
/* Whether the terminal takes more than ASCII */
bool kvs_utf8(void);
/* One metric, all arms side by side */
void kvs_histogram(const struct kvs_study *study, enum kvs_metric metric);

#endif /* KVMSCHED_COMPARE_H */
