// SPDX-License-Identifier: GPL-2.0
/*
 * End-to-end test of IOMMU_RESV_IOVA_RANGES, IOMMU_IOAS_LOAD_RESV_IOVAS and
 * iommufd-resv, in a guest with an edu behind an IOMMU with a real driver.
 * Prints KTAP.
 *
 *   e2e MACHINE [PROGRAM]
 *
 * MACHINE is smmuv3, smmuv3-rmr, smmuv3-rmr-relaxable, vtd, vtd39, amd, virtio or
 * noiommu and says what to expect, or base: any machine with a kernel that has
 * iommufd but not the series. PROGRAM is the iommufd-resv to test, by default the
 * one beside this one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* From TREE: the test uapi is not exported. */
#include "iommufd_test.h"

#include "e2e.h"
#include "vfio.h"

#define DOORBELL { 0xfee00000, 0xfeefffff, 0, 0 }
#define DOORBELL_JSON							\
	"        { \"start\": \"0xfee00000\", \"last\": \"0xfeefffff\", "	\
	"\"size\": \"0x100000\", \"sw_msi\": false }"
#define DOORBELL_TEXT							\
	"  reserved  0x00000000fee00000  0x00000000feefffff  -       "	\
	"1 MiB (1048576)\n"
#define RESERVED_JSON(regions) "\"reserved\": [\n" regions "\n      ]"

static const struct machine machines[] = {
	{
		/* arm_smmu_get_resv_regions(): MSI_IOVA_BASE and _LENGTH. */
		.name = "smmuv3",
		.iommu_driver = "arm-smmu-v3",
		.regions = {
			{ 0x8000000, 0x80fffff, IOMMU_RESV_IOVA_SW_MSI, 0 },
		},
		.nr_regions = 1,
		.json = RESERVED_JSON(
			"        { \"start\": \"0x8000000\", \"last\": \"0x80fffff\", "
			"\"size\": \"0x100000\", \"sw_msi\": true }"),
		.text = "  reserved  0x0000000008000000  0x00000000080fffff  SW_MSI  1 MiB (1048576)\n",
		.nest_parent = true,
	},
	{
		/*
		 * intel_iommu_get_resv_regions(): IOAPIC_RANGE_START and _END;
		 * QEMU's tables have no RMRR.
		 */
		.name = "vtd",
		.iommu_driver = "intel-iommu",
		.regions = { DOORBELL },
		.nr_regions = 1,
		.json = RESERVED_JSON(DOORBELL_JSON),
		.text = DOORBELL_TEXT,
		.nests_alone = true,
	},
	{
		/* The same but for its page tables, of three levels. */
		.name = "vtd39",
		.iommu_driver = "intel-iommu",
		.regions = { DOORBELL },
		.nr_regions = 1,
		.json = RESERVED_JSON(DOORBELL_JSON),
		.text = DOORBELL_TEXT,
		.nests_alone = true,
		.reach = 0x7fffffffff,
		.own = { "iommufd-resv layout: beyond 39 bits is no reserved region",
			 own_reach },
	},
	{
		/*
		 * amd_iommu_get_resv_regions(): MSI_RANGE_START and _END,
		 * HT_RANGE_START and _END; QEMU's table has no IVMD. The page
		 * tables grow up to the six levels that QEMU has, all 64 bits.
		 */
		.name = "amd",
		.iommu_driver = "amd-iommu",
		.regions = { DOORBELL, { 0xfd00000000, 0xffffffffff, 0, 0 } },
		.nr_regions = 2,
		.json = RESERVED_JSON(DOORBELL_JSON ",\n"
			"        { \"start\": \"0xfd00000000\", \"last\": \"0xffffffffff\", "
			"\"size\": \"0x300000000\", \"sw_msi\": false }"),
		.text = DOORBELL_TEXT
			"  reserved  0x000000fd00000000  0x000000ffffffffff  -       12 GiB (12884901888)\n",
		.reach = UINT64_MAX,
		.own = { "iommufd-resv layout: a guest of 1,020 GiB in and around the hole",
			 own_hole },
	},
	{
		/*
		 * The device tells (virtio 1.2, 5.13.6.5.1.3): on a PC, QEMU
		 * declares the doorbell as VIRTIO_IOMMU_RESV_MEM_T_MSI. With
		 * one of these viommu_get_resv_regions() adds no SW_MSI.
		 */
		.name = "virtio",
		.iommu_driver = "virtio_iommu",
		.regions = { DOORBELL },
		.nr_regions = 1,
		.json = RESERVED_JSON(DOORBELL_JSON),
		.text = DOORBELL_TEXT,
	},
};

