// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reserved regions of a device, as iommufd and its users see them
 *
 * An iommu driver hands out a list of struct iommu_resv_region in no order,
 * where regions of different kinds may overlap. Userspace gets to see the
 * normalised form of that list, an array of struct iommu_resv_iova_range.
 */
#include <kunit/static_stub.h>
#include <kunit/visibility.h>
#include <linux/iommu.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <uapi/linux/iommufd.h>

#include "iommufd_private.h"

/* On its own so that the KUnit tests can make it fail */
VISIBLE_IF_KUNIT struct iommu_resv_iova_range *
iommufd_resv_alloc(unsigned int num)
{
	struct iommu_resv_iova_range *ranges;

	KUNIT_STATIC_STUB_REDIRECT(iommufd_resv_alloc, num);

	ranges = kvzalloc_objs(*ranges, num, GFP_KERNEL_ACCOUNT);
	return ranges;
}
EXPORT_SYMBOL_IF_KUNIT(iommufd_resv_alloc);

static int iommufd_resv_cmp(const void *a, const void *b)
{
	const struct iommu_resv_iova_range *lhs = a;
	const struct iommu_resv_iova_range *rhs = b;

	return cmp_int(lhs->start, rhs->start);
}

static void iommufd_resv_sort(struct iommu_resv_iova_range *ranges,
			      unsigned int num)
{
	sort(ranges, num, sizeof(*ranges), iommufd_resv_cmp, NULL);
}

/*
 * Sort ranges of one kind and merge those that overlap or touch, in place.
 * Returns how many are left.
 */
static unsigned int iommufd_resv_merge(struct iommu_resv_iova_range *ranges,
				       unsigned int num)
{
	struct iommu_resv_iova_range *cur = ranges;
	unsigned int i;

	if (!num)
		return 0;

	iommufd_resv_sort(ranges, num);
	for (i = 1; i != num; i++) {
		/* Sorted, so only a start above 0 can be above cur->last */
		if (ranges[i].start > cur->last &&
		    ranges[i].start - 1 != cur->last)
			*++cur = ranges[i];
		else
			cur->last = max(cur->last, ranges[i].last);
	}
	return cur - ranges + 1;
}

/* The IOVA that a region takes from a device without a stage-1, if any */
static bool iommufd_resv_range(const struct iommu_resv_region *resv,
			       struct iommu_resv_iova_range *range)
{
	u64 last;

	if (resv->type == IOMMU_RESV_DIRECT_RELAXABLE)
		return false;
	/* An IOAS cannot address more than an unsigned long */
	if (!resv->length || resv->start > ULONG_MAX)
		return false;
	if (check_add_overflow((u64)resv->start, resv->length - 1, &last))
		last = ULONG_MAX;

	*range = (struct iommu_resv_iova_range){
		.start = resv->start,
		.last = min_t(u64, last, ULONG_MAX),
		.flags = resv->type == IOMMU_RESV_SW_MSI ?
				 IOMMU_RESV_IOVA_SW_MSI :
				 0,
	};
	return true;
}

/* Copy what the regions of one kind cover to @out, returns how many */
static unsigned int iommufd_resv_collect(struct list_head *regions, u32 flags,
					 struct iommu_resv_iova_range *out)
{
	const struct iommu_resv_region *resv;
	unsigned int num = 0;

	list_for_each_entry(resv, regions, list)
		if (iommufd_resv_range(resv, &out[num]) &&
		    out[num].flags == flags)
			num++;
	return iommufd_resv_merge(out, num);
}

/*
 * Write to @out the parts of @range that none of the sorted and disjoint
 * @holes covers, returns how many.
 */
static unsigned int
iommufd_resv_subtract(const struct iommu_resv_iova_range *range,
		      const struct iommu_resv_iova_range *holes,
		      unsigned int num_holes,
		      struct iommu_resv_iova_range *out)
{
	struct iommu_resv_iova_range rest = *range;
	unsigned int num = 0;
	unsigned int i;

