// SPDX-License-Identifier: GPL-2.0
/*
 * Virtio-serial ports by name; see port.h.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "port.h"

#define PORTS "/sys/class/virtio-ports"

/* Is this entry of PORTS the port of this name? */
static bool is_called(const char *entry, const char *name)
{
	char path[600], is[64] = "";
	size_t len = strlen(name);
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), PORTS "/%s/name", entry);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, is, sizeof(is) - 1);
	close(fd);
	return got == (ssize_t)len + 1 && !strncmp(is, name, len);
}

/* sysfs knows which vportNpM it is */
static int try_open(const char *name, int flags)
{
	DIR *dir = opendir(PORTS);
	struct dirent *entry;
	char path[600];
	int fd = -1;

	while (dir && fd < 0 && (entry = readdir(dir))) {
		if (!is_called(entry->d_name, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		fd = open(path, flags | O_CLOEXEC);
	}
	if (dir)
		closedir(dir);
	return fd;
}

int port_open(const char *name, int flags)
{
	struct timespec tick = { .tv_nsec = 10000000 };

	for (int i = 0; i < 500; i++) {
		int fd = try_open(name, flags);

		if (fd >= 0)
			return fd;
		nanosleep(&tick, NULL);
	}
	fprintf(stderr, "there is no virtio-serial port named %s\n", name);
	return -1;
}
