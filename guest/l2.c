// SPDX-License-Identifier: GPL-2.0
/*
 * l2 - what runs in L2, the guest of the guest: does what L1 tells it to do over
 * the port "ask". A line tells, a line answers: "ok" with what is to be said, or
 * "failed" with the cause. L1 decides what that means (l1.c).
 *
 *	read			all of the disk but its last MiB, by DMA
 *	write NUMBER		fill the last MiB with lines from NUMBER on, read back
 *	msi COUNT		so many small reads: how many interrupts?
 *	ram FIRST LAST		read to and write from RAM at these addresses
 *	memory			how much there is, in MiB
 *	driver nvme off|on	take the NVMe from its driver, give it back
 *	type nvme|edu TYPE	the domain of its group: DMA or identity
 *	dma			with the edu, between two pages, by their addresses
 *	fault IOVA		let the edu write there: what does the kernel report?
 *	parts			how many CPUs, and which of the two devices, are there?
 *	end
 *
 * The disk is of numbered lines, all of which are compared.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "edu.h"
#include "levels.h"
#include "numbered.h"
#include "port.h"
#include "vfio.h"

#define MIB (1UL << 20)
#define PAGE 4096UL

/* How long the kernel may take with something that it does by itself. */
#define SOON_MS 60000

static char answer[512];

/* Sets the answer; false, so that a command can end with it. */
static bool failed(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(answer, sizeof(answer), fmt, ap);
	va_end(ap);
	return false;
}

static void tick(void)
{
	struct timespec t = { .tv_nsec = 20000000 };

	nanosleep(&t, NULL);
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good;

	if (fd < 0)
		return failed("cannot open %s: %s", path, strerror(errno));
	good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (!good)
		failed("cannot write %s to %s: %s", text, path, strerror(errno));
	close(fd);
	return good;
}

/* The PCI address of the NVMe or the edu */
static bool address_of(const char *device, char *address, size_t size)
{
	return levels_find(strcmp(device, "nvme") ? EDU_PCI_ID : NVME_PCI_ID,
			   address, size) ||
	       failed("there is no %s", device);
}

/* The disk, for DMA right into our memory and from it; -1 when none comes. */
static int open_disk(void)
{
	int fd = -1;

	for (int ms = 0; fd < 0 && ms < SOON_MS; ms += 20) {
		glob_t found;

		if (!glob("/dev/nvme*n1", 0, NULL, &found))
			fd = open(found.gl_pathv[0], O_RDWR | O_DIRECT | O_CLOEXEC);
		globfree(&found);
		if (fd < 0)
			tick();
	}
	if (fd < 0)
		failed("there is no disk");
	return fd;
}

