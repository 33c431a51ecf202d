// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reserved regions of a device, and what becomes of them in an IOAS.
 *
 * Every expected range is written out by hand and compared exactly; nothing
 * here accepts "at least".
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#define __EXPORTED_HEADERS__
#include <linux/vfio.h>

#include "iommufd_utils.h"

#define MAX_RANGES 32

static __attribute__((constructor)) void setup_buffer(void)
{
	PAGE_SIZE = sysconf(_SC_PAGE_SIZE);
	BUFFER_SIZE = PAGE_SIZE * 16;
	buffer = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert(buffer != MAP_FAILED);
	mfd_buffer = memfd_mmap(BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
				&mfd);
	assert(mfd_buffer != MAP_FAILED);
}

struct ranges {
	__u32 num;
	struct iommu_iova_range r[MAX_RANGES];
};

/* The IOVA that an IOAS allows */
static int get_ioas_ranges(int fd, __u32 ioas_id, struct ranges *out)
{
	out->num = MAX_RANGES;
	return _test_ioctl_ioas_iova_ranges(fd, ioas_id, out->r, &out->num);
}

#define expect_ioas_ranges(ioas_id, ...)                                     \
	({                                                                   \
		static const struct iommu_iova_range _exp[] = { __VA_ARGS__ }; \
		struct ranges _got;                                          \
		unsigned int _i;                                             \
									     \
		ASSERT_EQ(0, get_ioas_ranges(self->fd, ioas_id, &_got));     \
		EXPECT_EQ(ARRAY_SIZE(_exp), _got.num);                       \
		for (_i = 0; _i < _got.num && _i < ARRAY_SIZE(_exp); _i++) { \
			EXPECT_EQ(_exp[_i].start, _got.r[_i].start);         \
			EXPECT_EQ(_exp[_i].last, _got.r[_i].last);           \
		}                                                            \
	})

#define expect_resv(idev_id, ...)                                            \
	({                                                                   \
		static const struct iommu_resv_iova_range _exp[] = {         \
			__VA_ARGS__                                          \
		};                                                           \
		struct iommu_resv_iova_range _got[MAX_RANGES];               \
		__u32 _num = MAX_RANGES;                                     \
		unsigned int _i;                                             \
									     \
		test_cmd_resv_iova_ranges(idev_id, _got, &_num);             \
		EXPECT_EQ(ARRAY_SIZE(_exp), _num);                           \
		for (_i = 0; _i < _num && _i < ARRAY_SIZE(_exp); _i++) {     \
			EXPECT_EQ(_exp[_i].start, _got[_i].start);           \
			EXPECT_EQ(_exp[_i].last, _got[_i].last);             \
			EXPECT_EQ(_exp[_i].flags, _got[_i].flags);           \
			EXPECT_EQ(0, _got[_i].__reserved);                   \
		}                                                            \
	})

/* A device that is bound and has regions, but is not attached */
FIXTURE(resv_query)
{
	int fd;
	__u32 ioas_id;
	__u32 stdev_id;
	__u32 idev_id;
};

FIXTURE_SETUP(resv_query)
{
	self->fd = open("/dev/iommu", O_RDWR);
	ASSERT_NE(-1, self->fd);
	test_ioctl_ioas_alloc(&self->ioas_id);
	test_cmd_mock_domain_flags(self->ioas_id, MOCK_FLAGS_DEVICE_DETACHED,
				   &self->stdev_id, NULL, &self->idev_id);
}

FIXTURE_TEARDOWN(resv_query)
{
	teardown_iommufd(self->fd, _metadata);
}

TEST_F(resv_query, no_regions)
{
	struct iommu_resv_iova_range range;
	__u32 num = 1;

	memset(&range, 0xaa, sizeof(range));
	test_cmd_resv_iova_ranges(self->idev_id, &range, &num);
	EXPECT_EQ(0, num);
	EXPECT_EQ(0xaaaaaaaaaaaaaaaaULL, range.start);

	/* No room, no pointer, and nothing to write */
	num = 0;
	test_cmd_resv_iova_ranges(self->idev_id, NULL, &num);
	EXPECT_EQ(0, num);
}

TEST_F(resv_query, kinds)
{
	test_cmd_dev_add_resv(self->idev_id, 0x1000000, 0x1000fff,
			      MOCK_RESV_DIRECT);
	test_cmd_dev_add_resv(self->idev_id, 0x2000000, 0x2000fff,
			      MOCK_RESV_DIRECT_RELAXABLE);
	test_cmd_dev_add_resv(self->idev_id, 0x3000000, 0x3000fff,
			      MOCK_RESV_RESERVED);
	test_cmd_dev_add_resv(self->idev_id, 0x4000000, 0x4000fff,
			      MOCK_RESV_MSI);
	test_cmd_dev_add_resv(self->idev_id, 0x5000000, 0x5000fff,
			      MOCK_RESV_SW_MSI);
	expect_resv(self->idev_id,
		    { 0x1000000, 0x1000fff },
		    { 0x3000000, 0x3000fff },
		    { 0x4000000, 0x4000fff },
		    { 0x5000000, 0x5000fff, IOMMU_RESV_IOVA_SW_MSI });

	test_cmd_dev_clear_resv(self->idev_id);
	expect_resv(self->idev_id);
}

/* Order, merging and the precedence of SW_MSI; KUnit has all the corners */
TEST_F(resv_query, normalised)
{
	test_cmd_dev_add_resv(self->idev_id, 0x8000000, 0x80fffff,
			      MOCK_RESV_SW_MSI);
	test_cmd_dev_add_resv(self->idev_id, 0, 0xfff, MOCK_RESV_DIRECT);
	test_cmd_dev_add_resv(self->idev_id, UINT64_MAX - 0xfff, UINT64_MAX,
			      MOCK_RESV_RESERVED);
	test_cmd_dev_add_resv(self->idev_id, 0x7f00000, 0x82fffff,
			      MOCK_RESV_RESERVED);
	test_cmd_dev_add_resv(self->idev_id, 0x8300000, 0x83fffff,
			      MOCK_RESV_MSI);
	expect_resv(self->idev_id,
		    { 0, 0xfff },
		    { 0x7f00000, 0x7ffffff },
		    { 0x8000000, 0x80fffff, IOMMU_RESV_IOVA_SW_MSI },
		    { 0x8100000, 0x83fffff },
		    { UINT64_MAX - 0xfff, UINT64_MAX });
}

TEST_F(resv_query, room)
{
	struct {
		struct iommu_resv_iova_range r[3];
		__u8 after;
	} got;
	unsigned int room;
	unsigned int i;

	for (i = 0; i != 3; i++)
		test_cmd_dev_add_resv(self->idev_id, 0x1000000 * (i + 1),
				      0x1000000 * (i + 1) + 0xfff,
				      MOCK_RESV_RESERVED);

	for (room = 0; room != 5; room++) {
		__u32 num = room;

		memset(&got, 0xaa, sizeof(got));
		if (room < 3)
			test_err_resv_iova_ranges(EMSGSIZE, self->idev_id,
						  got.r, &num);
		else
			test_cmd_resv_iova_ranges(self->idev_id, got.r, &num);
		EXPECT_EQ(3, num);
		for (i = 0; i != 3; i++) {
			__u8 *bytes = (__u8 *)&got.r[i];
			unsigned int j;

			if (i < room) {
				EXPECT_EQ(0x1000000 * (i + 1), got.r[i].start);
				EXPECT_EQ(0x1000000 * (i + 1) + 0xfff,
					  got.r[i].last);
				EXPECT_EQ(0, got.r[i].flags);
				EXPECT_EQ(0, got.r[i].__reserved);
				continue;
			}
			for (j = 0; j != sizeof(got.r[i]); j++)
				EXPECT_EQ(0xaa, bytes[j]);
		}
		EXPECT_EQ(0xaa, got.after);
	}

	/* Counting needs no pointer */
	{
		__u32 num = 0;

		test_err_resv_iova_ranges(EMSGSIZE, self->idev_id, NULL, &num);
		EXPECT_EQ(3, num);
	}
}

TEST_F(resv_query, bad_input)
{
	struct iommu_resv_iova_range got[2];
	struct iommu_resv_iova_ranges cmd = {
		.size = sizeof(cmd),
		.dev_id = self->idev_id,
		.num_iovas = 2,
		.resv_iovas = (uintptr_t)got,
	};
	__u32 num;

	test_cmd_dev_add_resv(self->idev_id, 0x1000000, 0x1000fff,
			      MOCK_RESV_RESERVED);
	test_cmd_dev_add_resv(self->idev_id, 0x2000000, 0x2000fff,
			      MOCK_RESV_RESERVED);

	cmd.__reserved = 1;
	EXPECT_ERRNO(EOPNOTSUPP, ioctl(self->fd, IOMMU_RESV_IOVA_RANGES, &cmd));
	cmd.__reserved = 0;
	ASSERT_EQ(0, ioctl(self->fd, IOMMU_RESV_IOVA_RANGES, &cmd));

	/* This is also how a VMM probes for the ioctl */
	num = 2;
	test_err_resv_iova_ranges(ENOENT, 0, got, &num);
	EXPECT_EQ(2, num);
	/* An id of another type of object */
	test_err_resv_iova_ranges(ENOENT, self->ioas_id, got, &num);
	test_err_resv_iova_ranges(ENOENT, self->stdev_id, got, &num);
	EXPECT_EQ(2, num);

	/* Neither none nor half of the array may be written */
	num = 2;
	test_err_resv_iova_ranges(EFAULT, self->idev_id, NULL, &num);
	EXPECT_EQ(2, num);
	ASSERT_EQ(0, mprotect(buffer, PAGE_SIZE, PROT_NONE));
	num = 1;
	test_err_resv_iova_ranges(EFAULT, self->idev_id, buffer, &num);
	EXPECT_EQ(2, num);
	ASSERT_EQ(0, mprotect(buffer, PAGE_SIZE, PROT_READ | PROT_WRITE));
	EXPECT_ERRNO(EFAULT, ioctl(self->fd, IOMMU_RESV_IOVA_RANGES, NULL));

	/* The id of a device that went away */
	test_ioctl_destroy(self->stdev_id);
	num = 2;
	test_err_resv_iova_ranges(ENOENT, self->idev_id, got, &num);
}

