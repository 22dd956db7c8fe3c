// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts of what could not be used; see info.h.
 */
#include "trace/info.h"

void kvs_info_count_unusable(struct kvs_trace_info *info, enum kvs_decoded what)
{
	switch (what) {
	case KVS_DECODED:
		break;
	case KVS_DECODED_UNKNOWN:
		info->unknown++;
		break;
	case KVS_DECODED_OTHER:
		info->other++;
		break;
	case KVS_DECODED_SHORT:
		info->bad_records++;
		break;
	}
}
