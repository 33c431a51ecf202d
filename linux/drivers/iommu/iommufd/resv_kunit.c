// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for what iommufd makes of a driver's list of reserved regions
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <uapi/linux/iommufd.h>

#include "iommufd_private.h"

#define SW_MSI IOMMU_RESV_IOVA_SW_MSI

struct resv_in {
	u64 start;
	u64 last;
	enum iommu_resv_type type;
};

struct resv_out {
	u64 start;
	u64 last;
	u32 flags;
};

struct resv_case {
	const char *name;
	unsigned int num_in;
	struct resv_in in[5];
	unsigned int num_out;
	struct resv_out out[8];
};

/* A region from an array is not allocated, so it must not be freed either */
static void resv_fill(struct iommu_resv_region *region,
		      const struct resv_in *in, struct list_head *regions)
{
	*region = (struct iommu_resv_region){
		.start = in->start,
		.length = in->last - in->start + 1,
		.type = in->type,
	};
	list_add_tail(&region->list, regions);
}

static void resv_expect(struct kunit *test,
			struct iommu_resv_iova_range *ranges, unsigned int num,
			const struct resv_out *out, unsigned int num_out)
{
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ranges);
	KUNIT_EXPECT_EQ(test, num, num_out);
	for (i = 0; i != min(num, num_out); i++) {
		KUNIT_EXPECT_EQ_MSG(test, ranges[i].start, out[i].start,
				    "range %u", i);
		KUNIT_EXPECT_EQ_MSG(test, ranges[i].last, out[i].last,
				    "range %u", i);
		KUNIT_EXPECT_EQ_MSG(test, ranges[i].flags, out[i].flags,
				    "range %u", i);
		KUNIT_EXPECT_EQ_MSG(test, ranges[i].__reserved, 0,
				    "range %u", i);
	}
	kvfree(ranges);
}