	for (i = 0; i != num_holes; i++) {
		if (holes[i].last < rest.start)
			continue;
		if (holes[i].start > rest.last)
			break;
		if (holes[i].start > rest.start) {
			out[num] = rest;
			out[num++].last = holes[i].start - 1;
		}
		if (holes[i].last >= rest.last)
			return num;
		rest.start = holes[i].last + 1;
	}
	out[num++] = rest;
	return num;
}

/**
 * iommufd_resv_normalise - Turn a list of reserved regions into ranges of IOVA
 * @regions: list of struct iommu_resv_region as iommu_get_resv_regions() fills
 *           it, in any order; it is not changed
 * @out_num: how many ranges there are, 0 if nothing is reserved
 *
 * The ranges are what a device that is attached without a stage-1 has to keep
 * out of: all regions but those that are IOMMU_RESV_DIRECT_RELAXABLE. They are
 * sorted by start and disjoint; ranges with the same flags do not touch. IOVA
 * of a SW_MSI region carries IOMMU_RESV_IOVA_SW_MSI even if another region
 * covers it too. What an unsigned long cannot address is left out, since no
 * IOAS can map it.
 *
 * Return: an array for kvfree(), also if it has no ranges, or an ERR_PTR of
 * -ENOMEM.
 */
VISIBLE_IF_KUNIT struct iommu_resv_iova_range *
iommufd_resv_normalise(struct list_head *regions, unsigned int *out_num)
{
	unsigned int max = list_count_nodes(regions);
	struct iommu_resv_iova_range *ranges;
	struct iommu_resv_iova_range *others;
	unsigned int num_others;
	unsigned int num_sw_msi;
	unsigned int num;
	unsigned int i;

	/*
	 * Each SW_MSI range splits at most one other, so the result fits into
	 * 2 * max. The rest is room for the others while they are split.
	 */
	ranges = iommufd_resv_alloc(3 * max);
	if (!ranges)
		return ERR_PTR(-ENOMEM);
	others = ranges + 2 * max;

	num_sw_msi = iommufd_resv_collect(regions, IOMMU_RESV_IOVA_SW_MSI,
					  ranges);
	num_others = iommufd_resv_collect(regions, 0, others);

	num = num_sw_msi;
	for (i = 0; i != num_others; i++)
		num += iommufd_resv_subtract(&others[i], ranges, num_sw_msi,
					     ranges + num);
	iommufd_resv_sort(ranges, num);

	*out_num = num;
	return ranges;
}
EXPORT_SYMBOL_IF_KUNIT(iommufd_resv_normalise);

/**
 * iommufd_device_resv_ranges - Read the reserved regions of a device
 * @idev: device to ask for; the caller holds a reference
 * @out_num: how many ranges there are, 0 if nothing is reserved
 *
 * Return: the normalised regions, see iommufd_resv_normalise(), or an ERR_PTR
 * of -ENOMEM or, for a device without an iommu, -EOPNOTSUPP.
 */
static struct iommu_resv_iova_range *
iommufd_device_resv_ranges(struct iommufd_device *idev, unsigned int *out_num)
{
	struct iommu_resv_iova_range *ranges;
	LIST_HEAD(regions);

	if (!iommufd_device_get_iommu_dev(idev))
		return ERR_PTR(-EOPNOTSUPP);

	/* FIXME: drivers allocate memory but there is no failure propagated */
	iommu_get_resv_regions(idev->dev, &regions);
	ranges = iommufd_resv_normalise(&regions, out_num);
	iommu_put_resv_regions(idev->dev, &regions);
	return ranges;
}