const struct machine *machine;
struct guest guest;
size_t page;
static char program[PATH_MAX];

/* The IOAS, a paging HWPT on it, and what it allowed before the attach. */
static uint32_t ioas, hwpt;
static struct ranges before, attached;

/* These are the first @nr of the machine's regions. */
static void are_first(const struct iommu_resv_iova_range *regions, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		const struct iommu_resv_iova_range *want = &machine->regions[i];

		diag("region: 0x%" PRIx64 " - 0x%" PRIx64 " flags %" PRIu32,
		     (uint64_t)regions[i].start, (uint64_t)regions[i].last,
		     (uint32_t)regions[i].flags);
		check(regions[i].start == want->start &&
		      regions[i].last == want->last &&
		      regions[i].flags == want->flags &&
		      regions[i].__reserved == 0,
		      "not exactly 0x%" PRIx64 " - 0x%" PRIx64 " flags %" PRIu32,
		      (uint64_t)want->start, (uint64_t)want->last,
		      (uint32_t)want->flags);
	}
}

static void query_is_as_expected(void)
{
	struct iommu_resv_iova_range *regions;
	size_t nr;

	if (!check_rc(resv_query(guest.iommufd, guest.dev_id, &regions, &nr),
		      0))
		return;
	if (check(nr == machine->nr_regions, "%zu regions, not %zu", nr,
		  machine->nr_regions))
		are_first(regions, nr);
	free(regions);
}

/* The call itself, without the library. */
static int query(void *cmd)
{
	return ioctl(guest.iommufd, IOMMU_RESV_IOVA_RANGES, cmd) < 0 ? -errno :
								       0;
}

static void take(void)
{
	need(guest_take(&guest) && guest_bind(&guest));
	diag("edu at %s, dev_id %" PRIu32, guest.address, guest.dev_id);
}

static void probe(void)
{
	int rc = resv_has_query(guest.iommufd);

	need(check(rc == 1, "resv_has_query() gave %d", rc));
}

static void count(void)
{
	struct iommu_resv_iova_ranges cmd = {
		.size = sizeof(cmd),
		.dev_id = guest.dev_id,
	};

	check_rc(query(&cmd), -EMSGSIZE);
	check(cmd.num_iovas == machine->nr_regions, "total %" PRIu32,
	      (uint32_t)cmd.num_iovas);
}

static void fills_what_fits(void)
{
	struct iommu_resv_iova_range array[4], filler;
	struct iommu_resv_iova_ranges cmd = {
		.size = sizeof(cmd),
		.dev_id = guest.dev_id,
		.resv_iovas = (uintptr_t)array,
	};
	size_t nr = machine->nr_regions;

	memset(&filler, 0xa5, sizeof(filler));
	for (size_t room = 1; room <= 4; room++) {
		size_t fits = room < nr ? room : nr;

		memset(array, 0xa5, sizeof(array));
		cmd.num_iovas = room;
		check_rc(query(&cmd), room < nr ? -EMSGSIZE : 0);
		check(cmd.num_iovas == nr, "total %" PRIu32,
		      (uint32_t)cmd.num_iovas);
		are_first(array, fits);
		for (size_t i = fits; i < 4; i++)
			check(!memcmp(&array[i], &filler, sizeof(filler)),
			      "room for %zu: element %zu was written to", room,
			      i);
	}
}