/*
 * When the answer cannot be written it is as if nobody had asked. An id is the
 * lowest one that is free, so one that leaks shows in the next.
 */
TEST_F(resv_query, readonly)
{
	struct iommu_resv_iova_range got;
	struct iommu_resv_iova_ranges query = {
		.size = sizeof(query),
		.dev_id = self->idev_id,
		.num_iovas = 1,
		.resv_iovas = (uintptr_t)&got,
	};
	struct iommu_test_cmd attach = {
		.size = sizeof(attach),
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_ATTACH,
		.id = self->stdev_id,
		.mock_domain_replace = { .pt_id = self->ioas_id },
	};
	static const __u32 flags[] = { 0, MOCK_FLAGS_DEVICE_DETACHED };
	unsigned int i;

	test_cmd_dev_add_resv(self->idev_id, 0x2000000, 0x2000fff,
			      MOCK_RESV_RESERVED);

	test_err_ioctl_readonly(IOMMU_RESV_IOVA_RANGES, &query);
	/* Also where the answer would be that there is more */
	query.num_iovas = 0;
	test_err_ioctl_readonly(IOMMU_RESV_IOVA_RANGES, &query);
	expect_resv(self->idev_id, { 0x2000000, 0x2000fff });

	test_err_ioctl_readonly(IOMMU_TEST_CMD, &attach);
	expect_ioas_ranges(self->ioas_id, { 0, UINT64_MAX });
	test_err_mock_domain_detach(EINVAL, self->stdev_id);

	for (i = 0; i != ARRAY_SIZE(flags); i++) {
		struct iommu_test_cmd mock = {
			.size = sizeof(mock),
			.op = IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS,
			.id = self->ioas_id,
			.mock_domain_flags = { .dev_flags = flags[i] },
		};
		__u32 stdev_id[2], idev_id[2];

		test_cmd_mock_domain_flags(self->ioas_id, flags[i],
					   &stdev_id[0], NULL, &idev_id[0]);
		test_ioctl_destroy(stdev_id[0]);
		test_err_ioctl_readonly(IOMMU_TEST_CMD, &mock);
		expect_ioas_ranges(self->ioas_id, { 0, UINT64_MAX });
		test_cmd_mock_domain_flags(self->ioas_id, flags[i],
					   &stdev_id[1], NULL, &idev_id[1]);
		EXPECT_EQ(stdev_id[0], stdev_id[1]);
		EXPECT_EQ(idev_id[0], idev_id[1]);
		test_ioctl_destroy(stdev_id[1]);
	}

	/* Everything works, and nothing holds on to it */
	test_cmd_mock_domain_attach(self->stdev_id, self->ioas_id);
	expect_ioas_ranges(self->ioas_id,
			   { MOCK_APERTURE_START, 0x1ffffff },
			   { 0x2001000, MOCK_APERTURE_LAST });
	test_ioctl_destroy(self->stdev_id);
	test_ioctl_destroy(self->ioas_id);
}

/* A direct attach reserves just what the query says, before and after */
TEST_F(resv_query, agrees_with_attach)
{
	test_cmd_dev_add_resv(self->idev_id, 0x8000000, 0x80fffff,
			      MOCK_RESV_SW_MSI);
	test_cmd_dev_add_resv(self->idev_id, 0x7f00000, 0x82fffff,
			      MOCK_RESV_RESERVED);
	test_cmd_dev_add_resv(self->idev_id, 0x4000000, 0x4ffffff,
			      MOCK_RESV_DIRECT_RELAXABLE);
	test_cmd_dev_add_resv(self->idev_id, 0x6000000, 0x6000fff,
			      MOCK_RESV_DIRECT);
	/* Below and across the end of the aperture of the mock domain */
	test_cmd_dev_add_resv(self->idev_id, 0x100000, 0x1fffff,
			      MOCK_RESV_RESERVED);
	test_cmd_dev_add_resv(self->idev_id, 0x7ffff000, 0x80000fff,
			      MOCK_RESV_RESERVED);

#define EXPECT_QUERY                                                       \
	expect_resv(self->idev_id,                                         \
		    { 0x100000, 0x1fffff },                                \
		    { 0x6000000, 0x6000fff },                              \
		    { 0x7f00000, 0x7ffffff },                              \
		    { 0x8000000, 0x80fffff, IOMMU_RESV_IOVA_SW_MSI },      \
		    { 0x8100000, 0x82fffff },                              \
		    { 0x7ffff000, 0x80000fff })

	EXPECT_QUERY;
	/* To ask reserves nothing */
	expect_ioas_ranges(self->ioas_id, { 0, UINT64_MAX });

	test_cmd_mock_domain_attach(self->stdev_id, self->ioas_id);
	EXPECT_QUERY;
	expect_ioas_ranges(self->ioas_id,
			   { MOCK_APERTURE_START, 0x5ffffff },
			   { 0x6001000, 0x7efffff },
			   { 0x8300000, 0x7fffefff });

	test_cmd_mock_domain_detach(self->stdev_id);
	EXPECT_QUERY;
	expect_ioas_ranges(self->ioas_id, { 0, UINT64_MAX });
#undef EXPECT_QUERY
}

/* The test ops themselves */
TEST_F(resv_query, mock_ops)
{
	__u32 stdev_id, idev_id, hwpt_id = 12345;

	test_cmd_dev_add_resv(self->idev_id, 0x1000, 0x1fff, MOCK_RESV_MSI);

	/* Unknown kinds, bad ranges, and objects that are no device */
	test_err_dev_add_resv(EINVAL, self->idev_id, 0x3000, 0x3fff,
			      MOCK_RESV_SW_MSI + 1);
	test_err_dev_add_resv(EINVAL, self->idev_id, 0x3000, 0x3fff,
			      UINT32_MAX);
	test_err_dev_add_resv(EINVAL, self->idev_id, 0x3000, 0x2fff,
			      MOCK_RESV_MSI);
	test_err_dev_add_resv(EOVERFLOW, self->idev_id, 0, UINT64_MAX,
			      MOCK_RESV_MSI);
	test_err_dev_add_resv(ENOENT, self->ioas_id, 0x3000, 0x3fff,
			      MOCK_RESV_MSI);
	test_err_dev_clear_resv(ENOENT, self->ioas_id);

	/* Overlap within a kind, from both sides; other kinds may */
	test_err_dev_add_resv(EEXIST, self->idev_id, 0, 0x1000, MOCK_RESV_MSI);
	test_err_dev_add_resv(EEXIST, self->idev_id, 0x1fff, 0x2fff,
			      MOCK_RESV_MSI);
	test_err_dev_add_resv(EEXIST, self->idev_id, 0x1800, 0x18ff,
			      MOCK_RESV_MSI);
	expect_resv(self->idev_id, { 0x1000, 0x1fff });
	test_cmd_dev_add_resv(self->idev_id, 0x1800, 0x2fff,
			      MOCK_RESV_RESERVED);
	test_cmd_dev_add_resv(self->idev_id, 0x3000, 0x3fff, MOCK_RESV_MSI);
	expect_resv(self->idev_id, { 0x1000, 0x3fff });

	/* Attachment */
	test_cmd_mock_domain_flags(self->ioas_id, MOCK_FLAGS_DEVICE_DETACHED,
				   &stdev_id, &hwpt_id, &idev_id);
	EXPECT_EQ(0, hwpt_id);
	test_ioctl_destroy(stdev_id);
	test_err_mock_domain_detach(EINVAL, self->stdev_id);
	test_err_mock_domain_replace(EINVAL, self->stdev_id, self->ioas_id);
	test_err_mock_domain_attach(ENOENT, self->stdev_id, 0);
	test_cmd_mock_domain_attach(self->stdev_id, self->ioas_id);
	test_err_mock_domain_attach(EBUSY, self->stdev_id, self->ioas_id);
	test_cmd_mock_domain_detach(self->stdev_id);
	test_err_mock_domain_detach(EINVAL, self->stdev_id);
}

/* What a replace that the driver refuses leaves behind is the old attachment */
TEST_F(resv_query, failed_replace)
{
	__u32 stdev_id, idev_id, hwpt_id, dirty_hwpt_id;

	test_cmd_mock_domain_flags(self->ioas_id,
				   MOCK_FLAGS_DEVICE_DETACHED |
					   MOCK_FLAGS_DEVICE_NO_DIRTY,
				   &stdev_id, NULL, &idev_id);
	test_cmd_dev_add_resv(idev_id, 0x4000000, 0x4ffffff,
			      MOCK_RESV_RESERVED);
	test_cmd_hwpt_alloc(idev_id, self->ioas_id, 0, &hwpt_id);
	/* Allocated by a device that can track dirty pages */
	test_cmd_hwpt_alloc(self->idev_id, self->ioas_id,
			    IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &dirty_hwpt_id);

	test_cmd_mock_domain_attach(stdev_id, hwpt_id);
	test_err_mock_domain_replace(EINVAL, stdev_id, dirty_hwpt_id);
	ASSERT_EQ(0, test_cmd_pasid_check_hwpt(self->fd, stdev_id, 0, hwpt_id));
	expect_ioas_ranges(self->ioas_id,
			   { MOCK_APERTURE_START, 0x3ffffff },
			   { 0x5000000, MOCK_APERTURE_LAST });
	test_err_ioctl_ioas_map_fixed(EINVAL, buffer, PAGE_SIZE, 0x4000000);

	/* Nor does it leave anything that the next move would trip over */
	test_cmd_mock_domain_detach(stdev_id);
	expect_ioas_ranges(self->ioas_id,
			   { MOCK_APERTURE_START, MOCK_APERTURE_LAST });
}

/*
 * The attach policy, all of it: from every state to every state, with nothing
 * or something in the way.
 */
