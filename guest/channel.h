/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lines to and from another process or machine, and QMP, QEMU's way to be told what
 * to do, which is made of such lines. Nothing here waits for ever.
 *
 * 0 is success. Failure is -ETIMEDOUT, or -EPIPE when the other end is gone.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stddef.h>

#define CHANNEL_LINE 16384

struct channel {
	int in;
	int out;
	size_t len;			/* of what came in and was not taken yet */
	char buffer[CHANNEL_LINE];
};

/*
 * The two ends that QEMU's "-chardev pipe,path=@path" leaves to us: makes the FIFOs
 * @path.in and @path.out, and opens them before QEMU does.
 */
int channel_pipe(struct channel *channel, const char *path);
void channel_close(struct channel *channel);

/* Sends a line, which is given without its end. */
int channel_send(struct channel *channel, const char *line);
/* Takes the next line, without its end, for which it waits up to @ms. */
int channel_line(struct channel *channel, char *line, size_t size, int ms);

/* Takes QEMU's greeting. */
int qmp_greet(struct channel *channel, int ms);
/*
 * Gives QEMU a command, a JSON object, and takes the answer, an object as well;
 * events before it are dropped. -EREMOTEIO: the answer is an error.
 */
int qmp_command(struct channel *channel, const char *command, char *answer,
		size_t size, int ms);
/* Waits for an event of this name. */
int qmp_event(struct channel *channel, const char *name, int ms);

#endif