/* Drivers must offer sane combinations of regions */
VISIBLE_IF_KUNIT int
iommufd_resv_check_msi(const struct list_head *regions,
		       phys_addr_t *sw_msi_start)
{
	const struct iommu_resv_region *resv;
	unsigned int num_hw_msi = 0;
	unsigned int num_sw_msi = 0;

	list_for_each_entry(resv, regions, list) {
		if (resv->type == IOMMU_RESV_MSI)
			num_hw_msi++;
		if (resv->type == IOMMU_RESV_SW_MSI) {
			*sw_msi_start = resv->start;
			num_sw_msi++;
		}
	}

	if (WARN_ON(num_sw_msi && num_hw_msi) || WARN_ON(num_sw_msi > 1))
		return -EINVAL;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(iommufd_resv_check_msi);

/**
 * iommufd_hwpt_resv_policy - What a HWPT demands of the devices attached to it
 * @hwpt: the HWPT
 *
 * Return: which regions of a device have to be reserved, in the IOAS of @hwpt
 * or of its parent, while the device is attached to @hwpt.
 */
enum iommufd_resv_policy
iommufd_hwpt_resv_policy(struct iommufd_hw_pagetable *hwpt)
{
	/*
	 * The IOVA of a device behind a stage-1 is that stage-1's input, and
	 * its owner has to keep out of the regions there. What comes out of it
	 * is translated by the stage-2 like any other address. Only the window
	 * in which the kernel maps the MSI doorbell is in the stage-2. With a
	 * stage-1 that does not translate it is as if there were none.
	 */
	if (hwpt->obj.type == IOMMUFD_OBJ_HWPT_NESTED &&
	    !to_hwpt_nested(hwpt)->identity)
		return IOMMUFD_RESV_SW_MSI;
	return IOMMUFD_RESV_ALL;
}

/**
 * iommufd_device_reserve - Take a device's reserved regions out of an IOAS
 * @idev: device that is about to be attached
 * @hwpt: what it is going to be attached to, with an IOAS of its own or of its
 *        parent; the policy of the HWPT decides about the regions
 * @sw_msi_start: if not NULL, check that the regions are fit for MSIs and
 *                return where the software MSI window starts, if there is one
 *
 * What is reserved is what iommufd_resv_normalise() reports. The regions may
 * overlap here, and need not be in order. All or nothing: the IOAS is unchanged
 * after an error.
 *
 * Return: 0, -EADDRINUSE if something is mapped in a region or a range that
 * IOMMU_IOAS_ALLOW_IOVAS allows meets one, -EINVAL if the check of
 * @sw_msi_start failed, or -ENOMEM.
 */
int iommufd_device_reserve(struct iommufd_device *idev,
			   struct iommufd_hw_pagetable *hwpt,
			   phys_addr_t *sw_msi_start)
{
	struct io_pagetable *iopt = &find_hwpt_paging(hwpt)->ioas->iopt;
	enum iommufd_resv_policy policy = iommufd_hwpt_resv_policy(hwpt);
	void *owner = &idev->resv_owner[policy];
	struct iommu_resv_iova_range range;
	struct iommu_resv_region *resv;
	LIST_HEAD(regions);
	int rc = 0;

	if (iommufd_should_fail())
		return -EINVAL;

	/* FIXME: drivers allocate memory but there is no failure propagated */
	iommu_get_resv_regions(idev->dev, &regions);
	if (sw_msi_start)
		rc = iommufd_resv_check_msi(&regions, sw_msi_start);
	if (rc)
		goto out_put_regions;

	down_write(&iopt->iova_rwsem);
	list_for_each_entry(resv, &regions, list) {
		if (!iommufd_resv_range(resv, &range))
			continue;
		if (policy == IOMMUFD_RESV_SW_MSI &&
		    !(range.flags & IOMMU_RESV_IOVA_SW_MSI))
			continue;
		rc = iopt_reserve_iova(iopt, range.start, range.last, owner);
		if (rc) {
			__iopt_remove_reserved_iova(iopt, owner);
			break;
		}
	}
	up_write(&iopt->iova_rwsem);
out_put_regions:
	iommu_put_resv_regions(idev->dev, &regions);
	return rc;
}

/**
 * iommufd_device_unreserve - Undo iommufd_device_reserve()
 * @idev: device that is not attached to @hwpt any more
 * @hwpt: what it was attached to
 *
 * Reservations of the device for a HWPT of another policy stay.
 */
void iommufd_device_unreserve(struct iommufd_device *idev,
			      struct iommufd_hw_pagetable *hwpt)
{
	enum iommufd_resv_policy policy = iommufd_hwpt_resv_policy(hwpt);

	iopt_remove_reserved_iova(&find_hwpt_paging(hwpt)->ioas->iopt,
				  &idev->resv_owner[policy]);
}

/**
 * iommufd_resv_iova_ranges - Serve ioctl(IOMMU_RESV_IOVA_RANGES)
 * @ucmd: the command, its struct iommu_resv_iova_ranges and the object context
 *
 * Return: 0, or what include/uapi/linux/iommufd.h documents for the ioctl.
 */
int iommufd_resv_iova_ranges(struct iommufd_ucmd *ucmd)
{
	struct iommu_resv_iova_ranges *cmd = ucmd->cmd;
	struct iommu_resv_iova_range *ranges;
	struct iommufd_device *idev;
	unsigned int room;
	unsigned int num;
	int rc = 0;

	if (cmd->__reserved)
		return -EOPNOTSUPP;

	idev = iommufd_get_device(ucmd, cmd->dev_id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);

	ranges = iommufd_device_resv_ranges(idev, &num);
	iommufd_put_object(ucmd->ictx, &idev->obj);
	if (IS_ERR(ranges))
		return PTR_ERR(ranges);

	room = cmd->num_iovas;
	if (copy_to_user(u64_to_user_ptr(cmd->resv_iovas), ranges,
			 array_size(min(room, num), sizeof(*ranges))))
		rc = -EFAULT;
	kvfree(ranges);

	cmd->num_iovas = num;
	if (iommufd_ucmd_respond(ucmd, sizeof(*cmd)))
		return -EFAULT;
	if (!rc && num > room)
		rc = -EMSGSIZE;
	return rc;
}

/**
 * iommufd_ioas_load_resv_iovas - Serve ioctl(IOMMU_IOAS_LOAD_RESV_IOVAS)
 * @ucmd: the command, its struct iommu_ioas_load_resv_iovas and the object
 *        context
 *
 * Return: 0, or what include/uapi/linux/iommufd.h documents for the ioctl.
 */
int iommufd_ioas_load_resv_iovas(struct iommufd_ucmd *ucmd)
{
	struct iommu_ioas_load_resv_iovas *cmd = ucmd->cmd;
	const struct iommu_resv_iova_range *clash = NULL;
	struct iommu_resv_iova_range *ranges;
	struct iommufd_device *idev;
	struct iommufd_ioas *ioas;
	unsigned int num;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;

	/* Nothing can be undone later, so find out now if this can be written */
	cmd->out_clash_start = 0;
	cmd->out_clash_last = 0;
	rc = iommufd_ucmd_respond(ucmd, sizeof(*cmd));
	if (rc)
		return rc;

	idev = iommufd_get_device(ucmd, cmd->dev_id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	ioas = iommufd_get_ioas(ucmd->ictx, cmd->ioas_id);
	if (IS_ERR(ioas)) {
		rc = PTR_ERR(ioas);
		goto out_put_idev;
	}

	ranges = iommufd_device_resv_ranges(idev, &num);
	if (IS_ERR(ranges)) {
		rc = PTR_ERR(ranges);
		goto out_put_ioas;
	}

	rc = iopt_load_reserved_iova(&ioas->iopt, ranges, num, &clash);
	if (clash) {
		cmd->out_clash_start = clash->start;
		cmd->out_clash_last = clash->last;
		if (iommufd_ucmd_respond(ucmd, sizeof(*cmd)))
			rc = -EFAULT;
	}
	kvfree(ranges);
out_put_ioas:
	iommufd_put_object(ucmd->ictx, &ioas->obj);
out_put_idev:
	iommufd_put_object(ucmd->ictx, &idev->obj);
	return rc;
}