enum {
	IOAS_A,
	IOAS_B,
	NUM_IOAS,
};

enum attachment {
	DETACHED,
	A_DIRECT,
	A_NESTED,
	A_IDENTITY,
	B_DIRECT,
	B_NESTED,
	B_IDENTITY,
	NUM_STATES,
};

/* What an attached device takes out of an IOAS */
enum demand {
	DEMAND_NONE,
	DEMAND_SW_MSI,
	DEMAND_ALL,
	/* All of the first device of two, nothing of the second */
	DEMAND_ALL_OF_FIRST,
	NUM_DEMANDS,
};

enum obstacle {
	NOTHING,
	MAP_REGION,
	MAP_SW_MSI,
	ALLOW_REGION,
	NUM_OBSTACLES,
};

static const char *const state_names[NUM_STATES] = {
	"detached", "A direct", "A nested", "A identity",
	"B direct", "B nested", "B identity",
};

static const char *const obstacle_names[NUM_OBSTACLES] = {
	"nothing in the way", "page in a region", "page in SW_MSI",
	"allowed range over a region",
};

static const struct {
	int ioas;
	enum demand demand;
} states[NUM_STATES] = {
	[DETACHED] = { -1, DEMAND_NONE },
	[A_DIRECT] = { IOAS_A, DEMAND_ALL },
	[A_NESTED] = { IOAS_A, DEMAND_SW_MSI },
	[A_IDENTITY] = { IOAS_A, DEMAND_ALL },
	[B_DIRECT] = { IOAS_B, DEMAND_ALL },
	[B_NESTED] = { IOAS_B, DEMAND_SW_MSI },
	[B_IDENTITY] = { IOAS_B, DEMAND_ALL },
};

/* The errno of an attach or replace that demands this, with that in the way */
static const int demand_errno[NUM_DEMANDS][NUM_OBSTACLES] = {
	[DEMAND_NONE] = { 0, 0, 0, 0 },
	[DEMAND_SW_MSI] = { 0, 0, EADDRINUSE, 0 },
	[DEMAND_ALL] = { 0, EADDRINUSE, EADDRINUSE, EADDRINUSE },
	[DEMAND_ALL_OF_FIRST] = { 0, 0, EADDRINUSE, 0 },
};

/* The errno of putting that in the way where a device demands this already */
static const int obstacle_errno[NUM_DEMANDS][NUM_OBSTACLES] = {
	[DEMAND_NONE] = { 0, 0, 0, 0 },
	[DEMAND_SW_MSI] = { 0, 0, EINVAL, 0 },
	[DEMAND_ALL] = { 0, EINVAL, EINVAL, EADDRINUSE },
};

/* The regions below, as seen within the aperture of the mock domain */
static const struct ranges demand_ranges[NUM_DEMANDS] = {
	[DEMAND_NONE] = { 1, { { 0x1000000, 0x7fffffff } } },
	[DEMAND_SW_MSI] = { 2, { { 0x1000000, 0x7ffffff },
				 { 0x8100000, 0x7fffffff } } },
	[DEMAND_ALL] = { 3, { { 0x1000000, 0x3ffffff },
			      { 0x6000000, 0x7ffffff },
			      { 0x8100000, 0x7fffffff } } },
	[DEMAND_ALL_OF_FIRST] = { 3, { { 0x1000000, 0x3ffffff },
				       { 0x5000000, 0x7ffffff },
				       { 0x8100000, 0x7fffffff } } },
};

#define IN_REGION 0x5800000
#define IN_SW_MSI 0x8010000

#define MAX_DEVS 2

struct setup {
	int fd;
	__u32 ioas[NUM_IOAS];
	__u32 hwpt[NUM_STATES];
	unsigned int num_devs;
	__u32 stdev_id[MAX_DEVS];
	__u32 idev_id[MAX_DEVS];
	bool driver_fails;
};

FIXTURE(resv_policy)
{
	int fd;
	struct setup s;
};

FIXTURE_VARIANT(resv_policy)
{
	unsigned int num_devs;
	/* The nested HWPTs in IOAS A come from a vIOMMU */
	bool viommu;
	/* The driver knows that the stage-1 is bypass, userspace says nothing */
	bool driver_bypass;
	/* The driver refuses every direct attach */
	bool driver_fails;
};

FIXTURE_VARIANT_ADD(resv_policy, device)
{
	.num_devs = 1,
};

FIXTURE_VARIANT_ADD(resv_policy, device_bypass)
{
	.num_devs = 1,
	.driver_bypass = true,
};

FIXTURE_VARIANT_ADD(resv_policy, device_viommu)
{
	.num_devs = 1,
	.viommu = true,
};

FIXTURE_VARIANT_ADD(resv_policy, device_viommu_bypass)
{
	.num_devs = 1,
	.viommu = true,
	.driver_bypass = true,
};

FIXTURE_VARIANT_ADD(resv_policy, device_driver_fails)
{
	.num_devs = 1,
	.driver_fails = true,
};

FIXTURE_VARIANT_ADD(resv_policy, group)
{
	.num_devs = 2,
};

FIXTURE_VARIANT_ADD(resv_policy, group_viommu_bypass)
{
	.num_devs = 2,
	.viommu = true,
	.driver_bypass = true,
};

FIXTURE_VARIANT_ADD(resv_policy, group_driver_fails)
{
	.num_devs = 2,
	.driver_fails = true,
};

FIXTURE_SETUP(resv_policy)
{
	struct iommu_hwpt_selftest s1 = { .iotlb = IOMMU_TEST_IOTLB_DEFAULT };
	struct iommu_hwpt_selftest bypass = {
		.iotlb = IOMMU_TEST_IOTLB_DEFAULT,
		.flags = variant->driver_bypass ? MOCK_NESTED_S1_BYPASS : 0,
	};
	__u32 dev_flags = MOCK_FLAGS_DEVICE_DETACHED | MOCK_FLAGS_DEVICE_GROUP;
	__u32 identity_flag =
		variant->driver_bypass ? 0 : IOMMU_HWPT_ALLOC_NEST_IDENTITY;
	__u32 s2_flags = IOMMU_HWPT_ALLOC_NEST_PARENT;
	__u32 alloc_idev_id;
	unsigned int i;

	self->fd = open("/dev/iommu", O_RDWR);
	ASSERT_NE(-1, self->fd);
	self->s.fd = self->fd;
	self->s.num_devs = variant->num_devs;
	self->s.driver_fails = variant->driver_fails;
	for (i = 0; i != NUM_IOAS; i++)
		test_ioctl_ioas_alloc(&self->s.ioas[i]);

	/*
	 * A device that cannot track dirty pages cannot be attached to a domain
	 * that does. Another one has to allocate that.
	 */
	if (variant->driver_fails) {
		dev_flags |= MOCK_FLAGS_DEVICE_NO_DIRTY;
		s2_flags |= IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
		test_cmd_mock_domain_flags(self->s.ioas[0],
					   MOCK_FLAGS_DEVICE_DETACHED, NULL,
					   NULL, &alloc_idev_id);
	}

	for (i = 0; i != variant->num_devs; i++) {
		test_cmd_mock_domain_flags(self->s.ioas[0], dev_flags,
					   &self->s.stdev_id[i], NULL,
					   &self->s.idev_id[i]);
		test_cmd_dev_add_resv(self->s.idev_id[i], 0x8000000, 0x80fffff,
				      MOCK_RESV_SW_MSI);
		test_cmd_dev_add_resv(self->s.idev_id[i], 0x2000000, 0x2ffffff,
				      MOCK_RESV_DIRECT_RELAXABLE);
	}
	/* In sum the same for one device as for two */
	if (variant->num_devs == 1) {
		test_cmd_dev_add_resv(self->s.idev_id[0], 0x4000000, 0x5ffffff,
				      MOCK_RESV_RESERVED);
	} else {
		test_cmd_dev_add_resv(self->s.idev_id[0], 0x4000000, 0x4ffffff,
				      MOCK_RESV_RESERVED);
		test_cmd_dev_add_resv(self->s.idev_id[1], 0x4800000, 0x5ffffff,
				      MOCK_RESV_DIRECT);
	}
	if (!variant->driver_fails)
		alloc_idev_id = self->s.idev_id[0];

	for (i = 0; i != NUM_IOAS; i++) {
		__u32 *hwpt = &self->s.hwpt[i == IOAS_A ? A_DIRECT : B_DIRECT];
		__u32 parent;

		test_cmd_hwpt_alloc(alloc_idev_id, self->s.ioas[i], s2_flags,
				    &hwpt[0]);
		parent = hwpt[0];
		if (variant->viommu && i == IOAS_A) {
			unsigned int j;
			__u32 vdev_id;

			test_cmd_viommu_alloc(self->s.idev_id[0], hwpt[0],
					      IOMMU_VIOMMU_TYPE_SELFTEST, NULL,
					      0, &parent);
			for (j = 0; j != variant->num_devs; j++)
				test_cmd_vdevice_alloc(parent, self->s.idev_id[j],
						       0x42 + j, &vdev_id);
		}
		test_cmd_hwpt_alloc_nested(self->s.idev_id[0], parent, 0,
					   &hwpt[A_NESTED - A_DIRECT],
					   IOMMU_HWPT_DATA_SELFTEST, &s1,
					   sizeof(s1));
		test_cmd_hwpt_alloc_nested(self->s.idev_id[0], parent,
					   identity_flag,
					   &hwpt[A_IDENTITY - A_DIRECT],
					   IOMMU_HWPT_DATA_SELFTEST, &bypass,
					   sizeof(bypass));
	}
}

FIXTURE_TEARDOWN(resv_policy)
{
	teardown_iommufd(self->fd, _metadata);
}

static bool same_ranges(int fd, __u32 ioas_id, const struct ranges *exp)
{
	struct ranges got;

	if (get_ioas_ranges(fd, ioas_id, &got) || got.num != exp->num)
		return false;
	return !memcmp(got.r, exp->r, sizeof(got.r[0]) * exp->num);
}

