// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reader of exits.bpf.o: writes the records to a file until SIGINT.
 *
 * usage: exits OBJECT FILE
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

static volatile sig_atomic_t stopping;

static void on_signal(int signal)
{
	(void)signal;
	stopping = true;
}

static int write_record(void *file, void *data, size_t size)
{
	return fwrite(data, size, 1, file) == 1 ? 0 : -1;
}

static bool attach_all(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		if (!bpf_program__attach(program))
			return false;
	return true;
}

static int read_all(struct bpf_object *object, FILE *file)
{
	struct ring_buffer *ring;
	int ret = 0;

	ring = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "ring"),
				write_record, file, NULL);
	if (!ring)
		return 1;
	puts("ready");
	fflush(stdout);
	while (!stopping && ret >= 0) {
		ret = ring_buffer__poll(ring, 100);
		if (ret == -EINTR)
			ret = 0;
	}
	ring_buffer__consume(ring);
	ring_buffer__free(ring);
	return ret < 0;
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	FILE *file;
	int ret;

	if (argc != 3) {
		fprintf(stderr, "usage: exits OBJECT FILE\n");
		return 2;
	}
	signal(SIGINT, on_signal);
	object = bpf_object__open_file(argv[1], NULL);
	file = fopen(argv[2], "w");
	if (!object || !file || bpf_object__load(object) || !attach_all(object)) {
		perror(argv[1]);
		return 1;
	}
	ret = read_all(object, file);
	if (fclose(file))
		ret = 1;
	bpf_object__close(object);
	return ret;
}
