/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the end-to-end test share: the machine and what to expect
 * of it, the edu, and running iommufd-resv.
 */
#ifndef E2E_H
#define E2E_H

#include "guest.h"
#include "ktap.h"
#include "resv.h"

struct machine {
	const char *name;
	const char *iommu_driver;
	/* All that its devices have to keep out of, lowest first. */
	struct iommu_resv_iova_range regions[2];
	size_t nr_regions;
	/* Their lines in the program's output, JSON and text. */
	const char *json;
	const char *text;
	uint64_t reach;		/* the last IOVA it translates; 0: QEMU's default */
	bool nest_parent;	/* can there be one? */
	bool nests_alone;	/* does its driver nest without a vIOMMU? */
	struct ktap_case own;	/* what only this machine shows; .run NULL: nothing */
};

extern const struct machine *machine;
extern struct guest guest;
extern size_t page;

/* Runs "iommufd-resv ARGUMENTS": its exit code, and what it has to say. */
#define expect(code, want, ...)						\
	expect_as(false, code, want,					\
		  (char *[]){ "iommufd-resv", __VA_ARGS__, NULL })
void expect_as(bool unprivileged, int code, const char *want, char *argv[]);

/* The same for all that it prints, which it gives until the next call. */
const char *expect_output(int code, char *argv[]);

/* @want is somewhere in @out, or the case fails and shows both. */
bool says(const char *out, const char *want);

/* Mapping in a region, at either end or across it, has to be refused. */
void cannot_map(uint32_t ioas, const struct iommu_resv_iova_range *region);

/* Takes a device from its driver. */
bool unbind_driver(const char *address);

/* e2e-layout.c: loading regions, and iommufd-resv layout. */
#define LAYOUT_CASES 19
extern const struct ktap_case layout_cases[LAYOUT_CASES];

/* e2e-own.c: what only one machine shows. */
void own_hole(void);
void own_reach(void);

/* e2e-firmware.c: a range that firmware wants mapped 1:1, for good or not. */
#define DIRECT_CASES 4
extern const struct ktap_case direct_cases[DIRECT_CASES];
#define RELAXABLE_CASES 5
extern const struct ktap_case relaxable_cases[RELAXABLE_CASES];

/* e2e-noiommu.c: a device without an IOMMU. */
#define NOIOMMU_CASES 8
extern const struct ktap_case noiommu_cases[NOIOMMU_CASES];

#endif