/* Both IOASs have exactly what the state demands of them, and it is the state */
static bool check_state(struct setup *s, enum attachment state,
			enum demand demand)
{
	int i;

	for (i = 0; i != NUM_IOAS; i++)
		if (!same_ranges(s->fd, s->ioas[i],
				 &demand_ranges[i == states[state].ioas ?
							demand :
							DEMAND_NONE]))
			return false;
	return !test_cmd_pasid_check_hwpt(s->fd, s->stdev_id[0],
					  0 /* the RID */,
					  s->hwpt[state]);
}

/*
 * Returns an errno, or -1 if something else is wrong. If the attach of a second
 * device fails the first one is detached again.
 */
static int go(struct setup *s, enum attachment from, enum attachment to)
{
	unsigned int i;
	int rc;

	if (from == to && to == DETACHED)
		return 0;

	if (from != DETACHED && to != DETACHED)
		return _test_cmd_mock_domain_replace(s->fd,
						     s->stdev_id[0],
						     s->hwpt[to], NULL) ?
			       errno :
			       0;

	for (i = 0; i != s->num_devs; i++) {
		if (to == DETACHED)
			rc = _test_cmd_mock_domain_detach(s->fd,
							  s->stdev_id[i]);
		else
			rc = _test_cmd_mock_domain_attach(s->fd,
							  s->stdev_id[i],
							  s->hwpt[to], NULL);
		if (rc) {
			rc = errno;
			/* The first one is attached all the same */
			if (i && !check_state(s, to,
					      states[to].demand == DEMAND_ALL ?
						      DEMAND_ALL_OF_FIRST :
						      states[to].demand))
				return -1;
			while (i--)
				_test_cmd_mock_domain_detach(s->fd,
							     s->stdev_id[i]);
			return rc;
		}
	}
	return 0;
}

static int allow_iovas(int fd, __u32 ioas_id, const struct iommu_iova_range *r,
		       unsigned int num)
{
	struct iommu_ioas_allow_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas_id,
		.num_iovas = num,
		.allowed_iovas = (uintptr_t)r,
	};

	return ioctl(fd, IOMMU_IOAS_ALLOW_IOVAS, &cmd);
}

static int map_fixed(int fd, __u32 ioas_id, __u64 iova)
{
	return _test_ioctl_ioas_map(fd, ioas_id, buffer, PAGE_SIZE, &iova,
				    IOMMU_IOAS_MAP_FIXED_IOVA |
					    IOMMU_IOAS_MAP_WRITEABLE |
					    IOMMU_IOAS_MAP_READABLE);
}

/* Returns an errno */
static int put_obstacle(int fd, __u32 ioas_id, enum obstacle obstacle)
{
	static const struct iommu_iova_range over = { IN_REGION,
						      IN_REGION + 0xfffff };
	__u64 iova = obstacle == MAP_REGION ? IN_REGION : IN_SW_MSI;
	int rc = 0;

	if (obstacle == ALLOW_REGION)
		rc = allow_iovas(fd, ioas_id, &over, 1);
	else if (obstacle != NOTHING)
		rc = map_fixed(fd, ioas_id, iova);
	return rc ? errno : 0;
}

static int remove_obstacle(int fd, __u32 ioas_id, enum obstacle obstacle)
{
	__u64 iova = obstacle == MAP_REGION ? IN_REGION : IN_SW_MSI;

	if (obstacle == ALLOW_REGION)
		return allow_iovas(fd, ioas_id, NULL, 0);
	if (obstacle != NOTHING)
		return _test_ioctl_ioas_unmap(fd, ioas_id, iova, PAGE_SIZE,
					      NULL);
	return 0;
}

static void transition(struct __test_metadata *_metadata, struct setup *s,
		       enum attachment from, enum attachment to, enum obstacle obstacle)
{
	int ioas = to == DETACHED ? IOAS_A : states[to].ioas;
	enum demand here = states[from].ioas == ioas ? states[from].demand :
						       DEMAND_NONE;
	bool passed = false;
	enum attachment end = to;
	int exp;
	int rc;

	ASSERT_TRUE(check_state(s, DETACHED, DEMAND_NONE));
	if (go(s, DETACHED, from) ||
	    !check_state(s, from, states[from].demand))
		goto out;

	exp = obstacle_errno[here][obstacle];
	rc = put_obstacle(s->fd, s->ioas[ioas], obstacle);
	if (rc != exp || !check_state(s, from, states[from].demand))
		goto out;
	if (exp)
		obstacle = NOTHING;

	exp = demand_errno[states[to].demand][obstacle];
	/*
	 * The driver is asked only when the reservations have been made. That
	 * is for all devices on a replace, and for the first one on an attach.
	 */
	if (s->driver_fails && from != to &&
	    (to == A_DIRECT || to == B_DIRECT)) {
		if (from == DETACHED && s->num_devs != 1)
			exp = demand_errno[DEMAND_ALL_OF_FIRST][obstacle];
		if (!exp)
			exp = EINVAL;
	}
	rc = go(s, from, to);
	if (exp)
		end = from;
	passed = rc == exp && check_state(s, end, states[end].demand);

	/* Back to a clean start */
	if (go(s, end, DETACHED) ||
	    remove_obstacle(s->fd, s->ioas[ioas], obstacle))
		passed = false;
out:
	if (!passed)
		TH_LOG("%s -> %s, %s", state_names[from], state_names[to],
		       obstacle_names[obstacle]);
	ASSERT_TRUE(passed);
}

TEST_F(resv_policy, transitions)
{
	enum attachment from, to;
	enum obstacle obstacle;

	for (from = 0; from != NUM_STATES; from++) {
		/* Where the driver refuses this there is no way to get there */
		if (variant->driver_fails &&
		    (from == A_DIRECT || from == B_DIRECT))
			continue;
		for (to = 0; to != NUM_STATES; to++)
			for (obstacle = 0; obstacle != NUM_OBSTACLES;
			     obstacle++)
				transition(_metadata, &self->s, from, to,
					   obstacle);
	}
}

/* The words of the uapi for IOMMU_HWPT_ALLOC_NEST_IDENTITY */
TEST_F(resv_policy, identity_flag)
{
	struct iommu_hwpt_selftest s1 = { .iotlb = IOMMU_TEST_IOTLB_DEFAULT };
	__u32 parents[2] = { self->s.hwpt[A_DIRECT] };
	__u32 plain_id, hwpt_id = 0;
	unsigned int i;

	/* Not for paging HWPTs, nest parent or not */
	test_err_hwpt_alloc(EOPNOTSUPP, self->s.idev_id[0], self->s.ioas[IOAS_A],
			    IOMMU_HWPT_ALLOC_NEST_IDENTITY, &hwpt_id);
	test_err_hwpt_alloc(EOPNOTSUPP, self->s.idev_id[0], self->s.ioas[IOAS_A],
			    IOMMU_HWPT_ALLOC_NEST_IDENTITY |
				    IOMMU_HWPT_ALLOC_NEST_PARENT,
			    &hwpt_id);

	test_cmd_viommu_alloc(self->s.idev_id[0], self->s.hwpt[A_DIRECT],
			      IOMMU_VIOMMU_TYPE_SELFTEST, NULL, 0, &parents[1]);
	for (i = 0; i != 2; i++) {
		__u32 flags;
		__u32 bad;

		/* Every bit that has no meaning, and those of paging HWPTs */
		for (bad = 1; bad; bad <<= 1) {
			if (bad & (IOMMU_HWPT_FAULT_ID_VALID |
				   IOMMU_HWPT_ALLOC_PASID |
				   IOMMU_HWPT_ALLOC_NEST_IDENTITY))
				continue;
			flags = IOMMU_HWPT_ALLOC_NEST_IDENTITY | bad;
			test_err_hwpt_alloc_nested(EOPNOTSUPP,
						   self->s.idev_id[0],
						   parents[i], flags, &hwpt_id,
						   IOMMU_HWPT_DATA_SELFTEST,
						   &s1, sizeof(s1));
		}
		EXPECT_EQ(0, hwpt_id);

		/* Along with what a nested HWPT may have */
		test_cmd_hwpt_alloc_nested(self->s.idev_id[0], parents[i],
					   IOMMU_HWPT_ALLOC_NEST_IDENTITY |
						   IOMMU_HWPT_ALLOC_PASID,
					   &hwpt_id, IOMMU_HWPT_DATA_SELFTEST,
					   &s1, sizeof(s1));
		test_ioctl_destroy(hwpt_id);
		hwpt_id = 0;
	}

	/* Nor a bit without a meaning in what is for the mock driver */
	s1.flags = MOCK_NESTED_S1_BYPASS << 1;
	for (i = 0; i != 2; i++)
		test_err_hwpt_alloc_nested(EOPNOTSUPP, self->s.idev_id[0],
					   parents[i], 0, &hwpt_id,
					   IOMMU_HWPT_DATA_SELFTEST, &s1,
					   sizeof(s1));
	s1.flags = 0;

	/* iommufd looks at the flags itself, and before it looks at the parent */
	test_cmd_hwpt_alloc(self->s.idev_id[0], self->s.ioas[IOAS_A], 0,
			    &plain_id);
	test_err_hwpt_alloc_nested(EINVAL, self->s.idev_id[0], plain_id,
				   IOMMU_HWPT_ALLOC_NEST_IDENTITY, &hwpt_id,
				   IOMMU_HWPT_DATA_SELFTEST, &s1, sizeof(s1));
	test_err_hwpt_alloc_nested(EOPNOTSUPP, self->s.idev_id[0], plain_id,
				   IOMMU_HWPT_ALLOC_NEST_PARENT, &hwpt_id,
				   IOMMU_HWPT_DATA_SELFTEST, &s1, sizeof(s1));
	/* ... and at whether there is data, too */
	test_err_hwpt_alloc(EOPNOTSUPP, self->s.idev_id[0], plain_id, 0,
			    &hwpt_id);
	test_ioctl_destroy(plain_id);
}

