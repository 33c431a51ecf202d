// SPDX-License-Identifier: GPL-2.0
/*
 * End-to-end test of a range that firmware wants mapped 1:1 for the edu, an RMR
 * node of the IORT. Where the demand is for good, the kernel keeps the edu for
 * itself and iommufd-resv says why. Where it ends with the firmware's own driver,
 * the range is like any other. Part of e2e.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "e2e.h"
#include "vfio.h"

/* The machines have a network interface here, in a group of its own. */
#define NIC "0000:00:05.0"

/* The range, as vm/iort.c has it. */
#define START 0xc0000000
#define LAST 0xc001ffff
#define RANGE "0xc0000000-0xc001ffff"

static uint32_t ioas, hwpt;

/* What sysfs says of it: the only place where the kernel lists it at all. */
static void sysfs_has(const char *type)
{
	char path[128], line[128], want[128];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path),
		 "/sys/bus/pci/devices/%s/iommu_group/reserved_regions",
		 guest.address);
	snprintf(want, sizeof(want), "0x%016x 0x%016x %s\n", START, LAST, type);
	file = fopen(path, "re");
	if (!check(file, "%s: %s", path, strerror(errno)))
		return;
	while (fgets(line, sizeof(line), file)) {
		diag("  %.*s", (int)strcspn(line, "\n"), line);
		found |= !strcmp(line, want);
	}
	fclose(file);
	check(found, "not in %s: %s", path, want);
}

/* Demanded for good */

static void take_not_bind(void)
{
	need(guest_take(&guest));
	guest.iommufd = resv_open();
	need(check(guest.iommufd >= 0, "open /dev/iommu: %s",
		   strerror(-guest.iommufd)));
	guest.dev = vfio_pci_open(guest.address);
	need(check(guest.dev >= 0, "open: %s", strerror(-guest.dev)));
	/* Not only the first time. */
	for (int i = 0; i < 2; i++)
		check_rc(vfio_bind(guest.dev, guest.iommufd, &guest.dev_id),
			 -EINVAL);
	close(guest.dev);
	close(guest.iommufd);
}

static void direct(void)
{
	sysfs_has("direct");
}

static char *why(void)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 "iommufd-resv: %s: firmware demands a 1:1 mapping of " RANGE
		 " for its IOMMU group, so the kernel does not let userspace own it; look for a firmware setting or update that takes the demand back (",
		 guest.address);
	return text;
}

static void says_why(void)
{
	expect(1, why(), "list");
	expect(1, why(), "list", guest.address);
	expect(7, why(), "layout", "--ram", "0-0xfffff");
}

static void others(void)
{
	const char *out;

	if (!check_rc(vfio_pci_take(NIC), 0))
		return;
	out = expect_output(1, (char *[]){ "iommufd-resv", "list", NULL });
	says(out, why());
	says(out, "\n" NIC "  dev_id 1  ");
	says(out, machine->text);
	out = expect_output(0, (char *[]){ "iommufd-resv", "list", NIC, NULL });
	says(out, machine->text);
	check(!strstr(out, "firmware"), "the edu's range is the NIC's");
	expect(0, "The layout fits 1 device.\n", "layout", "--ram",
	       "0-0xfffff", NIC);
	unbind_driver(NIC);
}

const struct ktap_case direct_cases[DIRECT_CASES] = {
	{ "edu goes to vfio-pci and opens, but not to iommufd: EINVAL",
	  take_not_bind },
	{ "sysfs has the range as direct", direct },
	{ "iommufd-resv says that firmware demands it", says_why },
	{ "a device that firmware asks nothing for is shown and usable",
	  others },
};

/* Demanded until a driver comes */

static void take(void)
{
	need(guest_take(&guest) && guest_bind(&guest));
}

static void relaxable(void)
{
	sysfs_has("direct-relaxable");
}

static void not_listed(void)
{
	struct iommu_resv_iova_range *regions;
	size_t nr;

	if (!check_rc(resv_query(guest.iommufd, guest.dev_id, &regions, &nr),
		      0))
		return;
	check(nr == 1 && regions[0].start == machine->regions[0].start &&
	      regions[0].last == machine->regions[0].last,
	      "%zu regions, not the one of any SMMUv3", nr);
	free(regions);
}

static void not_enforced(void)
{
	struct ranges before, now, lost;
	uint8_t *mem = guest_memory(2 * page);

	need(check_rc(resv_ioas_alloc(guest.iommufd, &ioas), 0) &&
	     check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id, ioas, 0,
				      &hwpt), 0) &&
	     guest_ranges(&guest, ioas, &before));
	/* Memory at both ends of the range is there before all else. */
	need(check_rc(guest_map(&guest, ioas, START, mem, page), 0) &&
	     check_rc(guest_map(&guest, ioas, LAST + 1 - page, mem + page,
				page), 0));
	need(check_rc(resv_ioas_load(guest.iommufd, ioas, guest.dev_id, NULL),
		      0) &&
	     check_rc(vfio_attach(guest.dev, hwpt), 0) &&
	     guest_ranges(&guest, ioas, &now) &&
	     ranges_lost(&before, &now, &lost));
	ranges_same_regions("lost to the load and the attach", &lost,
			    machine->regions, machine->nr_regions);
	need(check_rc(edu_open(&guest.edu, guest.dev), 0));
	guest_dma(&guest, START, mem, LAST + 1 - page, mem + page, EDU_BUFFER);
	guest_dma(&guest, LAST + 1 - page, mem + page, START, mem, EDU_BUFFER);
	check_rc(guest_unmap(&guest, ioas, START, page), 0);
	/* Then nothing is: the mapping for firmware went with the kernel's domain. */
	guest_dma_blocked(&guest, START, mem, EDU_BUFFER);
	if (guest_msi_on(&guest)) {
		guest_msi(&guest, true);
		check_rc(vfio_set_msi(guest.dev, -1), 0);
	}
	check_rc(vfio_detach(guest.dev), 0);
	check_rc(resv_destroy(guest.iommufd, hwpt), 0);
	check_rc(resv_destroy(guest.iommufd, ioas), 0);
	free(before.at);
	free(now.at);
	free(lost.at);
	munmap(mem, 2 * page);
	guest_unbind(&guest);
}

static void program(void)
{
	const char *out = expect_output(0, (char *[]){ "iommufd-resv", "list",
						       NULL });

	says(out, machine->text);
	check(!strstr(out, "c0000000"), "the range is listed");
	expect(0, "The layout fits 1 device.\n", "layout", "--range",
	       "rmr=" RANGE, "--ram", "0x40000000-0xbfffffff");
}

const struct ktap_case relaxable_cases[RELAXABLE_CASES] = {
	{ "edu binds to vfio-pci and to iommufd", take },
	{ "sysfs has the range as direct-relaxable", relaxable },
	{ "the query does not list it", not_listed },
	{ "no load and no attach reserves it: memory there takes DMA",
	  not_enforced },
	{ "iommufd-resv neither lists it nor keeps a layout out of it",
	  program },
};