static void *new_memory(size_t len)
{
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

/* Reads lines from the disk, which are to begin with number @first there. */
static bool read_lines(int disk, char *to, size_t len, off_t at,
		       unsigned long first)
{
	ssize_t got;

	memset(to, 0xee, len);
	got = pread(disk, to, len, at);
	if (got != (ssize_t)len)
		return failed("reading at %jd gives %zd: %s", (intmax_t)at, got,
			      got < 0 ? strerror(errno) : "short");
	return numbered_is(to, len, first) ||
	       failed("wrong bytes in %zu read at %jd", len, (intmax_t)at);
}

static bool do_read(int disk, char *buffer)
{
	for (size_t at = 0; at < DISK_SIZE - DISK_SCRATCH; at += MIB) {
		if (!read_lines(disk, buffer, MIB, at, at / NUMBERED_LINE))
			return false;
	}
	return true;
}

static bool do_write(int disk, char *buffer, unsigned long number)
{
	numbered_fill(buffer, MIB, number);
	if (pwrite(disk, buffer, MIB, DISK_SIZE - DISK_SCRATCH) != (ssize_t)MIB)
		return failed("cannot write: %s", strerror(errno));
	return read_lines(disk, buffer, MIB, DISK_SIZE - DISK_SCRATCH, number);
}

/* All that the NVMe's queues had on all CPUs */
static unsigned long interrupts(void)
{
	FILE *f = fopen("/proc/interrupts", "re");
	unsigned long sum = 0;
	char line[1024];

	while (f && fgets(line, sizeof(line), f)) {
		char *at = strchr(line, ':'), *end;

		if (!at || !strstr(line, "nvme"))
			continue;
		for (at++;; at = end) {
			unsigned long n = strtoul(at, &end, 10);

			if (end == at)
				break;
			sum += n;
		}
	}
	if (f)
		fclose(f);
	return sum;
}

/* One at a time, so that none can be answered together with another */
static bool do_msi(int disk, char *buffer, unsigned long count)
{
	unsigned long before = interrupts();

	for (unsigned long i = 0; i < count; i++) {
		if (!read_lines(disk, buffer, PAGE, i * PAGE,
				i * PAGE / NUMBERED_LINE))
			return false;
	}
	snprintf(answer, sizeof(answer), "%lu", interrupts() - before);
	return true;
}

/* Where a page of ours is in memory; 0 when that cannot be told */
static uint64_t physical(const void *page)
{
	static int map = -1;
	uint64_t entry = 0;

	if (map < 0)
		map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (pread(map, &entry, 8, (uintptr_t)page / PAGE * 8) != 8)
		return 0;
	return (entry & ((1ULL << 55) - 1)) * PAGE;
}

/*
 * Memory of ours, and which pages of it are in RAM from @first to @last: takes more
 * and more until there are enough of those.
 */
struct hoard {
	char *chunks[128];
	size_t nr_chunks;
	char *pages[16];
	size_t nr_pages;
};

#define CHUNK (8 * MIB)

static bool hoard(struct hoard *hoard, uint64_t first, uint64_t last)
{
	while (hoard->nr_chunks < 128) {
		char *chunk = new_memory(CHUNK);

		if (!chunk)
			break;
		hoard->chunks[hoard->nr_chunks++] = chunk;
		for (char *page = chunk; page < chunk + CHUNK; page += PAGE) {
			uint64_t at = physical(page);

			if (at < first || at > last)
				continue;
			hoard->pages[hoard->nr_pages++] = page;
			if (hoard->nr_pages == 16)
				return true;
		}
		/* so much has to be left for the kernel */
		if (sysconf(_SC_AVPHYS_PAGES) * PAGE < 48 * MIB)
			break;
	}
	return failed("only %zu pages are in that RAM", hoard->nr_pages);
}

/* From the disk into that RAM, and from there to the disk */
static bool use_ram(int disk, char *buffer, const struct hoard *hoard)
{
	const unsigned long number = 7000000;

	for (size_t i = 0; i < hoard->nr_pages; i++) {
		off_t at = DISK_SIZE - DISK_SCRATCH + i * PAGE;
		char *page = hoard->pages[i];

		if (!read_lines(disk, page, PAGE, i * PAGE,
				i * PAGE / NUMBERED_LINE))
			return false;
		numbered_fill(page, PAGE, number + i);
		if (pwrite(disk, page, PAGE, at) != (ssize_t)PAGE)
			return failed("cannot write: %s", strerror(errno));
		if (!read_lines(disk, buffer, PAGE, at, number + i))
			return false;
	}
	snprintf(answer, sizeof(answer), "%zu pages from 0x%" PRIx64,
		 hoard->nr_pages, physical(hoard->pages[0]));
	return true;
}

static bool do_ram(int disk, char *buffer, uint64_t first, uint64_t last)
{
	struct hoard mine = { 0 };
	bool good = hoard(&mine, first, last) && use_ram(disk, buffer, &mine);

	while (mine.nr_chunks)
		munmap(mine.chunks[--mine.nr_chunks], CHUNK);
	return good;
}

static bool do_memory(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long kib = 0;

	if (!f || fscanf(f, "MemTotal: %lu", &kib) != 1)
		return failed("/proc/meminfo does not tell");
	fclose(f);
	snprintf(answer, sizeof(answer), "%lu", kib / 1024);
	return true;
}

static bool do_driver(const char *device, bool on)
{
	char address[32], path[100];

	if (!address_of(device, address, sizeof(address)))
		return false;
	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/%s", device,
		 on ? "bind" : "unbind");
	return write_file(path, address);
}

static bool do_type(const char *device, const char *type)
{
	char address[32], path[100], is[20] = "";
	FILE *f;

	if (!address_of(device, address, sizeof(address)))
		return false;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group/type",
		 address);
	if (!write_file(path, type))
		return false;
	f = fopen(path, "re");
	if (!f || fscanf(f, "%19s", is) != 1 || strcmp(is, type))
		failed("it is %s", is);
	if (f)
		fclose(f);
	return !strcmp(is, type);
}

/* The edu, which has no driver here */
static bool open_edu(struct edu *edu)
{
	uint16_t command = 0x0002 | 0x0004;	/* memory space, bus master */
	char address[32], path[100];
	void *bar = MAP_FAILED;
	int config, fd;

	if (!address_of("edu", address, sizeof(address)))
		return false;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", address);
	config = open(path, O_RDWR | O_CLOEXEC);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", address);
	fd = open(path, O_RDWR | O_CLOEXEC);
	edu->size = MIB;
	if (pwrite(config, &command, 2, 4) == 2)
		bar = mmap(NULL, edu->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			   fd, 0);
	close(config);
	close(fd);
	edu->bar = bar;
	return bar != MAP_FAILED ||
	       failed("cannot map the edu: %s", strerror(errno));
}

