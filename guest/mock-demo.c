// SPDX-License-Identifier: GPL-2.0
/*
 * Shows what IOMMU_RESV_IOVA_RANGES makes of every kind of reserved region, on
 * the mock devices of a kernel with CONFIG_IOMMUFD_TEST: no IOMMU needed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From TREE: the test uapi is not exported. */
#include "iommufd_test.h"

#include "resv.h"
#include "show.h"

#define SW_MSI IOMMU_RESV_IOVA_SW_MSI

static const char *const kinds[] = {
	[MOCK_RESV_DIRECT] = "DIRECT",
	[MOCK_RESV_DIRECT_RELAXABLE] = "DIRECT_RELAXABLE",
	[MOCK_RESV_RESERVED] = "RESERVED",
	[MOCK_RESV_MSI] = "MSI",
	[MOCK_RESV_SW_MSI] = "SW_MSI",
};

struct added {
	uint64_t start, last;
	uint32_t type;
};

/* In no order, as drivers give them. */
static const struct added x86_like[] = {
	{ 0xfee00000, 0xfeefffff, MOCK_RESV_MSI },
	{ 0x7c000000, 0x7cffffff, MOCK_RESV_DIRECT },
	{ 0xfd00000000, 0xffffffffff, MOCK_RESV_RESERVED },
	{ 0x000a0000, 0x000fffff, MOCK_RESV_DIRECT_RELAXABLE },
	{ 0x7d000000, 0x7dffffff, MOCK_RESV_RESERVED },
};
static const struct iommu_resv_iova_range x86_like_want[] = {
	{ 0x7c000000, 0x7dffffff, 0, 0 },	/* two that touch are one */
	{ 0xfee00000, 0xfeefffff, 0, 0 },
	{ 0xfd00000000, 0xffffffffff, 0, 0 },
};

static const struct added arm_like[] = {
	{ 0x08000000, 0x080fffff, MOCK_RESV_SW_MSI },
	{ 0x04000000, 0x0fffffff, MOCK_RESV_RESERVED },
	{ 0x0c000000, 0x13ffffff, MOCK_RESV_DIRECT },
};
static const struct iommu_resv_iova_range arm_like_want[] = {
	{ 0x04000000, 0x07ffffff, 0, 0 },
	{ 0x08000000, 0x080fffff, SW_MSI, 0 },	/* keeps its mark */
	{ 0x08100000, 0x13ffffff, 0, 0 },
};

static int test_op(int iommufd, struct iommu_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	return resv_ioctl(iommufd, IOMMU_TEST_CMD, cmd);
}

static int fail(const char *what, int rc)
{
	fprintf(stderr, "mock-demo: %s: %s\n", what, strerror(-rc));
	return 1;
}

/* A mock device with these regions, as the query has them. */
static int make(int iommufd, struct show_device *dev, const char *name,
		const struct added *added, size_t nr_added,
		const struct iommu_resv_iova_range *want, size_t nr_want)
{
	struct iommu_test_cmd cmd = { .op = IOMMU_TEST_OP_MOCK_DOMAIN };
	struct iommu_iova_range *space;
	size_t nr_space;
	uint32_t ioas;
	int rc;

	rc = resv_ioas_alloc(iommufd, &ioas);
	if (rc)
		return fail("cannot allocate an IOAS", rc);
	cmd.id = ioas;
	rc = test_op(iommufd, &cmd);
	if (rc == -ENOTTY)
		return fail("this kernel has no mock devices; build it with CONFIG_IOMMUFD_TEST",
			    rc);
	if (rc)
		return fail("cannot make a mock device", rc);
	dev->dev_id = cmd.mock_domain.out_idev_id;
	snprintf(dev->address, sizeof(dev->address), "%s", name);
	snprintf(dev->iommu_driver, sizeof(dev->iommu_driver), "iommufd_mock");

	printf("The driver reports for %s:\n", name);
	for (size_t i = 0; i < nr_added; i++) {
		printf("  0x%016" PRIx64 "  0x%016" PRIx64 "  %s\n",
		       added[i].start, added[i].last, kinds[added[i].type]);
		cmd = (struct iommu_test_cmd){
			.op = IOMMU_TEST_OP_DEV_ADD_RESV,
			.id = dev->dev_id,
			.dev_add_resv = { .start = added[i].start,
					  .last = added[i].last,
					  .type = added[i].type },
		};
		rc = test_op(iommufd, &cmd);
		if (rc)
			return fail("cannot add a region", rc);
	}
	printf("\n");

	rc = resv_query(iommufd, dev->dev_id, &dev->reserved,
			&dev->nr_reserved);
	if (rc)
		return fail("IOMMU_RESV_IOVA_RANGES failed", rc);
	if (dev->nr_reserved != nr_want ||
	    memcmp(dev->reserved, want, nr_want * sizeof(*want))) {
		show_text(stderr, dev, 1);
		fprintf(stderr,
			"mock-demo: that is not what these regions come to; the kernel is wrong\n");
		return 1;
	}

	rc = resv_aperture(iommufd, dev->dev_id, &space, &nr_space);
	if (rc)
		return fail("cannot find out what the mock IOMMU translates",
			    rc);
	rc = resv_left(space, nr_space, dev->reserved, dev->nr_reserved,
		       &dev->left, &dev->nr_left);
	if (rc)
		return fail("cannot work out what is left", rc);
	dev->aperture = true;
	free(space);
	return 0;
}

#define NR(array) (sizeof(array) / sizeof(*(array)))

int main(void)
{
	struct show_device devices[2] = { 0 };
	int iommufd = resv_open();

	if (iommufd < 0)
		return fail("cannot open /dev/iommu", iommufd);
	if (make(iommufd, &devices[0], "mock device, as on x86", x86_like,
		 NR(x86_like), x86_like_want, NR(x86_like_want)) ||
	    make(iommufd, &devices[1], "mock device, as on Arm", arm_like,
		 NR(arm_like), arm_like_want, NR(arm_like_want)))
		return 1;
	printf("IOMMU_RESV_IOVA_RANGES answers (sorted, merged, DIRECT_RELAXABLE dropped):\n\n");
	show_text(stdout, devices, 2);
	return fflush(stdout) ? fail("cannot write the output", -errno) : 0;
}