static void wrong_ids(void)
{
	struct iommu_resv_iova_range array[4];
	struct iommu_resv_iova_ranges cmd = {
		.size = sizeof(cmd),
		.num_iovas = 4,
		.resv_iovas = (uintptr_t)array,
	};
	uint32_t id;

	check_rc(query(&cmd), -ENOENT);
	cmd.dev_id = 0x12345678;
	check_rc(query(&cmd), -ENOENT);
	if (check_rc(resv_ioas_alloc(guest.iommufd, &id), 0)) {
		cmd.dev_id = id;
		check_rc(query(&cmd), -ENOENT);
		check_rc(resv_destroy(guest.iommufd, id), 0);
	}
}

static void bad_pointers(void)
{
	struct iommu_resv_iova_ranges cmd = {
		.size = sizeof(cmd),
		.dev_id = guest.dev_id,
		.num_iovas = 4,
	};
	void *readonly = mmap(NULL, page, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cmd.resv_iovas = 8;
	check_rc(query(&cmd), -EFAULT);
	cmd.resv_iovas = (uintptr_t)readonly;
	check_rc(query(&cmd), -EFAULT);
	check_rc(query((void *)8), -EFAULT);
	munmap(readonly, page);
}

static void bad_fields(void)
{
	struct iommu_resv_iova_range array[4];
	struct {
		struct iommu_resv_iova_ranges cmd;
		uint64_t beyond;
	} big = {
		.cmd.dev_id = guest.dev_id,
		.cmd.num_iovas = 4,
		.cmd.resv_iovas = (uintptr_t)array,
	};

	big.cmd.size = sizeof(big.cmd);
	big.cmd.__reserved = 1;
	check_rc(query(&big.cmd), -EOPNOTSUPP);
	big.cmd.__reserved = 0;

	big.cmd.size = sizeof(big.cmd) - 8;
	check_rc(query(&big.cmd), -EINVAL);

	/* A VMM built for a later kernel: fine while it asks for nothing new. */
	big.cmd.size = sizeof(big);
	big.beyond = 0;
	check_rc(query(&big.cmd), 0);
	big.cmd.num_iovas = 4;
	big.beyond = 1;
	check_rc(query(&big.cmd), -E2BIG);
}

static void attach_loses_the_regions(void)
{
	struct ranges lost;

	/*
	 * The HWPT first, so that the IOAS is down to what the IOMMU can
	 * translate, and all the attach takes away are regions.
	 */
	need(check_rc(resv_ioas_alloc(guest.iommufd, &ioas), 0) &&
	     check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id, ioas, 0,
				      &hwpt),
		      0) &&
	     guest_ranges(&guest, ioas, &before));
	ranges_diag("allowed before the attach", &before);
	need(check_rc(vfio_attach(guest.dev, hwpt), 0) &&
	     guest_ranges(&guest, ioas, &attached) &&
	     ranges_lost(&before, &attached, &lost));
	ranges_diag("lost to the attach", &lost);
	ranges_same_regions("lost to the attach", &lost, machine->regions,
			    machine->nr_regions);
	free(lost.at);
}

/* A stage 1 on what is no nest parent, or for a driver that has no such thing */
static void nested_is_refused(void)
{
	struct iommu_hwpt_vtd_s1 s1 = { .addr_width = 48 };
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.dev_id = guest.dev_id,
		.pt_id = hwpt,
		.data_type = IOMMU_HWPT_DATA_VTD_S1,
		.data_len = sizeof(s1),
		.data_uptr = (uintptr_t)&s1,
	};
	int rc = ioctl(guest.iommufd, IOMMU_HWPT_ALLOC, &cmd) ? -errno : 0;

	check_rc(rc, machine->nests_alone ? -EINVAL : -EOPNOTSUPP);
}

