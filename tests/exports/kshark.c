// SPDX-License-Identifier: GPL-2.0-only
/*
 * What KernelShark's library reads in recordings that belong together: a line for each event,
 * in its order, "STREAM CPU NS EVENT".
 *
 * usage: kshark FILE...		the host's first
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libkshark.h>

int main(int argc, char **argv)
{
	struct kshark_context *ctx = NULL;
	struct kshark_entry **entries;
	ssize_t nr;

	if (!kshark_instance(&ctx))
		return EXIT_FAILURE;
	for (int i = 1; i < argc; i++) {
		if (kshark_open(ctx, argv[i]) < 0) {
			fprintf(stderr, "kshark: can't open %s\n", argv[i]);
			return EXIT_FAILURE;
		}
	}
	nr = kshark_load_all_entries(ctx, &entries);
	if (nr < 0)
		return EXIT_FAILURE;
	for (ssize_t i = 0; i < nr; i++) {
		char *event = kshark_get_event_name(entries[i]);

		printf("%d %d %" PRId64 " %s\n", entries[i]->stream_id, entries[i]->cpu,
		       entries[i]->ts, event);
		free(event);
		free(entries[i]);
	}
	free(entries);
	kshark_free(ctx);
	return EXIT_SUCCESS;
}