/* A HWPT whose id cannot be written is none, and leaves nothing behind */
TEST_F(resv_policy, alloc_readonly)
{
	struct iommu_hwpt_selftest s1 = { .iotlb = IOMMU_TEST_IOTLB_DEFAULT };
	__u32 pt_id[3], fault_id, fault_fd;
	unsigned int i;

	/* For a paging HWPT, a nested one, and one from a vIOMMU */
	test_ioctl_ioas_alloc(&pt_id[0]);
	test_cmd_hwpt_alloc(self->s.idev_id[0], pt_id[0],
			    IOMMU_HWPT_ALLOC_NEST_PARENT, &pt_id[1]);
	test_cmd_viommu_alloc(self->s.idev_id[0], pt_id[1],
			      IOMMU_VIOMMU_TYPE_SELFTEST, NULL, 0, &pt_id[2]);
	test_ioctl_fault_alloc(&fault_id, &fault_fd);

	for (i = 0; i != ARRAY_SIZE(pt_id); i++) {
		struct iommu_hwpt_alloc cmd = {
			.size = sizeof(cmd),
			.flags = IOMMU_HWPT_FAULT_ID_VALID,
			.dev_id = self->s.idev_id[0],
			.pt_id = pt_id[i],
			.fault_id = fault_id,
		};
		__u32 free_id;

		if (i) {
			cmd.flags |= IOMMU_HWPT_ALLOC_NEST_IDENTITY;
			cmd.data_type = IOMMU_HWPT_DATA_SELFTEST;
			cmd.data_len = sizeof(s1);
			cmd.data_uptr = (uintptr_t)&s1;
		}
		ASSERT_EQ(0, ioctl(self->fd, IOMMU_HWPT_ALLOC, &cmd));
		free_id = cmd.out_hwpt_id;
		test_ioctl_destroy(free_id);

		test_err_ioctl_readonly(IOMMU_HWPT_ALLOC, &cmd);

		ASSERT_EQ(0, ioctl(self->fd, IOMMU_HWPT_ALLOC, &cmd));
		EXPECT_EQ(free_id, cmd.out_hwpt_id);
		test_ioctl_destroy(cmd.out_hwpt_id);
	}

	/* Nothing holds on to what they were made of, or narrows the IOAS */
	close(fault_fd);
	test_ioctl_destroy(fault_id);
	test_ioctl_destroy(pt_id[2]);
	test_ioctl_destroy(pt_id[1]);
	expect_ioas_ranges(pt_id[0], { 0, UINT64_MAX });
	test_ioctl_destroy(pt_id[0]);
}

/*
 * One thread moves a device around, one maps and unmaps where the regions are,
 * one queries. Between them a region of a device that is attached directly must
 * never be mapped.
 */
#define RACE_ROUNDS 300

struct race {
	struct setup *s;
	atomic_int stop;
	atomic_int failed;
};

static void *race_map(void *arg)
{
	static const __u64 where[] = { IN_REGION, IN_SW_MSI };
	struct race *race = arg;
	unsigned int i;

	for (i = 0; !atomic_load(&race->stop); i++) {
		__u32 ioas_id = race->s->ioas[(i / 2) % NUM_IOAS];
		__u64 iova = where[i % 2];

		if (!map_fixed(race->s->fd, ioas_id, iova)) {
			if (_test_ioctl_ioas_unmap(race->s->fd, ioas_id,
						   iova, PAGE_SIZE, NULL))
				atomic_store(&race->failed, 1);
		} else if (errno != EINVAL) {
			atomic_store(&race->failed, 2);
		}
	}
	return NULL;
}

static void *race_query(void *arg)
{
	struct race *race = arg;
	struct iommu_resv_iova_range got[4];

	while (!atomic_load(&race->stop)) {
		__u32 num = ARRAY_SIZE(got);

		if (_test_cmd_resv_iova_ranges(race->s->fd,
					       race->s->idev_id[0], got,
					       &num) ||
		    num != 2 || got[0].start != 0x4000000 ||
		    got[1].start != 0x8000000)
			atomic_store(&race->failed, 3);
	}
	return NULL;
}

TEST_F(resv_policy, race)
{
	struct race race = { .s = &self->s };
	unsigned int failures = 0;
	unsigned int rounds;
	enum attachment at = DETACHED;
	pthread_t threads[2];
	unsigned int i, j;

	ASSERT_EQ(0, pthread_create(&threads[0], NULL, race_map, &race));
	ASSERT_EQ(0, pthread_create(&threads[1], NULL, race_query, &race));

	/*
	 * It would be no race if nothing ever got in the way. On a busy machine
	 * it takes a while until the other thread gets to run.
	 */
	srand(1);
	for (rounds = 0; rounds < RACE_ROUNDS || !failures; rounds++) {
		enum attachment to = rand() % NUM_STATES;
		int rc = go(&self->s, at, to);

		if (!rc) {
			at = to;
		} else {
			EXPECT_TRUE(rc == EADDRINUSE ||
				    (rc == EINVAL && variant->driver_fails));
			failures++;
		}
		/*
		 * Whatever the other thread has mapped meanwhile, it is not in
		 * what the state demands: that is exactly what is reserved.
		 */
		ASSERT_TRUE(check_state(&self->s, at, states[at].demand));

		for (j = 0; at != DETACHED && j != 2; j++) {
			__u64 iova = j ? IN_SW_MSI : IN_REGION;
			__u32 ioas_id;

			if (!j && states[at].demand != DEMAND_ALL)
				continue;
			ioas_id = self->s.ioas[states[at].ioas];
			ASSERT_EQ(-1, map_fixed(self->fd, ioas_id, iova));
			ASSERT_EQ(EINVAL, errno);
			/* Nothing of the other thread's is mapped there */
			ASSERT_EQ(-1, _test_ioctl_ioas_unmap(self->fd, ioas_id,
							     iova, PAGE_SIZE,
							     NULL));
			ASSERT_EQ(ENOENT, errno);
		}
	}

	atomic_store(&race.stop, 1);
	for (i = 0; i != 2; i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	EXPECT_EQ(0, atomic_load(&race.failed));
	/* Nor would it be one if everything got in the way */
	EXPECT_GT(rounds, failures);
}

/* An attachment of a PASID reserves nothing, whatever the HWPT */
TEST(resv_pasid)
{
	struct iommu_hwpt_selftest s1 = { .iotlb = IOMMU_TEST_IOTLB_DEFAULT };
	static const struct ranges rid_direct = {
		2, { { 0x1000000, 0x3ffffff }, { 0x5000000, 0x7fffffff } }
	};
	struct {
		int fd;
	} _self, *self = &_self;
	__u32 ioas_id, other_ioas_id, stdev_id, idev_id;
	__u32 hwpt_id[4], other_hwpt_id;
	unsigned int i;

	self->fd = open("/dev/iommu", O_RDWR);
	ASSERT_NE(-1, self->fd);
	test_ioctl_ioas_alloc(&ioas_id);
	test_ioctl_ioas_alloc(&other_ioas_id);
	test_cmd_mock_domain_flags(ioas_id,
				   MOCK_FLAGS_DEVICE_DETACHED |
					   MOCK_FLAGS_DEVICE_PASID,
				   &stdev_id, NULL, &idev_id);
	test_cmd_dev_add_resv(idev_id, 0x4000000, 0x4ffffff,
			      MOCK_RESV_RESERVED);
	test_cmd_hwpt_alloc(idev_id, ioas_id,
			    IOMMU_HWPT_ALLOC_PASID |
				    IOMMU_HWPT_ALLOC_NEST_PARENT,
			    &hwpt_id[0]);
	test_cmd_hwpt_alloc(idev_id, ioas_id, IOMMU_HWPT_ALLOC_PASID,
			    &hwpt_id[1]);
	for (i = 2; i != 4; i++) {
		__u32 flags = IOMMU_HWPT_ALLOC_PASID;

		if (i == 3)
			flags |= IOMMU_HWPT_ALLOC_NEST_IDENTITY;
		test_cmd_hwpt_alloc_nested(idev_id, hwpt_id[0], flags,
					   &hwpt_id[i],
					   IOMMU_HWPT_DATA_SELFTEST, &s1,
					   sizeof(s1));
	}
	test_cmd_hwpt_alloc(idev_id, other_ioas_id, IOMMU_HWPT_ALLOC_PASID,
			    &other_hwpt_id);

	ASSERT_EQ(0, _test_cmd_pasid_attach(self->fd, stdev_id, 100,
					    hwpt_id[0]));
	for (i = 0; i != 8; i++) {
		ASSERT_EQ(0, _test_cmd_pasid_replace(self->fd, stdev_id, 100,
						     hwpt_id[i % 4]));
		EXPECT_TRUE(same_ranges(self->fd, ioas_id,
					&demand_ranges[DEMAND_NONE]));
	}
	ASSERT_EQ(0, _test_cmd_pasid_detach(self->fd, stdev_id, 100));
	EXPECT_TRUE(same_ranges(self->fd, ioas_id,
				&demand_ranges[DEMAND_NONE]));

	/* Nor does it take away what the attachment of the RID reserves */
	test_cmd_mock_domain_attach(stdev_id, hwpt_id[1]);
	EXPECT_TRUE(same_ranges(self->fd, ioas_id, &rid_direct));
	ASSERT_EQ(0, _test_cmd_pasid_attach(self->fd, stdev_id, 100,
					    hwpt_id[2]));
	EXPECT_TRUE(same_ranges(self->fd, ioas_id, &rid_direct));
	for (i = 0; i != 4; i++) {
		ASSERT_EQ(0, _test_cmd_pasid_replace(self->fd, stdev_id, 100,
						     other_hwpt_id));
		EXPECT_TRUE(same_ranges(self->fd, ioas_id, &rid_direct));
		ASSERT_EQ(0, _test_cmd_pasid_replace(self->fd, stdev_id, 100,
						     hwpt_id[i]));
		EXPECT_TRUE(same_ranges(self->fd, ioas_id, &rid_direct));
		/* From each kind of attachment in the IOAS of the RID */
		ASSERT_EQ(0, _test_cmd_pasid_detach(self->fd, stdev_id, 100));
		EXPECT_TRUE(same_ranges(self->fd, ioas_id, &rid_direct));
		ASSERT_EQ(0, _test_cmd_pasid_attach(self->fd, stdev_id, 100,
						    hwpt_id[i]));
	}
	ASSERT_EQ(0, _test_cmd_pasid_detach(self->fd, stdev_id, 100));
	EXPECT_TRUE(same_ranges(self->fd, ioas_id, &rid_direct));

	/* Nor if the driver refuses to move it to the HWPT of the RID */
	ASSERT_EQ(0, _test_cmd_pasid_attach(self->fd, stdev_id,
					    IOMMU_TEST_PASID_RESERVED,
					    other_hwpt_id));
	EXPECT_ERRNO(ENOMEM, _test_cmd_pasid_replace(self->fd, stdev_id,
						     IOMMU_TEST_PASID_RESERVED,
						     hwpt_id[1]));
	EXPECT_TRUE(same_ranges(self->fd, ioas_id, &rid_direct));
	ASSERT_EQ(0, _test_cmd_pasid_detach(self->fd, stdev_id,
					    IOMMU_TEST_PASID_RESERVED));
	EXPECT_TRUE(same_ranges(self->fd, ioas_id, &rid_direct));
	EXPECT_TRUE(same_ranges(self->fd, other_ioas_id,
				&demand_ranges[DEMAND_NONE]));
	EXPECT_EQ(0, close(self->fd));
}

/* Regions that are loaded into an IOAS, and two devices that have them */
FIXTURE(resv_load)
{
	int fd;
	__u32 ioas_id;
	__u32 stdev_id[2];
	__u32 idev_id[2];
};

FIXTURE_SETUP(resv_load)
{
	unsigned int i;

	self->fd = open("/dev/iommu", O_RDWR);
	ASSERT_NE(-1, self->fd);
	test_ioctl_ioas_alloc(&self->ioas_id);
	for (i = 0; i != 2; i++)
		test_cmd_mock_domain_flags(self->ioas_id,
					   MOCK_FLAGS_DEVICE_DETACHED,
					   &self->stdev_id[i], NULL,
					   &self->idev_id[i]);
	test_cmd_dev_add_resv(self->idev_id[0], 0x8000000, 0x80fffff,
			      MOCK_RESV_SW_MSI);
	test_cmd_dev_add_resv(self->idev_id[0], 0x4000000, 0x4ffffff,
			      MOCK_RESV_RESERVED);
	test_cmd_dev_add_resv(self->idev_id[0], 0x2000000, 0x2ffffff,
			      MOCK_RESV_DIRECT_RELAXABLE);
	/* One overlaps and reaches over on both sides, one is equal, one new */
	test_cmd_dev_add_resv(self->idev_id[1], 0x3800000, 0x57fffff,
			      MOCK_RESV_DIRECT);
	test_cmd_dev_add_resv(self->idev_id[1], 0x8000000, 0x80fffff,
			      MOCK_RESV_SW_MSI);
	test_cmd_dev_add_resv(self->idev_id[1], UINT64_MAX - 0xfff, UINT64_MAX,
			      MOCK_RESV_RESERVED);
}

FIXTURE_TEARDOWN(resv_load)
{
	teardown_iommufd(self->fd, _metadata);
}

#define EXPECT_LOADED_NONE expect_ioas_ranges(self->ioas_id, { 0, UINT64_MAX })
#define EXPECT_LOADED_FIRST                               \
	expect_ioas_ranges(self->ioas_id, { 0, 0x3ffffff }, \
			   { 0x5000000, 0x7ffffff },        \
			   { 0x8100000, UINT64_MAX })
#define EXPECT_LOADED_BOTH                                \
	expect_ioas_ranges(self->ioas_id, { 0, 0x37fffff }, \
			   { 0x5800000, 0x7ffffff },        \
			   { 0x8100000, UINT64_MAX - 0x1000 })

#define expect_num_reserved(_num)                                           \
	({                                                                  \
		__u32 _got;                                                 \
									    \
		ASSERT_EQ(0, _test_cmd_count_reserved(self->fd,             \
						      self->ioas_id, &_got)); \
		EXPECT_EQ(_num, _got);                                      \
	})

/* Exactly the complement, and the same again however often it is loaded */
TEST_F(resv_load, complement)
{
	unsigned int i;

	EXPECT_LOADED_NONE;
	for (i = 0; i != 3; i++) {
		test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[0]);
		EXPECT_LOADED_FIRST;
		expect_num_reserved(2);
	}
	/* Before and behind what is there, and at the top */
	for (i = 0; i != 3; i++) {
		test_cmd_ioas_load_resv(self->ioas_id,
					self->idev_id[(i + 1) % 2]);
		EXPECT_LOADED_BOTH;
		expect_num_reserved(5);
	}

	/* Another IOAS has nothing, and the first one can be destroyed */
	test_ioctl_destroy(self->ioas_id);
	test_ioctl_ioas_alloc(&self->ioas_id);
	EXPECT_LOADED_NONE;
}

