// SPDX-License-Identifier: GPL-2.0
/*
 * iort - write the IORT that replaces QEMU's on the SMMUv3 machine to stdout
 *
 * The kernel offers a vIOMMU on an SMMUv3 without S2FWB only if firmware says
 * that the root complex is coherent whatever memory attributes a guest's S1
 * asks for (CANWBS). That is so for QEMU's, but no QEMU up to 10.0 says it.
 * So the initramfs carries this table as kernel/firmware/acpi/IORT.aml, and the
 * kernel takes it instead of QEMU's (CONFIG_ACPI_TABLE_UPGRADE): same OEM ids,
 * higher OEM revision. It says what QEMU's says for
 * "-M virt,gic-version=3,its=on,iommu=smmuv3" except for
 *  - CANWBS in the root complex node, and
 *  - one mapping of all requester ids through the SMMU, where QEMU lists the
 *    bus numbers the firmware has assigned.
 *
 * Not a source for iasl: bookworm's does not know the CANWBS flag, trixie's
 * insists on a line for it, so no one source compiles with both.
 * IORT layout: Arm DEN0049E; the host must be little-endian, as the table is.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PACKED __attribute__((packed))

struct node {
	uint8_t type;
	uint16_t length;
	uint8_t revision;
	uint32_t id;
	uint32_t mappings;
	uint32_t mapping_offset;	/* from the start of the node */
} PACKED;

struct mapping {
	uint32_t input_base;
	uint32_t ids_minus_one;
	uint32_t output_base;
	uint32_t output;		/* offset of a node from the start of the table */
	uint32_t flags;
} PACKED;

struct its_group {
	struct node node;
	uint32_t count;
	uint32_t its_id;
} PACKED;

struct smmuv3 {
	struct node node;
	uint64_t base;
	uint32_t flags;
	uint32_t reserved;
	uint64_t vatos;
	uint32_t model;
	uint32_t event_gsiv, pri_gsiv, gerr_gsiv, sync_gsiv;
	uint32_t proximity_domain;
	uint32_t device_id_mapping;
	struct mapping to_its;
} PACKED;

struct root_complex {
	struct node node;
	uint32_t cache_coherent;
	uint8_t hints;
	uint16_t reserved;
	uint8_t memory_flags;
	uint32_t ats;
	uint32_t segment;
	uint8_t address_bits;
	uint8_t reserved2[3];
	struct mapping to_smmu;
} PACKED;

struct iort {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator[4];
	uint32_t creator_revision;
	uint32_t nodes;
	uint32_t node_offset;
	uint32_t reserved;
	struct its_group its;
	struct smmuv3 smmu;
	struct root_complex rc;
} PACKED;

enum {
	NODE_ITS_GROUP = 0,
	NODE_ROOT_COMPLEX = 2,
	NODE_SMMUV3 = 4,

	SMMU_COHACC_OVERRIDE = 1 << 0,

	MEMORY_CPM = 1 << 0,
	MEMORY_DACS = 1 << 1,
	MEMORY_CANWBS = 1 << 2,

	SMMU_IRQ = 32 + 74,	/* the virt machine's first SMMU interrupt */
};

static struct iort iort = {
	.signature = "IORT",
	.length = sizeof(iort),
	.revision = 3,
	.oem_id = "BOCHS ",
	.oem_table_id = "BXPC    ",
	.oem_revision = 2,	/* QEMU's is 1 */
	.creator = "RESV",
	.creator_revision = 1,
	.nodes = 3,
	.node_offset = offsetof(struct iort, its),
	.its = {
		.node = {
			.type = NODE_ITS_GROUP,
			.length = sizeof(struct its_group),
			.revision = 1,
			.id = 0,
		},
		.count = 1,
		.its_id = 0,
	},
	.smmu = {
		.node = {
			.type = NODE_SMMUV3,
			.length = sizeof(struct smmuv3),
			.revision = 4,
			.id = 1,
			.mappings = 1,
			.mapping_offset = offsetof(struct smmuv3, to_its),
		},
		.base = 0x09050000,
		.flags = SMMU_COHACC_OVERRIDE,
		.event_gsiv = SMMU_IRQ,
		.pri_gsiv = SMMU_IRQ + 1,
		.sync_gsiv = SMMU_IRQ + 2,
		.gerr_gsiv = SMMU_IRQ + 3,
		.to_its = {
			.ids_minus_one = 0xffff,
			.output = offsetof(struct iort, its),
		},
	},
	.rc = {
		.node = {
			.type = NODE_ROOT_COMPLEX,
			.length = sizeof(struct root_complex),
			.revision = 3,
			.id = 2,
			.mappings = 1,
			.mapping_offset = offsetof(struct root_complex, to_smmu),
		},
		.cache_coherent = 1,
		.memory_flags = MEMORY_CPM | MEMORY_DACS | MEMORY_CANWBS,
		.address_bits = 64,
		.to_smmu = {
			.ids_minus_one = 0xffff,
			.output = offsetof(struct iort, smmu),
		},
	},
};

int main(void)
{
	const uint8_t *byte = (const uint8_t *)&iort;
	uint8_t sum = 0;

	for (size_t i = 0; i < sizeof(iort); i++)
		sum += byte[i];
	iort.checksum = -sum;
	if (fwrite(&iort, sizeof(iort), 1, stdout) != 1 || fflush(stdout)) {
		perror("iort: cannot write the table");
		return 1;
	}
	return 0;
}
