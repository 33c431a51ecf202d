// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest's SMMUv3 driver would write; see smmuv3.h.
 */
#include <endian.h>
#include <errno.h>

#include "smmuv3.h"

#define BIT(n)			(1ULL << (n))
#define FIELD(value, shift)	((uint64_t)(value) << (shift))

/* Stream table entry, 5.2 */
#define STE_0_V			BIT(0)
#define STE_0_CONFIG_ABORT	FIELD(0, 1)
#define STE_0_CONFIG_BYPASS	FIELD(4, 1)
#define STE_0_CONFIG_S1		FIELD(5, 1)	/* stage 2 is the host's */
#define STE_0_S1CDMAX_2		FIELD(1, 59)	/* its logarithm */
#define STE_1_S1DSS(s1dss)	FIELD(s1dss, 0)
#define STE_1_S1CIR_WBWA	FIELD(1, 2)
#define STE_1_S1COR_WBWA	FIELD(1, 4)
#define STE_1_S1CSH_INNER	FIELD(3, 6)

/* Context descriptor, 5.4 */
#define CD_0_T0SZ(bits)		FIELD(64 - (bits), 0)
#define CD_0_TG0_4K		FIELD(0, 6)
#define CD_0_IR0_WBWA		FIELD(1, 8)
#define CD_0_OR0_WBWA		FIELD(1, 10)
#define CD_0_SH0_INNER		FIELD(3, 12)
#define CD_0_EPD1		BIT(30)		/* no second table */
#define CD_0_V			BIT(31)
#define CD_0_IPS_44		FIELD(4, 32)
#define CD_0_AA64		BIT(41)
#define CD_0_R			BIT(45)		/* record faults */
#define CD_0_A			BIT(46)		/* and abort what caused them */
#define CD_0_ASET		BIT(47)
#define CD_0_ASID(asid)		FIELD(asid, 48)
#define CD_3_MAIR_WBWA		0xffULL		/* attribute 0: normal memory */

/* Page table descriptors, VMSAv8-64 */
#define PTE_TABLE		3ULL
#define PTE_PAGE		3ULL
#define PTE_AP_EL0		BIT(6)		/* read-write, unprivileged too */
#define PTE_SH_INNER		FIELD(3, 8)
#define PTE_AF			BIT(10)
#define PTE_NG			BIT(11)
#define PTE_ADDRESS		0x0000fffffffff000ULL

#define IOVA_BITS		39		/* three levels, from level 1 */

/* Commands, 4.4 */
#define CMD_TLBI_NH_VA		0x12ULL
#define CMD_TLBI_0_ASID(asid)	FIELD(asid, 48)
#define CMD_TLBI_1_LEAF		BIT(0)

static uint64_t *table(struct smmuv3_s1 *s1, uint64_t ipa)
{
	return (uint64_t *)(s1->mem + (ipa - s1->ipa));
}

static uint64_t new_table(struct smmuv3_s1 *s1)
{
	return s1->ipa + s1->used++ * SMMUV3_PAGE;
}

void smmuv3_s1_init(struct smmuv3_s1 *s1, void *mem, uint64_t ipa,
		    size_t pages, uint16_t asid)
{
	uint64_t *cd = mem;

	s1->mem = mem;
	s1->ipa = ipa;
	s1->pages = pages;
	s1->used = 1;
	s1->asid = asid;
	cd[0] = htole64(CD_0_T0SZ(IOVA_BITS) | CD_0_TG0_4K | CD_0_IR0_WBWA |
			CD_0_OR0_WBWA | CD_0_SH0_INNER | CD_0_EPD1 | CD_0_V |
			CD_0_IPS_44 | CD_0_AA64 | CD_0_R | CD_0_A | CD_0_ASET |
			CD_0_ASID(asid));
	cd[1] = htole64(new_table(s1));
	cd[3] = htole64(CD_3_MAIR_WBWA);
}

int smmuv3_s1_map(struct smmuv3_s1 *s1, uint64_t iova, uint64_t ipa)
{
	uint64_t *entry = table(s1, s1->ipa + SMMUV3_PAGE);
	unsigned int shift;

	for (shift = 30; shift > 12; shift -= 9) {
		entry += iova >> shift & 511;
		if (!*entry) {
			if (s1->used == s1->pages)
				return -ENOMEM;
			*entry = htole64(new_table(s1) | PTE_TABLE);
		}
		entry = table(s1, le64toh(*entry) & PTE_ADDRESS);
	}
	entry[iova >> 12 & 511] = htole64(ipa | PTE_PAGE | PTE_AP_EL0 |
					  PTE_SH_INNER | PTE_AF | PTE_NG);
	/* The walker sees the tables before anything that we do next. */
	__sync_synchronize();
	return 0;
}

void smmuv3_ste_translate(struct iommu_hwpt_arm_smmuv3 *ste,
			  const struct smmuv3_s1 *s1)
{
	ste->ste[0] = htole64(STE_0_V | STE_0_CONFIG_S1 | s1->ipa);
	ste->ste[1] = htole64(STE_1_S1CIR_WBWA | STE_1_S1COR_WBWA |
			      STE_1_S1CSH_INNER);
}

void smmuv3_ste_bypass(struct iommu_hwpt_arm_smmuv3 *ste)
{
	ste->ste[0] = htole64(STE_0_V | STE_0_CONFIG_BYPASS);
	ste->ste[1] = 0;
}

void smmuv3_ste_abort(struct iommu_hwpt_arm_smmuv3 *ste)
{
	ste->ste[0] = htole64(STE_0_V | STE_0_CONFIG_ABORT);
	ste->ste[1] = 0;
}

void smmuv3_ste_pasid(struct iommu_hwpt_arm_smmuv3 *ste,
		      const struct smmuv3_s1 *s1, enum smmuv3_s1dss s1dss)
{
	smmuv3_ste_translate(ste, s1);
	ste->ste[0] |= htole64(STE_0_S1CDMAX_2);
	ste->ste[1] |= htole64(STE_1_S1DSS(s1dss));
}

void smmuv3_tlbi(struct iommu_viommu_arm_smmuv3_invalidate *cmd,
		 const struct smmuv3_s1 *s1, uint64_t iova)
{
	cmd->cmd[0] = htole64(CMD_TLBI_NH_VA | CMD_TLBI_0_ASID(s1->asid));
	cmd->cmd[1] = htole64((iova & ~(SMMUV3_PAGE - 1ULL)) | CMD_TLBI_1_LEAF);
}

unsigned int smmuv3_event_type(const struct iommu_vevent_arm_smmuv3 *event)
{
	return le64toh(event->evt[0]) & 0xff;
}

uint32_t smmuv3_event_sid(const struct iommu_vevent_arm_smmuv3 *event)
{
	return le64toh(event->evt[0]) >> 32;
}

uint64_t smmuv3_event_iova(const struct iommu_vevent_arm_smmuv3 *event)
{
	return le64toh(event->evt[2]);
}