/* The larger regions first: the smaller ones are in there already */
TEST_F(resv_load, complement_other_way)
{
	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[1]);
	EXPECT_LOADED_BOTH;
	expect_num_reserved(3);
	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[0]);
	EXPECT_LOADED_BOTH;
	expect_num_reserved(3);
}

/* One that is a single byte, at 0 or the end of another, and no byte more */
TEST_F(resv_load, one_byte)
{
	unsigned int i;

	test_cmd_dev_clear_resv(self->idev_id[0]);
	test_cmd_dev_add_resv(self->idev_id[0], 0, 0, MOCK_RESV_RESERVED);
	test_cmd_dev_add_resv(self->idev_id[0], 0x5000, 0x5000,
			      MOCK_RESV_RESERVED);
	test_cmd_dev_clear_resv(self->idev_id[1]);
	test_cmd_dev_add_resv(self->idev_id[1], 0x3000, 0x5000,
			      MOCK_RESV_RESERVED);

	for (i = 0; i != 2; i++) {
		test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[0]);
		expect_ioas_ranges(self->ioas_id, { 1, 0x4fff },
				   { 0x5001, UINT64_MAX });
		expect_num_reserved(2);
	}
	for (i = 0; i != 2; i++) {
		test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[1]);
		expect_ioas_ranges(self->ioas_id, { 1, 0x2fff },
				   { 0x5001, UINT64_MAX });
		expect_num_reserved(3);
	}

	/*
	 * Beside those that an attachment has reserved before, and all that is
	 * outside of the aperture
	 */
	test_ioctl_ioas_alloc(&self->ioas_id);
	test_cmd_mock_domain_attach(self->stdev_id[0], self->ioas_id);
	for (i = 0; i != 2; i++) {
		test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[0]);
		expect_num_reserved(6);
	}
	test_cmd_mock_domain_detach(self->stdev_id[0]);
	expect_ioas_ranges(self->ioas_id, { 1, 0x4fff },
			   { 0x5001, UINT64_MAX });
	expect_num_reserved(2);
}

TEST_F(resv_load, no_regions)
{
	test_cmd_dev_clear_resv(self->idev_id[0]);
	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[0]);
	EXPECT_LOADED_NONE;
}

TEST_F(resv_load, bad_input)
{
	struct iommu_ioas_load_resv_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = self->ioas_id,
		.dev_id = self->idev_id[0],
		.__reserved = 1,
	};

	__u32 num;

	EXPECT_ERRNO(EOPNOTSUPP,
		     ioctl(self->fd, IOMMU_IOAS_LOAD_RESV_IOVAS, &cmd));

	/* Ids that are wrong, and those of objects of another type */
	test_err_ioas_load_resv(ENOENT, self->ioas_id, 0, 0, 0);
	test_err_ioas_load_resv(ENOENT, 0, self->idev_id[0], 0, 0);
	test_err_ioas_load_resv(ENOENT, self->ioas_id, self->ioas_id, 0, 0);
	test_err_ioas_load_resv(ENOENT, self->idev_id[0], self->idev_id[0], 0,
				0);
	test_err_ioas_load_resv(ENOENT, self->ioas_id, self->stdev_id[0], 0, 0);
	EXPECT_LOADED_NONE;
	EXPECT_ERRNO(ENOENT, _test_cmd_count_reserved(self->fd,
						      self->idev_id[0], &num));

	/* No argument, and one that cannot be written, with a clash or without */
	cmd.__reserved = 0;
	EXPECT_ERRNO(EFAULT, ioctl(self->fd, IOMMU_IOAS_LOAD_RESV_IOVAS, NULL));
	test_err_ioctl_readonly(IOMMU_IOAS_LOAD_RESV_IOVAS, &cmd);
	EXPECT_LOADED_NONE;
	expect_num_reserved(0);
	ASSERT_EQ(0, map_fixed(self->fd, self->ioas_id, 0x8010000));
	test_err_ioctl_readonly(IOMMU_IOAS_LOAD_RESV_IOVAS, &cmd);
	test_ioctl_ioas_unmap_id(self->ioas_id, 0x8010000, PAGE_SIZE);
	EXPECT_LOADED_NONE;
	expect_num_reserved(0);

	/* Everything works, and nothing holds on to it */
	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[0]);
	EXPECT_LOADED_FIRST;
	test_ioctl_destroy(self->stdev_id[0]);
	test_ioctl_destroy(self->ioas_id);
}

