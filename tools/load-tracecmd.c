// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any trace.dat that libtracecmd reads: version 7, compressed or not, as
 * `trace-cmd record -e kvmsched` writes it.
 */
#include <trace-cmd/trace-cmd.h>

#include "kvmsched.h"
#include "load.h"

struct pass {
	struct ks_trace *trace;
	const struct ks_sink *sink;
	struct ks_record rec;
};

static bool tracecmd_reader_open(struct ks_trace *t)
{
	struct tracecmd_input *input;

	/* Its own messages name neither the program nor what to do. */
	tracecmd_set_loglevel(TEP_LOG_NONE);
	tep_set_loglevel(TEP_LOG_NONE);
	input = tracecmd_open(t->path, TRACECMD_FL_LOAD_NO_PLUGINS);
	if (!input) {
		ks_err("%s: libtracecmd can't read it (version %u)", t->path,
		       t->info.version);
		ks_hint("cut short, damaged, or of a newer trace-cmd: see what `trace-cmd report %s` says",
			t->path);
		return false;
	}
	t->priv = input;
	/* The library turns a TSC clock to ns where it knows the rate. */
	t->info.clock = KS_CLOCK_NS;
	t->info.cpus = tep_get_cpus(tracecmd_get_tep(input));
	ks_decoder_add_tep(t->decoder, tracecmd_get_tep(input));
	return true;
}

static int take(struct tracecmd_input *input, struct tep_record *record, int cpu,
		void *data)
{
	struct pass *pass = data;
	struct ks_trace *t = pass->trace;

	if (record->missed_events)
		pass->sink->missed(pass->sink->ctx, cpu, record->missed_events);
	if (!ks_trace_count(t, ks_decode(t->decoder, record->data, record->size,
					 &pass->rec)))
		return 0;
	pass->rec.ts = record->ts;
	pass->rec.cpu = cpu;
	pass->sink->record(pass->sink->ctx, &pass->rec);
	return 0;
}

static bool tracecmd_reader_read(struct ks_trace *t, const struct ks_sink *sink)
{
	struct pass pass = { .trace = t, .sink = sink };

	if (!tracecmd_iterate_events(t->priv, NULL, 0, take, &pass))
		return true;
	ks_err("%s: libtracecmd stopped before its end", t->path);
	return false;
}

static void tracecmd_reader_close(struct ks_trace *t)
{
	if (t->priv)
		tracecmd_close(t->priv);
}

const struct ks_reader ks_reader_tracecmd = {
	.open = tracecmd_reader_open,
	.read = tracecmd_reader_read,
	.close = tracecmd_reader_close,
};