/* What gives a mock device regions would take this one for a mock device. */
static void no_mock_device(void)
{
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_TEST_OP_DEV_CLEAR_RESV,
		.id = guest.dev_id,
	};

	check_rc(ioctl(guest.iommufd, IOMMU_TEST_CMD, &cmd) ? -errno : 0, -EINVAL);
	query_is_as_expected();
}

static void left_over_agrees(void)
{
	struct iommu_resv_iova_range *regions;
	struct ranges aperture, left;
	size_t nr;

	if (!check_rc(resv_aperture(guest.iommufd, guest.dev_id, &aperture.at,
				    &aperture.nr),
		      0))
		return;
	ranges_same("aperture", &aperture, &before);
	if (check_rc(resv_query(guest.iommufd, guest.dev_id, &regions, &nr),
		     0)) {
		if (check_rc(resv_left(aperture.at, aperture.nr, regions, nr,
				       &left.at, &left.nr),
			     0)) {
			ranges_same("left over", &left, &attached);
			free(left.at);
		}
		free(regions);
	}
	free(aperture.at);
}

void cannot_map(uint32_t id, const struct iommu_resv_iova_range *region)
{
	uint64_t start = region->start, end = region->last + 1;
	void *mem = guest_memory(2 * page);

	check_rc(guest_map(&guest, id, start, mem, page), -EINVAL);
	check_rc(guest_map(&guest, id, end - page, mem, page), -EINVAL);
	check_rc(guest_map(&guest, id, start - page, mem, 2 * page), -EINVAL);
	check_rc(guest_map(&guest, id, end - page, mem, 2 * page), -EINVAL);
	munmap(mem, 2 * page);
}

static void map_is_refused(void)
{
	for (size_t i = 0; i < machine->nr_regions; i++)
		cannot_map(ioas, &machine->regions[i]);
}

/* From a page to another and back. */
static void dma_between(uint64_t one, uint64_t other)
{
	uint8_t *mem = guest_memory(2 * page);

	if (check_rc(guest_map(&guest, ioas, one, mem, page), 0) &&
	    check_rc(guest_map(&guest, ioas, other, mem + page, page), 0)) {
		guest_dma(&guest, one, mem, other, mem + page, EDU_BUFFER);
		guest_dma(&guest, other, mem + page, one, mem, EDU_BUFFER);
		check_rc(guest_unmap(&guest, ioas, one, page), 0);
		check_rc(guest_unmap(&guest, ioas, other, page), 0);
	}
	munmap(mem, 2 * page);
}

static void dma(void)
{
	need(check_rc(edu_open(&guest.edu, guest.dev), 0));
	for (size_t i = 0; i < machine->nr_regions; i++)
		dma_between(machine->regions[i].start - page,
			    machine->regions[i].last + 1);
}

static void dma_far(void)
{
	dma_between(0, attached.at[attached.nr - 1].last + 1 - page);
}

static void msi(void)
{
	if (guest_msi_on(&guest)) {
		guest_msi(&guest, true);
		guest_msi(&guest, true);
		check_rc(vfio_set_msi(guest.dev, -1), 0);
	}
}

static void detach_gives_back(void)
{
	struct ranges after;

	if (!check_rc(vfio_detach(guest.dev), 0) ||
	    !guest_ranges(&guest, ioas, &after))
		return;
	ranges_same("allowed after the detach", &after, &before);
	free(after.at);
	query_is_as_expected();
}

