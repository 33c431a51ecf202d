/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest's SMMUv3 as iommufd has it: the vIOMMU over a stage 2, the device in
 * it, the queue of events for the guest, and nested HWPTs from stream table
 * entries. 0 is success, a negative errno failure; what gives a bool fails the
 * KTAP case.
 */
#ifndef VSMMU_H
#define VSMMU_H

#include "guest.h"
#include "smmuv3.h"

struct vsmmu {
	const struct guest *guest;
	uint32_t viommu, vdevice, veventq;	/* object ids */
	int events;				/* file descriptor */
};

/* The vIOMMU over the nest parent @s2. */
int vsmmu_alloc(struct vsmmu *vsmmu, const struct guest *guest, uint32_t s2);
/* The edu in it, which the guest knows as stream @vsid. */
int vsmmu_add_device(struct vsmmu *vsmmu, uint32_t vsid);
int vsmmu_add_events(struct vsmmu *vsmmu);

/* A nested HWPT: stage 1 as the guest's @ste says. */
int vsmmu_nest(const struct vsmmu *vsmmu, uint32_t flags,
	       const struct iommu_hwpt_arm_smmuv3 *ste, uint32_t *hwpt);

/* Forgets what the SMMU has cached of one page of @s1. */
int vsmmu_invalidate(const struct vsmmu *vsmmu, const struct smmuv3_s1 *s1,
		     uint64_t iova);

/* The oldest event is a translation fault of @vsid in [@iova, @last]. */
bool vsmmu_event_is(const struct vsmmu *vsmmu, uint32_t vsid, uint64_t iova,
		    uint64_t last);

#endif
