// SPDX-License-Identifier: GPL-2.0
/*
 * provoke - a job for the guest that behaves badly on request
 *
 * vm/selftest runs it to prove that vm/boot and vm/judge notice. Each word of
 * the command line is one act, in order; the last decides how the job ends.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0) {
		printf("cannot open %s: %s\n", path, strerror(errno));
		return -1;
	}
	len = write(fd, text, strlen(text));
	close(fd);
	return len == (ssize_t)strlen(text) ? 0 : -1;
}

/* Every PCI device, its ids and its IOMMU group */
static void list_devices(void)
{
	const char *dir = "/sys/bus/pci/devices";
	struct dirent **e;
	int n = scandir(dir, &e, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[400], group[200] = "none", id[2][8] = { "", "" };
		const char *file[] = { "vendor", "device" };
		ssize_t len;

		if (e[i]->d_name[0] == '.')
			continue;
		for (int j = 0; j < 2; j++) {
			FILE *f;

			snprintf(path, sizeof(path), "%s/%s/%s", dir,
				 e[i]->d_name, file[j]);
			f = fopen(path, "r");
			if (!f || fscanf(f, "0x%7s", id[j]) != 1)
				id[j][0] = 0;
			if (f)
				fclose(f);
		}
		snprintf(path, sizeof(path), "%s/%s/iommu_group", dir, e[i]->d_name);
		len = readlink(path, group, sizeof(group) - 1);
		if (len > 0)
			group[len] = 0;
		printf("%s %s:%s group %s\n", e[i]->d_name, id[0], id[1],
		       len > 0 && strrchr(group, '/') ? strrchr(group, '/') + 1 : "none");
	}
}

/* All that a confused or dishonest job could do to look good */
static void fake(void)
{
	static const char good[] = "job exit 0\nleaks 0\ntaint 0\nlockdep on\nend\n";
	char path[300];
	struct dirent *e;
	DIR *d;

	put("/dev/console", good);
	put("/dev/kmsg", "ok 1 all is well\n");
	put("/dev/console", "[    1.000000] ok 1 all is well\n");
	fputs(good, stdout);
	d = opendir("/dev");
	while (d && (e = readdir(d))) {
		if (strncmp(e->d_name, "vport", 5))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", e->d_name);
		if (!put(path, good))
			printf("wrote to %s\n", path);
	}
	if (d)
		closedir(d);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++) {
		const char *act = argv[i], *arg = i + 1 < argc ? argv[i + 1] : "";

		printf("provoke: %s\n", act);
		if (!strcmp(act, "list")) {
			list_devices();
		} else if (!strcmp(act, "fake")) {
			fake();
		} else if (!strcmp(act, "reset")) {
			reboot(RB_AUTOBOOT);
		} else if (!strcmp(act, "hang")) {
			for (;;)
				pause();
		} else if (!strcmp(act, "fifo")) {
			/* nothing preempts what comes next */
			struct sched_param p = { .sched_priority = 50 };

			if (sched_setscheduler(0, SCHED_FIFO, &p))
				perror("sched_setscheduler");
		} else if (!strcmp(act, "orphan")) {
			if (!fork())
				pause();
		} else if (!strcmp(act, "say")) {
			puts(arg);
			i++;
		} else if (!strcmp(act, "exit")) {
			return atoi(arg);
		} else if (!strcmp(act, "signal")) {
			raise(atoi(arg));
			i++;
		} else if (put("/sys/kernel/debug/provoke-crash/DIRECT", act)) {
			/* everything else names a crash of the kernel's LKDTM */
			printf("the kernel cannot do %s\n", act);
			return 2;
		}
	}
	return 0;
}
