/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device's reserved regions through iommufd, for a virtual machine monitor:
 * which IOVA a device cannot use, and what is left of the IOVA space.
 *
 * Conventions of every function here:
 *  - addresses count bytes of IOVA; a range is [start, last], last inclusive,
 *    so that a range may end at the top of the 64-bit space;
 *  - 0 (or what the comment says) is success, a negative errno is failure;
 *  - arrays are handed over to the caller, who frees them with free(3);
 *  - nothing is printed, nothing is kept between calls, and any number of
 *    threads may call at once.
 */
#ifndef RESV_H
#define RESV_H

#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>
#include <linux/ioctl.h>
#include <linux/iommufd.h>

/*
 * For building on kernel headers that do not have the call yet. The number is
 * provisional until a mainline kernel has it: probe with resv_has_query().
 */
#ifndef IOMMU_RESV_IOVA_RANGES
enum iommu_resv_iova_flags {
	IOMMU_RESV_IOVA_SW_MSI = 1 << 0,
};

struct iommu_resv_iova_range {
	__aligned_u64 start;
	__aligned_u64 last;
	__u32 flags;
	__u32 __reserved;
};

struct iommu_resv_iova_ranges {
	__u32 size;
	__u32 dev_id;
	__u32 num_iovas;
	__u32 __reserved;
	__aligned_u64 resv_iovas;
};
#define IOMMU_RESV_IOVA_RANGES _IO(IOMMUFD_TYPE, 0x96)
#endif

/* Likewise; probe with resv_has_load(). */
#ifndef IOMMU_IOAS_LOAD_RESV_IOVAS
struct iommu_ioas_load_resv_iovas {
	__u32 size;
	__u32 ioas_id;
	__u32 dev_id;
	__u32 __reserved;
	__aligned_u64 out_clash_start;
	__aligned_u64 out_clash_last;
};
#define IOMMU_IOAS_LOAD_RESV_IOVAS _IO(IOMMUFD_TYPE, 0x97)
#endif

/**
 * resv_ioctl - ioctl(2) with the conventions of this library
 * @fd: any file descriptor
 * @request: the call
 * @cmd: its structure
 *
 * Starts over when a signal interrupts it.
 *
 * Return: 0, also for other results that are no failure; a negative errno.
 */
int resv_ioctl(int fd, unsigned long request, void *cmd);

/**
 * resv_open - Open /dev/iommu
 *
 * Return: a file descriptor, closed on exec; -ENOENT or -ENODEV when the
 * kernel has no iommufd (or its module is not loaded), -EACCES or -EPERM when
 * the caller may not use it.
 */
int resv_open(void);

/**
 * resv_has_query - Does this kernel have IOMMU_RESV_IOVA_RANGES?
 * @iommufd: an open /dev/iommu
 *
 * Asks about dev_id 0, which never exists: a kernel with the call answers
 * -ENOENT, one without it -ENOTTY. No device needs to be bound.
 *
 * Return: 1 when it has, 0 when it has not, another negative errno when the
 * kernel gave neither answer (-EBADF: @iommufd is not open).
 */
int resv_has_query(int iommufd);

/**
 * resv_query - The regions a device keeps for itself
 * @iommufd: an open /dev/iommu
 * @dev_id: a device bound to it, attached or not
 * @regions: out: the regions, sorted by start, none overlapping another
 * @nr: out: how many there are; 0 for a device without any
 *
 * Wraps IOMMU_RESV_IOVA_RANGES, growing the array until everything fits.
 * These are the ranges that attaching the device directly to an IOAS takes out
 * of it. One flagged IOMMU_RESV_IOVA_SW_MSI is where the kernel maps the MSI
 * doorbell; with nesting it needs an identity mapping in the guest's stage 1.
 * On failure @regions and @nr are left alone.
 *
 * Return: 0; -ENOTTY when the kernel lacks the call, -ENOENT when @dev_id is
 * not a device of @iommufd, -EOPNOTSUPP when the device has no IOMMU, -ENOMEM.
 */
int resv_query(int iommufd, uint32_t dev_id,
	       struct iommu_resv_iova_range **regions, size_t *nr);

/**
 * resv_has_load - Does this kernel have IOMMU_IOAS_LOAD_RESV_IOVAS?
 * @iommufd: an open /dev/iommu
 *
 * Asks about IOAS 0 and dev_id 0, which never exist.
 *
 * Return: as resv_has_query().
 */
int resv_has_load(int iommufd);

/**
 * resv_ioas_load - Take a device's regions out of an IOAS for good
 * @iommufd: an open /dev/iommu
 * @ioas_id: the IOAS
 * @dev_id: a device bound to @iommufd, attached or not
 * @clash: out, may be NULL: with -EADDRINUSE the device's first region, as
 *         resv_query() gives them, that something in the IOAS uses; otherwise
 *         left alone
 *
 * Wraps IOMMU_IOAS_LOAD_RESV_IOVAS. All regions are reserved or, on failure,
 * none. They stay until the IOAS is destroyed, whatever becomes of the device;
 * loading them again adds nothing.
 *
 * Return: 0; -EADDRINUSE when something is mapped in a region, or meets a range
 * of resv_ioas_allow(); -ENOTTY when the kernel lacks the call, -ENOENT for a
 * wrong id, -EOPNOTSUPP when the device has no IOMMU, -ENOMEM.
 */
int resv_ioas_load(int iommufd, uint32_t ioas_id, uint32_t dev_id,
		   struct iommu_iova_range *clash);