/* Runs the program; as nobody if @unprivileged. Gives its exit code. */
static int run(bool unprivileged, char *out, size_t size, char *const argv[])
{
	size_t used = 0;
	int pipes[2], status = -1;
	ssize_t len;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return -1;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		dup2(pipes[1], STDOUT_FILENO);
		dup2(pipes[1], STDERR_FILENO);
		if (unprivileged && (setgid(65534) || setuid(65534)))
			_exit(126);
		execv(program, argv);
		_exit(127);
	}
	close(pipes[1]);
	/* More than fits is read and dropped. */
	for (;;) {
		char rest[256];
		size_t room = size - 1 - used;

		len = read(pipes[0], room ? out + used : rest,
			   room ? room : sizeof(rest));
		if (len <= 0)
			break;
		if (room)
			used += len;
	}
	out[used] = '\0';
	close(pipes[0]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void diag_lines(const char *text)
{
	while (*text) {
		int len = strcspn(text, "\n");

		diag("  %.*s", len, text);
		text += len;
		if (*text)
			text++;
	}
}

bool says(const char *out, const char *want)
{
	if (check(strstr(out, want), "it does not say:"))
		return true;
	diag_lines(want);
	diag("but:");
	diag_lines(out);
	return false;
}

static const char *output_of(bool unprivileged, int code, char *argv[])
{
	static char out[65536];
	int got = run(unprivileged, out, sizeof(out), argv);

	if (!check(got == code, "exit code %d, expected %d", got, code)) {
		for (int i = 0; argv[i]; i++)
			diag("argument %d: %s", i, argv[i]);
		diag_lines(out);
	}
	return out;
}

const char *expect_output(int code, char *argv[])
{
	return output_of(false, code, argv);
}

void expect_as(bool unprivileged, int code, const char *want, char *argv[])
{
	if (says(output_of(unprivileged, code, argv), want))
		return;
	for (int i = 0; argv[i]; i++)
		diag("argument %d: %s", i, argv[i]);
}

static void program_json(void)
{
	static char want[65536];
	char out[65536], *at = want, *end = want + sizeof(want);
	int code;

	code = run(false, out, sizeof(out),
		   (char *[]){ "iommufd-resv", "list", "--json", NULL });
	check(code == 0, "exit code %d", code);

	at += snprintf(at, end - at,
		       "{\n  \"format\": 1,\n  \"devices\": [\n    {\n"
		       "      \"address\": \"%s\",\n      \"iommu\": \"",
		       guest.address);
	says(out, want);
	snprintf(want, sizeof(want), "\",\n      \"iommu_driver\": \"%s\",\n",
		 machine->iommu_driver);
	says(out, want);
	says(out, machine->json);

	/* What is left is what the attach left. */
	at = want;
	at += snprintf(at, end - at, "\"left\": [");
	for (size_t i = 0; i < attached.nr; i++)
		at += snprintf(at, end - at,
			       "%s\n        { \"start\": \"0x%" PRIx64
			       "\", \"last\": \"0x%" PRIx64
			       "\", \"size\": \"0x%" PRIx64 "\" }",
			       i ? "," : "", (uint64_t)attached.at[i].start,
			       (uint64_t)attached.at[i].last,
			       (uint64_t)(attached.at[i].last -
					  attached.at[i].start + 1));
	snprintf(at, end - at,
		 "\n      ],\n      \"left_of\": \"aperture\"\n    }\n  ]\n}\n");
	says(out, want);
	diag_lines(out);
}

static void program_text(void)
{
	expect(0, machine->text, "list");
	expect(0, machine->text, "list", guest.address);
	/* Without the domain, as people type it. */
	expect(0, machine->text, "list", guest.address + strlen("0000:"));
}

/* The address of a device that no driver has, so not vfio-pci either. */
static bool find_unbound(char address[NAME_MAX + 1])
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		char path[512];

		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver",
			 entry->d_name);
		if (*entry->d_name == '.' || !access(path, F_OK))
			continue;
		strcpy(address, entry->d_name);
		found = true;
	}
	if (dir)
		closedir(dir);
	return check(found, "every PCI device has a driver");
}

