// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for what the driver makes of a guest's device table entry
 */
#include <kunit/test.h>

#include "amd_iommu.h"

struct gdte_case {
	const char *desc;
	u64 dte0;
	bool bypass;
};

/* Is DMA without a PASID bypass? Only GIOV says so, see set_dte_nested() */
static const struct gdte_case gdte_cases[] = {
	{ "all zero", 0, true },
	{ "V", DTE_FLAG_V, true },
	{ "V and GV, a table for PASIDs", DTE_FLAG_V | DTE_FLAG_GV, true },
	{ "all bits but GIOV", ~DTE_FLAG_GIOV, true },
	{ "V, GV and GIOV, a table for all DMA",
	  DTE_FLAG_V | DTE_FLAG_GV | DTE_FLAG_GIOV, false },
	{ "GIOV alone", DTE_FLAG_GIOV, false },
	{ "all bits", U64_MAX, false },
};

KUNIT_ARRAY_PARAM_DESC(gdte, gdte_cases, desc);

static void test_gdte_is_bypass(struct kunit *test)
{
	const struct gdte_case *cur = test->param_value;
	struct iommu_hwpt_amd_guest gdte = { .dte = { cur->dte0 } };

	KUNIT_EXPECT_EQ(test, amd_iommu_gdte_is_bypass(&gdte), cur->bypass);

	/* The other words have no say */
	memset(&gdte.dte[1], 0xff, sizeof(gdte) - sizeof(gdte.dte[0]));
	KUNIT_EXPECT_EQ(test, amd_iommu_gdte_is_bypass(&gdte), cur->bypass);
}

static struct kunit_case amd_iommu_nested_cases[] = {
	KUNIT_CASE_PARAM(test_gdte_is_bypass, gdte_gen_params),
	{}
};

static struct kunit_suite amd_iommu_nested_suite = {
	.name = "amd_iommu_nested",
	.test_cases = amd_iommu_nested_cases,
};

kunit_test_suite(amd_iommu_nested_suite);

MODULE_DESCRIPTION("KUnit tests for nested translation of the AMD IOMMU driver");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
