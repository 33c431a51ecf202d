// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that has RAM where the device has a reserved region which stage 2 need
 * not give up to a nested stage 1. Part of the nested test: the device is
 * attached to the translating stage 1 at first, and at the end.
 */
#include <errno.h>
#include <inttypes.h>

#include "nested.h"

/* Two banks of RAM, in the hole at its two ends, later right behind it. */
#define AT_START	(regions[HOLE].start)
#define AT_END		(regions[HOLE].last + 1 - BANK)
#define BEHIND		(regions[HOLE].last + 1)

/* Where stage 1 has the first page of the one, the last page of the other. */
#define IOVA_LOW	0x45678000ULL
#define IOVA_HIGH	0x56789000ULL

static uint8_t *banks;

/* The guest's tables say that a page of its RAM is there, and the SMMU looks. */
static bool place(size_t nr, uint64_t iova, uint64_t ipa, void *mem)
{
	places[nr] = (struct place){ iova, ipa, mem };
	return check_rc(smmuv3_s1_map(&s1, iova, ipa), 0) &&
	       check_rc(vsmmu_invalidate(&vsmmu, &s1, iova), 0);
}

static bool ram_at(uint64_t low, uint64_t high)
{
	nr_places = MAX_PLACES;
	return check_rc(guest_map(&guest, ioas, low, banks, BANK), 0) &&
	       check_rc(guest_map(&guest, ioas, high, banks + BANK, BANK), 0) &&
	       place(LOW, IOVA_LOW, low, banks) &&
	       place(HIGH, IOVA_HIGH, high + BANK - PAGE, banks + 2 * BANK - PAGE);
}

static bool no_ram_at(uint64_t low, uint64_t high)
{
	nr_places = LOW;
	return check_rc(guest_unmap(&guest, ioas, low, BANK), 0) &&
	       check_rc(guest_unmap(&guest, ioas, high, BANK), 0);
}

static void map_refused(void)
{
	check_rc(guest_map(&guest, ioas, AT_START, banks, BANK), -EINVAL);
	check_rc(guest_map(&guest, ioas, AT_END, banks, BANK), -EINVAL);
}

static void plug(void)
{
	banks = guest_memory(2 * BANK);
	hole_has_ram = true;
	need(ram_at(AT_START, AT_END));
	holds(TRANSLATING);
	/* and the other way round */
	guest_dma(&guest, IOVA_HIGH, places[HIGH].mem, IOVA_LOW,
		  places[LOW].mem, PAGE);
}

static void refused_s2(void)
{
	refused(S2);
	holds(TRANSLATING);
}

static void refused_bypass(void)
{
	refused(BYPASS);
	holds(TRANSLATING);
}

static void refused_identity(void)
{
	refused(IDENTITY);
	holds(TRANSLATING);
}

static void to_abort(void)
{
	move(ABORT);
}

static void all_refused(void)
{
	refused(S2);
	refused(BYPASS);
	refused(IDENTITY);
}

static void refused_from_abort(void)
{
	all_refused();
	holds(ABORT);
	move(TRANSLATING);
}

static void load_refused(void)
{
	struct iommu_iova_range clash = { 0 };

	check_rc(resv_ioas_load(guest.iommufd, ioas, guest.dev_id, &clash),
		 -EADDRINUSE);
	diag("clash: 0x%" PRIx64 " - 0x%" PRIx64, (uint64_t)clash.start,
	     (uint64_t)clash.last);
	check(clash.start == regions[HOLE].start &&
	      clash.last == regions[HOLE].last, "that is not the region");
	holds(TRANSLATING);
}

static void attach_anew(void)
{
	move(DETACHED);
	all_refused();
	holds(DETACHED);
	move(ABORT);
	move(DETACHED);
	move(TRANSLATING);
}

static void unplug(void)
{
	need(no_ram_at(AT_START, AT_END));
	hole_has_ram = false;
	need(ram_at(BEHIND, BEHIND + BANK));
	holds(TRANSLATING);
}

static void all_attach(void)
{
	static const enum row in_turn[] = { S2, BYPASS, IDENTITY };

	for (size_t i = 0; i < sizeof(in_turn) / sizeof(*in_turn); i++) {
		move(in_turn[i]);
		map_refused();
	}
	move(ABORT);
	move(TRANSLATING);
}

static void load(void)
{
	need(check_rc(resv_ioas_load(guest.iommufd, ioas, guest.dev_id, NULL),
		      0));
	loaded = true;
	holds(TRANSLATING);
	map_refused();
}

static void all_attach_loaded(void)
{
	for (enum row row = 0; row < NR_ROWS; row++) {
		move(row);
		map_refused();
	}
	move(S2);
	move(TRANSLATING);
}

const struct ktap_case hole_cases[HOLE_CASES] = {
	{ "plug guest RAM into the hole, at both its ends: DMA through S1 and S2 reads and writes it",
	  plug },
	{ "replace by S2 alone: EADDRINUSE, all as before, DMA and MSI go on",
	  refused_s2 },
	{ "replace by S1 bypass, without a flag: the same", refused_bypass },
	{ "replace by S1 translating, declared identity: the same",
	  refused_identity },
	{ "replace by S1 abort: allowed, only the window given up, DMA and MSI stop",
	  to_abort },
	{ "from there to any of those three: EADDRINUSE; to S1 translating: DMA and MSI go on",
	  refused_from_abort },
	{ "load the device's regions: EADDRINUSE, and the hole is named as the clash",
	  load_refused },
	{ "detach, and attach to those three: EADDRINUSE; to S1 abort, S1 translating: allowed",
	  attach_anew },
	{ "move the RAM out of the hole, right behind it: DMA follows",
	  unplug },
	{ "replace by each of those three: both given up, DMA, MSI, and EINVAL for RAM in the hole",
	  all_attach },
	{ "load: both are given up, and RAM in the hole is EINVAL", load },
	{ "every attach and replace works now, and none opens the hole",
	  all_attach_loaded },
};
