// SPDX-License-Identifier: GPL-2.0
/*
 * mutate - try the faults of a kernel that mutants/generate has put them into
 *
 *	mutate reach TEST...	run each test without a fault; which ones does it
 *				come by? A TEST is a command, or "kunit" for every
 *				suite, or the command of a kselftest and a " *" for
 *				each of its tests alone, or "control" (mutant.c)
 *	mutate try [leaks]	run the tests of the file /job with its faults
 *
 * "reach" prints what /job is made of, for each test
 *
 *	test MILLISECONDS COMMAND
 *	reached N N ...
 *
 * and /job has for each fault the line "mutant N" and such lines of its tests. Of a
 * fault "try" says when it begins and how that ended:
 *
 *	mutant N
 *	noticed COMMAND: LINE	a test fails, its first line that says so
 *	reported COMMAND: LINE	no test fails, but the kernel warns of something
 *	dirty COMMAND: LINE	either, and so it does when the fault is gone
 *	hung COMMAND		a test takes ten times as long, or never ends
 *	lockdep COMMAND: LINE	lockdep has reported something
 *	leaks LINE		kmemleak has, with "leaks"
 *	survived
 *
 * and ends after "dirty", "hung", "lockdep" and "leaks", since the kernel is not as it
 * was. When it crashes it says itself what it was.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEBUG "/sys/kernel/debug/"
#define WORDS 32

enum outcome { PASSED, FAILED, HUNG };

/* The first line with which the last test failed, or its end */
static char why[300];

/* In a child exit() would also move the place up to which /job has been read */
static void __attribute__((noreturn)) end(int status)
{
	_exit(fflush(stdout) ? 1 : status);
}

static void __attribute__((noreturn)) die(const char *what)
{
	printf("mutate: %s: %s\n", what, strerror(errno));
	end(1);
}

static void put(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		die(path);
	close(fd);
}

static void set_mutant(int number)
{
	char text[20];

	snprintf(text, sizeof(text), "%d", number);
	put(DEBUG "mutant/number", text, strlen(text));
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- One test ---- */

/* What the kernel says of it comes as a record each: "6,12,345,-;ok 1 ..." */
static void kunit(const char *suite)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char path[300], record[2000];
	ssize_t len;

	if (log < 0 || lseek(log, 0, SEEK_END) < 0)
		die("/dev/kmsg");
	snprintf(path, sizeof(path), DEBUG "kunit/%s/run", suite);
	put(path, "1", 1);
	while ((len = read(log, record, sizeof(record) - 1)) > 0) {
		record[len] = 0;
		fputs(strchr(record, ';') + 1, stdout);
	}
	if (errno != EAGAIN)
		die("/dev/kmsg");
	end(0);
}

static void control(void)
{
	FILE *f = fopen(DEBUG "mutant/control", "re");
	char line[100];

	if (!f || !fgets(line, sizeof(line), f))
		die("mutant/control");
	fputs(line, stdout);
	end(0);
}

static void execute(const char *command)
{
	char *copy = strdup(command), *words[WORDS + 1] = { NULL };
	int n = 0;

	for (char *w = strtok(copy, " "); w && n < WORDS; w = strtok(NULL, " "))
		words[n++] = w;
	if (!strcmp(words[0], "kunit"))
		kunit(words[1]);
	if (!strcmp(words[0], "control"))
		control();
	execvp(words[0], words);
	die(words[0]);
}

/* Looks for a failure in what comes from a test; keeps the names of those that pass */
static bool failed(const char *line, FILE *passed)
{
	const char *not_ok = strstr(line, "not ok ");
	char test[200];

	if (not_ok && strspn(line, " \t") == (size_t)(not_ok - line)) {
		snprintf(why, sizeof(why), "%s", not_ok);
		return true;
	}
	if (passed && sscanf(line, "ok %*u %199s", test) == 1 && !strstr(line, "# SKIP"))
		fprintf(passed, "%s\n", test);
	return false;
}

static bool reap(pid_t pid, int *status, int ms)
{
	for (; ms > 0; ms -= 10) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		usleep(10000);
	}
	return false;
}