static const struct resv_case resv_cases[] = {
	{
		.name = "no region",
	},
	{
		.name = "one region",
		.num_in = 1,
		.in = { { 0xfee00000, 0xfeefffff, IOMMU_RESV_MSI } },
		.num_out = 1,
		.out = { { 0xfee00000, 0xfeefffff } },
	},
	{
		.name = "every kind",
		.num_in = 5,
		.in = { { 0x1000, 0x1fff, IOMMU_RESV_DIRECT },
			{ 0x3000, 0x3fff, IOMMU_RESV_DIRECT_RELAXABLE },
			{ 0x5000, 0x5fff, IOMMU_RESV_RESERVED },
			{ 0x7000, 0x7fff, IOMMU_RESV_MSI },
			{ 0x9000, 0x9fff, IOMMU_RESV_SW_MSI } },
		.num_out = 4,
		.out = { { 0x1000, 0x1fff }, { 0x5000, 0x5fff },
			 { 0x7000, 0x7fff }, { 0x9000, 0x9fff, SW_MSI } },
	},
	{
		.name = "only relaxable",
		.num_in = 1,
		.in = { { 0x3000, 0x3fff, IOMMU_RESV_DIRECT_RELAXABLE } },
	},
	{
		.name = "relaxable does not bridge or extend",
		.num_in = 3,
		.in = { { 0x1000, 0x1fff, IOMMU_RESV_RESERVED },
			{ 0x1800, 0x3fff, IOMMU_RESV_DIRECT_RELAXABLE },
			{ 0x3000, 0x37ff, IOMMU_RESV_RESERVED } },
		.num_out = 2,
		.out = { { 0x1000, 0x1fff }, { 0x3000, 0x37ff } },
	},
	{
		.name = "unordered",
		.num_in = 4,
		.in = { { 0x5000, 0x5fff, IOMMU_RESV_RESERVED },
			{ 0x9000, 0x9fff, IOMMU_RESV_MSI },
			{ 0x1000, 0x1fff, IOMMU_RESV_RESERVED },
			{ 0x3000, 0x3fff, IOMMU_RESV_SW_MSI } },
		.num_out = 4,
		.out = { { 0x1000, 0x1fff }, { 0x3000, 0x3fff, SW_MSI },
			 { 0x5000, 0x5fff }, { 0x9000, 0x9fff } },
	},
	{
		.name = "touching",
		.num_in = 3,
		.in = { { 0x2000, 0x2fff, IOMMU_RESV_MSI },
			{ 0x3000, 0x3fff, IOMMU_RESV_DIRECT },
			{ 0x1000, 0x1fff, IOMMU_RESV_RESERVED } },
		.num_out = 1,
		.out = { { 0x1000, 0x3fff } },
	},
	{
		.name = "one byte apart",
		.num_in = 2,
		.in = { { 0x1000, 0x1ffe, IOMMU_RESV_RESERVED },
			{ 0x2000, 0x2fff, IOMMU_RESV_RESERVED } },
		.num_out = 2,
		.out = { { 0x1000, 0x1ffe }, { 0x2000, 0x2fff } },
	},
	{
		.name = "touching SW_MSI stays apart",
		.num_in = 3,
		.in = { { 0x1000, 0x1fff, IOMMU_RESV_RESERVED },
			{ 0x2000, 0x2fff, IOMMU_RESV_SW_MSI },
			{ 0x3000, 0x3fff, IOMMU_RESV_RESERVED } },
		.num_out = 3,
		.out = { { 0x1000, 0x1fff }, { 0x2000, 0x2fff, SW_MSI },
			 { 0x3000, 0x3fff } },
	},
	{
		.name = "touching SW_MSI windows",
		.num_in = 2,
		.in = { { 0x2000, 0x2fff, IOMMU_RESV_SW_MSI },
			{ 0x1000, 0x1fff, IOMMU_RESV_SW_MSI } },
		.num_out = 1,
		.out = { { 0x1000, 0x2fff, SW_MSI } },
	},
	{
		.name = "overlapping",
		.num_in = 3,
		.in = { { 0x1800, 0x27ff, IOMMU_RESV_MSI },
			{ 0x1000, 0x1fff, IOMMU_RESV_RESERVED },
			{ 0x2400, 0x2fff, IOMMU_RESV_DIRECT } },
		.num_out = 1,
		.out = { { 0x1000, 0x2fff } },
	},
	{
		.name = "overlapping by one byte",
		.num_in = 3,
		.in = { { 0x2fff, 0x3fff, IOMMU_RESV_MSI },
			{ 0x1000, 0x2000, IOMMU_RESV_RESERVED },
			{ 0x2000, 0x2fff, IOMMU_RESV_DIRECT } },
		.num_out = 1,
		.out = { { 0x1000, 0x3fff } },
	},
	{
		.name = "SW_MSI windows overlapping by one byte",
		.num_in = 2,
		.in = { { 0x2000, 0x2fff, IOMMU_RESV_SW_MSI },
			{ 0x1000, 0x2000, IOMMU_RESV_SW_MSI } },
		.num_out = 1,
		.out = { { 0x1000, 0x2fff, SW_MSI } },
	},
	{
		.name = "nested",
		.num_in = 3,
		.in = { { 0x2000, 0x2fff, IOMMU_RESV_MSI },
			{ 0x1000, 0x8fff, IOMMU_RESV_RESERVED },
			{ 0x4000, 0x4fff, IOMMU_RESV_MSI } },
		.num_out = 1,
		.out = { { 0x1000, 0x8fff } },
	},
	{
		.name = "same start, the shorter one last",
		.num_in = 2,
		.in = { { 0x1000, 0x8fff, IOMMU_RESV_RESERVED },
			{ 0x1000, 0x1fff, IOMMU_RESV_MSI } },
		.num_out = 1,
		.out = { { 0x1000, 0x8fff } },
	},
	{
		.name = "duplicate",
		.num_in = 4,
		.in = { { 0x1000, 0x1fff, IOMMU_RESV_RESERVED },
			{ 0x8000, 0x8fff, IOMMU_RESV_SW_MSI },
			{ 0x1000, 0x1fff, IOMMU_RESV_RESERVED },
			{ 0x8000, 0x8fff, IOMMU_RESV_SW_MSI } },
		.num_out = 2,
		.out = { { 0x1000, 0x1fff }, { 0x8000, 0x8fff, SW_MSI } },
	},
	{
		.name = "zero length",
		.num_in = 3,
		.in = { { 0x1000, 0xfff, IOMMU_RESV_RESERVED },
			{ 0, U64_MAX, IOMMU_RESV_SW_MSI },
			{ 0x3000, 0x3fff, IOMMU_RESV_MSI } },
		.num_out = 1,
		.out = { { 0x3000, 0x3fff } },
	},
	{
		.name = "at 0",
		.num_in = 2,
		.in = { { 0x1000, 0x1fff, IOMMU_RESV_RESERVED },
			{ 0, 0, IOMMU_RESV_RESERVED } },
		.num_out = 2,
		.out = { { 0, 0 }, { 0x1000, 0x1fff } },
	},
	{
		.name = "at the top",
		.num_in = 3,
		.in = { { ULONG_MAX, ULONG_MAX, IOMMU_RESV_RESERVED },
			{ ULONG_MAX - 0xfff, ULONG_MAX - 1, IOMMU_RESV_MSI },
			{ 0, 0xfff, IOMMU_RESV_RESERVED } },
		.num_out = 2,
		.out = { { 0, 0xfff }, { ULONG_MAX - 0xfff, ULONG_MAX } },
	},
	{
		.name = "SW_MSI at the top of another",
		.num_in = 2,
		.in = { { ULONG_MAX - 0x1fff, ULONG_MAX, IOMMU_RESV_RESERVED },
			{ ULONG_MAX - 0xfff, ULONG_MAX, IOMMU_RESV_SW_MSI } },
		.num_out = 2,
		.out = { { ULONG_MAX - 0x1fff, ULONG_MAX - 0x1000 },
			 { ULONG_MAX - 0xfff, ULONG_MAX, SW_MSI } },
	},
	{
		.name = "SW_MSI at the bottom of another",
		.num_in = 2,
		.in = { { 0, 0x1fff, IOMMU_RESV_RESERVED },
			{ 0, 0xfff, IOMMU_RESV_SW_MSI } },
		.num_out = 2,
		.out = { { 0, 0xfff, SW_MSI }, { 0x1000, 0x1fff } },
	},
	{
		.name = "SW_MSI inside another",
		.num_in = 2,
		.in = { { 0x1000, 0x8fff, IOMMU_RESV_RESERVED },
			{ 0x3000, 0x3fff, IOMMU_RESV_SW_MSI } },
		.num_out = 3,
		.out = { { 0x1000, 0x2fff }, { 0x3000, 0x3fff, SW_MSI },
			 { 0x4000, 0x8fff } },
	},
	{
		.name = "two SW_MSI inside another",
		.num_in = 3,
		.in = { { 0x6000, 0x6fff, IOMMU_RESV_SW_MSI },
			{ 0x1000, 0x8fff, IOMMU_RESV_RESERVED },
			{ 0x3000, 0x3fff, IOMMU_RESV_SW_MSI } },
		.num_out = 5,
		.out = { { 0x1000, 0x2fff }, { 0x3000, 0x3fff, SW_MSI },
			 { 0x4000, 0x5fff }, { 0x6000, 0x6fff, SW_MSI },
			 { 0x7000, 0x8fff } },
	},
	{
		.name = "three SW_MSI inside one of two others",
		.num_in = 5,
		.in = { { 0x9000, 0x9fff, IOMMU_RESV_MSI },
			{ 0x1000, 0x7fff, IOMMU_RESV_RESERVED },
			{ 0x2000, 0x2fff, IOMMU_RESV_SW_MSI },
			{ 0x4000, 0x4fff, IOMMU_RESV_SW_MSI },
			{ 0x6000, 0x6fff, IOMMU_RESV_SW_MSI } },
		.num_out = 8,
		.out = { { 0x1000, 0x1fff }, { 0x2000, 0x2fff, SW_MSI },
			 { 0x3000, 0x3fff }, { 0x4000, 0x4fff, SW_MSI },
			 { 0x5000, 0x5fff }, { 0x6000, 0x6fff, SW_MSI },
			 { 0x7000, 0x7fff }, { 0x9000, 0x9fff } },
	},
	{
		.name = "SW_MSI across the end of one and the start of another",
		.num_in = 3,
		.in = { { 0x1000, 0x3fff, IOMMU_RESV_RESERVED },
			{ 0x3000, 0x5fff, IOMMU_RESV_SW_MSI },
			{ 0x5000, 0x6fff, IOMMU_RESV_MSI } },
		.num_out = 3,
		.out = { { 0x1000, 0x2fff }, { 0x3000, 0x5fff, SW_MSI },
			 { 0x6000, 0x6fff } },
	},
	{
		.name = "SW_MSI on the last byte of one and the first of another",
		.num_in = 3,
		.in = { { 0x1000, 0x3000, IOMMU_RESV_RESERVED },
			{ 0x3000, 0x4fff, IOMMU_RESV_SW_MSI },
			{ 0x4fff, 0x5fff, IOMMU_RESV_MSI } },
		.num_out = 3,
		.out = { { 0x1000, 0x2fff }, { 0x3000, 0x4fff, SW_MSI },
			 { 0x5000, 0x5fff } },
	},
	{
		.name = "SW_MSI of one byte, inside one and alone",
		.num_in = 3,
		.in = { { 0x1000, 0x1fff, IOMMU_RESV_RESERVED },
			{ 0x1800, 0x1800, IOMMU_RESV_SW_MSI },
			{ 0x2000, 0x2000, IOMMU_RESV_SW_MSI } },
		.num_out = 4,
		.out = { { 0x1000, 0x17ff }, { 0x1800, 0x1800, SW_MSI },
			 { 0x1801, 0x1fff }, { 0x2000, 0x2000, SW_MSI } },
	},
	{
		.name = "SW_MSI around others",
		.num_in = 4,
		.in = { { 0x3000, 0x3fff, IOMMU_RESV_RESERVED },
			{ 0x2000, 0x2fff, IOMMU_RESV_MSI },
			{ 0x1000, 0x8fff, IOMMU_RESV_SW_MSI },
			{ 0x8000, 0x8fff, IOMMU_RESV_DIRECT } },
		.num_out = 1,
		.out = { { 0x1000, 0x8fff, SW_MSI } },
	},
	{
		.name = "SW_MSI equal to another",
		.num_in = 2,
		.in = { { 0x1000, 0x1fff, IOMMU_RESV_RESERVED },
			{ 0x1000, 0x1fff, IOMMU_RESV_SW_MSI } },
		.num_out = 1,
		.out = { { 0x1000, 0x1fff, SW_MSI } },
	},
	{
		/* A driver cannot mean to wrap around, it means the top */
		.name = "length beyond the top",
		.num_in = 1,
		.in = { { ULONG_MAX - 0xfff, 0xffe, IOMMU_RESV_RESERVED } },
		.num_out = 1,
		.out = { { ULONG_MAX - 0xfff, ULONG_MAX } },
	},
};

