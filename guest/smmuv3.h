/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a guest's SMMUv3 driver would write, written by the tests instead: a
 * context descriptor and a stage-1 page table, the stream table entries that
 * go to IOMMU_HWPT_ALLOC, an invalidation command, and event records.
 * After the Arm SMMUv3 architecture (IHI 0070, chapters 4, 5 and 7) and the
 * VMSAv8-64 table format (Arm ARM, D8).
 */
#ifndef SMMUV3_H
#define SMMUV3_H

#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>
#include <linux/iommufd.h>

#define SMMUV3_PAGE 4096

/* One stage 1, with its tables in memory that the guest sees at @ipa. */
struct smmuv3_s1 {
	uint8_t *mem;		/* our view of the tables */
	uint64_t ipa;		/* the guest's: where stage 2 maps @mem */
	size_t pages;		/* how many there are at @mem */
	size_t used;		/* how many hold a table */
	uint16_t asid;
};

/*
 * Starts an empty stage 1: 39 bits of IOVA, 4 KiB pages. The first page is the
 * context descriptor, tables follow. @mem must be zeroed and page aligned.
 */
void smmuv3_s1_init(struct smmuv3_s1 *s1, void *mem, uint64_t ipa,
		    size_t pages, uint16_t asid);

/* Maps one page, readable and writable. -ENOMEM: no page left for a table. */
int smmuv3_s1_map(struct smmuv3_s1 *s1, uint64_t iova, uint64_t ipa);

/* The guest's stream table entry that translates with @s1. */
void smmuv3_ste_translate(struct iommu_hwpt_arm_smmuv3 *ste,
			  const struct smmuv3_s1 *s1);

/* The one with stage 1 in bypass: IOVA is IPA. */
void smmuv3_ste_bypass(struct iommu_hwpt_arm_smmuv3 *ste);

/* The one that lets nothing through. */
void smmuv3_ste_abort(struct iommu_hwpt_arm_smmuv3 *ste);

/*
 * The one with a table of two context descriptors at @s1, and what becomes of
 * DMA without a PASID.
 */
enum smmuv3_s1dss { SMMUV3_S1DSS_TERMINATE, SMMUV3_S1DSS_BYPASS };
void smmuv3_ste_pasid(struct iommu_hwpt_arm_smmuv3 *ste,
		      const struct smmuv3_s1 *s1, enum smmuv3_s1dss s1dss);

/* CMD_TLBI_NH_VA for one page of @s1. */
void smmuv3_tlbi(struct iommu_viommu_arm_smmuv3_invalidate *cmd,
		 const struct smmuv3_s1 *s1, uint64_t iova);

/* Fields of an event record. */
#define SMMUV3_F_TRANSLATION 0x10
unsigned int smmuv3_event_type(const struct iommu_vevent_arm_smmuv3 *event);
uint32_t smmuv3_event_sid(const struct iommu_vevent_arm_smmuv3 *event);
uint64_t smmuv3_event_iova(const struct iommu_vevent_arm_smmuv3 *event);

#endif
