// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU with L2 in it, in L1; see l1-qemu.h.
 *
 * /l2 has what L2 boots (vm/initramfs puts it there). This kernel has no sockets,
 * so QEMU is told things through FIFOs. L2's init and its verdict are those of
 * every guest here (init.c), but it is judged right here.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ktap.h"
#include "l1-qemu.h"
#include "port.h"

/* Generous, for debug kernels on busy hosts: vm/boot has the last word. */
#define BOOT_MS 600000
#define ANSWER_MS 240000

#define DIR "/tmp/l2"
#define TRACE DIR "/trace"
#define STDERR DIR "/stderr"
#define VERDICT DIR "/verdict"
#define OUTPUT DIR "/output"

/*
 * No PCI device of QEMU's own: none may be behind an SMMUv3 with accel=on. The
 * ports are on virtio-mmio instead.
 */
static const char common[] =
	"qemu-system-aarch64 -M virt,gic-version=3 -accel kvm -cpu host -smp 2"
	" -nodefaults -display none -no-reboot"
	" -bios /l2/QEMU_EFI.fd -kernel /l2/Image -initrd /l2/initramfs.cpio"
	" -qmp pipe:" DIR "/qmp"
	" -chardev pipe,id=ask,path=" DIR "/ask"
	" -chardev file,id=output,path=" OUTPUT
	" -chardev file,id=verdict,path=" VERDICT
	" -device virtio-serial-device"
	" -device virtserialport,chardev=ask,name=ask"
	" -device virtserialport,chardev=output,name=output"
	" -device virtserialport,chardev=verdict,name=verdict"
	" -D " TRACE " -trace smmuv3_accel_* -trace smmuv3_propagate_event"
	" -trace iommufd_cdev_* -trace iommufd_backend_alloc_*"
	" -trace iommufd_backend_map_* -trace iommufd_viommu_*"
	" -object iommufd,id=iommufd0";

/* Warnings and all that vm/judge knows come through; the rest would take time. */
static const char append[] =
	"console=ttyAMA0 loglevel=5 printk.time=1 panic=-1 kunit.autorun=0"
	" -- -n l2 -c 1 l2";

static const char good_verdict[] =
	"nonce l2\njob exit 0\nleaks unasked\ntaint 0\nlockdep absent\nend\n";

#define MAX_WORDS 96

static void split(char *text, char **words, size_t *nr)
{
	for (char *w = strtok(text, " "); w && *nr < MAX_WORDS;
	     w = strtok(NULL, " "))
		words[(*nr)++] = w;
}

/* Only one process may have a port open: what it is called in /dev, and a heading */
static bool port_heading(const char *port, const char *name, char *path, size_t size)
{
	char link[40];
	ssize_t len;
	int fd = port_open(port, O_WRONLY);

	if (!check(fd >= 0, "L1 has no port %s", port))
		return false;
	dprintf(fd, "\n== %s\n", name);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, size - 1);
	close(fd);
	path[len < 0 ? 0 : len] = 0;
	return check(len > 0, "the port %s has no name", port);
}

