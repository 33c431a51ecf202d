// SPDX-License-Identifier: GPL-2.0
/*
 * For a guest whose kernel has what is under test as modules: loads them, which
 * also runs the KUnit suites among them, runs a test, and unloads them.
 *
 *   modular "KEPT..." "MODULE..." SUITES COMMAND [ARGUMENT...]
 *
 * Modules are names below /lib/modules, without ".ko", in the order in which they
 * are to be loaded. Those that are KEPT stay, as an iommu driver does that has
 * devices. SUITES says how many KUnit suites are among them.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULES_MAX 32

struct modules {
	const char *name[MODULES_MAX];
	unsigned int nr;
};

static void __attribute__((noreturn, format(printf, 1, 2)))
fail(const char *fmt, ...)
{
	va_list ap;

	printf("modular: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	exit(1);
}

static struct modules words(char *list)
{
	struct modules m = { 0 };

	for (char *w = strtok(list, " "); w; w = strtok(NULL, " ")) {
		if (m.nr == MODULES_MAX)
			fail("more than %d modules", MODULES_MAX);
		m.name[m.nr++] = w;
	}
	return m;
}

static void load(const struct modules *m)
{
	char path[300];

	for (unsigned int i = 0; i < m->nr; i++) {
		int fd;

		snprintf(path, sizeof(path), "/lib/modules/%s.ko", m->name[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
			fail("cannot load %s: %s; the console may say more",
			     path, strerror(errno));
		close(fd);
	}
}

/* The kernel has an underscore where the file may have a dash */
static void unload(const struct modules *m)
{
	for (unsigned int i = m->nr; i-- > 0;) {
		char name[100];

		snprintf(name, sizeof(name), "%s", m->name[i]);
		for (char *c = strchr(name, '-'); c; c = strchr(c, '-'))
			*c = '_';
		if (syscall(SYS_delete_module, name, O_NONBLOCK))
			fail("cannot unload %s: %s", name, strerror(errno));
	}
}

/* Prints what a suite left in debugfs; its last line says how the whole went */
static bool suite_passed(const char *path)
{
	char line[1000], last[1000] = "";
	FILE *f = fopen(path, "re");

	if (!f)
		fail("cannot open %s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		fputs(line, stdout);
		if (line[0] != '\n')
			strcpy(last, line);
	}
	fclose(f);
	return !strncmp(last, "ok ", 3) && !strstr(last, "# SKIP");
}

static void check_suites(unsigned int wanted)
{
	glob_t g = { 0 };

	glob("/sys/kernel/debug/kunit/*/results", 0, NULL, &g);
	for (size_t i = 0; i < g.gl_pathc; i++)
		if (!suite_passed(g.gl_pathv[i]))
			fail("%s is no success", g.gl_pathv[i]);
	if (g.gl_pathc != wanted)
		fail("%zu KUnit suites ran, not %u", g.gl_pathc, wanted);
	globfree(&g);
}

static void run(char **argv)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execvp(argv[0], argv);
		printf("modular: cannot run %s: %s\n", argv[0], strerror(errno));
		fflush(stdout);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		fail("cannot fork or wait: %s", strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail("%s ended with %s %d", argv[0],
		     WIFSIGNALED(status) ? "signal" : "status",
		     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
	struct modules kept, others;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 5)
		fail("usage: modular \"KEPT...\" \"MODULE...\" SUITES COMMAND [ARGUMENT...]");
	kept = words(argv[1]);
	others = words(argv[2]);
	load(&kept);
	load(&others);
	check_suites(atoi(argv[3]));
	run(argv + 4);
	unload(&others);
	return 0;
}
