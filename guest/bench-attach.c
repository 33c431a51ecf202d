// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to attach mock devices with reserved regions, to replace and to
 * detach them, and to query and load the regions, in instructions: for groups of
 * some devices, each with some regions. Also runs on a kernel that lacks the
 * query or the load, and then has no lines of it.
 *
 *   bench-attach
 *
 * Prints one line for each: "what devices regions instructions".
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* From TREE: the test uapi is not exported. */
#include "iommufd_test.h"

#include "count.h"
#include "resv.h"

#define NR(array) (sizeof(array) / sizeof(*(array)))

static const unsigned int device_counts[] = { 1, 4, 16 };
static const unsigned int region_counts[] = { 1, 16, 128, 1000 };

#define MAX_DEVICES 16
#define MAX_REGIONS 1000

/* A case that takes longer is run less often: enough is known of it by then. */
#define ENOUGH_INSTRUCTIONS 300000000
#define MIN_RUNS 3

static int iommufd;
static unsigned int nr_devices, nr_regions;
static struct {
	uint32_t stdev, idev;
} device[MAX_DEVICES];

/* Where the group can be: two stages-2 of one IOAS, one of another, and stages-1 */
static uint32_t ioas, other_ioas;
static uint32_t s2, s2_too, s2_other;
static uint32_t s1, s1_too, s1_other;

static void must(const char *what, int rc)
{
	if (!rc)
		return;
	fprintf(stderr, "bench-attach: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static int test_op(struct iommu_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	return resv_ioctl(iommufd, IOMMU_TEST_CMD, cmd);
}

/* The first is the software MSI window, all that a nested attach reserves. */
static void add_region(uint32_t dev_id, unsigned int i, uint32_t kind)
{
	uint64_t start = 0x2000000 + i * 0x10000UL;
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_DEV_ADD_RESV,
		.id = dev_id,
		.dev_add_resv = { start, start + 0xfff, kind },
	};

	must("adding a region", test_op(&cmd));
}

/* @loose: with regions that nobody has to keep out of */
static void add_device(unsigned int i, bool loose)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS,
		.mock_domain_flags.dev_flags = MOCK_FLAGS_DEVICE_DETACHED |
					       MOCK_FLAGS_DEVICE_GROUP,
	};

	must("making a mock device", test_op(&cmd));
	device[i].stdev = cmd.mock_domain.out_stdev_id;
	device[i].idev = cmd.mock_domain.out_idev_id;
	/* in no order, as drivers may give them; a prime reaches each once */
	for (unsigned int n = 0; n < nr_regions; n++) {
		unsigned int region = n * 619 % nr_regions;

		add_region(device[i].idev, region,
			   loose ? MOCK_RESV_DIRECT_RELAXABLE :
			   region ? MOCK_RESV_RESERVED : MOCK_RESV_SW_MSI);
	}
}

static uint32_t stage_2(uint32_t of)
{
	uint32_t id;

	must("making a stage 2", resv_hwpt_alloc(iommufd, device[0].idev, of,
						 IOMMU_HWPT_ALLOC_NEST_PARENT,
						 &id));
	return id;
}

static uint32_t stage_1(uint32_t parent)
{
	struct iommu_hwpt_selftest data = { .iotlb = IOMMU_TEST_IOTLB_DEFAULT };
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.dev_id = device[0].idev,
		.pt_id = parent,
		.data_type = IOMMU_HWPT_DATA_SELFTEST,
		/* without what a kernel before the end does not know */
		.data_len = offsetof(struct iommu_hwpt_selftest, flags),
		.data_uptr = (uintptr_t)&data,
	};

	must("making a stage 1", resv_ioctl(iommufd, IOMMU_HWPT_ALLOC, &cmd));
	return cmd.out_hwpt_id;
}

static void make(bool loose)
{
	iommufd = resv_open();
	must("/dev/iommu", iommufd < 0 ? iommufd : 0);
	for (unsigned int i = 0; i < nr_devices; i++)
		add_device(i, loose);
	must("IOMMU_IOAS_ALLOC", resv_ioas_alloc(iommufd, &ioas));
	must("IOMMU_IOAS_ALLOC", resv_ioas_alloc(iommufd, &other_ioas));
	s2 = stage_2(ioas);
	s2_too = stage_2(ioas);
	s2_other = stage_2(other_ioas);
	s1 = stage_1(s2);
	s1_too = stage_1(s2);
	s1_other = stage_1(s2_other);
}

/*
 * What is counted: all devices of the group, one after the other; a replace moves
 * them together.
 */

static void attach(uint32_t to)
{
	for (unsigned int i = 0; i < nr_devices; i++) {
		struct iommu_test_cmd cmd = {
			.op = IOMMU_TEST_OP_MOCK_DOMAIN_ATTACH,
			.id = device[i].stdev,
			.mock_domain_replace.pt_id = to,
		};

		must("attach", test_op(&cmd));
	}
}

