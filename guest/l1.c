// SPDX-License-Identifier: GPL-2.0
/*
 * l1 - a real VMM with a real guest on nested translation, on a kernel with the
 * series and on one without
 *
 *	l1 series|base
 *
 * L0	QEMU as the test bed runs it, with an SMMUv3 of both stages
 * L1	this guest, a host with KVM: its kernel is what is under test. Debian's QEMU
 *	runs here, as it is
 * L2	a guest of that QEMU, with an SMMUv3 of its own: its stage-1 is nested on the
 *	stage-2 that QEMU fills. It drives an NVMe and an edu by vfio-pci and iommufd
 *
 * Both devices are L0's. vm/boot has the NVMe reserve one more region, which is where
 * the slot for L2's pluggable memory is. RAM may be plugged there while a stage-1
 * translates: that is what the series is about. A kernel without it has QEMU abort.
 *
 * Lines "# | WHAT | RESULT" are rows of the table that ./run makes of both.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "ktap.h"
#include "l1-qemu.h"
#include "levels.h"
#include "numbered.h"
#include "resv.h"
#include "vfio.h"

/* The region of the NVMe that vm/boot adds; 256 MiB of RAM plugged in cover it */
#define HOLE_FIRST 0x84000000
#define HOLE_LAST 0x87ffffff
#define RAM_FIRST 0x80000000
#define RAM_MIB 256

/* Small reads, each of which has to come with one interrupt */
#define READS 64

/* Who is who behind L2's SMMU: the NVMe is on bus 1, behind a root port */
#define SID_NVME 0x100
#define SID_EDU 0x10

#define SMMU " -device arm-smmuv3,primary-bus=pcie.0,id=smmuv3,accel=on"
#define PORT " -device pcie-root-port,id=root,bus=pcie.0,addr=1,chassis=1"
#define SMALL " -m 512M"
#define PLUGGABLE " -m 512M,slots=1,maxmem=2G"

static char nvme[32], edu[32];
static struct l2 l2;
static char answer[L2_ANSWER];