static void resv_case_desc(const struct resv_case *resv_case, char *desc)
{
	strscpy(desc, resv_case->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(resv, resv_cases, resv_case_desc);

static void test_normalise(struct kunit *test)
{
	const struct resv_case *cur = test->param_value;
	struct iommu_resv_region regions[ARRAY_SIZE(cur->in)];
	struct iommu_resv_iova_range *ranges;
	unsigned int num = UINT_MAX;
	LIST_HEAD(list);
	unsigned int i;

	for (i = 0; i != cur->num_in; i++)
		resv_fill(&regions[i], &cur->in[i], &list);

	ranges = iommufd_resv_normalise(&list, &num);
	resv_expect(test, ranges, num, cur->out, cur->num_out);

	/* The list belongs to the iommu driver, which has to free it */
	KUNIT_EXPECT_EQ(test, list_count_nodes(&list), cur->num_in);
	for (i = 0; i != cur->num_in; i++) {
		KUNIT_EXPECT_EQ(test, regions[i].start, cur->in[i].start);
		KUNIT_EXPECT_EQ(test, regions[i].length,
				cur->in[i].last - cur->in[i].start + 1);
	}
}

/*
 * The most ranges there can be: one region around all of them and every second
 * page a SW_MSI window, in descending order.
 */
static void test_many(struct kunit *test)
{
	enum { NUM = 1000, STEP = 0x2000, LEN = 0x1000 };
	struct iommu_resv_iova_range *ranges;
	struct iommu_resv_region *regions;
	unsigned int num = 0;
	LIST_HEAD(list);
	unsigned int i;

	regions = kunit_kcalloc(test, NUM, sizeof(*regions), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, regions);
	for (i = 0; i != NUM - 1; i++) {
		u64 start = (u64)STEP * (NUM - 1 - i);

		resv_fill(&regions[i],
			  &(struct resv_in){ start, start + LEN - 1,
					     IOMMU_RESV_SW_MSI },
			  &list);
	}
	resv_fill(&regions[i],
		  &(struct resv_in){ 0, (u64)STEP * NUM - 1,
				     IOMMU_RESV_RESERVED },
		  &list);

	ranges = iommufd_resv_normalise(&list, &num);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ranges);
	KUNIT_ASSERT_EQ(test, num, 2 * NUM - 1);

	/* others and windows take turns, without a gap */
	KUNIT_EXPECT_EQ(test, ranges[0].start, 0);
	for (i = 0; i != num; i++) {
		KUNIT_EXPECT_EQ(test, ranges[i].flags, i % 2 ? SW_MSI : 0);
		if (i % 2)
			KUNIT_EXPECT_EQ(test, ranges[i].start,
					(u64)STEP * (i / 2 + 1));
		if (i)
			KUNIT_EXPECT_EQ(test, ranges[i].start,
					ranges[i - 1].last + 1);
	}
	KUNIT_EXPECT_EQ(test, ranges[num - 1].last, (u64)STEP * NUM - 1);
	kvfree(ranges);
}

static struct iommu_resv_iova_range *resv_alloc_fails(unsigned int num)
{
	return NULL;
}

static void test_alloc_failure(struct kunit *test)
{
	struct iommu_resv_region region;
	unsigned int num = 12345;
	LIST_HEAD(list);

	resv_fill(&region,
		  &(struct resv_in){ 0x1000, 0x1fff, IOMMU_RESV_RESERVED },
		  &list);
	kunit_activate_static_stub(test, iommufd_resv_alloc, resv_alloc_fails);
	KUNIT_EXPECT_PTR_EQ(test, iommufd_resv_normalise(&list, &num),
			    ERR_PTR(-ENOMEM));
	KUNIT_EXPECT_EQ(test, num, 12345);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&list), 1);
}