static void program_errors(void)
{
	char unbound[NAME_MAX + 1];

	expect(0, "usage: iommufd-resv list", "--help");
	expect(0, "usage: iommufd-resv list", "-h");
	expect(0, "iommufd-resv ", "--version");
	expect(2, "say what to do", NULL);
	expect(2, "no such command", "lsit");
	expect(2, "usage:", "list", "--colour");
	expect(2, "not a PCI address", "list", "eth0");
	expect(2, "not a PCI address", "list", "00:03.8");
	expect(1, "no such PCI device", "list", "0000:ff:1f.7");
	if (find_unbound(unbound))
		expect(1, "not bound to vfio-pci", "list", unbound);
	/* One that cannot be asked does not hide the others. */
	expect(1, machine->text, "list", "0000:ff:1f.7", guest.address);
	expect_as(true, 4, "run this as root",
		  (char *[]){ "iommufd-resv", "list", NULL });
}

static void program_busy(void)
{
	if (guest_bind(&guest)) {
		expect(1, "another process has it open", "list", guest.address);
		guest_unbind(&guest);
	}
}

bool unbind_driver(const char *address)
{
	char path[128];
	bool good;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver/unbind",
		 address);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	good = check(fd >= 0 && write(fd, address, strlen(address)) > 0,
		     "unbind %s: %s", address, strerror(errno));
	if (fd >= 0)
		close(fd);
	return good;
}

/* Last: nothing is bound to vfio-pci any more. */
static void program_no_devices(void)
{
	if (!unbind_driver(guest.address))
		return;
	expect(5, "no PCI device is bound to vfio-pci", "list");
	expect(5, "\"devices\": []", "list", "--json");
	expect(5, "no PCI device is bound to vfio-pci", "layout");
	expect(1, "not bound to vfio-pci", "list", guest.address);
}

static void let_go(void)
{
	struct ranges none;

	check_rc(resv_destroy(guest.iommufd, hwpt), 0);
	check_rc(resv_destroy(guest.iommufd, ioas), 0);
	/* The library hands out errors, and leaves its outputs alone. */
	none.at = NULL;
	check_rc(resv_ioas_ranges(guest.iommufd, ioas, &none.at, &none.nr,
				  NULL),
		 -ENOENT);
	check(!none.at, "output written to");
	guest_unbind(&guest);
}

/* On a kernel without the series */

static void base_probe(void)
{
	int rc;

	guest.iommufd = resv_open();
	need(check(guest.iommufd >= 0, "open /dev/iommu: %s",
		   strerror(-guest.iommufd)));
	rc = resv_has_query(guest.iommufd);
	check(rc == 0, "resv_has_query() gave %d", rc);
}

static void base_query(void)
{
	struct iommu_resv_iova_range *regions;
	size_t nr;

	check_rc(resv_query(guest.iommufd, 1, &regions, &nr), -ENOTTY);
}

static void base_program(void)
{
	expect(3, "lacks IOMMU_RESV_IOVA_RANGES", "list");
	expect(3, "lacks IOMMU_RESV_IOVA_RANGES", "list", "--json");
	expect(3, "lacks IOMMU_RESV_IOVA_RANGES", "list", "00:04.0");
	expect(3, "lacks IOMMU_RESV_IOVA_RANGES", "layout");
	expect(2, "not a PCI address", "list", "eth0");
}

static const struct ktap_case base_cases[] = {
	{ "a kernel without the call is told by resv_has_query()", base_probe },
	{ "resv_query() gives ENOTTY there", base_query },
	{ "iommufd-resv says so and has an exit code for it", base_program },
};

