// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables as tracks; see tracks.h.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "export/tracks.h"
#include "model/spans.h"

static const struct kvs_track tracks[] = {
	[KVS_SPAN_STATE] = { "state", "state" },
	[KVS_SPAN_EXIT] = { "exit", "reason" },
	[KVS_SPAN_OUT] = { "out of the guest", "reason" },
	[KVS_SPAN_BLOCKED] = { "blocked", "reason" },
	[KVS_SPAN_RUN] = { "KVM_RUN", "reason" },
	[KVS_SPAN_USER] = { "userspace", "reason" },
	[KVS_SPAN_SLICE] = { "on a CPU", "cpu" },
	[KVS_SPAN_OFF] = { "off the CPU", "kind" },
	[KVS_SPAN_WAIT] = { "wait", "preempted", "preempted", "woken" },
	[KVS_SPAN_PIECE] = { "thief", "comm" },
	[KVS_SPAN_TIMER_ARMED] = { "timer: armed", "mode" },
	[KVS_SPAN_TIMER_LATE] = { "timer: due" },
	[KVS_SPAN_TIMER_ACCEPT] = { "timer: expired" },
	[KVS_SPAN_TIMER] = { "timer: deadline to injection", "vector" },
	[KVS_SPAN_TIMER_ENTRY] = { "timer: injected" },
	/* What follows has who sent it, and when, as well. */
	[KVS_SPAN_ACCEPT] = { NULL },
	[KVS_SPAN_IRQ] = { "interrupt: accepted", "vector" },
	[KVS_SPAN_KICK] = { "interrupt: kick", "vector" },
	[KVS_SPAN_WAKEUP] = { "interrupt: wakeup", "vector" },
	[KVS_SPAN_SERVICE] = { "interrupt: in service", "vector" },
	/* Perfetto has tables and lanes of its own for who has a CPU. */
	[KVS_SPAN_TASK] = { NULL },
	[KVS_SPAN_TASK_WAIT] = { "task wait", "comm" },
	[KVS_SPAN_HOST_IRQ] = { "host interrupt", "name" },
	[KVS_SPAN_CLOCKEVENT] = { "clock event" },
};

static_assert(ARRAY_SIZE(tracks) == KVS_SPAN_KINDS, "each kind of span has its track");

const struct kvs_track *kvs_track_of(unsigned int table)
{
	return &tracks[table - KVS_TABLE_SPANS];
}

int kvs_export_column(unsigned int table, const char *name)
{
	const struct kvs_column *columns = kvs_export_table(table)->columns;

	for (int i = 0; columns[i].type != KVS_COLUMN_END; i++)
		if (!strcmp(columns[i].name, name))
			return i;
	return -1;
}

const struct kvs_value_of *kvs_cell_of(unsigned int table, const struct kvs_value_of *values,
				       const char *column)
{
	return &values[kvs_export_column(table, column)];
}

int64_t kvs_number_of(unsigned int table, const struct kvs_value_of *values, const char *column)
{
	const struct kvs_value_of *v = kvs_cell_of(table, values, column);

	return v->null ? 0 : v->number;
}

const char *kvs_slice_name(char text[KVS_SLICE_NAME_LEN], unsigned int table, int column,
			   const struct kvs_value_of *values)
{
	const struct kvs_track *track = kvs_track_of(table);
	const struct kvs_value_of *v = &values[column];

	if (column < 0)
		return track->name;
	if (kvs_export_table(table)->columns[column].type == KVS_COLUMN_TEXT)
		return v->text ? v->text : "unknown";
	if (track->yes)
		return v->number ? track->yes : track->no;
	snprintf(text, KVS_SLICE_NAME_LEN, "%s %" PRId64, track->named_by, v->number);
	return text;
}
