// SPDX-License-Identifier: GPL-2.0
/*
 * init - PID 1 of the guest: runs one command, reports how it ended, powers off
 *
 * The kernel hands over the words behind "--" of its command line:
 *
 *	-- [-l] [-m "MODULE [PARAMETERS]"] -n NONCE -c COUNT COMMAND [ARGS...]
 *
 * MODULE is a file to load into the kernel first.
 * COUNT is how many words belong to COMMAND: firmware may add some of its own
 * (EDK II appends "initrd=initrd").
 *
 * The command's stdout and stderr go to the virtio-serial port "output". The
 * verdict goes to the port "verdict", which init keeps open: the kernel lets
 * nobody else open it, so neither the command nor a line on the console can
 * write one. It says, one fact per line and always in this order:
 *
 *	nonce WORD		the word given with -n, so that no old file passes
 *	job exit N | job signal N | job failed: CAUSE
 *	leaks N|off|absent|unasked	what kmemleak found, if asked with -l
 *	taint N			/proc/sys/kernel/tainted, decimal
 *	lockdep on|off|absent	lockdep switches itself off when it reports
 *	end
 *
 * Only vm/judge decides what all that means.
 *
 * What gcov has counted goes to one more port at last, see gcov.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gcov.h"
#include "port.h"

/*
 * iommufd's kselftests map up to 128 MiB of huge pages at a time, and two of the
 * default size, which is 512 MiB with base pages of 64 KiB
 */
#define HUGEPAGES_KIB (160 * 1024)
#define HUGEPAGES_MIN 2

/* kmemleak does not report objects younger than this */
#define KMEMLEAK_MIN_AGE_MS 5000

#define KMEMLEAK "/sys/kernel/debug/kmemleak"

static int verdict_fd = -1;

static void sleep_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

/* One line for the verdict; a few hundred bytes are plenty */
static void report(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (len > (int)sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';
	if (verdict_fd < 0 || write(verdict_fd, line, len) != len)
		fprintf(stderr, "init: no verdict port; it would have said: %.*s",
			len, line);
}

static void __attribute__((noreturn)) power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	/* without a way to power off, a reset ends QEMU as well (-no-reboot) */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

/* The start of a file as a string, or NULL */
static const char *read_file(const char *path)
{
	static char buf[8192];
	ssize_t len;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	len = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (len < 0)
		return NULL;
	buf[len] = 0;
	return buf;
}

static void mount_one(const char *type, const char *dir)
{
	mkdir(dir, 0755);
	/* the kernel may have mounted /dev itself; debugfs may be configured out */
	if (mount(type, dir, type, 0, NULL) && errno != EBUSY && errno != ENODEV)
		fprintf(stderr, "init: cannot mount %s on %s: %s\n", type, dir,
			strerror(errno));
}

static void reserve_hugepages(void)
{
	const char *text = read_file("/proc/meminfo");
	const char *at = text ? strstr(text, "Hugepagesize:") : NULL;
	unsigned long kib = at ? strtoul(strchr(at, ':') + 1, NULL, 10) : 0;
	char num[32];

	if (!kib)
		return;
	snprintf(num, sizeof(num), "%lu", HUGEPAGES_KIB / kib > HUGEPAGES_MIN ?
		 HUGEPAGES_KIB / kib : HUGEPAGES_MIN);
	write_file("/proc/sys/vm/nr_hugepages", num);
}

static void set_up(void)
{
	mount_one("devtmpfs", "/dev");
	mount_one("proc", "/proc");
	mount_one("sysfs", "/sys");
	mount_one("debugfs", "/sys/kernel/debug");
	mount_one("tmpfs", "/tmp");
	mkdir("/dev/shm", 0755);
	mount_one("tmpfs", "/dev/shm");
	if (symlink("/proc/self/fd", "/dev/fd") && errno != EEXIST)
		fprintf(stderr, "init: cannot link /dev/fd: %s\n", strerror(errno));
	reserve_hugepages();
	setenv("PATH", "/bin", 1);
	setenv("HOME", "/tmp", 1);
	/* What takes devices from their drivers looks for this first */
	setenv("IOMMUFD_RESV_GUEST", "1", 1);
}

/* Load "MODULE [PARAMETERS]"; false and a cause when the kernel does not take it */
static bool load_module(char *module, char *cause, size_t size)
{
	char *parameters = strchr(module, ' ');
	int fd;

	if (parameters)
		*parameters++ = 0;
	fd = open(module, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 &&
	    !syscall(SYS_finit_module, fd, parameters ? parameters : "", 0)) {
		close(fd);
		return true;
	}
	snprintf(cause, size, "cannot load %s: %s; the console may say more",
		 module, strerror(errno));
	return false;
}

/* Run the command; false and a cause when it could not be started */
static bool run(char **argv, int output, int *status, char *cause, size_t size)
{
	int failed[2], err = 0;
	pid_t pid;

	if (pipe2(failed, O_CLOEXEC)) {
		snprintf(cause, size, "pipe: %s", strerror(errno));
		return false;
	}
	pid = fork();
	if (pid < 0) {
		snprintf(cause, size, "fork: %s", strerror(errno));
		return false;
	}
	if (!pid) {
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

		setsid();
		dup2(null, 0);
		dup2(output, 1);
		dup2(output, 2);
		execvp(argv[0], argv);
		err = errno;
		if (write(failed[1], &err, sizeof(err)) != sizeof(err))
			_exit(126);
		_exit(127);
	}
	close(failed[1]);
	if (read(failed[0], &err, sizeof(err)) != sizeof(err))
		err = 0;
	close(failed[0]);

	/* PID 1 inherits orphans: reap whatever comes until the command ends */
	for (;;) {
		pid_t got = waitpid(-1, status, 0);

		if (got == pid)
			break;
		if (got < 0 && errno != EINTR) {
			snprintf(cause, size, "waitpid: %s", strerror(errno));
			return false;
		}
	}
	if (err) {
		snprintf(cause, size, "cannot run %s: %s", argv[0], strerror(err));
		return false;
	}
	return true;
}

/* Kill what the command left behind; false if something does not die */
static bool kill_rest(void)
{
	kill(-1, SIGKILL);
	for (int i = 0; i < 500; i++) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0 && errno == ECHILD)
			return true;
		if (!pid)
			sleep_ms(10);
	}
	return false;
}