static const struct ktap_case cases[] = {
	{ "edu binds to vfio-pci and to iommufd", take },
	{ "the kernel has IOMMU_RESV_IOVA_RANGES", probe },
	{ "the query works before any attach and is exact",
	  query_is_as_expected },
	{ "num_iovas 0 gives the total and EMSGSIZE", count },
	{ "what fits is filled in, the array beyond it stays untouched",
	  fills_what_fits },
	{ "a dev_id that is no device gives ENOENT", wrong_ids },
	{ "a bad pointer gives EFAULT", bad_pointers },
	{ "reserved fields and sizes are checked", bad_fields },
	{ "an attach takes exactly the query's regions out of the IOAS",
	  attach_loses_the_regions },
	{ "the query says the same while attached", query_is_as_expected },
	{ "aperture without regions is what the IOAS still allows",
	  left_over_agrees },
	{ "a stage 1 on a stage 2 that is no nest parent is refused",
	  nested_is_refused },
	{ "the ops for mock devices refuse the edu", no_mock_device },
	{ "mapping into a region gives EINVAL", map_is_refused },
	{ "DMA moves bytes through the pages on both sides of each region",
	  dma },
	{ "DMA reaches the last page that the IOMMU translates", dma_far },
	{ "an MSI arrives", msi },
	{ "a detach gives the regions back", detach_gives_back },
	{ "everything can be freed", let_go },
	{ "iommufd-resv list --json says what the calls say", program_json },
	{ "iommufd-resv list says the same in text", program_text },
	{ "iommufd-resv names the causes of failure", program_errors },
	{ "iommufd-resv says when a device is busy", program_busy },
};

static const struct ktap_case last_case = {
	"iommufd-resv says when nothing is bound", program_no_devices
};

/* The program in the directory that this one is in. */
static bool beside_this(void)
{
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program));
	char *name;

	if (len > 0 && (size_t)len < sizeof(program)) {
		program[len] = '\0';
		name = strrchr(program, '/') + 1;
		if (name + sizeof("iommufd-resv") <= program + sizeof(program)) {
			strcpy(name, "iommufd-resv");
			return true;
		}
	}
	fprintf(stderr, "e2e: cannot read /proc/self/exe; name the PROGRAM\n");
	return false;
}

#define NR_CASES (sizeof(cases) / sizeof(*cases))
/* Behind these: the machine's own, and the last. */
#define MAX_CASES (NR_CASES + LAYOUT_CASES + 2)

int main(int argc, char **argv)
{
	struct ktap_case all[MAX_CASES];
	size_t nr = NR_CASES + LAYOUT_CASES;
	bool base, noiommu, direct, relaxable;

	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
		if (argc > 1 && !strcmp(argv[1], machines[i].name))
			machine = &machines[i];
	}
	base = argc > 1 && !strcmp(argv[1], "base");
	noiommu = argc > 1 && !strcmp(argv[1], "noiommu");
	direct = argc > 1 && !strcmp(argv[1], "smmuv3-rmr");
	relaxable = argc > 1 && !strcmp(argv[1], "smmuv3-rmr-relaxable");
	/* All else is as on any SMMUv3. */
	if (direct || relaxable)
		machine = &machines[0];
	if ((!machine && !base && !noiommu) || argc > 3) {
		fprintf(stderr,
			"usage: e2e smmuv3|smmuv3-rmr|smmuv3-rmr-relaxable|vtd|vtd39|amd|virtio|noiommu|base [PROGRAM]\n");
		return 2;
	}
	if (argc > 2)
		snprintf(program, sizeof(program), "%s", argv[2]);
	else if (!beside_this())
		return 2;
	page = sysconf(_SC_PAGESIZE);
	if (base)
		return ktap_run(base_cases,
				sizeof(base_cases) / sizeof(*base_cases));
	if (noiommu)
		return ktap_run(noiommu_cases, NOIOMMU_CASES);
	if (direct)
		return ktap_run(direct_cases, DIRECT_CASES);
	if (relaxable)
		return ktap_run(relaxable_cases, RELAXABLE_CASES);

	/* No SMMUv3 nests there, and whoever has domain_alloc_user() is asked */
	if (guest_kernel_before(6, 13)) {
		static struct machine older;

		older = *machine;
		older.nest_parent = false;
		older.nests_alone = strcmp(machine->name, "virtio");
		machine = &older;
	}
	memcpy(all, cases, sizeof(cases));
	memcpy(all + NR_CASES, layout_cases, sizeof(layout_cases));
	if (machine->own.run)
		all[nr++] = machine->own;
	all[nr++] = last_case;
	return ktap_run(all, nr);
}