/* A row of the table */
static void tell(const char *what, const char *fmt, ...)
{
	char result[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(result, sizeof(result), fmt, ap);
	va_end(ap);
	diag("| %s | %s", what, result);
}

static const char *words(const char *machine, bool disk, bool second)
{
	static char all[600];
	int n;

	n = snprintf(all, sizeof(all), "%s", machine);
	if (disk)
		n += snprintf(all + n, sizeof(all) - n,
			      " -device vfio-pci,id=disk,bus=root,host=%s,iommufd=iommufd0",
			      nvme);
	if (second)
		snprintf(all + n, sizeof(all) - n,
			 " -device vfio-pci,id=edu,addr=2,host=%s,iommufd=iommufd0",
			 edu);
	return all;
}

static void take(void)
{
	need(check(levels_find(NVME_PCI_ID, nvme, sizeof(nvme)) &&
		   levels_find(EDU_PCI_ID, edu, sizeof(edu)),
		   "L1 has not both devices"));
	need(check_rc(vfio_pci_take(nvme), 0) && check_rc(vfio_pci_take(edu), 0));
}

/* What the series says of the NVMe, before any VMM has it */
static void ask_regions(void)
{
	struct iommu_resv_iova_range *at;
	int iommufd, dev;
	uint32_t id;
	size_t nr;

	iommufd = resv_open();
	dev = vfio_pci_open(nvme);
	need(check(iommufd >= 0 && dev >= 0, "cannot open the NVMe"));
	need(check_rc(vfio_bind(dev, iommufd, &id), 0));
	if (check_rc(resv_query(iommufd, id, &at, &nr), 0)) {
		check(nr == 2 && at[0].flags == IOMMU_RESV_IOVA_SW_MSI &&
			      at[1].start == HOLE_FIRST &&
			      at[1].last == HOLE_LAST && !at[1].flags,
		      "not the MSI window and the region of the test bed");
		free(at);
	}
	close(dev);
	close(iommufd);
}

static void have_no_calls(void)
{
	int iommufd = resv_open();

	need(check(iommufd >= 0, "cannot open /dev/iommu"));
	check(resv_has_query(iommufd) == 0 && resv_has_load(iommufd) == 0,
	      "this kernel has the calls of the series");
	close(iommufd);
}

static void boot_plain(void)
{
	need(l2_start(&l2, "plain", words(SMALL PORT, true, false)));
	need(l2_up(&l2));
}

/* How many lines there may be on the disk, so that each writing differs */
static unsigned long number = 1000000;

/* All of the disk read, and some of it written and read back, byte by byte */
static bool disk_works(void)
{
	number += 100000;
	return l2_do(&l2, "read") && l2_do(&l2, "write %lu", number);
}

static void use_disk(void)
{
	disk_works();
}

static void count_msis(void)
{
	if (l2_ask(&l2, answer, "msi %d", READS))
		check(atoi(answer) == READS, "%d reads gave %s interrupts",
		      READS, answer);
}

static void end(void)
{
	l2_end(&l2);
	l2_clean_up(&l2);
}

/* The words of QEMU's trace when it has installed L2's stage-1 */
static const char *installed(unsigned int sid, const char *type)
{
	static char text[100];

	snprintf(text, sizeof(text),
		 "smmuv3_accel_install_ste vSID=0x%x ste type=%s hwpt_id=", sid,
		 type);
	return text;
}

static bool has_parts(const char *parts)
{
	return l2_ask(&l2, answer, "parts") &&
	       check(!strcmp(answer, parts), "L2 has: %s", answer);
}

static void boot_nested(void)
{
	need(l2_start(&l2, "nested", words(PLUGGABLE SMMU PORT, true, true)));
	need(l2_up(&l2));
	check(l2_trace_number(0, installed(SID_NVME, "translate")) > 0,
	      "QEMU has not nested the stage-1 of the NVMe");
	check(l2_trace_number(0, installed(SID_EDU, "translate")) > 0,
	      "QEMU has not nested the stage-1 of the edu");
	has_parts("2 CPUs, nvme, edu");
}

static void use_disk_nested(void)
{
	bool good = disk_works();

	tell("L2 reads and writes its disk, S1 translating",
	     good ? "every byte is right" : "FAILED");
}

/* The group of a device gets another domain, without its driver meanwhile */
static bool retype(const char *type)
{
	return l2_do(&l2, "driver nvme off") && l2_do(&l2, "type nvme %s", type) &&
	       l2_do(&l2, "driver nvme on");
}

static void bypass_and_back(void)
{
	long from = l2_trace_now();
	bool good;

	good = retype("identity") && disk_works() &&
	       check(l2_trace_number(from, installed(SID_NVME, "bypass")) > 0,
		     "QEMU has not nested a bypass");
	from = l2_trace_now();
	good = good && retype("DMA") && disk_works() &&
	       check(l2_trace_number(from, installed(SID_NVME, "translate")) > 0,
		     "QEMU has not nested a stage-1 again");
	tell("L2 switches S1 to bypass and back", good ? "works" : "FAILED");
}

/* The edu without a driver and in bypass: physical addresses, from inside L2 */
static void use_second_device(void)
{
	if (l2_do(&l2, "type edu identity") && l2_do(&l2, "dma"))
		l2_do(&l2, "type edu DMA");
}

/* Nothing is mapped for the edu, so that L2's own SMMU has something to tell it */
static void get_event(void)
{
	long from = l2_trace_now();

	if (!l2_ask(&l2, answer, "fault 0x%x", 0x1234000))
		return;
	check(strstr(answer, "F_TRANSLATION") && strstr(answer, "sid: 0x10 "),
	      "L2's driver reports: %s", answer);
	l2_traced(from, "smmuv3_propagate_event SMMU_EVT_F_TRANSLATION sid=0x10");
}

static void unplug_and_plug(void)
{
	char command[200];

	if (!l2_qmp(&l2, "{ 'execute': 'device_del', 'arguments': { 'id': 'disk' } }",
		    NULL) ||
	    !check_rc(qmp_event(&l2.qmp, "DEVICE_DELETED", 60000), 0))
		return;
	if (!has_parts("2 CPUs, edu"))
		return;
	snprintf(command, sizeof(command),
		 "{ 'execute': 'device_add', 'arguments': { 'driver': 'vfio-pci', "
		 "'id': 'disk', 'bus': 'root', 'host': '%s', 'iommufd': 'iommufd0' } }",
		 nvme);
	if (l2_qmp(&l2, command, NULL))
		disk_works();
}

static bool send_ram(void)
{
	return l2_qmp(&l2, "{ 'execute': 'object-add', 'arguments': { 'qom-type': "
			   "'memory-backend-ram', 'id': 'ram', 'size': 268435456 } }",
		      NULL);
}

#define PLUG_RAM \
	"{ 'execute': 'device_add', 'arguments': { 'driver': 'pc-dimm', " \
	"'id': 'dimm', 'memdev': 'ram' } }"

static int memory_mib(void)
{
	return l2_ask(&l2, answer, "memory") ? atoi(answer) : 0;
}

static const char row_plug[] =
	"RAM is plugged over the NVMe's region, S1 translating";
static const char row_dma[] = "DMA to that RAM, inside the region";
static const char row_bypass[] = "L2 switches S1 to bypass then";

static void plug_ram(void)
{
	int before = memory_mib(), now = before;
	bool good;

	good = send_ram() && l2_qmp(&l2, PLUG_RAM, NULL) &&
	       l2_query(&l2, "{ 'execute': 'query-memory-devices' }",
			"\"addr\": 2147483648,");
	for (int s = 0; good && now != before + RAM_MIB && s < 120; s++) {
		sleep(1);
		now = memory_mib();
	}
	good = good && check(now == before + RAM_MIB,
			     "L2 had %d MiB, and has %d", before, now);
	tell(row_plug, good ? "L2 has %d MiB more" : "FAILED", RAM_MIB);
}

static void use_ram(void)
{
	bool good = l2_ask(&l2, answer, "ram 0x%x 0x%x", HOLE_FIRST, HOLE_LAST);

	if (good)
		diag("%s", answer);
	tell(row_dma, good ? "every byte is right" : "FAILED");
}

/* L2 is not told of the refusal, as hardware knows none. It tries without a driver. */
static void refuse_bypass(void)
{
	long from;
	bool good;

	good = l2_do(&l2, "driver nvme off");
	from = l2_trace_now();
	good = good && l2_do(&l2, "type nvme identity") &&
	       check(l2_trace_number(from, installed(SID_NVME, "bypass")) < 0,
		     "QEMU has nested a bypass") &&
	       l2_complained(strerror(EADDRINUSE)) &&
	       l2_query(&l2, "{ 'execute': 'query-status' }", "\"running\"") &&
	       l2_do(&l2, "type nvme DMA") && l2_do(&l2, "driver nvme on") &&
	       disk_works();
	tell(row_bypass, good ? "refused, all goes on" : "FAILED");
}

static void lose_vm(void)
{
	static const char last[] = "vfio: DMA mapping failed, unable to continue";
	bool good;

	good = send_ram() && check_rc(channel_send(&l2.qmp, PLUG_RAM), 0) &&
	       l2_died(&l2, SIGABRT) && l2_complained(last);
	tell(row_plug, good ? "QEMU aborts: \"%s\"" : "FAILED", last);
	tell(row_dma, "-");
	tell(row_bypass, "-");
	l2_clean_up(&l2);
}

/* What L2 wrote last is on the disk, as another driver in another kernel reads it */
static void look_at_disk(void)
{
	char *mem = mmap(NULL, DISK_SCRATCH, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char path[80];
	int fd, disk = -1;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", nvme);
	fd = open(path, O_WRONLY);
	check(fd >= 0 && write(fd, "\n", 1) == 1, "cannot change %s", path);
	close(fd);
	fd = open("/sys/bus/pci/drivers/vfio-pci/unbind", O_WRONLY);
	check(fd >= 0 && write(fd, nvme, strlen(nvme)) > 0, "cannot unbind");
	close(fd);
	fd = open("/sys/bus/pci/drivers/nvme/bind", O_WRONLY);
	check(fd >= 0 && write(fd, nvme, strlen(nvme)) > 0, "cannot bind");
	close(fd);
	for (int s = 0; disk < 0 && s < 30; s++) {
		disk = open("/dev/nvme0n1", O_RDONLY | O_DIRECT);
		if (disk < 0)
			sleep(1);
	}
	check(disk >= 0 &&
	      pread(disk, mem, DISK_SCRATCH, DISK_SIZE - DISK_SCRATCH) ==
		      (ssize_t)DISK_SCRATCH &&
	      numbered_is(mem, DISK_SCRATCH, number),
	      "not what L2 wrote last");
	close(disk);
}

static const struct ktap_case with_series[] = {
	{ "L1: the NVMe and the edu are on vfio-pci", take },
	{ "L1: the kernel tells the MSI window and the region of the NVMe", ask_regions },
	{ "plain: L2 boots with the NVMe attached directly", boot_plain },
	{ "plain: L2 reads its disk, writes, reads back: every byte", use_disk },
	{ "plain: as many MSIs as reads", count_msis },
	{ "plain: L2 ends well", end },
	{ "nested: L2 boots with two devices behind an SMMUv3 of its own", boot_nested },
	{ "nested: L2 reads its disk, writes, reads back: every byte", use_disk_nested },
	{ "nested: as many MSIs as reads", count_msis },
	{ "nested: L2 switches S1 to bypass, uses its disk, and back", bypass_and_back },
	{ "nested: DMA of the second device while its S1 is bypass", use_second_device },
	{ "nested: DMA to what S1 does not map: a vEVENT reaches L2", get_event },
	{ "nested: the NVMe is unplugged, and plugged again", unplug_and_plug },
	{ "nested: RAM is plugged over the region of the NVMe", plug_ram },
	{ "nested: DMA to that RAM, in the region, both ways", use_ram },
	{ "nested: S1 cannot become bypass now, and all goes on", refuse_bypass },
	{ "nested: L2 ends well", end },
	{ "L1: what L2 wrote is on the disk", look_at_disk },
};

static const struct ktap_case with_base[] = {
	{ "L1: the NVMe and the edu are on vfio-pci", take },
	{ "L1: the kernel has none of the calls", have_no_calls },
	{ "nested: L2 boots with two devices behind an SMMUv3 of its own", boot_nested },
	{ "nested: L2 reads its disk, writes, reads back: every byte", use_disk_nested },
	{ "nested: L2 switches S1 to bypass, uses its disk, and back", bypass_and_back },
	{ "nested: RAM is plugged over the region of the NVMe: QEMU aborts", lose_vm },
};

int main(int argc, char **argv)
{
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && !strcmp(argv[1], "series")) {
		status = ktap_run(with_series,
				  sizeof(with_series) / sizeof(*with_series));
	} else if (argc == 2 && !strcmp(argv[1], "base")) {
		status = ktap_run(with_base,
				  sizeof(with_base) / sizeof(*with_base));
	} else {
		fputs("usage: l1 series|base\n", stderr);
		return 2;
	}
	/* where a case stopped the rest */
	if (l2.qemu)
		l2_clean_up(&l2);
	return status;
}
