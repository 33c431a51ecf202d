// SPDX-License-Identifier: GPL-2.0
/*
 * What the ways to learn a device's reserved regions cost, in guest
 * instructions.
 *
 * Calls for which the library would allocate an array are made without it, so that
 * only the call counts.
 *
 *   bench
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "count.h"
#include "guest.h"
#include "vfio.h"

static struct guest guest;
static uint32_t ioas, loaded, id;
static char sysfs[PATH_MAX];

static void must(const char *what, int rc)
{
	if (!rc)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static int call(unsigned long request, void *cmd)
{
	return ioctl(guest.iommufd, request, cmd) < 0 ? -errno : 0;
}

static void read_sysfs(void)
{
	char text[4096];
	int fd = open(sysfs, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text)) <= 0)
		must(sysfs, -errno);
	close(fd);
}

static void ranges(void)
{
	struct iommu_iova_range array[16];
	struct iommu_ioas_iova_ranges cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.num_iovas = 16,
		.allowed_iovas = (uintptr_t)array,
	};

	must("IOMMU_IOAS_IOVA_RANGES", call(IOMMU_IOAS_IOVA_RANGES, &cmd));
}

static void attach_and_look(void)
{
	must("attach", vfio_attach(guest.dev, ioas));
	ranges();
	must("detach", vfio_detach(guest.dev));
}

static void hw_info(void)
{
	struct iommu_hw_info cmd = {
		.size = sizeof(cmd),
		.dev_id = guest.dev_id,
	};

	must("IOMMU_GET_HW_INFO", call(IOMMU_GET_HW_INFO, &cmd));
}

static void query(void)
{
	struct iommu_resv_iova_range array[16];
	struct iommu_resv_iova_ranges cmd = {
		.size = sizeof(cmd),
		.dev_id = guest.dev_id,
		.num_iovas = 16,
		.resv_iovas = (uintptr_t)array,
	};

	must("IOMMU_RESV_IOVA_RANGES", call(IOMMU_RESV_IOVA_RANGES, &cmd));
}

static void make_ioas(void)
{
	must("IOMMU_IOAS_ALLOC", resv_ioas_alloc(guest.iommufd, &id));
	must("IOMMU_DESTROY", resv_destroy(guest.iommufd, id));
}

static void load_new(void)
{
	must("IOMMU_IOAS_ALLOC", resv_ioas_alloc(guest.iommufd, &id));
	must("load", resv_ioas_load(guest.iommufd, id, guest.dev_id, NULL));
	must("IOMMU_DESTROY", resv_destroy(guest.iommufd, id));
}

static void load_again(void)
{
	must("load", resv_ioas_load(guest.iommufd, loaded, guest.dev_id, NULL));
}

static uint64_t shortest(void (*run)(void))
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < COUNT_RUNS; i++) {
		uint64_t start = count_instructions();

		run();
		start = count_instructions() - start;
		if (start < best)
			best = start;
	}
	return best;
}

static const struct {
	const char *what;
	void (*run)(void);
} measures[] = {
	{ "open, read and close reserved_regions in sysfs", read_sysfs },
	{ "attach, IOMMU_IOAS_IOVA_RANGES, detach", attach_and_look },
	{ "IOMMU_IOAS_IOVA_RANGES", ranges },
	{ "IOMMU_GET_HW_INFO", hw_info },
	{ "IOMMU_RESV_IOVA_RANGES", query },
	{ "an IOAS made and destroyed", make_ioas },
	{ "the same with IOMMU_IOAS_LOAD_RESV_IOVAS between", load_new },
	{ "IOMMU_IOAS_LOAD_RESV_IOVAS once more", load_again },
};

int main(void)
{
	if (!count_works("bench") || !guest_take(&guest) || !guest_bind(&guest))
		return 1;
	snprintf(sysfs, sizeof(sysfs),
		 "/sys/bus/pci/devices/%s/iommu_group/reserved_regions",
		 guest.address);
	must("IOMMU_IOAS_ALLOC", resv_ioas_alloc(guest.iommufd, &ioas));
	must("IOMMU_IOAS_ALLOC", resv_ioas_alloc(guest.iommufd, &loaded));

	printf("instructions  what\n");
	for (size_t i = 0; i < sizeof(measures) / sizeof(*measures); i++)
		printf("%12" PRIu64 "  %s\n", shortest(measures[i].run) - count_nothing(),
		       measures[i].what);
	guest_unbind(&guest);
	return 0;
}
