// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sinks of spans; see spans.h.
 */
#include <assert.h>

#include "base/base.h"
#include "model/spans.h"

static const char *const names[KVS_SPAN_KINDS] = {
	[KVS_SPAN_STATE]	= "state",
	[KVS_SPAN_EXIT]		= "exit",
	[KVS_SPAN_OUT]		= "out",
	[KVS_SPAN_BLOCKED]	= "blocked",
	[KVS_SPAN_RUN]		= "run",
	[KVS_SPAN_USER]		= "user",
	[KVS_SPAN_SLICE]	= "slice",
	[KVS_SPAN_OFF]		= "off",
	[KVS_SPAN_WAIT]		= "wait",
	[KVS_SPAN_PIECE]	= "piece",
	[KVS_SPAN_TIMER_ARMED]	= "timer_armed",
	[KVS_SPAN_TIMER_LATE]	= "timer_late",
	[KVS_SPAN_TIMER_ACCEPT]	= "timer_accept",
	[KVS_SPAN_TIMER]	= "timer",
	[KVS_SPAN_TIMER_ENTRY]	= "timer_entry",
	[KVS_SPAN_ACCEPT]	= "accept",
	[KVS_SPAN_IRQ]		= "irq",
	[KVS_SPAN_KICK]		= "kick",
	[KVS_SPAN_WAKEUP]	= "wakeup",
	[KVS_SPAN_SERVICE]	= "service",
	[KVS_SPAN_TASK]		= "task",
	[KVS_SPAN_TASK_WAIT]	= "task_wait",
	[KVS_SPAN_HOST_IRQ]	= "host_irq",
	[KVS_SPAN_CLOCKEVENT]	= "clockevent",
};

static_assert(KVS_SPAN_KINDS <= 32, "a mask of kinds has 32 bits");

const char *kvs_span_kind_name(unsigned int kind)
{
	return kind < KVS_SPAN_KINDS ? names[kind] : NULL;
}

const char *kvs_armed_end_name(unsigned int end)
{
	static const char *const ends[] = {
		[KVS_ARMED_EXPIRED]	= "expired",
		[KVS_ARMED_STOPPED]	= "stopped",
		[KVS_ARMED_REPLACED]	= "replaced",
	};

	return end < ARRAY_SIZE(ends) ? ends[end] : NULL;
}

void kvs_sinks_add(struct kvs_sinks *sinks, u32 kinds,
		   void (*span)(void *ctx, const struct kvs_span *span), void *ctx)
{
	assert(sinks->nr < KVS_MAX_SINKS);
	sinks->sinks[sinks->nr++] = (struct kvs_span_sink){
		.kinds = kinds, .span = span, .ctx = ctx,
	};
	sinks->kinds |= kinds;
}

void kvs_sinks_add_whole(struct kvs_sinks *sinks, u32 kinds,
			 void (*span)(void *ctx, const struct kvs_span *span), void *ctx)
{
	kvs_sinks_add(sinks, kinds, span, ctx);
	sinks->sinks[sinks->nr - 1].whole = true;
}

void kvs_sinks_clear(struct kvs_sinks *sinks)
{
	sinks->nr = 0;
	sinks->kinds = 0;
}
