// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of what the commands of iommufd-resv share: why a device cannot be
 * bound, in words. Prints KTAP.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"
#include "program.h"

#define ADDRESS "0000:00:04.0"
#define NR(array) (sizeof(array) / sizeof(*(array)))

/* What is said of @rc with @sysfs as the group's file; NULL: there is none. */
static void says(int rc, const char *sysfs, const char *want)
{
	FILE *regions = NULL, *real = stderr;
	char *got = NULL;
	size_t size;
	int status;

	if (sysfs)
		regions = fmemopen((void *)sysfs, strlen(sysfs), "r");
	stderr = open_memstream(&got, &size);
	status = complain_bind(ADDRESS, rc, regions);
	fclose(stderr);
	stderr = real;
	if (regions)
		fclose(regions);
	check(status == EXIT_ERROR, "exit code %d", status);
	check(!strcmp(got, want), "got \"%s\", expected \"%s\"", got, want);
	free(got);
}

#define DEMANDS(ranges)							\
	"iommufd-resv: " ADDRESS ": firmware demands a 1:1 mapping of "	\
	ranges " for its IOMMU group, so the kernel does not let userspace own it; " \
	"look for a firmware setting or update that takes the demand back " \
	"(an RMR of the IORT on Arm, an RMRR of the DMAR on Intel, an IVMD of the IVRS on AMD), " \
	"or use another device\n"
#define BUSY								\
	"iommufd-resv: " ADDRESS ": busy, another process has it open; "	\
	"stop that one (fuser -v /dev/vfio/devices/* names it)\n"

static void firmware_demands(void)
{
	/* As iommu_group_show_resv_regions() prints it. */
	says(-EINVAL,
	     "0x0000000008000000 0x00000000080fffff msi\n"
	     "0x00000000c0000000 0x00000000c001ffff direct\n",
	     DEMANDS("0xc0000000-0xc001ffff"));
	says(-EINVAL,
	     "0x000000003e2e0000 0x000000003e2fffff direct\n"
	     "0x000000007b800000 0x000000007fffffff direct-relaxable\n"
	     "0x000000007d000000 0x000000007d00ffff direct\n"
	     "0x00000000fee00000 0x00000000feefffff msi\n"
	     "0xfffffffffffff000 0xffffffffffffffff direct\n",
	     DEMANDS("0x3e2e0000-0x3e2fffff, 0x7d000000-0x7d00ffff, 0xfffffffffffff000-0xffffffffffffffff"));
}

static void somebody_has_it(void)
{
	says(-EINVAL, NULL, BUSY);
	says(-EINVAL, "\n", BUSY);
	says(-EINVAL,
	     "0x00000000c0000000 0x00000000c001ffff direct-relaxable\n"
	     "0x000000fd00000000 0x000000ffffffffff reserved\n", BUSY);
}

/* Another error has another cause, whatever firmware demands. */
static void other_causes(void)
{
	static const char direct[] =
		"0x00000000c0000000 0x00000000c001ffff direct\n";

	says(-EBUSY, direct,
	     "iommufd-resv: " ADDRESS ": its IOMMU group is in use; close what uses VFIO there, "
	     "and bind the group's other devices to vfio-pci or to no driver\n");
	says(-EPERM, direct,
	     "iommufd-resv: " ADDRESS ": its interrupts are not isolated from other devices; "
	     "on a machine where that is acceptable, set the kernel parameter iommufd.allow_unsafe_interrupts=1\n");
	says(-ENOMEM, direct,
	     "iommufd-resv: " ADDRESS ": cannot bind it to iommufd: Cannot allocate memory; dmesg may say more\n");
}

static const struct ktap_case cases[] = {
	{ "what firmware demands is the cause, range by range",
	  firmware_demands },
	{ "a device is busy where firmware demands nothing for good",
	  somebody_has_it },
	{ "every other error has its own cause", other_causes },
};

int main(void)
{
	return ktap_run(cases, NR(cases));
}
