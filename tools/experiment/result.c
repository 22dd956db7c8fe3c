// SPDX-License-Identifier: GPL-2.0-only
/*
 * result.json: what was asked for, on which host, and what each round gave.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/util.h"
#include "experiment/experiment.h"
#include "host/host.h"
#include "record/ours.h"

#ifndef KVMSCHED_VERSION
#define KVMSCHED_VERSION "unknown"
#endif

#define FORMAT	1

static json_t *witness_json(const struct kvs_exp_witness *w)
{
	return json_pack("{si si si si so sb sI sI sI sI}",
		"vm", (int)w->thread.pid, "vm_index", w->thread.vm_index,
		"vcpu", w->thread.vcpu, "tid", (int)w->thread.tid,
		"comm", kvs_bytes_json(w->thread.comm), "starved", w->starved,
		"run_ns", (json_int_t)(w->end.run_ns - w->begin.run_ns),
		"wait_ns", (json_int_t)(w->end.wait_ns - w->begin.wait_ns),
		"nvcsw", (json_int_t)(w->end.nvcsw - w->begin.nvcsw),
		"nivcsw", (json_int_t)(w->end.nivcsw - w->begin.nivcsw));
}

json_t *kvs_exp_round_json(const struct kvs_exp_run *run, const struct kvs_exp_round *round,
			   const char *file, const struct kvs_exp_gains *gains)
{
	json_t *vcpus = json_array();

	for (size_t i = 0; i < gains->nr_witnesses; i++)
		json_array_append_new(vcpus, witness_json(&gains->witnesses[i]));
	return json_pack("{si so so sb sf sI sI sf sI sO sO* so}", "round", (int)run->at + 1,
			 "arm", kvs_bytes_json(run->e->arms[round->arm].name),
			 "file", file ? json_string(file) : json_null(),
			 "recorded", round->recorded, "seconds", gains->seconds,
			 "begin_tsc", (json_int_t)gains->begin_tsc,
			 "end_tsc", (json_int_t)gains->end_tsc,
			 "phase", round->phase, "seed", (json_int_t)round->seed,
			 "knobs", gains->knobs, "guests", gains->guests, "vcpus", vcpus);
}

static json_t *knobs_json(const struct kvs_knob_list *knobs)
{
	json_t *o = json_object();

	for (size_t i = 0; i < knobs->nr; i++)
		json_object_set_new(o, knobs->knobs[i].knob->name,
				    json_string(knobs->knobs[i].value));
	return o;
}

static json_t *arms_json(const struct kvs_experiment *e)
{
	json_t *arms = json_array();

	for (size_t i = 0; i < e->nr_arms; i++) {
		const struct kvs_exp_arm *arm = &e->arms[i];
		json_t *settings = json_array();

		for (size_t k = 0; k < arm->nr; k++) {
			const struct kvs_exp_setting *s = &arm->settings[k];

			json_array_append_new(settings, json_pack("{so ss* ss*}",
				"vcpu", s->vcpu < 0 ? json_null() : json_integer(s->vcpu),
				"policy", s->policy, "cpus", s->cpus));
		}
		json_array_append_new(arms, json_pack("{so so so so* so*}",
			"name", kvs_bytes_json(arm->name), "settings", settings,
			"knobs", knobs_json(&arm->knobs),
			"guest", arm->guest ? kvs_bytes_json(arm->guest) : NULL, "control_of",
			arm->control_of ? kvs_bytes_json(arm->control_of) : NULL));
	}
	return arms;
}

/* NULL for NULL */
static json_t *words_json(char **words)
{
	json_t *array = words ? json_array() : NULL;

	for (; words && *words; words++)
		json_array_append_new(array, kvs_bytes_json(*words));
	return array;
}

static json_t *asked_json(const struct kvs_experiment *e)
{
	return json_pack("{ss* so so* so* sI ss sI sf sf sf sI sb so ss*}", "name", e->title,
			 "workload", e->workload ? words_json(e->workload) : json_null(),
			 "guest_hook", words_json(e->guest_hook), "guests", words_json(e->guests),
			 "rounds", (json_int_t)e->rounds,
			 "order", kvs_exp_orders[e->order],
			 "seed", (json_int_t)e->seed, "warmup", e->warmup,
			 "phase", e->phase, "length", e->length,
			 "unrecorded", (json_int_t)e->unrecorded, "force", e->force,
			 "knobs", knobs_json(&e->knobs), "events", e->events);
}

/* An ELF note: three words, "GNU", and the id that the linker made. */
static char *module_build_id(void)
{
	char *note, *hex = NULL;
	size_t size;

	note = kvs_read_file("/sys/module/kvmsched/notes/.note.gnu.build-id", &size);
	if (note && size > 16) {
		hex = xcalloc(2 * (size - 16) + 1, 1);
		for (size_t i = 16; i < size; i++)
			sprintf(hex + 2 * (i - 16), "%02x", (unsigned char)note[i]);
	}
	free(note);
	return hex;
}

static json_t *versions_json(void)
{
	char *module = kvs_read_line("/sys/module/kvmsched/version");
	char *src = module_build_id();
	char *kernel = kvs_read_line("/proc/version");
	json_t *o = json_pack("{ss ss* ss* ss*}", "kvmsched", KVMSCHED_VERSION,
			      "module", module, "module_build_id", src,
			      "kernel", kernel);

	free(kernel);
	free(src);
	free(module);
	return o;
}

static json_t *host_json(void)
{
	return json_pack("{so so so so}", "kernel", kvs_host_kernel(), "cpu", kvs_host_cpu(),
			 "kvm", kvs_host_kvm(), "scheduler", kvs_host_scheduler());
}

/* A new file takes the old one's place: whenever the machine dies, one of them is whole. */
bool kvs_exp_result_write(const struct kvs_exp_run *run, bool complete)
{
	static const char name[] = "result.json", new_name[] = "result.json.new";
	char when[64];
	time_t now = time(NULL);
	json_t *o;
	bool ok;
	int fd;

	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	o = json_pack("{si ss sb so so so so so sO}", "version", FORMAT, "ended", when,
		      "complete", complete, "versions", versions_json(),
		      "host", host_json(), "knobs", kvs_knobs_json(),
		      "experiment", asked_json(run->e), "arms", arms_json(run->e),
		      "rounds", run->rounds);
	fd = o ? kvs_ours_file(run->folder, run->e->folder, new_name,
			       O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
	ok = fd >= 0 && !json_dumpfd(o, fd, JSON_INDENT(1)) &&
	     !renameat(run->folder, new_name, run->folder, name);
	if (!ok)
		kvs_errno("can't write %s/%s", run->e->folder, name);
	if (fd >= 0)
		close(fd);
	json_decref(o);
	return ok;
}
