// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for what the driver makes of a guest's device table entry
 */
#include <kunit/test.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

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

/* The domain says so, too; the entry comes from userspace */
static void test_domain_is_bypass(struct kunit *test)
{
	static const u64 dte0[] = { 0, DTE_FLAG_GIOV };
	struct iommu_user_data user_data = {
		.type = IOMMU_HWPT_DATA_AMD_GUEST,
		.len = sizeof(struct iommu_hwpt_amd_guest),
	};
	struct amd_iommu_viommu *aviommu;
	struct iommu_domain *domain;
	unsigned long addr;
	unsigned int i;

	aviommu = kunit_kzalloc(test, sizeof(*aviommu), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, aviommu);
	xa_init_flags(&aviommu->gdomid_array, XA_FLAGS_ALLOC1);
	addr = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	user_data.uptr = (void __user *)addr;

	for (i = 0; i != ARRAY_SIZE(dte0); i++) {
		struct iommu_hwpt_amd_guest gdte = { .dte = { dte0[i] } };

		KUNIT_ASSERT_EQ(test, 0, copy_to_user(user_data.uptr, &gdte,
						      sizeof(gdte)));
		domain = amd_iommu_alloc_domain_nested(&aviommu->core, 0,
						       &user_data);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, domain);
		KUNIT_EXPECT_EQ(test, domain->s1_bypass, !dte0[i]);
		domain->ops->free(domain);
	}
	xa_destroy(&aviommu->gdomid_array);
}

static struct kunit_case amd_iommu_nested_cases[] = {
	KUNIT_CASE_PARAM(test_gdte_is_bypass, gdte_gen_params),
	KUNIT_CASE(test_domain_is_bypass),
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
