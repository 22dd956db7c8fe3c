/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a session writes about itself, as it begins and as it ends
 */
#ifndef _KVMSCHED_SESSION_RECORDS_H
#define _KVMSCHED_SESSION_RECORDS_H

#include <linux/types.h>

#include "hooks.h"

/**
 * struct ks_session_facts - what these records tell
 * @classes:	being recorded; 0 when nobody records
 * @pages:	of each ring
 * @overwrite:	flight recorder
 * @ended:	TSC when recording ended: the time of the closing records
 * @missed:	each hook's missed hits at the beginning
 * @refused:	ks_vcpus_refused() at the beginning
 */
struct ks_session_facts {
	u32 classes;
	u32 pages;
	bool overwrite;
	u64 ended;
	u64 missed[KS_MAX_HOOKS];
	u64 refused;
};

void ks_session_write_first(struct ks_session_facts *facts);
void ks_session_write_hooks(const struct ks_session_facts *facts, u64 at);
void ks_session_write_quota(const struct kvmsched_quota *quota);
void ks_session_write_bpf_scheduler(const struct kvmsched_bpf_scheduler *scheduler);
void ks_session_write_last(const struct ks_session_facts *facts);

#endif /* _KVMSCHED_SESSION_RECORDS_H */
