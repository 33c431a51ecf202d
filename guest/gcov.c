// SPDX-License-Identifier: GPL-2.0
/*
 * gcov - what the kernel has counted, for review/coverage on the host
 *
 * A kernel with CONFIG_GCOV_KERNEL shows a .gcda file for each object that counts,
 * below /sys/kernel/debug/gcov, where it was compiled. They go out in cpio's "newc"
 * format, which has names of any length and whose header is one printf.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gcov.h"
#include "port.h"

#define GCOV "/sys/kernel/debug/gcov"

static int out;
static bool good;

static void put(const void *data, size_t len)
{
	static const char zeroes[4];
	size_t pad = -len % 4;

	for (const char *at = data; good && len;) {
		ssize_t n = write(out, at, len);

		good = n > 0;
		at += n;
		len -= n;
	}
	if (good && pad)
		good = write(out, zeroes, pad) == (ssize_t)pad;
}

/* The name's length, with its end, counts as part of the header for the padding */
static void put_member(const char *name, unsigned int mode, const void *data, size_t len)
{
	char *header;
	int n = asprintf(&header, "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X%s",
			 0, mode, 0, 0, 1, 0, len, 0, 0, 0, 0, strlen(name) + 1, 0, name);

	if (n < 0) {
		good = false;
		return;
	}
	put(header, n + 1);
	put(data, len);
	free(header);
}

/* What debugfs says of a file's size is 0, so it is read to its end */
static void *slurp(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *data = NULL;
	ssize_t n = -1;

	*len = 0;
	while (fd >= 0) {
		char *more = realloc(data, *len + 65536);

		if (!more) {
			n = -1;
			break;
		}
		data = more;
		n = read(fd, data + *len, 65536);
		if (n <= 0)
			break;
		*len += n;
	}
	if (fd >= 0)
		close(fd);
	if (!n)
		return data;
	free(data);
	return NULL;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *at)
{
	const char *end = strrchr(path, '.');
	size_t len;
	void *data;

	(void)st;
	(void)at;
	if (type != FTW_F || !end || strcmp(end, ".gcda"))
		return 0;
	data = slurp(path, &len);
	if (!data)
		good = false;
	else
		put_member(path + strlen(GCOV "/"), S_IFREG | 0644, data, len);
	free(data);
	return !good;
}

void gcov_save(void)
{
	if (access(GCOV, F_OK))
		return;
	out = port_open("coverage", O_WRONLY);
	good = out >= 0;
	if (good && !nftw(GCOV, visit, 16, FTW_PHYS) && good)
		put_member("TRAILER!!!", 0, NULL, 0);
}
