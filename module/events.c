// SPDX-License-Identifier: GPL-2.0-only
/*
 * The events: their layouts and ids, and what enabling one attaches
 *
 * ftrace shows an event before our init and after our exit.  When one is
 * enabled, ftrace calls ks_event_reg() with event_mutex held: it is the reg
 * operation of the event's class, as with kprobe events.  TRACE_EVENT_FN's
 * regfunc would be called with tracepoints_mutex held, and so could not
 * register tracepoints.  Users of raw tracepoints (BPF's raw_tp) don't enable
 * the event: they see only what somebody else attached.
 */
#include <linux/module.h>
#include <linux/trace_events.h>

#include "elsewhere.h"
#include "events_init.h"

static int ks_event_reg(struct trace_event_call *event, enum trace_reg type,
			void *data);

/* define_trace.h makes the event classes; this gives them our reg operation. */
#define trace_event_reg ks_event_reg
#define CREATE_TRACE_POINTS
#include "events.h"
#undef trace_event_reg

/*
 * The struct in the ring has the layout of the one that ftrace made of the same
 * fields, so that one `format` file describes both.
 */
#define F(type, name)							\
	static_assert(offsetof(raw, name) == offsetof(rec, name));	\
	static_assert(sizeof_field(raw, name) == sizeof_field(rec, name));
#define A(type, name, n)	F(type, name)
#define KS_RECORD(record, classes, fields, ...)				\
	static inline __maybe_unused void same_layout_##record(void)	\
	{								\
		typedef struct trace_event_raw_kvmsched_##record raw;	\
		typedef struct ks_rec_##record rec;			\
		fields							\
		static_assert(offsetof(raw, __data) == offsetof(rec, __end)); \
	}
#include "uapi/record_list.h"

/* record_list.h prints as much of these names. */
static_assert(KVMSCHED_QUOTA_NAME == 48 && KVMSCHED_BPF_SCHEDULER_NAME == 64);

/* Written at init, read by all probes */
u16 ks_event_ids[KS_NR_EVENTS] __ro_after_init;

const char *const ks_event_names[KS_NR_EVENTS] = {
#define KS_RECORD(record, ...) "kvmsched_" #record,
#include "uapi/record_list.h"
};

static const struct {
	struct trace_event_call *call;
	u32 classes;
} events[KS_NR_EVENTS] = {
#define KS_RECORD(record, classes, ...) { &event_kvmsched_##record, classes },
#include "uapi/record_list.h"
};

static u32 ks_classes_of_event(const struct trace_event_call *call)
{
	int i;

	for (i = 0; i < KS_NR_EVENTS; i++)
		if (events[i].call == call)
			return events[i].classes;
	return 0;
}

/* Called when an event is enabled or disabled; set once, at init */
static int (*ks_event_attach)(u32 classes, int change);

static int ks_request_event(const struct trace_event_call *call, int change)
{
	int (*attach)(u32 classes, int change) = READ_ONCE(ks_event_attach);

	return attach ? attach(ks_classes_of_event(call), change) : -ENODEV;
}

/* The arguments of trace_event_reg(), and what it returns */
struct ks_registration {
	struct trace_event_call *call;
	enum trace_reg type;
	void *data;
	int ret;
};

/* Before, somebody else's tracepoint may have lost its last handler; after, ours. */
static void ks_register_event(void *arg)
{
	struct ks_registration *reg = arg;

	ks_grace_help();
	reg->ret = trace_event_reg(reg->call, reg->type, reg->data);
	ks_grace_help();
}

/* ftrace's own: it registers a handler at the event's tracepoint, or removes it. */
static int ks_register_elsewhere(struct trace_event_call *call,
				 enum trace_reg type, void *data)
{
	struct ks_registration reg = { .call = call, .type = type, .data = data };

	ks_elsewhere("an event", ks_register_event, &reg);
	return reg.ret;
}

static int ks_event_reg(struct trace_event_call *call, enum trace_reg type,
			void *data)
{
	int ret;

	switch (type) {
	case TRACE_REG_REGISTER:
#ifdef CONFIG_PERF_EVENTS
	case TRACE_REG_PERF_REGISTER:
#endif
		ret = ks_request_event(call, 1);
		if (ret)
			return ret;
		ret = ks_register_elsewhere(call, type, data);
		if (ret)
			ks_request_event(call, -1);
		return ret;
	case TRACE_REG_UNREGISTER:
#ifdef CONFIG_PERF_EVENTS
	case TRACE_REG_PERF_UNREGISTER:
#endif
		ret = ks_register_elsewhere(call, type, data);
		/* After our exit this detaches nothing. */
		ks_request_event(call, -1);
		return ret;
	default:
		return trace_event_reg(call, type, data);
	}
}

/**
 * ks_events_init - learn the ids that ftrace gave our events
 * @attach: called with the classes of an event, and 1 when it is enabled or -1
 *	    when it is disabled; until now, enabling was refused
 *
 * Return: whether ftrace gave each of them an id.
 */
bool __init ks_events_init(int (*attach)(u32 classes, int change))
{
	bool all = true;
	int i;

	for (i = 0; i < KS_NR_EVENTS; i++) {
		ks_event_ids[i] = events[i].call->event.type;
		all &= !!ks_event_ids[i];
	}
	WRITE_ONCE(ks_event_attach, attach);
	return all;
}