#define NO_WINDOW 12345

struct msi_case {
	const char *name;
	unsigned int num_in;
	struct resv_in in[3];
	int rc;
	phys_addr_t sw_msi_start;
};

static const struct msi_case msi_cases[] = {
	{
		.name = "no region",
		.sw_msi_start = NO_WINDOW,
	},
	{
		.name = "no doorbell",
		.num_in = 2,
		.in = { { 0x1000, 0x1fff, IOMMU_RESV_DIRECT },
			{ 0x4000, 0x4fff, IOMMU_RESV_RESERVED } },
		.sw_msi_start = NO_WINDOW,
	},
	{
		.name = "two doorbells of the hardware",
		.num_in = 2,
		.in = { { 0xfee00000, 0xfeefffff, IOMMU_RESV_MSI },
			{ 0x8000000, 0x80fffff, IOMMU_RESV_MSI } },
		.sw_msi_start = NO_WINDOW,
	},
	{
		.name = "a window among others",
		.num_in = 3,
		.in = { { 0x1000, 0x1fff, IOMMU_RESV_DIRECT },
			{ 0x8000000, 0x80fffff, IOMMU_RESV_SW_MSI },
			{ 0x4000, 0x4fff, IOMMU_RESV_RESERVED } },
		.sw_msi_start = 0x8000000,
	},
	{
		.name = "a window and a doorbell",
		.num_in = 2,
		.in = { { 0x8000000, 0x80fffff, IOMMU_RESV_SW_MSI },
			{ 0xfee00000, 0xfeefffff, IOMMU_RESV_MSI } },
		.rc = -EINVAL,
	},
	{
		.name = "two windows",
		.num_in = 2,
		.in = { { 0x8000000, 0x80fffff, IOMMU_RESV_SW_MSI },
			{ 0x9000000, 0x90fffff, IOMMU_RESV_SW_MSI } },
		.rc = -EINVAL,
	},
};

