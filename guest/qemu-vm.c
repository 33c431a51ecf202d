// SPDX-License-Identifier: GPL-2.0
/*
 * A VM of the QEMU that is under test; see qemu-vm.h.
 *
 * The kernel has no sockets, so QMP goes through FIFOs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ktap.h"
#include "qemu-vm.h"

/* Generous, for debug kernels on busy hosts: vm/boot has the last word. */
#define ANSWER_MS 120000

#define DIR "/tmp/vm"
#define BIOS DIR "/bios"
#define TRACE DIR "/trace"
#define STDERR DIR "/stderr"

/*
 * Guest memory up to 1.25 TiB is possible, and so around the hole of AMD: the CPU is
 * none of AMD, for which QEMU would leave the hole out. A root port that is empty at
 * the start is off, so that what is plugged there can be unplugged without the guest.
 */
static const char common[] =
	" -accel qtest -S -M q35 -cpu qemu64,vendor=GenuineIntel,phys-bits=46"
	" -m 64M,slots=8,maxmem=1280G -nodefaults -display none -no-user-config"
	" -bios " BIOS " -global apic-common.vapic=off"
	" -global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"
	" -device pcie-root-port,id=p1,chassis=1,slot=1"
	" -device pcie-root-port,id=p2,chassis=2,slot=2"
	" -device pcie-root-port,id=p3,chassis=3,slot=3"
	" -object iommufd,id=fd0"
	" -chardev pipe,id=qmp,path=" DIR "/qmp -mon qmp,mode=control"
	" -D " TRACE " -trace iommufd_* -trace vfio_listener_region_add_ram"
	" -trace memory_device_* -trace virtio_iommu_host_resv_regions ";

#define MAX_WORDS 96

/* Any firmware will do, since nothing runs it. */
static bool make_bios(void)
{
	int fd = open(BIOS, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	bool made = fd >= 0 && !ftruncate(fd, 65536);

	if (fd >= 0)
		close(fd);
	return check(made, "cannot make %s: %s", BIOS, strerror(errno));
}

static bool run(struct vm *vm, const char *which, const char *words)
{
	char text[4096], *argv[MAX_WORDS + 1], path[40];
	size_t nr = 0;
	int fd;

	mkdir(DIR, 0700);
	unlink(TRACE);
	if (!make_bios() || !check_rc(channel_pipe(&vm->qmp, DIR "/qmp"), 0))
		return false;
	snprintf(path, sizeof(path), "/bin/qemu-%s", which);
	snprintf(text, sizeof(text), "%s%s%s", path, common, words);
	for (char *w = strtok(text, " "); w && nr < MAX_WORDS;
	     w = strtok(NULL, " "))
		argv[nr++] = w;
	argv[nr] = NULL;

	vm->pid = fork();
	if (!vm->pid) {
		fd = open(STDERR, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, 2);
		execv(path, argv);
		fprintf(stderr, "%s: %m\n", path);
		_exit(127);
	}
	return check(vm->pid > 0, "fork: %s", strerror(errno));
}

/* Said each time by any QEMU: an edu has no reset, and qtest is not KVM. */
static bool noise(const char *line)
{
	return strstr(line, ", no available reset mechanism.\n") ||
	       strstr(line, "KVM VFIO device isn't created yet\n");
}

static void read_stderr(struct vm *vm)
{
	FILE *f = fopen(STDERR, "re");
	char line[1024];
	size_t len = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (!noise(line) && len + strlen(line) < sizeof(vm->said))
			len += sprintf(vm->said + len, "%s", line);
	}
	vm->said[len] = 0;
	if (f)
		fclose(f);
}

/* What it said goes into the log, line by line. */
static void show(const struct vm *vm)
{
	for (const char *at = vm->said; *at; at += strspn(at, "\r\n")) {
		int len = strcspn(at, "\r\n");

		diag("qemu: %.*s", len, at);
		at += len;
	}
}

/* Waits for its end; its stderr goes to @vm->said. */
static bool ended(struct vm *vm, int *status)
{
	struct timespec tick = { .tv_nsec = 20000000 };

	for (int ms = 0; ms < ANSWER_MS; ms += 20) {
		if (waitpid(vm->pid, status, WNOHANG) == vm->pid) {
			vm->pid = 0;
			channel_close(&vm->qmp);
			read_stderr(vm);
			show(vm);
			return true;
		}
		nanosleep(&tick, NULL);
	}
	kill(vm->pid, SIGKILL);
	waitpid(vm->pid, NULL, 0);
	vm->pid = 0;
	channel_close(&vm->qmp);
	return check(false, "QEMU has not ended");
}

