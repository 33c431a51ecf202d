// SPDX-License-Identifier: GPL-2.0
/*
 * Lines to and from others, and QMP; see channel.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* A FIFO that is open on our side alone is no end of file until QEMU was there. */
int channel_pipe(struct channel *channel, const char *path)
{
	char in[200], out[200];

	snprintf(in, sizeof(in), "%s.out", path);
	snprintf(out, sizeof(out), "%s.in", path);
	unlink(in);
	unlink(out);
	if (mkfifo(in, 0600) || mkfifo(out, 0600))
		return -errno;
	channel->len = 0;
	channel->in = open(in, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	channel->out = open(out, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return channel->in < 0 || channel->out < 0 ? -errno : 0;
}

void channel_close(struct channel *channel)
{
	close(channel->in);
	close(channel->out);
}

int channel_send(struct channel *channel, const char *line)
{
	char text[1024];
	int len = snprintf(text, sizeof(text), "%s\n", line);

	return write(channel->out, text, len) == len ? 0 : -EPIPE;
}

/* Moves the first line of the buffer to @line, if it is complete */
static bool take_line(struct channel *channel, char *line, size_t size)
{
	char *end = memchr(channel->buffer, '\n', channel->len);
	size_t len;

	if (!end)
		return false;
	len = end - channel->buffer;
	snprintf(line, size, "%.*s", (int)strcspn(channel->buffer, "\r\n"),
		 channel->buffer);
	channel->len -= len + 1;
	memmove(channel->buffer, end + 1, channel->len);
	return true;
}

int channel_line(struct channel *channel, char *line, size_t size, int ms)
{
	long long until = now_ms() + ms;

	while (!take_line(channel, line, size)) {
		struct pollfd in = { .fd = channel->in, .events = POLLIN };
		long long left = until - now_ms();
		ssize_t got;

		if (left <= 0 || !poll(&in, 1, left))
			return -ETIMEDOUT;
		got = read(channel->in, channel->buffer + channel->len,
			   sizeof(channel->buffer) - channel->len);
		if (got <= 0)
			return -EPIPE;
		channel->len += got;
	}
	return 0;
}

int qmp_greet(struct channel *channel, int ms)
{
	char line[CHANNEL_LINE];
	int rc;

	rc = channel_line(channel, line, sizeof(line), ms);
	if (rc)
		return rc;
	return qmp_command(channel, "{ 'execute': 'qmp_capabilities' }", line,
			   sizeof(line), ms);
}

static bool begins(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

int qmp_command(struct channel *channel, const char *command, char *answer,
		size_t size, int ms)
{
	int rc = channel_send(channel, command);

	while (!rc) {
		rc = channel_line(channel, answer, size, ms);
		if (!rc && begins(answer, "{\"return\":"))
			return 0;
		if (!rc && begins(answer, "{\"error\":"))
			return -EREMOTEIO;
	}
	return rc;
}

int qmp_event(struct channel *channel, const char *name, int ms)
{
	char line[CHANNEL_LINE], is[80];
	int rc;

	snprintf(is, sizeof(is), "\"event\": \"%s\"", name);
	do {
		rc = channel_line(channel, line, sizeof(line), ms);
	} while (!rc && !strstr(line, is));
	return rc;
}