KUNIT_ARRAY_PARAM_DESC(msi, msi_cases, name);

/* A driver that offers what makes no sense is told so */
static void test_check_msi(struct kunit *test)
{
	const struct msi_case *cur = test->param_value;
	struct iommu_resv_region regions[ARRAY_SIZE(cur->in)];
	phys_addr_t sw_msi_start = NO_WINDOW;
	LIST_HEAD(list);
	unsigned int i;

	for (i = 0; i != cur->num_in; i++)
		resv_fill(&regions[i], &cur->in[i], &list);
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test,
				iommufd_resv_check_msi(&list, &sw_msi_start),
				cur->rc);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, !!cur->rc);
	}
	if (!cur->rc)
		KUNIT_EXPECT_EQ(test, sw_msi_start, cur->sw_msi_start);
}

static struct kunit_case iommufd_resv_cases[] = {
	KUNIT_CASE_PARAM(test_normalise, resv_gen_params),
	KUNIT_CASE(test_many),
	KUNIT_CASE(test_alloc_failure),
	KUNIT_CASE_PARAM(test_check_msi, msi_gen_params),
	{}
};

static struct kunit_suite iommufd_resv_suite = {
	.name = "iommufd_resv",
	.test_cases = iommufd_resv_cases,
};

kunit_test_suite(iommufd_resv_suite);

MODULE_DESCRIPTION("KUnit tests for the reserved regions of iommufd");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
