// SPDX-License-Identifier: GPL-2.0
/*
 * A second reserved region for some PCI devices, behind an IOMMU driver that
 * reports none but the MSI window and to which no firmware can add one. Of the test
 * bed: vm/boot has it loaded for a machine, and no part of the series knows of it.
 *
 *	resv_region.ko first=IOVA last=IOVA [ids=ID,...]
 *
 * ID is 0xVVVVDDDD, a vendor and a device; QEMU's edu, if none is given.
 *
 * A probe at the entry of iommu_get_resv_regions() puts the region at the end of
 * the list that the caller wants filled, and lets the driver add its own behind
 * it; the list has no order.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/iommu.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/pci.h>

#define EDU 0x123411e8

static unsigned long long first, last;
module_param(first, ullong, 0444);
MODULE_PARM_DESC(first, "first IOVA of the region");
module_param(last, ullong, 0444);
MODULE_PARM_DESC(last, "last IOVA of the region, inclusive");

static unsigned int ids[8] = { EDU };
static unsigned int nr_ids = 1;
module_param_array(ids, uint, &nr_ids, 0444);
MODULE_PARM_DESC(ids, "the devices that have it, as vendor << 16 | device");

static bool has_region(struct device *dev)
{
	unsigned int id;

	if (!dev_is_pci(dev))
		return false;
	id = to_pci_dev(dev)->vendor << 16 | to_pci_dev(dev)->device;
	for (unsigned int i = 0; i < nr_ids; i++) {
		if (ids[i] == id)
			return true;
	}
	return false;
}

/* iommu_get_resv_regions(dev, list) is about to run, and nothing may sleep */
static int add_region(struct kprobe *probe, struct pt_regs *regs)
{
	struct device *dev = (void *)regs_get_kernel_argument(regs, 0);
	struct list_head *list = (void *)regs_get_kernel_argument(regs, 1);
	struct iommu_resv_region *region;

	if (!has_region(dev))
		return 0;
	region = iommu_alloc_resv_region(first, last - first + 1, 0,
					 IOMMU_RESV_RESERVED, GFP_ATOMIC);
	if (region)
		list_add_tail(&region->list, list);
	else
		pr_err("no memory for the region of %s\n", dev_name(dev));
	return 0;
}

static struct kprobe probe = {
	.symbol_name = "iommu_get_resv_regions",
	.pre_handler = add_region,
};

/* There is no way to unload it: the region is part of the machine. */
static int __init resv_region_init(void)
{
	if (!last || first > last) {
		pr_err("not a region: 0x%llx - 0x%llx\n", first, last);
		return -EINVAL;
	}
	return register_kprobe(&probe);
}
module_init(resv_region_init);

MODULE_DESCRIPTION("A reserved region for some PCI devices");
MODULE_LICENSE("GPL");