/**
 * resv_ioas_alloc - Allocate an IO address space
 * @iommufd: an open /dev/iommu
 * @ioas_id: out: its object id; resv_destroy() frees it
 *
 * Wraps IOMMU_IOAS_ALLOC.
 *
 * Return: 0; -ENOMEM.
 */
int resv_ioas_alloc(int iommufd, uint32_t *ioas_id);

/**
 * resv_ioas_ranges - The IOVA that may be mapped in an IOAS now
 * @iommufd: an open /dev/iommu
 * @ioas_id: the IOAS
 * @ranges: out: the allowed ranges, sorted by start
 * @nr: out: how many there are
 * @alignment: out, may be NULL: both ends of a mapping must be multiples of it
 *
 * Wraps IOMMU_IOAS_IOVA_RANGES, growing the array until everything fits. The
 * answer narrows with each HWPT allocated for and each device attached to the
 * IOAS. On failure the outputs are left alone.
 *
 * Return: 0; -ENOENT when @ioas_id is not an IOAS of @iommufd, -ENOMEM.
 */
int resv_ioas_ranges(int iommufd, uint32_t ioas_id,
		     struct iommu_iova_range **ranges, size_t *nr,
		     uint64_t *alignment);

/**
 * resv_ioas_allow - Say which IOVA of an IOAS must stay available
 * @iommufd: an open /dev/iommu
 * @ioas_id: the IOAS
 * @ranges: the ranges, in any order, none overlapping another, each of 2 bytes
 *          or more
 * @nr: how many; 0 takes back what was said before
 *
 * Wraps IOMMU_IOAS_ALLOW_IOVAS. From here on everything that would reserve any
 * of this IOVA fails.
 *
 * Return: 0; -EADDRINUSE when some of it is reserved already, -EINVAL for bad
 * ranges, -ENOENT when @ioas_id is not an IOAS of @iommufd, -ENOMEM.
 */
int resv_ioas_allow(int iommufd, uint32_t ioas_id,
		    const struct iommu_iova_range *ranges, size_t nr);

/**
 * resv_hwpt_alloc - Allocate a paging HWPT for a device, without attaching it
 * @iommufd: an open /dev/iommu
 * @dev_id: a device bound to it
 * @ioas_id: the IOAS that fills the page table
 * @flags: 0, or IOMMU_HWPT_ALLOC_NEST_PARENT for one that can be a stage 2
 * @hwpt_id: out: its object id; resv_destroy() frees it
 *
 * Wraps IOMMU_HWPT_ALLOC. From here on the IOAS lists no IOVA beyond what this
 * page table can translate.
 *
 * Return: 0; -ENOENT for a wrong id, -EOPNOTSUPP when the IOMMU cannot do what
 * @flags asks for, -EADDRINUSE when something is mapped beyond its reach.
 */
int resv_hwpt_alloc(int iommufd, uint32_t dev_id, uint32_t ioas_id,
		    uint32_t flags, uint32_t *hwpt_id);

/**
 * resv_destroy - Destroy an iommufd object
 * @iommufd: an open /dev/iommu
 * @id: an IOAS, HWPT or other object
 *
 * Wraps IOMMU_DESTROY.
 *
 * Return: 0; -ENOENT for a wrong id, -EBUSY while something uses the object.
 */
int resv_destroy(int iommufd, uint32_t id);

/**
 * resv_aperture - The IOVA a device's IOMMU can translate at all
 * @iommufd: an open /dev/iommu
 * @dev_id: a device bound to it
 * @ranges: out: the ranges, sorted by start; reserved regions are not yet
 *          taken out
 * @nr: out: how many there are
 *
 * Allocates an IOAS and a paging HWPT of its own, looks at what the IOAS still
 * allows, and frees both. The device is not attached and nothing it does is
 * disturbed. On failure the outputs are left alone.
 *
 * Return: 0; a negative errno as resv_hwpt_alloc() gives it.
 */
int resv_aperture(int iommufd, uint32_t dev_id,
		  struct iommu_iova_range **ranges, size_t *nr);

/**
 * resv_subtract - One set of ranges without another
 * @from: the ranges to take from: sorted by start, none overlapping another
 * @nr_from: how many
 * @minus: the ranges to take out, in any order, overlapping or not
 * @nr_minus: how many
 * @left: out: what remains of @from, sorted by start; touching ranges of @from
 *        stay apart
 * @nr_left: out: how many
 *
 * A pure function. On failure the outputs are left alone.
 *
 * Return: 0; -EINVAL when a range has last < start, -ENOMEM.
 */
int resv_subtract(const struct iommu_iova_range *from, size_t nr_from,
		  const struct iommu_iova_range *minus, size_t nr_minus,
		  struct iommu_iova_range **left, size_t *nr_left);

/**
 * resv_left - What is left of an IOVA space next to reserved regions
 * @space: the space, for example from resv_aperture(): sorted by start, none
 *         overlapping another
 * @nr_space: how many ranges it has
 * @regions: regions to keep out of, as from resv_query(); the lists of several
 *           devices may simply be put one after the other
 * @nr_regions: how many
 * @left: out: what remains, sorted by start
 * @nr_left: out: how many ranges
 *
 * resv_subtract() for regions: a pure function, which ignores their flags.
 *
 * Return: 0; -EINVAL when a range or region has last < start, -ENOMEM.
 */
int resv_left(const struct iommu_iova_range *space, size_t nr_space,
	      const struct iommu_resv_iova_range *regions, size_t nr_regions,
	      struct iommu_iova_range **left, size_t *nr_left);

#endif