static enum outcome run(const char *command, long limit_ms, FILE *passed)
{
	long until = now_ms() + limit_ms;
	enum outcome outcome = PASSED;
	char line[1000];
	size_t len = 0;
	int out[2], status = 0;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		die("pipe");
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		setpgid(0, 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		execute(command);
	}
	close(out[1]);

	while (outcome == PASSED) {
		struct pollfd p = { .fd = out[0], .events = POLLIN };
		long left = until - now_ms();
		char *newline;
		ssize_t got;

		if (left <= 0 || !poll(&p, 1, left)) {
			outcome = HUNG;
			break;
		}
		got = read(out[0], line + len, sizeof(line) - 1 - len);
		if (got <= 0)
			break;
		len += got;
		line[len] = 0;
		while (outcome == PASSED && (newline = strchr(line, '\n'))) {
			*newline = 0;
			if (failed(line, passed))
				outcome = FAILED;
			len -= newline + 1 - line;
			memmove(line, newline + 1, len + 1);
		}
		if (len == sizeof(line) - 1)
			len = 0;	/* nothing that long matters */
	}
	close(out[0]);
	if (outcome != PASSED)
		kill(-pid, SIGKILL);
	if (!reap(pid, &status, outcome == PASSED ? limit_ms : 1000))
		return HUNG;
	if (outcome == PASSED && status) {
		snprintf(why, sizeof(why), "it ended with %s %d",
			 WIFSIGNALED(status) ? "signal" : "status",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		return FAILED;
	}
	return outcome;
}

/* The first warning of the kernel since this was last asked, or NULL */
static const char *report(void)
{
	static char found[300];
	static int log = -1;
	char record[2000];
	ssize_t len;

	if (log < 0) {
		log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (log < 0 || lseek(log, 0, SEEK_END) < 0)
			die("/dev/kmsg");
	}
	found[0] = 0;
	while ((len = read(log, record, sizeof(record) - 1)) > 0 || errno == EPIPE) {
		const char *text;

		if (len <= 0)
			continue;	/* some were overwritten */
		record[len] = 0;
		text = strchr(record, ';') + 1;
		if (!*found && atoi(record) % 8 <= 4 &&
		    (strstr(text, "WARNING: ") || strstr(text, "BUG: ") ||
		     strstr(text, "UBSAN: ") || strstr(text, "KASAN: ")))
			snprintf(found, sizeof(found), "%.*s",
				 (int)strcspn(text, "\n"), text);
	}
	if (!*found)
		return NULL;
	/* the next fault may be warned of in the same place */
	put(DEBUG "clear_warn_once", "1", 1);
	return found;
}

/* ---- Which faults does a test come by? ---- */

static void reach(const char *command)
{
	static uint8_t reached[1 << 16], none[1 << 16];
	long begin = now_ms();
	ssize_t size;
	int fd = open(DEBUG "mutant/reached", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("mutant/reached");
	size = read(fd, reached, sizeof(reached));
	if (size <= 0 || pwrite(fd, none, size, 0) != size)
		die("mutant/reached");
	if (run(command, 1000000, NULL) != PASSED || report()) {
		printf("mutate: %s fails without a fault: %s\n", command, why);
		exit(1);
	}
	printf("test %ld %s\nreached", now_ms() - begin, command);
	if (pread(fd, reached, size, 0) != size)
		die("mutant/reached");
	for (int i = 0; i < size; i++)
		if (reached[i])
			printf(" %d", i);
	printf("\n");
	close(fd);
}

static void reach_kunit(void)
{
	char command[300];
	struct dirent *e;
	DIR *d = opendir(DEBUG "kunit");

	if (!d)
		die(DEBUG "kunit");
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(command, sizeof(command), "kunit %s", e->d_name);
		reach(command);
	}
	closedir(d);
}

/* What a kselftest says on its way tells which tests it has */
static void reach_each(char *command)
{
	char line[600], test[200];
	FILE *tests = tmpfile();

	*strrchr(command, ' ') = 0;
	if (!tests)
		die("tmpfile");
	if (run(command, 1000000, tests) != PASSED) {
		printf("mutate: %s fails without a fault: %s\n", command, why);
		exit(1);
	}
	rewind(tests);
	while (fscanf(tests, "%199s", test) == 1) {
		snprintf(line, sizeof(line), "%.*s -r %s", (int)strcspn(command, " "),
			 command, test);
		reach(line);
	}
	fclose(tests);
}

/* ---- Is a fault noticed? ---- */

static bool lockdep_off(void)
{
	FILE *f = fopen("/proc/lockdep_stats", "re");
	char line[200];
	bool off = false;

	while (f && fgets(line, sizeof(line), f))
		off |= strstr(line, "debug_locks:") && strstr(line, " 0\n");
	if (f)
		fclose(f);
	return off;
}

#define KMEMLEAK DEBUG "kmemleak"

/* The first function in the trace of the first leak, or NULL */
static const char *leak(void)
{
	static char line[300];

	/*
	 * What is younger is not reported, a pointer that moved may be missed once, and
	 * one that was left on a stack or in a register hides a leak for a while.
	 */
	usleep(5200000);
	for (int scan = 0, seen = 0; scan < 4; scan++) {
		bool found = false;
		FILE *f;

		put(KMEMLEAK, "scan", 4);
		f = fopen(KMEMLEAK, "re");
		if (!f)
			die(KMEMLEAK);
		while (!found && fgets(line, sizeof(line), f))
			found = strstr(line, "unreferenced object");
		fclose(f);
		seen = found ? seen + 1 : 0;
		if (seen == 2) {
			line[strcspn(line, "\n")] = 0;
			return line;
		}
		usleep(500000);
	}
	return NULL;
}

/* The lines of one fault; false when the kernel may not be as it was */
static bool try_one(int number, char **tests, int nr, bool leaks)
{
	enum outcome outcome = PASSED;
	const char *line;

	printf("mutant %d\n", number);
	if (leaks)
		put(KMEMLEAK, "clear", 5);
	for (int i = 0; i < nr; i++) {
		char *command;
		long limit = strtol(tests[i], &command, 10) * 10 + 3000;

		command++;
		set_mutant(number);
		outcome = run(command, limit, NULL);
		set_mutant(0);
		line = report();
		if (outcome == HUNG) {
			printf("hung %s\n", command);
			/* init would wait for what never ends */
			reboot(RB_POWER_OFF);
		}
		if (lockdep_off()) {
			printf("lockdep %s: %s\n", command, line);
			return false;
		}
		if (outcome == FAILED || line) {
			char first[sizeof(why)];
			bool clean;

			snprintf(first, sizeof(first), "%s",
				 outcome == FAILED ? why : line);
			clean = run(command, limit, NULL) == PASSED && !report();
			printf("%s %s: %s\n", !clean ? "dirty" :
			       outcome == FAILED ? "noticed" : "reported",
			       command, first);
			return clean;
		}
	}
	line = leaks ? leak() : NULL;
	if (line) {
		printf("leaks %s\n", line);
		/* init would print each of them, and there can be thousands */
		put(KMEMLEAK, "clear", 5);
		return false;
	}
	printf("survived\n");
	return true;
}

static int try_all(bool leaks)
{
	static char line[1000], *tests[2000];
	int number = -1, next = -1, nr = 0;
	bool more = true;
	FILE *job = fopen("/job", "re");

	if (!job)
		die("/job");
	report();
	while (more) {
		more = fgets(line, sizeof(line), job);
		line[strcspn(line, "\n")] = 0;
		if (more && !strncmp(line, "test ", 5) && nr < 2000) {
			tests[nr++] = strdup(line + 5);
		} else if (!more || sscanf(line, "mutant %d", &next) == 1) {
			if (number >= 0 && !try_one(number, tests, nr, leaks))
				return 0;
			while (nr)
				free(tests[--nr]);
			number = next;
		} else {
			printf("mutate: not a line of /job: %s\n", line);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && !strcmp(argv[1], "try"))
		return try_all(argc > 2 && !strcmp(argv[2], "leaks"));
	if (argc < 3 || strcmp(argv[1], "reach")) {
		fputs("usage: mutate reach TEST... | mutate try [leaks]\n", stderr);
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		size_t len = strlen(argv[i]);

		if (!strcmp(argv[i], "kunit"))
			reach_kunit();
		else if (len > 2 && !strcmp(argv[i] + len - 2, " *"))
			reach_each(argv[i]);
		else
			reach(argv[i]);
	}
	return 0;
}
