/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the nested test share: the VMM's objects and the guest's
 * memory, filled in case by case, and the attach policy as it is seen there.
 */
#ifndef NESTED_H
#define NESTED_H

#include "guest.h"
#include "ktap.h"
#include "smmuv3.h"
#include "vsmmu.h"

#define PAGE ((size_t)SMMUV3_PAGE)
/* What can be mapped whatever the page size of the kernel. */
#define BANK (16 * PAGE)

/*
 * The device's regions: the SW_MSI window, and what the test bed's module adds,
 * called the hole here for that of AMD machines, which is in the same place.
 */
enum { WINDOW, HOLE, NR_REGIONS };
extern const struct iommu_resv_iova_range regions[NR_REGIONS];

/* A page of guest RAM for DMA. */
struct place {
	uint64_t iova;		/* where the guest's stage 1 has it, */
	uint64_t ipa;		/* where stage 2 has it, */
	void *mem;		/* and where we do */
};

/* In pairs: one is there from the start, one comes as the story goes. */
enum { A, B, LOW, HIGH, MAX_PLACES };
extern struct place places[MAX_PLACES];
extern size_t nr_places;

extern struct guest guest;
extern struct smmuv3_s1 s1;
extern struct vsmmu vsmmu;
extern uint32_t ioas;			/* guest RAM; the S2 is filled from it */
extern struct ranges untouched;		/* what it allows with nothing attached */

/*
 * nested-policy.c: what the device can be attached to, each a row of the attach
 * policy.
 */
enum row { TRANSLATING, ABORT, IDENTITY, BYPASS, S2, DETACHED, NR_ROWS };
extern uint32_t hwpts[DETACHED];

/* The regions are loaded: they are given up whatever is attached. */
extern bool loaded;
/* There is guest RAM in the hole. */
extern bool hole_has_ram;

/* What @before has and the IOAS @id has not is exactly these regions. */
void gives_up(uint32_t id, const struct ranges *before,
	      const struct iommu_resv_iova_range *want, size_t nr);
/*
 * The S2 gives up what @row says; DMA moves bytes between all places at the
 * addresses of @row, and at no others; an MSI arrives, or none with S1 abort.
 */
void holds(enum row row);
/* Attaches the device to @to, or replaces what it is attached to; holds(@to). */
void move(enum row to);
/* The same for what gives EADDRINUSE; what holds then is for the caller. */
void refused(enum row to);
/* What was seen, as a table. */
void print_policy(void);

/* nested-hole.c: guest RAM in the hole. */
#define HOLE_CASES 12
extern const struct ktap_case hole_cases[HOLE_CASES];

/* nested-memory.c: no memory for the tables of a stage 2. */
#define MEMORY_CASES 2
extern const struct ktap_case memory_cases[MEMORY_CASES];

#endif