bool l2_start(struct l2 *l2, const char *name, const char *words)
{
	char all[2048], console[60], serial[80], *argv[MAX_WORDS + 5];
	size_t nr = 0;
	int err;

	mkdir(DIR, 0700);
	unlink(VERDICT);
	unlink(OUTPUT);
	unlink(TRACE);
	unlink(STDERR);
	if (!port_heading("trace", name, console, sizeof(console)) ||
	    !port_heading("l2", name, console, sizeof(console)) ||
	    !check_rc(channel_pipe(&l2->qmp, DIR "/qmp"), 0) ||
	    !check_rc(channel_pipe(&l2->ask, DIR "/ask"), 0))
		return false;
	snprintf(all, sizeof(all), "%s %s", common, words);
	split(all, argv, &nr);
	snprintf(serial, sizeof(serial), "file:%s", console);
	argv[nr++] = "-serial";
	argv[nr++] = serial;
	argv[nr++] = "-append";
	argv[nr++] = (char *)append;
	argv[nr] = NULL;

	l2->qemu = fork();
	if (!l2->qemu) {
		err = open(STDERR, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(err, 2);
		execv("/bin/qemu-system-aarch64", argv);
		_exit(127);
	}
	return check(l2->qemu > 0, "fork: %s", strerror(errno));
}

/* A file from a place on, as a string, which the next call overwrites */
static const char *contents(const char *path, long from)
{
	static char *text;
	struct stat st;
	ssize_t len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	free(text);
	text = NULL;
	if (fd >= 0 && !fstat(fd, &st) && st.st_size > from) {
		text = malloc(st.st_size - from + 1);
		len = text ? pread(fd, text, st.st_size - from, from) : 0;
	}
	if (fd >= 0)
		close(fd);
	if (len <= 0)
		return "";
	text[len] = 0;
	return text;
}

bool l2_up(struct l2 *l2)
{
	char line[L2_ANSWER];

	if (!check_rc(qmp_greet(&l2->qmp, BOOT_MS), 0) ||
	    !check_rc(channel_line(&l2->ask, line, sizeof(line), BOOT_MS), 0)) {
		diag("QEMU says: %s", contents(STDERR, 0));
		return false;
	}
	return check(!strcmp(line, "ok up"), "L2 says: %s", line);
}

static bool ask(struct l2 *l2, char *answer, const char *question)
{
	char line[L2_ANSWER];

	if (!check_rc(channel_send(&l2->ask, question), 0) ||
	    !check_rc(channel_line(&l2->ask, line, sizeof(line), ANSWER_MS), 0) ||
	    !check(!strncmp(line, "ok ", 3), "L2 was asked: %s; it says: %s",
		   question, line))
		return false;
	snprintf(answer, L2_ANSWER, "%s", line + 3);
	return true;
}

bool l2_ask(struct l2 *l2, char *answer, const char *fmt, ...)
{
	char question[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(question, sizeof(question), fmt, ap);
	va_end(ap);
	return ask(l2, answer, question);
}

bool l2_do(struct l2 *l2, const char *fmt, ...)
{
	char question[200], answer[L2_ANSWER];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(question, sizeof(question), fmt, ap);
	va_end(ap);
	return ask(l2, answer, question) &&
	       check(!answer[0], "L2 was asked: %s; it says: %s", question, answer);
}

bool l2_qmp(struct l2 *l2, const char *command, const char *refusal)
{
	static char answer[CHANNEL_LINE];
	int rc = qmp_command(&l2->qmp, command, answer, sizeof(answer), ANSWER_MS);

	if (!refusal)
		return check(!rc, "QEMU was told: %s; %s", command,
			     rc == -EREMOTEIO ? answer : strerror(-rc));
	return check(rc == -EREMOTEIO && strstr(answer, refusal),
		     "QEMU was told: %s; it did not refuse with \"%s\", but: %s",
		     command, refusal,
		     rc && rc != -EREMOTEIO ? strerror(-rc) : answer);
}

bool l2_query(struct l2 *l2, const char *command, const char *has)
{
	static char answer[CHANNEL_LINE];
	int rc = qmp_command(&l2->qmp, command, answer, sizeof(answer), ANSWER_MS);

	return check(!rc && strstr(answer, has),
		     "QEMU was asked: %s; no \"%s\" in: %s", command, has,
		     rc && rc != -EREMOTEIO ? strerror(-rc) : answer);
}

long l2_trace_now(void)
{
	struct stat st;

	return stat(TRACE, &st) ? 0 : st.st_size;
}

bool l2_traced(long from, const char *words)
{
	return check(strstr(contents(TRACE, from), words),
		     "QEMU's trace has no \"%s\"", words);
}

long l2_trace_number(long from, const char *words)
{
	const char *at = contents(TRACE, from), *last = NULL;

	while ((at = strstr(at, words))) {
		at += strlen(words);
		last = at;
	}
	return last ? strtol(last, NULL, 0) : -1;
}

bool l2_complained(const char *words)
{
	const char *all = contents(STDERR, 0);
	const char *at = strstr(all, words);

	if (!check(at, "QEMU has not said \"%s\", but: %s", words, all))
		return false;
	while (at > all && at[-1] != '\n')
		at--;
	diag("%.*s", (int)strcspn(at, "\r\n"), at);
	return true;
}

/* Where the threads of QEMU are in the kernel, for when it does not end */
static void say_where(pid_t qemu)
{
	char pattern[60], line[200];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "/proc/%d/task/*/stack", qemu);
	if (glob(pattern, 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *f = fopen(found.gl_pathv[i], "re");

		diag("%s:", found.gl_pathv[i]);
		while (f && fgets(line, sizeof(line), f))
			diag("  %.*s", (int)strcspn(line, "\n"), line);
		if (f)
			fclose(f);
	}
	globfree(&found);
}

/* Waits for QEMU's end; false when that does not come */
static bool ended(struct l2 *l2, int *status)
{
	struct timespec tick = { .tv_nsec = 20000000 };
	time_t until = time(NULL) + ANSWER_MS / 1000;

	while (time(NULL) < until) {
		if (waitpid(l2->qemu, status, WNOHANG) == l2->qemu) {
			l2->qemu = -1;
			return true;
		}
		nanosleep(&tick, NULL);
	}
	say_where(l2->qemu);
	return check(false, "QEMU has not ended");
}

bool l2_end(struct l2 *l2)
{
	int status;

	if (!l2_do(l2, "end") || !ended(l2, &status))
		return false;
	return check(!status, "QEMU ended with status 0x%x", status) &&
	       check(!strcmp(contents(VERDICT, 0), good_verdict),
		     "L2's verdict: %s", contents(VERDICT, 0));
}

bool l2_died(struct l2 *l2, int signal)
{
	int status;

	if (!ended(l2, &status))
		return false;
	return check(WIFSIGNALED(status) && WTERMSIG(status) == signal,
		     "QEMU ended with status 0x%x, not with signal %d", status,
		     signal);
}

static void copy(int port, const char *path)
{
	const char *text = contents(path, 0);

	for (size_t len = strlen(text); len;) {
		ssize_t put = write(port, text, len);

		if (put <= 0)
			return;
		text += put;
		len -= put;
	}
}

void l2_clean_up(struct l2 *l2)
{
	int port = port_open("trace", O_WRONLY);

	if (l2->qemu > 0) {
		kill(l2->qemu, SIGKILL);
		waitpid(l2->qemu, NULL, 0);
	}
	l2->qemu = 0;
	channel_close(&l2->qmp);
	channel_close(&l2->ask);
	copy(port, TRACE);
	copy(port, STDERR);
	copy(port, OUTPUT);
	close(port);
}
