// SPDX-License-Identifier: GPL-2.0
/*
 * A guest's SMMUv3 as iommufd has it; see vsmmu.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <unistd.h>

#include "ktap.h"
#include "vsmmu.h"

static int command(const struct vsmmu *vsmmu, unsigned long request, void *cmd)
{
	return resv_ioctl(vsmmu->guest->iommufd, request, cmd);
}

int vsmmu_alloc(struct vsmmu *vsmmu, const struct guest *guest, uint32_t s2)
{
	struct iommu_viommu_alloc cmd = {
		.size = sizeof(cmd),
		.type = IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
		.dev_id = guest->dev_id,
		.hwpt_id = s2,
	};
	int rc;

	vsmmu->guest = guest;
	rc = command(vsmmu, IOMMU_VIOMMU_ALLOC, &cmd);
	if (!rc)
		vsmmu->viommu = cmd.out_viommu_id;
	return rc;
}

int vsmmu_add_device(struct vsmmu *vsmmu, uint32_t vsid)
{
	struct iommu_vdevice_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = vsmmu->viommu,
		.dev_id = vsmmu->guest->dev_id,
		.virt_id = vsid,
	};
	int rc = command(vsmmu, IOMMU_VDEVICE_ALLOC, &cmd);

	if (!rc)
		vsmmu->vdevice = cmd.out_vdevice_id;
	return rc;
}

int vsmmu_add_events(struct vsmmu *vsmmu)
{
	struct iommu_veventq_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = vsmmu->viommu,
		.type = IOMMU_VEVENTQ_TYPE_ARM_SMMUV3,
		.veventq_depth = 64,
	};
	int rc = command(vsmmu, IOMMU_VEVENTQ_ALLOC, &cmd);

	if (!rc) {
		vsmmu->veventq = cmd.out_veventq_id;
		vsmmu->events = cmd.out_veventq_fd;
	}
	return rc;
}

int vsmmu_nest(const struct vsmmu *vsmmu, uint32_t flags,
	       const struct iommu_hwpt_arm_smmuv3 *ste, uint32_t *hwpt)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = vsmmu->guest->dev_id,
		.pt_id = vsmmu->viommu,
		.data_type = IOMMU_HWPT_DATA_ARM_SMMUV3,
		.data_len = sizeof(*ste),
		.data_uptr = (uintptr_t)ste,
	};
	int rc = command(vsmmu, IOMMU_HWPT_ALLOC, &cmd);

	if (!rc)
		*hwpt = cmd.out_hwpt_id;
	return rc;
}

int vsmmu_invalidate(const struct vsmmu *vsmmu, const struct smmuv3_s1 *s1,
		     uint64_t iova)
{
	struct iommu_viommu_arm_smmuv3_invalidate tlbi;
	struct iommu_hwpt_invalidate cmd = {
		.size = sizeof(cmd),
		.hwpt_id = vsmmu->viommu,
		.data_uptr = (uintptr_t)&tlbi,
		.data_type = IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
		.entry_len = sizeof(tlbi),
		.entry_num = 1,
	};

	smmuv3_tlbi(&tlbi, s1, iova);
	return command(vsmmu, IOMMU_HWPT_INVALIDATE, &cmd);
}

/* The oldest event, and none after it. */
static bool event(const struct vsmmu *vsmmu,
		  struct iommu_vevent_arm_smmuv3 *first)
{
	struct pollfd events = { .fd = vsmmu->events, .events = POLLIN };
	struct {
		struct iommufd_vevent_header header;
		struct iommu_vevent_arm_smmuv3 event;
	} record;
	bool got = false;

	while (poll(&events, 1, got ? 200 : 5000) > 0) {
		if (read(vsmmu->events, &record, sizeof(record)) !=
		    sizeof(record))
			return check(false, "short read of an event");
		if (!got)
			*first = record.event;
		got = true;
	}
	return check(got, "no event arrived");
}

bool vsmmu_event_is(const struct vsmmu *vsmmu, uint32_t vsid, uint64_t iova,
		    uint64_t last)
{
	struct iommu_vevent_arm_smmuv3 got;

	if (!event(vsmmu, &got))
		return false;
	diag("event: type 0x%x, stream ID 0x%" PRIx32 ", IOVA 0x%" PRIx64,
	     smmuv3_event_type(&got), smmuv3_event_sid(&got),
	     smmuv3_event_iova(&got));
	return check(smmuv3_event_type(&got) == SMMUV3_F_TRANSLATION &&
		     smmuv3_event_sid(&got) == vsid &&
		     smmuv3_event_iova(&got) >= iova &&
		     smmuv3_event_iova(&got) <= last,
		     "expected F_TRANSLATION, stream ID 0x%" PRIx32
		     ", IOVA 0x%" PRIx64 " - 0x%" PRIx64, vsid, iova, last);
}