static void replace(uint32_t by)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE,
		.id = device[0].stdev,
		.mock_domain_replace.pt_id = by,
	};

	must("replace", test_op(&cmd));
}

static void detach(uint32_t unused)
{
	(void)unused;
	for (unsigned int i = 0; i < nr_devices; i++) {
		struct iommu_test_cmd cmd = {
			.op = IOMMU_TEST_OP_MOCK_DOMAIN_DETACH,
			.id = device[i].stdev,
		};

		must("detach", test_op(&cmd));
	}
}

static void query(uint32_t dev_id)
{
	static struct iommu_resv_iova_range array[MAX_REGIONS];
	struct iommu_resv_iova_ranges cmd = {
		.size = sizeof(cmd),
		.dev_id = dev_id,
		.num_iovas = NR(array),
		.resv_iovas = (uintptr_t)array,
	};

	must("IOMMU_RESV_IOVA_RANGES",
	     resv_ioctl(iommufd, IOMMU_RESV_IOVA_RANGES, &cmd));
}

static void load(uint32_t ioas_id)
{
	must("load", resv_ioas_load(iommufd, ioas_id, device[0].idev, NULL));
}

/*
 * Each goes on where the one before it has left the group; the last one leaves it
 * as it was before the first.
 */
struct move {
	const char *what;	/* NULL: not told */
	void (*run)(uint32_t to);
	const uint32_t *to;
};

static const struct move around[] = {
	{ "attach-direct", attach, &s2 },
	{ "replace-direct-direct", replace, &s2_too },
	{ NULL, replace, &s2 },
	{ "replace-direct-nested", replace, &s1 },
	{ "replace-nested-nested", replace, &s1_too },
	{ "replace-nested-direct", replace, &s2 },
	{ "across-direct-direct", replace, &s2_other },
	{ "detach-direct", detach, &s2 },
	{ "attach-nested", attach, &s1 },
	{ "across-nested-nested", replace, &s1_other },
	{ "detach-nested", detach, &s1 },
};

static const struct move plain[] = {
	{ "attach-loose", attach, &s2 },
	{ NULL, detach, &s2 },
};

static const struct move asking[] = {
	{ "query", query, &device[0].idev },
};

static uint32_t new_ioas;

static void make_ioas(uint32_t unused)
{
	(void)unused;
	must("IOMMU_IOAS_ALLOC", resv_ioas_alloc(iommufd, &new_ioas));
}

static void drop_ioas(uint32_t unused)
{
	(void)unused;
	must("IOMMU_DESTROY", resv_destroy(iommufd, new_ioas));
}

static const struct move loading[] = {
	{ NULL, make_ioas, &new_ioas },
	{ "load", load, &new_ioas },
	{ "load-again", load, &new_ioas },
	{ NULL, drop_ioas, &new_ioas },
};

#define MAX_MOVES NR(around)

/*
 * What takes long is interrupted by the timer. From the start of a second on that
 * happens at the same points each time.
 */
static void settle(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec++;
	t.tv_nsec = 0;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void count(const struct move *moves, size_t nr)
{
	uint64_t best[MAX_MOVES], begin;

	settle();
	begin = count_instructions();
	memset(best, 0xff, sizeof(best));
	for (int run = 0; run < COUNT_RUNS; run++) {
		if (run >= MIN_RUNS &&
		    count_instructions() - begin > ENOUGH_INSTRUCTIONS)
			break;
		for (size_t i = 0; i < nr; i++) {
			uint32_t to = *moves[i].to;
			uint64_t start = count_instructions();

			moves[i].run(to);
			start = count_instructions() - start;
			if (start < best[i])
				best[i] = start;
		}
	}
	for (size_t i = 0; i < nr; i++)
		if (moves[i].what)
			printf("%s %u %u %" PRIu64 "\n", moves[i].what,
			       nr_devices, nr_regions,
			       best[i] - count_nothing());
}

static void one_size(void)
{
	make(false);
	count(around, NR(around));
	if (nr_devices == 1 && resv_has_query(iommufd) == 1)
		count(asking, NR(asking));
	if (nr_devices == 1 && resv_has_load(iommufd) == 1)
		count(loading, NR(loading));
	close(iommufd);

	make(true);
	count(plain, NR(plain));
	close(iommufd);
}

int main(void)
{
	/* nothing is told before the end: that would come in between */
	static char told[0x10000];

	setvbuf(stdout, told, _IOFBF, sizeof(told));
	if (!count_works("bench-attach"))
		return 1;
	for (size_t i = 0; i < NR(device_counts); i++)
		for (size_t j = 0; j < NR(region_counts); j++) {
			nr_devices = device_counts[i];
			nr_regions = region_counts[j];
			one_size();
		}
	return 0;
}
