// SPDX-License-Identifier: GPL-2.0
/*
 * iort - write the IORT that replaces QEMU's on an SMMUv3 machine to stdout
 *
 * usage: iort MACHINE    smmuv3, smmuv3-rmr or smmuv3-rmr-relaxable
 *
 * The kernel offers a vIOMMU on an SMMUv3 without S2FWB only if firmware says
 * that the root complex is coherent whatever memory attributes a guest's S1
 * asks for (CANWBS). That is so for QEMU's, but no QEMU up to 10.0 says it.
 * So vm/boot puts this table in front of the initramfs, as
 * kernel/firmware/acpi/IORT.aml, and the kernel takes it instead of QEMU's
 * (CONFIG_ACPI_TABLE_UPGRADE): same OEM ids, higher OEM revision. It says what
 * QEMU's says for "-M virt,gic-version=3,its=on,iommu=smmuv3" except for
 *  - CANWBS in the root complex node, and
 *  - one mapping of all requester ids through the SMMU, where QEMU lists the
 *    bus numbers the firmware has assigned.
 * On the two RMR machines it also has a reserved memory range for the edu at
 * 00:04.0, and the revision from which on the kernel reads these. The SMMU is to
 * map it 1:1: at all times (-rmr), or until a driver takes the device over
 * (-rmr-relaxable). It is above the machine's RAM, as nothing is ever there. See
 * preserve.asl for what else the kernel wants to see.
 *
 * Not a source for iasl: bookworm's does not know the CANWBS flag, trixie's
 * insists on a line for it, so no one source compiles with both.
 * IORT layout: Arm DEN0049E; the host must be little-endian, as the table is.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

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

struct rmr {
	struct node node;
	uint32_t flags;
	uint32_t ranges;
	uint32_t range_offset;		/* from the start of the node */
	struct {
		uint64_t base, length;
		uint32_t reserved;
	} PACKED range;
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
	struct rmr rmr;			/* not on every machine */
} PACKED;

enum {
	NODE_ITS_GROUP = 0,
	NODE_ROOT_COMPLEX = 2,
	NODE_SMMUV3 = 4,
	NODE_RMR = 6,

	SMMU_COHACC_OVERRIDE = 1 << 0,

	MEMORY_CPM = 1 << 0,
	MEMORY_DACS = 1 << 1,
	MEMORY_CANWBS = 1 << 2,

	RMR_REMAP_PERMITTED = 1 << 0,
	RMR_NORMAL_WRITE_BACK = 5 << 2,

	SMMU_IRQ = 32 + 74,	/* the virt machine's first SMMU interrupt */
	EDU_RID = 4 << 3,
};

static struct iort iort = {
	.signature = "IORT",
	.length = offsetof(struct iort, rmr),
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
	.rmr = {
		.node = {
			.type = NODE_RMR,
			.length = sizeof(struct rmr),
			.revision = 3,
			.id = 3,
			.mappings = 1,
			.mapping_offset = offsetof(struct rmr, to_smmu),
		},
		.flags = RMR_NORMAL_WRITE_BACK,
		.ranges = 1,
		.range_offset = offsetof(struct rmr, range),
		/* Whole pages also of 64 KiB, or the kernel rounds it. */
		.range = { .base = 0xc0000000, .length = 0x20000 },
		/* All functions of the edu's slot. */
		.to_smmu = {
			.input_base = 0,
			.ids_minus_one = 7,
			.output_base = EDU_RID,
			.output = offsetof(struct iort, smmu),
		},
	},
};

int main(int argc, char **argv)
{
	const char *machine = argc == 2 ? argv[1] : "";
	const uint8_t *byte = (const uint8_t *)&iort;
	bool relaxable = !strcmp(machine, "smmuv3-rmr-relaxable");
	uint8_t sum = 0;

	if (relaxable || !strcmp(machine, "smmuv3-rmr")) {
		iort.revision = 5;
		iort.length = sizeof(iort);
		iort.nodes++;
		iort.rmr.flags |= relaxable ? RMR_REMAP_PERMITTED : 0;
	} else if (strcmp(machine, "smmuv3")) {
		fprintf(stderr, "usage: iort smmuv3|smmuv3-rmr|smmuv3-rmr-relaxable\n");
		return 2;
	}
	for (size_t i = 0; i < iort.length; i++)
		sum += byte[i];
	iort.checksum = -sum;
	if (fwrite(&iort, iort.length, 1, stdout) != 1 || fflush(stdout)) {
		perror("iort: cannot write the table");
		return 1;
	}
	return 0;
}
