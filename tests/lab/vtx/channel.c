// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way out of a lab machine in Bochs, which prints each byte that is written to port
 * 0xe9.  Several streams share the port, so they go there in chunks, which ./relay
 * takes apart again:
 *
 *	MARK, letter of the stream, length as four hexadecimal digits, bytes
 *
 *	channel run apart|joined PROGRAM [ARGUMENT]...
 *		its output and errors as streams o and e, or all of it as o; then
 *		its status, as a shell's, as s
 *	channel send LETTER	standard input as that stream
 *	channel off		switch the machine off
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/io.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK		'\001'
#define PORT_OUT	0xe9
#define PORT_OFF	0x8900	/* Bochs ends at the word "Shutdown" */
#define CHUNK_MAX	0xf000

static void fail(const char *what)
{
	fprintf(stderr, "channel: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void open_port(unsigned long port)
{
	if (ioperm(port, 1, 1))
		fail("port");
}

static void put(const char *bytes, size_t count)
{
	asm volatile("rep outsb" : "+S" (bytes), "+c" (count) : "d" (PORT_OUT) : "memory");
}

/* Whole: another process may have something to send as well. */
static void put_chunk(char stream, const char *bytes, size_t count)
{
	static int lock = -1;
	char head[8];

	if (lock < 0)
		lock = open("/run/channel.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (lock < 0 || flock(lock, LOCK_EX))
		fail("/run/channel.lock");
	put(head, snprintf(head, sizeof(head), "%c%c%04zx", MARK, stream, count));
	put(bytes, count);
	flock(lock, LOCK_UN);
}

/* Passes on what is there to be read; false at the end. */
static bool pass_on(int fd, char stream)
{
	static char bytes[CHUNK_MAX];
	ssize_t got = read(fd, bytes, sizeof(bytes));

	if (got > 0)
		put_chunk(stream, bytes, got);
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static void start(char **argv, const int *ends, bool joined)
{
	setsid();
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(ends[0], 1);
	dup2(joined ? ends[0] : ends[1], 2);
	execvp(*argv, argv);
	fail(*argv);
}

/* All that is there to be read by now */
static void drain(struct pollfd *from, char stream)
{
	while (from->fd >= 0 && poll(from, 1, 0) > 0) {
		if (!pass_on(from->fd, stream))
			from->fd = -1;
	}
}

/*
 * The program is over when it has ended itself, even if others still hold its pipes:
 * then what they contain is passed on, and no more waited for.
 */
static void pass_on_until_end(struct pollfd *polls)
{
	bool over = false;

	while (!over && poll(polls, 3, -1) >= 0) {
		over = polls[2].revents;
		drain(&polls[0], 'o');
		drain(&polls[1], 'e');
	}
}

static void run(char **argv, bool joined)
{
	struct pollfd polls[3] = { 0 };
	char words[16];
	int ends[2], pipe_of[2], status;
	pid_t child;

	for (int i = 0; i < 2; i++) {
		if (pipe2(pipe_of, O_CLOEXEC))
			fail("pipe");
		polls[i] = (struct pollfd){ .fd = pipe_of[0], .events = POLLIN };
		ends[i] = pipe_of[1];
	}
	child = fork();
	if (child < 0)
		fail("fork");
	if (!child)
		start(argv, ends, joined);
	close(ends[0]);
	close(ends[1]);
	polls[2] = (struct pollfd){
		.fd = syscall(SYS_pidfd_open, child, 0), .events = POLLIN,
	};
	pass_on_until_end(polls);
	waitpid(child, &status, 0);
	put_chunk('s', words, snprintf(words, sizeof(words), "%d\n", WIFSIGNALED(status) ?
			128 + WTERMSIG(status) : WEXITSTATUS(status)));
}

static void switch_off(void)
{
	open_port(PORT_OFF);
	for (const char *word = "Shutdown"; *word; word++)
		outb(*word, PORT_OFF);
}

int main(int argc, char **argv)
{
	open_port(PORT_OUT);
	if (argc > 3 && !strcmp(argv[1], "run")) {
		run(argv + 3, !strcmp(argv[2], "joined"));
	} else if (argc == 3 && !strcmp(argv[1], "send")) {
		while (pass_on(0, *argv[2]))
			;
	} else if (argc == 2 && !strcmp(argv[1], "off")) {
		switch_off();
	} else {
		fprintf(stderr, "channel: run apart|joined PROGRAM..., send LETTER, or off\n");
		return 2;
	}
	return 0;
}