/* The first range of the query that is in use, for each kind of use */
TEST_F(resv_load, clash)
{
	static const struct iommu_iova_range allowed[] = {
		{ 0x80ff000, 0x8ffffff },
	};
	__u64 last_page = UINT64_MAX - 0xfff;

	/* In the last of the ranges of the second device; the others unwind */
	ASSERT_EQ(0, map_fixed(self->fd, self->ioas_id, 0x8010000));
	test_err_ioas_load_resv(EADDRINUSE, self->ioas_id, self->idev_id[1],
				0x8000000, 0x80fffff);
	EXPECT_LOADED_NONE;
	test_err_ioas_load_resv(EADDRINUSE, self->ioas_id, self->idev_id[0],
				0x8000000, 0x80fffff);
	EXPECT_LOADED_NONE;

	/* One that comes before it; the whole range is named */
	ASSERT_EQ(0, map_fixed(self->fd, self->ioas_id, 0x5000000));
	test_err_ioas_load_resv(EADDRINUSE, self->ioas_id, self->idev_id[1],
				0x3800000, 0x57fffff);
	/* The first device does not mind that one */
	test_err_ioas_load_resv(EADDRINUSE, self->ioas_id, self->idev_id[0],
				0x8000000, 0x80fffff);
	EXPECT_LOADED_NONE;
	test_ioctl_ioas_unmap_id(self->ioas_id, 0x8010000, PAGE_SIZE);
	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[0]);
	EXPECT_LOADED_FIRST;

	/* What is loaded stays so, what comes on top unwinds */
	test_err_ioas_load_resv(EADDRINUSE, self->ioas_id, self->idev_id[1],
				0x3800000, 0x57fffff);
	EXPECT_LOADED_FIRST;
	test_ioctl_ioas_unmap_id(self->ioas_id, 0x5000000, PAGE_SIZE);

	/* The byte before and the byte after are free to use */
	ASSERT_EQ(0, map_fixed(self->fd, self->ioas_id, 0x3800000 - PAGE_SIZE));
	ASSERT_EQ(0, map_fixed(self->fd, self->ioas_id, 0x5800000));
	ASSERT_EQ(0, map_fixed(self->fd, self->ioas_id, last_page - PAGE_SIZE));
	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[1]);
	EXPECT_LOADED_BOTH;

	/* An allowed range clashes like a mapping does */
	test_ioctl_destroy(self->stdev_id[1]);
	test_ioctl_ioas_alloc(&self->ioas_id);
	ASSERT_EQ(0, allow_iovas(self->fd, self->ioas_id, allowed, 1));
	test_err_ioas_load_resv(EADDRINUSE, self->ioas_id, self->idev_id[0],
				0x8000000, 0x80fffff);
	EXPECT_LOADED_NONE;
}

struct flip {
	void *page;
	atomic_int stop;
};

static void *flip_protection(void *arg)
{
	struct flip *flip = arg;

	while (!atomic_load(&flip->stop)) {
		mprotect(flip->page, PAGE_SIZE, PROT_READ);
		mprotect(flip->page, PAGE_SIZE, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

/*
 * The clash is written at last, over the zeroes that tell if the answer can be
 * written at all. By then it may be too late.
 */
TEST_F(resv_load, clash_readonly)
{
	struct iommu_ioas_load_resv_iovas *cmd;
	struct flip flip = {};
	pthread_t thread;
	unsigned int i;
	int page_fd;
	int err;

	/* Two views of one page: what the kernel sees comes and goes */
	cmd = memfd_mmap(PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 &page_fd);
	ASSERT_NE(MAP_FAILED, cmd);
	flip.page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 page_fd, 0);
	ASSERT_NE(MAP_FAILED, flip.page);

	/* Something to do between the zeroes and the clash */
	for (i = 0; i != 100; i++)
		test_cmd_dev_add_resv(self->idev_id[0], 0x10000000 + i * 0x2000,
				      0x10000fff + i * 0x2000,
				      MOCK_RESV_RESERVED);
	ASSERT_EQ(0, map_fixed(self->fd, self->ioas_id, 0x8010000));

	ASSERT_EQ(0, pthread_create(&thread, NULL, flip_protection, &flip));
	do {
		*cmd = (struct iommu_ioas_load_resv_iovas){
			.size = sizeof(*cmd),
			.ioas_id = self->ioas_id,
			.dev_id = self->idev_id[0],
			.out_clash_start = 1,
		};
		err = ioctl(self->fd, IOMMU_IOAS_LOAD_RESV_IOVAS, flip.page) ?
			      errno :
			      0;
		if (err == EADDRINUSE) {
			ASSERT_EQ(0x8000000, cmd->out_clash_start);
			ASSERT_EQ(0x80fffff, cmd->out_clash_last);
		} else {
			ASSERT_EQ(EFAULT, err);
		}
	} while (err != EFAULT || cmd->out_clash_start);
	atomic_store(&flip.stop, 1);
	ASSERT_EQ(0, pthread_join(thread, NULL));

	EXPECT_EQ(0, cmd->out_clash_last);
	EXPECT_LOADED_NONE;
	expect_num_reserved(0);
}

/* A region around two that are loaded; something is in each of the gaps */
TEST_F(resv_load, clash_in_gap)
{
	static const __u64 iova[] = { 0x3800000, 0x5000000, 0x8ff0000 };
	unsigned int i;

	test_cmd_dev_clear_resv(self->idev_id[1]);
	test_cmd_dev_add_resv(self->idev_id[1], 0x3800000, 0x8ffffff,
			      MOCK_RESV_DIRECT);
	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[0]);
	for (i = 0; i != ARRAY_SIZE(iova); i++) {
		ASSERT_EQ(0, map_fixed(self->fd, self->ioas_id, iova[i]));
		test_err_ioas_load_resv(EADDRINUSE, self->ioas_id,
					self->idev_id[1], 0x3800000, 0x8ffffff);
		EXPECT_LOADED_FIRST;
		expect_num_reserved(2);
		test_ioctl_ioas_unmap_id(self->ioas_id, iova[i], PAGE_SIZE);
	}
	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[1]);
	expect_ioas_ranges(self->ioas_id, { 0, 0x37fffff },
			   { 0x9000000, UINT64_MAX });
	expect_num_reserved(5);
}

/* What is loaded can neither be mapped nor allowed */
TEST_F(resv_load, map)
{
	struct iommu_iova_range range;
	unsigned int i;
	__u64 iova;

	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[0]);
	EXPECT_ERRNO(EINVAL, map_fixed(self->fd, self->ioas_id, 0x4000000));
	EXPECT_ERRNO(EINVAL, map_fixed(self->fd, self->ioas_id,
				       0x5000000 - PAGE_SIZE));
	EXPECT_ERRNO(EINVAL, map_fixed(self->fd, self->ioas_id, 0x8010000));
	ASSERT_EQ(0, map_fixed(self->fd, self->ioas_id, 0x4000000 - PAGE_SIZE));
	ASSERT_EQ(0, map_fixed(self->fd, self->ioas_id, 0x5000000));
	test_ioctl_ioas_unmap_id(self->ioas_id, 0x4000000 - PAGE_SIZE,
				 PAGE_SIZE);
	test_ioctl_ioas_unmap_id(self->ioas_id, 0x5000000, PAGE_SIZE);

	range = (struct iommu_iova_range){ 0x4ffffff, 0x5ffffff };
	EXPECT_ERRNO(EADDRINUSE,
		     allow_iovas(self->fd, self->ioas_id, &range, 1));

	/* The only IOVA left to choose from is a page on either side */
	range = (struct iommu_iova_range){ 0x5000000, 0x5000000 +
							      PAGE_SIZE - 1 };
	ASSERT_EQ(0, allow_iovas(self->fd, self->ioas_id, &range, 1));
	ASSERT_EQ(0, _test_ioctl_ioas_map(self->fd, self->ioas_id, buffer,
					  PAGE_SIZE, &iova,
					  IOMMU_IOAS_MAP_READABLE));
	EXPECT_EQ(0x5000000, iova);
	ASSERT_EQ(0, allow_iovas(self->fd, self->ioas_id, NULL, 0));

	/* And where the kernel chooses from all of it, it never chooses these */
	for (i = 0; i != 64; i++) {
		ASSERT_EQ(0, _test_ioctl_ioas_map(self->fd, self->ioas_id,
						  buffer, BUFFER_SIZE, &iova,
						  IOMMU_IOAS_MAP_READABLE));
		EXPECT_TRUE(iova + BUFFER_SIZE <= 0x4000000 ||
			    iova > 0x4ffffff);
		EXPECT_TRUE(iova + BUFFER_SIZE <= 0x8000000 ||
			    iova > 0x80fffff);
	}
}

/* A loaded device can be attached in every way; detach leaves what is loaded */
TEST_F(resv_load, attach)
{
	struct iommu_hwpt_selftest s1 = { .iotlb = IOMMU_TEST_IOTLB_DEFAULT };
	__u32 s2_id, nested_id, identity_id;
	unsigned int i;
	__u64 iova;

	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[0]);
	test_cmd_hwpt_alloc(self->idev_id[0], self->ioas_id,
			    IOMMU_HWPT_ALLOC_NEST_PARENT, &s2_id);
	test_cmd_hwpt_alloc_nested(self->idev_id[0], s2_id, 0, &nested_id,
				   IOMMU_HWPT_DATA_SELFTEST, &s1, sizeof(s1));
	test_cmd_hwpt_alloc_nested(self->idev_id[0], s2_id,
				   IOMMU_HWPT_ALLOC_NEST_IDENTITY, &identity_id,
				   IOMMU_HWPT_DATA_SELFTEST, &s1, sizeof(s1));