static void report_lockdep(void)
{
	const char *text = read_file("/proc/lockdep_stats");
	const char *at = text ? strstr(text, "debug_locks:") : NULL;

	if (!at)
		report("lockdep absent");
	else
		report("lockdep %s", strtol(strchr(at, ':') + 1, NULL, 10) ? "on" : "off");
}

/* Copy kmemleak's reports to the output; how many there are, or -1 */
static int scan_leaks(int output)
{
	char line[512];
	int leaks = 0;
	FILE *f;

	if (!write_file(KMEMLEAK, "scan"))
		return -1;
	f = fopen(KMEMLEAK, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		leaks += !strncmp(line, "unreferenced object", 19);
		dprintf(output, "# kmemleak: %s", line);
	}
	fclose(f);
	return leaks;
}

static void report_leaks(bool asked, int output)
{
	int leaks;

	if (!asked || access(KMEMLEAK, F_OK)) {
		report("leaks %s", asked ? "absent" : "unasked");
		return;
	}
	sleep_ms(KMEMLEAK_MIN_AGE_MS + 200);
	leaks = scan_leaks(output);
	if (leaks > 0) {
		/* an object whose only pointer moved during a scan is no leak */
		dprintf(output, "# kmemleak: and after another scan:\n");
		leaks = scan_leaks(output);
	}
	if (leaks < 0)
		report("leaks off");
	else
		report("leaks %d", leaks);
}

int main(int argc, char **argv)
{
	const char *nonce = "none", *tainted;
	bool leaks = false, started;
	char *module = NULL;
	int words = 0;
	int opt, status = 0, output;
	char cause[400] = "";

	if (getpid() != 1) {
		fputs("init: runs only as PID 1 of a guest; see vm/boot\n", stderr);
		return 1;
	}
	set_up();
	verdict_fd = port_open("verdict", O_WRONLY);
	output = port_open("output", O_WRONLY);

	while ((opt = getopt(argc, argv, "+c:lm:n:")) != -1) {
		if (opt == 'l')
			leaks = true;
		else if (opt == 'm')
			module = optarg;
		else if (opt == 'n')
			nonce = optarg;
		else if (opt == 'c')
			words = atoi(optarg);
	}
	if (verdict_fd < 0 || output < 0 || words < 1 || optind + words > argc) {
		report("nonce %s", nonce);
		report("job failed: %s", output < 0 ? "no port for the output" :
		       "the kernel command line does not have the whole command");
		power_off();
	}
	argv[optind + words] = NULL;

	if (module && !load_module(module, cause, sizeof(cause))) {
		report("nonce %s", nonce);
		report("job failed: %s", cause);
		power_off();
	}
	if (leaks) {
		/* only scans that were asked for, and none of what boot left */
		write_file(KMEMLEAK, "scan=off");
		write_file(KMEMLEAK, "clear");
	}
	started = run(argv + optind, output, &status, cause, sizeof(cause));
	report("nonce %s", nonce);
	if (!kill_rest()) {
		report("job failed: a process it left behind cannot be killed");
		power_off();
	}
	if (!started)
		report("job failed: %s", cause);
	else if (WIFSIGNALED(status))
		report("job signal %d", WTERMSIG(status));
	else
		report("job exit %d", WEXITSTATUS(status));

	/* before the facts, as a scan can bring one about */
	report_leaks(leaks, output);
	tainted = read_file("/proc/sys/kernel/tainted");
	report("taint %lu", tainted ? strtoul(tainted, NULL, 10) : ~0UL);
	report_lockdep();
	gcov_save();
	report("end");
	power_off();
}