bool vm_start(struct vm *vm, const char *which, const char *words)
{
	int status, rc;

	diag("qemu-%s%s", which, words);
	if (!run(vm, which, words))
		return false;
	rc = qmp_greet(&vm->qmp, ANSWER_MS);
	if (rc)
		ended(vm, &status);
	return check(!rc, "QEMU does not start: %s", strerror(-rc));
}

bool vm_refuses(struct vm *vm, const char *which, const char *words)
{
	int status;

	diag("qemu-%s%s", which, words);
	return run(vm, which, words) && ended(vm, &status) &&
	       check(WIFEXITED(status) && WEXITSTATUS(status) == 1,
		     "QEMU ended with status 0x%x, not with exit code 1", status);
}

bool vm_end(struct vm *vm)
{
	int status;

	return vm_do(vm, "{ 'execute': 'quit' }") && ended(vm, &status) &&
	       check(!status, "QEMU ended with status 0x%x", status);
}

static int command(struct vm *vm, const char *command)
{
	int rc = qmp_command(&vm->qmp, command, vm->said, sizeof(vm->said),
			     ANSWER_MS);

	diag("qmp: %s", command);
	if (rc == -EPIPE)
		strcpy(vm->said, "QEMU has ended");
	diag("qmp: %s", vm->said);
	return rc;
}

bool vm_do(struct vm *vm, const char *what)
{
	return check_rc(command(vm, what), 0);
}

bool vm_refused(struct vm *vm, const char *what)
{
	const char *desc = "\"desc\": \"";
	char *at, *end;

	if (!check_rc(command(vm, what), -EREMOTEIO))
		return false;
	at = strstr(vm->said, desc);
	end = at ? strrchr(at, '"') : NULL;
	if (!check(at && end, "QEMU does not say why"))
		return false;
	*end = 0;
	memmove(vm->said, at + strlen(desc), end - at - strlen(desc) + 1);
	return true;
}

bool vm_dies(struct vm *vm, const char *what)
{
	int status;

	return check_rc(command(vm, what), -EPIPE) && ended(vm, &status) &&
	       check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
		     "QEMU ended with status 0x%x, not with SIGABRT", status);
}

bool vm_lives(struct vm *vm)
{
	return vm_do(vm, "{ 'execute': 'query-status' }") &&
	       vm_said_in(vm, "\"status\": \"prelaunch\"");
}

bool vm_unplugged(struct vm *vm)
{
	return check_rc(qmp_event(&vm->qmp, "DEVICE_DELETED", ANSWER_MS), 0);
}

bool vm_said(const struct vm *vm, const char *text)
{
	return check(!strcmp(vm->said, text), "QEMU said \"%s\", not \"%s\"",
		     vm->said, text);
}

bool vm_said_in(const struct vm *vm, const char *text)
{
	return check(strstr(vm->said, text), "QEMU said \"%s\", with no \"%s\"",
		     vm->said, text);
}

/* From @at, which points to its first character, on, a word ends before @end. */
static void replace(char *at, const char *end, const char *by)
{
	size_t len = strcspn(at, end);

	memmove(at + strlen(by), at + len, strlen(at + len) + 1);
	memcpy(at, by, strlen(by));
}

void vm_mask(struct vm *vm)
{
	const char *map = "vfio_container_dma_map(";
	char *at = vm->said;

	while ((at = strstr(at, map))) {
		at += strlen(map);
		replace(at, ",", "PTR");
		/* the last of four arguments */
		for (int i = 0; i < 3 && at; i++)
			at = strchr(at + 1, ',');
		if (!at)
			break;
		replace(at + 2, ")", "PTR");
	}
	for (at = vm->said; (at = strstr(at, "qemu-")); at++)
		replace(at, ":", "qemu");
}

unsigned int vm_traced(const char *words)
{
	char line[1024];
	unsigned int nr = 0;
	FILE *f = fopen(TRACE, "re");

	while (f && fgets(line, sizeof(line), f))
		nr += strstr(line, words) != NULL;
	if (f)
		fclose(f);
	return nr;
}