/* By the physical addresses, as the edu has them when its stage-1 is bypass */
static bool do_dma(void)
{
	char *from = new_memory(PAGE), *to = new_memory(PAGE);
	struct edu edu;
	bool good;

	if (!from || !to || !open_edu(&edu))
		return false;
	numbered_fill(from, PAGE, 4711);
	memset(to, 0xee, PAGE);
	good = !edu_read(&edu, physical(from), PAGE) &&
	       !edu_write(&edu, physical(to), PAGE);
	edu_close(&edu);
	if (!good)
		return failed("the edu does not end its transfer");
	return numbered_is(to, PAGE, 4711) || failed("the bytes differ");
}

/* The line in which the kernel's driver of the SMMU reports an event at @iova */
static bool event_of(int kmsg, uint64_t iova)
{
	char record[1024], is[40];

	snprintf(is, sizeof(is), "iova: 0x%" PRIx64, iova);
	for (int ms = 0; ms < SOON_MS; ms += 20) {
		ssize_t len;

		while ((len = read(kmsg, record, sizeof(record) - 1)) > 0) {
			char *text;

			record[len] = 0;
			text = strchr(record, ';');
			if (!text || !strstr(text, is))
				continue;
			snprintf(answer, sizeof(answer), "%.*s",
				 (int)strcspn(text + 1, "\n"), text + 1);
			return true;
		}
		tick();
	}
	return failed("no event came");
}

static bool do_fault(uint64_t iova)
{
	int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct edu edu;
	bool good;

	if (kmsg < 0 || lseek(kmsg, 0, SEEK_END) < 0)
		return failed("cannot read /dev/kmsg: %s", strerror(errno));
	good = open_edu(&edu);
	if (good) {
		good = !edu_write(&edu, iova, 4) ||
		       failed("the edu does not end its transfer");
		edu_close(&edu);
	}
	good = good && event_of(kmsg, iova);
	close(kmsg);
	return good;
}

static bool do_parts(void)
{
	char address[32];
	bool disk = levels_find(NVME_PCI_ID, address, sizeof(address));
	bool edu = levels_find(EDU_PCI_ID, address, sizeof(address));

	snprintf(answer, sizeof(answer), "%ld CPUs%s%s",
		 sysconf(_SC_NPROCESSORS_ONLN), disk ? ", nvme" : "",
		 edu ? ", edu" : "");
	return true;
}

/* What is done with the disk, which is closed then: its driver may have to go */
static bool with_disk(const char *what, unsigned long long first,
		      unsigned long long last)
{
	char *buffer = new_memory(MIB);
	int disk = buffer ? open_disk() : -1;
	bool good = false;

	if (disk < 0)
		return false;
	if (!strcmp(what, "read"))
		good = do_read(disk, buffer);
	else if (!strcmp(what, "write"))
		good = do_write(disk, buffer, first);
	else if (!strcmp(what, "msi"))
		good = do_msi(disk, buffer, first);
	else if (!strcmp(what, "ram"))
		good = do_ram(disk, buffer, first, last);
	close(disk);
	munmap(buffer, MIB);
	return good;
}

static bool obey(char *line)
{
	const char *what = strtok(line, " ") ?: "";
	const char *first = strtok(NULL, " ") ?: "";
	const char *second = strtok(NULL, " ") ?: "";

	if (!strcmp(what, "driver"))
		return do_driver(first, !strcmp(second, "on"));
	if (!strcmp(what, "type"))
		return do_type(first, second);
	if (!strcmp(what, "dma"))
		return do_dma();
	if (!strcmp(what, "fault"))
		return do_fault(strtoull(first, NULL, 0));
	if (!strcmp(what, "memory"))
		return do_memory();
	if (!strcmp(what, "parts"))
		return do_parts();
	return with_disk(what, strtoull(first, NULL, 0),
			 strtoull(second, NULL, 0));
}

int main(void)
{
	char line[CHANNEL_LINE], text[600];
	struct channel l1 = { 0 };

	if (!getenv("IOMMUFD_RESV_GUEST")) {
		fputs("l2: this is not a guest of the test bed\n", stderr);
		return 1;
	}
	l1.in = port_open("ask", O_RDWR);
	l1.out = l1.in;
	if (l1.in < 0 || channel_send(&l1, "ok up"))
		return 1;
	while (!channel_line(&l1, line, sizeof(line), 600000)) {
		bool good, end = !strcmp(line, "end");

		answer[0] = 0;
		good = end || obey(line);
		snprintf(text, sizeof(text), "%s %s", good ? "ok" : "failed",
			 answer);
		if (channel_send(&l1, text))
			return 1;
		if (end)
			return 0;
	}
	return 1;
}
