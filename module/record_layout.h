/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct ks_rec_exit, struct ks_rec_vcpu, ...: the records as the ring has them
 *
 * events.h makes a TRACE_EVENT of each record, and uapi/record_structs.h a plain
 * struct of the same layout.  The probes fill that struct in place: in the ring
 * or, where only ftrace listens, in a scratch buffer.  events.c proves at build
 * time that both layouts are the same.
 */
#ifndef _KVMSCHED_RECORD_LAYOUT_H
#define _KVMSCHED_RECORD_LAYOUT_H

#include <linux/trace_events.h>

#include "uapi/record_structs.h"

#endif /* _KVMSCHED_RECORD_LAYOUT_H */
