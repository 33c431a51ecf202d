// SPDX-License-Identifier: GPL-2.0
/*
 * The attach policy: for everything that the device can be attached to, what
 * the stage 2 has to give up to the device's reserved regions, and where DMA
 * and MSI go. Part of the nested test.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "nested.h"
#include "vfio.h"

uint32_t hwpts[DETACHED];
bool loaded, hole_has_ram;

/* Where the device's addresses are looked up. */
enum through { S1_AND_S2, S2_ONLY, NOTHING };

static const struct {
	const char *name;
	enum through through;
	size_t gives_up;	/* how many of regions[] */
} rows[NR_ROWS] = {
	[TRANSLATING] = { "S1 translating", S1_AND_S2, 1 },
	[ABORT] = { "S1 abort", NOTHING, 1 },
	[IDENTITY] = { "S1 translating, declared identity", S1_AND_S2,
		       NR_REGIONS },
	[BYPASS] = { "S1 bypass (the driver knows)", S2_ONLY, NR_REGIONS },
	[S2] = { "S2 alone", S2_ONLY, NR_REGIONS },
	[DETACHED] = { "nothing", NOTHING, 0 },
};

/* What was seen, for print_policy(). */
#define TEXT 100
static struct {
	char given_up[TEXT];
	const char *with_ram;	/* in the hole */
} seen[NR_ROWS];

/* As gives_up(); and what it is, as @text of TEXT bytes. */
static void given_up(uint32_t id, const struct ranges *before,
		     const struct iommu_resv_iova_range *want, size_t nr,
		     char *text)
{
	struct ranges now, lost;
	size_t len = 0;

	snprintf(text, TEXT, "?");
	if (!guest_ranges(&guest, id, &now) ||
	    !ranges_lost(before, &now, &lost))
		return;
	snprintf(text, TEXT, "nothing");
	for (size_t i = 0; i < lost.nr && len < TEXT; i++)
		len += snprintf(text + len, TEXT - len,
				"%s0x%" PRIx64 "-0x%" PRIx64, i ? ", " : "",
				(uint64_t)lost.at[i].start,
				(uint64_t)lost.at[i].last);
	ranges_same_regions("given up", &lost, want, nr);
	free(now.at);
	free(lost.at);
}

void gives_up(uint32_t id, const struct ranges *before,
	      const struct iommu_resv_iova_range *want, size_t nr)
{
	char text[TEXT];

	given_up(id, before, want, nr, text);
	diag("S2 gives up %s", text);
}

void holds(enum row row)
{
	enum through through = rows[row].through;
	const struct place *last = &places[nr_places - 1];
	char after_load[TEXT];
	char *text = loaded ? after_load : seen[row].given_up;

	given_up(ioas, &untouched, regions,
		 loaded ? NR_REGIONS : rows[row].gives_up, text);
	diag("attached to %s: S2 gives up %s", rows[row].name, text);

	for (size_t i = 0; through != NOTHING && i < nr_places; i += 2) {
		const struct place *from = &places[i], *to = &places[i + 1];

		if (through == S1_AND_S2)
			guest_dma(&guest, from->iova, from->mem, to->iova,
				  to->mem, PAGE);
		else
			guest_dma(&guest, from->ipa, from->mem, to->ipa,
				  to->mem, PAGE);
	}
	if (through != S1_AND_S2)
		guest_dma_blocked(&guest, last->iova, last->mem, PAGE);
	if (through != S2_ONLY)
		guest_dma_blocked(&guest, last->ipa, last->mem, PAGE);
	if (row != DETACHED)
		guest_msi(&guest, row != ABORT);
}

void move(enum row to)
{
	int rc = to == DETACHED ? vfio_detach(guest.dev) :
				  vfio_attach(guest.dev, hwpts[to]);

	if (!check_rc(rc, 0))
		return;
	if (hole_has_ram && to != DETACHED)
		seen[to].with_ram = "attaches";
	holds(to);
}

void refused(enum row to)
{
	if (check_rc(vfio_attach(guest.dev, hwpts[to]), -EADDRINUSE) &&
	    hole_has_ram)
		seen[to].with_ram = "EADDRINUSE";
}

void print_policy(void)
{
	printf("#\n# %-33s | %-46s | with guest RAM at 0x%" PRIx64 "\n",
	       "attached to", "given up in the S2",
	       (uint64_t)regions[HOLE].start);
	for (enum row row = 0; row < NR_ROWS; row++)
		printf("# %-33s | %-46s | %s\n", rows[row].name,
		       seen[row].given_up,
		       seen[row].with_ram ? seen[row].with_ram : "-");
}