#define EXPECT_LAYOUT                                       \
	expect_ioas_ranges(self->ioas_id,                   \
			   { MOCK_APERTURE_START, 0x3ffffff }, \
			   { 0x5000000, 0x7ffffff },        \
			   { 0x8100000, MOCK_APERTURE_LAST })

	/* The one list to lay out memory by, which is then used to its edges */
	EXPECT_LAYOUT;
	for (i = 0; i != 3; i++) {
		static const __u64 start[] = { MOCK_APERTURE_START, 0x5000000,
					       0x8100000 };
		static const __u64 last[] = { 0x3ffffff, 0x7ffffff,
					      MOCK_APERTURE_LAST };

		ASSERT_EQ(0, map_fixed(self->fd, self->ioas_id, start[i]));
		iova = last[i] + 1 - PAGE_SIZE;
		ASSERT_EQ(0, map_fixed(self->fd, self->ioas_id, iova));
	}

	test_cmd_mock_domain_attach(self->stdev_id[0], nested_id);
	EXPECT_LAYOUT;
	/* The guest turns its IOMMU off, in two ways, and on again */
	test_cmd_mock_domain_replace(self->stdev_id[0], s2_id);
	EXPECT_LAYOUT;
	test_cmd_mock_domain_replace(self->stdev_id[0], nested_id);
	EXPECT_LAYOUT;
	test_cmd_mock_domain_replace(self->stdev_id[0], identity_id);
	EXPECT_LAYOUT;
	test_cmd_mock_domain_replace(self->stdev_id[0], self->ioas_id);
	EXPECT_LAYOUT;
	test_cmd_mock_domain_detach(self->stdev_id[0]);
	EXPECT_LAYOUT;
	test_cmd_mock_domain_attach(self->stdev_id[0], s2_id);
	EXPECT_LAYOUT;
	/* To load while attached makes no difference either */
	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[0]);
	test_cmd_mock_domain_detach(self->stdev_id[0]);
	EXPECT_LAYOUT;
#undef EXPECT_LAYOUT
}

/* Load while the device's attachment has reserved the same */
TEST_F(resv_load, while_attached)
{
	test_cmd_mock_domain_attach(self->stdev_id[0], self->ioas_id);
	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[0]);
	test_cmd_mock_domain_detach(self->stdev_id[0]);
	EXPECT_LOADED_FIRST;
}

/*
 * The device goes away, with its memory, and others come in its place. Nothing
 * that was loaded may be theirs.
 */
TEST_F(resv_load, device_gone)
{
	unsigned int i;

	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[0]);
	test_ioctl_destroy(self->stdev_id[0]);
	EXPECT_LOADED_FIRST;

	for (i = 0; i != 8; i++) {
		__u32 stdev_id, idev_id;

		test_cmd_mock_domain_flags(self->ioas_id,
					   MOCK_FLAGS_DEVICE_DETACHED,
					   &stdev_id, NULL, &idev_id);
		test_cmd_dev_add_resv(idev_id, 0x4000000, 0x4ffffff,
				      MOCK_RESV_MSI);
		test_cmd_mock_domain_attach(stdev_id, self->ioas_id);
		test_cmd_mock_domain_detach(stdev_id);
		EXPECT_LOADED_FIRST;
		test_ioctl_destroy(stdev_id);
	}
	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[1]);
	EXPECT_LOADED_BOTH;
}

/* An emulated device uses the IOAS */
TEST_F(resv_load, access)
{
	__u32 access_id;

	test_cmd_create_access(self->ioas_id, &access_id,
			       MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES);
	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[0]);
	EXPECT_LOADED_FIRST;
	ASSERT_EQ(0, map_fixed(self->fd, self->ioas_id, 0x5000000));
	EXPECT_ERRNO(EINVAL, map_fixed(self->fd, self->ioas_id, 0x4000000));
	test_err_ioas_load_resv(EADDRINUSE, self->ioas_id, self->idev_id[1],
				0x3800000, 0x57fffff);
	test_cmd_destroy_access(access_id);
	EXPECT_LOADED_FIRST;
}

/*
 * Regions that no page has for its own, whatever its size: within a page of the
 * mock IOMMU, from inside one page to inside another, and a window of 4K. What
 * is reserved are their bytes, and no mapping may have one of them.
 */
TEST_F(resv_query, unaligned)
{
	/* Pages that have a byte of a region, and neighbours that have none */
	const struct {
		size_t size;
		__u64 over[4];
		__u64 beside[4];
	} pages[] = {
		{ PAGE_SIZE,
		  { 0x4000000, 0x5000000, 0x5080000, 0x8000000 },
		  { 0x4000000 - PAGE_SIZE, 0x4000000 + PAGE_SIZE,
		    0x5080000 + PAGE_SIZE, 0x8000000 - PAGE_SIZE } },
		{ MOCK_PAGE_SIZE,
		  { 0x4000000, 0x5000800, 0x5080000, 0x8000800 },
		  { 0x3fff800, 0x4000800, 0x5000000, 0x5080800 } },
	};
	const struct iommu_iova_range one_page = {
		0x4000600, 0x4000000 + 2 * PAGE_SIZE - 1
	};
	unsigned int i, j, k;
	__u64 iova;

	test_cmd_dev_add_resv(self->idev_id, 0x4000400, 0x40005ff,
			      MOCK_RESV_RESERVED);
	test_cmd_dev_add_resv(self->idev_id, 0x5000c00, 0x50803ff,
			      MOCK_RESV_DIRECT);
	test_cmd_dev_add_resv(self->idev_id, 0x8000000, 0x8000fff,
			      MOCK_RESV_SW_MSI);
	expect_resv(self->idev_id,
		    { 0x4000400, 0x40005ff },
		    { 0x5000c00, 0x50803ff },
		    { 0x8000000, 0x8000fff, IOMMU_RESV_IOVA_SW_MSI });

	/* The page with the end of a region is in the way, what follows is not */
	test_ioctl_ioas_map_fixed(buffer, PAGE_SIZE, 0x5080000);
	test_err_ioas_load_resv(EADDRINUSE, self->ioas_id, self->idev_id,
				0x5000c00, 0x50803ff);
	test_err_mock_domain_attach(EADDRINUSE, self->stdev_id, self->ioas_id);
	test_ioctl_ioas_unmap(0x5080000, PAGE_SIZE);
	test_ioctl_ioas_map_fixed(buffer, MOCK_PAGE_SIZE, 0x5080800);
	test_cmd_mock_domain_attach(self->stdev_id, self->ioas_id);
	test_ioctl_ioas_unmap(0x5080800, MOCK_PAGE_SIZE);

	for (i = 0; i != 2; i++) {
		if (!i) {
			expect_ioas_ranges(self->ioas_id,
					   { MOCK_APERTURE_START, 0x40003ff },
					   { 0x4000600, 0x5000bff },
					   { 0x5080400, 0x7ffffff },
					   { 0x8001000, MOCK_APERTURE_LAST });
		} else {
			test_cmd_mock_domain_detach(self->stdev_id);
			test_cmd_ioas_load_resv(self->ioas_id, self->idev_id);
			expect_ioas_ranges(self->ioas_id,
					   { 0, 0x40003ff },
					   { 0x4000600, 0x5000bff },
					   { 0x5080400, 0x7ffffff },
					   { 0x8001000, UINT64_MAX });
		}

		for (j = 0; j != ARRAY_SIZE(pages); j++) {
			size_t size = pages[j].size;

			for (k = 0; k != 4; k++) {
				iova = pages[j].over[k];
				test_err_ioctl_ioas_map_fixed(EINVAL, buffer,
							      size, iova);
				iova = pages[j].beside[k];
				test_ioctl_ioas_map_fixed(buffer, size, iova);
				test_ioctl_ioas_unmap(iova, size);
			}
		}

		/* What a region leaves of a page is not chosen for a page */
		ASSERT_EQ(0, allow_iovas(self->fd, self->ioas_id, &one_page, 1));
		test_ioctl_ioas_map(buffer, PAGE_SIZE, &iova);
		EXPECT_EQ(0x4000000 + PAGE_SIZE, iova);
		test_err_ioctl_ioas_map(ENOSPC, buffer, PAGE_SIZE, &iova);
		test_ioctl_ioas_unmap(0x4000000 + PAGE_SIZE, PAGE_SIZE);
		ASSERT_EQ(0, allow_iovas(self->fd, self->ioas_id, NULL, 0));
	}

	/* Where there is no domain a mapping may end at any byte */
	test_err_ioctl_ioas_map_fixed(EINVAL, buffer, 0x401, 0x4000000);
	test_ioctl_ioas_map_fixed(buffer, 0x400, 0x4000000);
	test_err_ioctl_ioas_map_fixed(EINVAL, buffer, 0x201, 0x40005ff);
	test_ioctl_ioas_map_fixed(buffer, 0x200, 0x4000600);
}

/* The IOAS is what a VFIO type1 container uses */
TEST_F(resv_load, vfio_compat)
{
	struct iommu_vfio_ioas vfio_ioas_cmd = {
		.size = sizeof(vfio_ioas_cmd),
		.op = IOMMU_VFIO_IOAS_SET,
		.ioas_id = self->ioas_id,
	};
	struct vfio_iommu_type1_dma_map map_cmd = {
		.argsz = sizeof(map_cmd),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)buffer,
		.size = PAGE_SIZE,
		.iova = 0x4000000,
	};
	struct vfio_iommu_type1_dma_unmap unmap_cmd = {
		.argsz = sizeof(unmap_cmd),
		.flags = VFIO_DMA_UNMAP_FLAG_ALL,
	};

	test_cmd_mock_domain_attach(self->stdev_id[0], self->ioas_id);
	ASSERT_EQ(0, ioctl(self->fd, IOMMU_VFIO_IOAS, &vfio_ioas_cmd));
	ASSERT_EQ(0, ioctl(self->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[0]);

	EXPECT_ERRNO(EINVAL, ioctl(self->fd, VFIO_IOMMU_MAP_DMA, &map_cmd));
	map_cmd.iova = 0x5000000;
	ASSERT_EQ(0, ioctl(self->fd, VFIO_IOMMU_MAP_DMA, &map_cmd));
	test_err_ioas_load_resv(EADDRINUSE, self->ioas_id, self->idev_id[1],
				0x3800000, 0x57fffff);
	ASSERT_EQ(0, ioctl(self->fd, VFIO_IOMMU_UNMAP_DMA, &unmap_cmd));
	test_cmd_ioas_load_resv(self->ioas_id, self->idev_id[1]);

	test_cmd_mock_domain_detach(self->stdev_id[0]);
	expect_ioas_ranges(self->ioas_id, { 0, 0x37fffff },
			   { 0x5800000, 0x7ffffff },
			   { 0x8100000, UINT64_MAX - 0x1000 });
}

TEST_HARNESS_MAIN
