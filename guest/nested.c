// SPDX-License-Identifier: GPL-2.0
/*
 * Nesting on the real arm-smmu-v3 driver, in a guest with an edu: what a
 * stage 2 gives up to reserved regions, and that DMA and MSI work, while the
 * device moves between stage 2 and stages 1 that translate, bypass and abort.
 * The names of the cases tell the story in the order a VMM lives it. Prints
 * KTAP, and then the attach policy as it was seen.
 *
 *   nested MACHINE
 *
 * MACHINE is smmuv3-hole, or one of those where nesting has to fail, each with
 * the errno that a VMM should expect there: smmuv3-no-iort, smmuv3-old,
 * smmuv3-gicv2.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nested.h"
#include "vfio.h"

/* Headers older than the flag build this as well. */
#define NEST_IDENTITY (1U << 4)

/*
 * Guest RAM as the guest sees it. The machine has no memory there, so an
 * address that skipped stage 2 could not work by accident.
 */
#define RAM_IPA		0x200000000ULL
#define RAM_PAGES	64
#define RAM_SIZE	(RAM_PAGES * PAGE)

/* Its first pages hold the stage-1 tables; these are for DMA. */
#define TABLE_PAGES	16
enum { PAGE_A = 32, PAGE_B, PAGE_C };

/* IOVA that the guest's stage 1 maps to the first two of those. */
#define IOVA_A		0x12345000ULL
#define IOVA_B		0x23456000ULL
#define IOVA_NOWHERE	0x34567000ULL

/* The guest's numbers for the device and for its address space. */
#define VSID		0x17
#define ASID		9

const struct iommu_resv_iova_range regions[NR_REGIONS] = {
	[WINDOW] = { .start = 0x8000000, .last = 0x80fffff,
		     .flags = IOMMU_RESV_IOVA_SW_MSI },
	[HOLE] = { .start = 0xfd00000000, .last = 0xffffffffff },
};
static const struct iommu_resv_iova_range *const window = &regions[WINDOW];

/* What follows is filled in step by step, each case using the ones before. */
struct guest guest;
struct smmuv3_s1 s1;
struct vsmmu vsmmu;
uint32_t ioas;
struct ranges untouched;
struct place places[MAX_PLACES];
size_t nr_places;
static uint8_t *ram;

/* A second guest memory layout, with RAM over the window. */
static uint32_t bad_ioas, bad_s2, bad_translating, bad_bypass;
static struct vsmmu bad_vsmmu;
static struct ranges bad_untouched;

static void *page(unsigned int nr)
{
	return ram + nr * PAGE;
}

static uint64_t ipa(unsigned int nr)
{
	return RAM_IPA + nr * PAGE;
}

/* Attaching to the layout with RAM over the window fails and changes nothing. */
static void bad_refused(void)
{
	check_rc(vfio_attach(guest.dev, bad_translating), -EADDRINUSE);
	check_rc(vfio_attach(guest.dev, bad_bypass), -EADDRINUSE);
	check_rc(vfio_attach(guest.dev, bad_s2), -EADDRINUSE);
	gives_up(bad_ioas, &bad_untouched, NULL, 0);
}

/* The cases */

static void bind(void)
{
	need(guest_take(&guest) && guest_bind(&guest) &&
	     check_rc(edu_open(&guest.edu, guest.dev), 0));
	diag("edu at %s, dev_id %" PRIu32, guest.address, guest.dev_id);
}

static void query(void)
{
	struct iommu_resv_iova_range *got;
	bool same;
	size_t nr;

	need(check_rc(resv_query(guest.iommufd, guest.dev_id, &got, &nr), 0));
	for (size_t i = 0; i < nr; i++)
		diag("region: 0x%" PRIx64 " - 0x%" PRIx64 " %s",
		     (uint64_t)got[i].start, (uint64_t)got[i].last,
		     got[i].flags & IOMMU_RESV_IOVA_SW_MSI ? "SW_MSI" : "");
	same = nr == NR_REGIONS && !memcmp(got, regions, sizeof(regions));
	free(got);
	need(check(same, "not exactly 0x8000000 - 0x80fffff SW_MSI and 0xfd00000000 - 0xffffffffff"));
}

static void nest_parent(void)
{
	ram = guest_memory(RAM_SIZE);
	need(check_rc(resv_ioas_alloc(guest.iommufd, &ioas), 0) &&
	     check_rc(guest_map(&guest, ioas, RAM_IPA, ram, RAM_SIZE), 0) &&
	     check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id, ioas,
				      IOMMU_HWPT_ALLOC_NEST_PARENT, &hwpts[S2]),
		      0) &&
	     guest_ranges(&guest, ioas, &untouched));
	ranges_diag("S2 allows", &untouched);
	check(untouched.nr == 1 && untouched.at[0].start == 0 &&
	      untouched.at[0].last > regions[HOLE].last,
	      "not one range with both regions in it");
}

static void guest_iommu(void)
{
	need(check_rc(vsmmu_alloc(&vsmmu, &guest, hwpts[S2]), 0) &&
	     check_rc(vsmmu_add_device(&vsmmu, VSID), 0) &&
	     check_rc(vsmmu_add_events(&vsmmu), 0));
}

static void guest_tables(void)
{
	struct iommu_hwpt_arm_smmuv3 translate, bypass, aborting;

	smmuv3_s1_init(&s1, ram, RAM_IPA, TABLE_PAGES, ASID);
	places[A] = (struct place){ IOVA_A, ipa(PAGE_A), page(PAGE_A) };
	places[B] = (struct place){ IOVA_B, ipa(PAGE_B), page(PAGE_B) };
	nr_places = LOW;
	smmuv3_ste_translate(&translate, &s1);
	smmuv3_ste_bypass(&bypass);
	smmuv3_ste_abort(&aborting);
	need(check_rc(smmuv3_s1_map(&s1, IOVA_A, ipa(PAGE_A)), 0) &&
	     check_rc(smmuv3_s1_map(&s1, IOVA_B, ipa(PAGE_B)), 0) &&
	     check_rc(vsmmu_nest(&vsmmu, 0, &translate, &hwpts[TRANSLATING]),
		      0) &&
	     check_rc(vsmmu_nest(&vsmmu, NEST_IDENTITY, &translate,
				 &hwpts[IDENTITY]),
		      0) &&
	     check_rc(vsmmu_nest(&vsmmu, 0, &bypass, &hwpts[BYPASS]), 0) &&
	     check_rc(vsmmu_nest(&vsmmu, 0, &aborting, &hwpts[ABORT]), 0));
	gives_up(ioas, &untouched, NULL, 0);
}

static void attach_translating(void)
{
	need(check_rc(vfio_attach(guest.dev, hwpts[TRANSLATING]), 0));
	gives_up(ioas, &untouched, window, 1);
}

static void dma(void)
{
	guest_dma(&guest, IOVA_A, page(PAGE_A), IOVA_B, page(PAGE_B), PAGE);
	guest_dma(&guest, IOVA_B, page(PAGE_B), IOVA_A, page(PAGE_A), PAGE);
}

static void refuse_map(void)
{
	check_rc(guest_map(&guest, ioas, window->start, ram, BANK), -EINVAL);
	check_rc(guest_map(&guest, ioas, window->last + 1 - BANK, ram, BANK),
		 -EINVAL);
}

static void s1_change(void)
{
	/* Let the old translation be cached, then move IOVA_B. */
	if (!guest_dma(&guest, IOVA_A, page(PAGE_A), IOVA_B, page(PAGE_B),
		       PAGE) ||
	    !check_rc(smmuv3_s1_map(&s1, IOVA_B, ipa(PAGE_C)), 0) ||
	    !check_rc(vsmmu_invalidate(&vsmmu, &s1, IOVA_B), 0))
		return;
	guest_dma(&guest, IOVA_A, page(PAGE_A), IOVA_B, page(PAGE_C), PAGE);
	guest_dma_blocked(&guest, IOVA_B, page(PAGE_B), PAGE);
	check_rc(smmuv3_s1_map(&s1, IOVA_B, ipa(PAGE_B)), 0);
	check_rc(vsmmu_invalidate(&vsmmu, &s1, IOVA_B), 0);
}

static void s1_fault(void)
{
	guest_dma_blocked(&guest, IOVA_NOWHERE, page(PAGE_A), 8);
	vsmmu_event_is(&vsmmu, VSID, IOVA_NOWHERE, IOVA_NOWHERE + PAGE - 1);
}

static void msi_unmapped(void)
{
	need(guest_msi_on(&guest));
	guest_msi(&guest, false);
	vsmmu_event_is(&vsmmu, VSID, window->start, window->last);
}

static void msi_mapped(void)
{
	/* As a guest does that is told of the window (IORT RMR node). */
	for (uint64_t at = window->start; at < window->last; at += PAGE) {
		if (!check_rc(smmuv3_s1_map(&s1, at, at), 0))
			return;
	}
	guest_msi(&guest, true);
}

static void to_s2(void)
{
	move(S2);
}

static void to_bypass(void)
{
	move(BYPASS);
}

static void to_identity(void)
{
	move(IDENTITY);
}

static void to_abort(void)
{
	move(ABORT);
}

static void to_translating(void)
{
	move(TRANSLATING);
}

/*
 * A table of more than one context descriptor. The emulated SMMU knows no PASID
 * and refuses all DMA with it, so what is given up is all there is to see.
 */
static void pasid(void)
{
	static const struct {
		enum smmuv3_s1dss s1dss;
		size_t gives_up;
	} tries[] = {
		{ SMMUV3_S1DSS_TERMINATE, 1 },
		{ SMMUV3_S1DSS_BYPASS, NR_REGIONS },
	};

	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		struct iommu_hwpt_arm_smmuv3 ste;
		uint32_t hwpt;

		smmuv3_ste_pasid(&ste, &s1, tries[i].s1dss);
		if (!check_rc(vsmmu_nest(&vsmmu, 0, &ste, &hwpt), 0))
			return;
		if (check_rc(vfio_attach(guest.dev, hwpt), 0))
			gives_up(ioas, &untouched, regions, tries[i].gives_up);
		move(TRANSLATING);
		check_rc(resv_destroy(guest.iommufd, hwpt), 0);
	}
}

static void flag_elsewhere(void)
{
	uint32_t hwpt;

	check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id, ioas,
				 NEST_IDENTITY, &hwpt),
		 -EOPNOTSUPP);
	check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id, ioas,
				 IOMMU_HWPT_ALLOC_NEST_PARENT | NEST_IDENTITY,
				 &hwpt),
		 -EOPNOTSUPP);
}

static void bad_layout(void)
{
	struct iommu_hwpt_arm_smmuv3 translate, bypass;

	smmuv3_ste_translate(&translate, &s1);
	smmuv3_ste_bypass(&bypass);
	need(check_rc(resv_ioas_alloc(guest.iommufd, &bad_ioas), 0) &&
	     check_rc(guest_map(&guest, bad_ioas, window->start, ram, RAM_SIZE),
		      0) &&
	     check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id, bad_ioas,
				      IOMMU_HWPT_ALLOC_NEST_PARENT, &bad_s2),
		      0) &&
	     check_rc(vsmmu_alloc(&bad_vsmmu, &guest, bad_s2), 0) &&
	     check_rc(vsmmu_nest(&bad_vsmmu, 0, &translate, &bad_translating),
		      0) &&
	     check_rc(vsmmu_nest(&bad_vsmmu, 0, &bypass, &bad_bypass), 0) &&
	     guest_ranges(&guest, bad_ioas, &bad_untouched));
}

static void bad_replace(void)
{
	bad_refused();
	holds(TRANSLATING);
}

static void detach(void)
{
	move(DETACHED);
}

static void bad_attach(void)
{
	bad_refused();
	guest_dma_blocked(&guest, window->start + PAGE_A * PAGE, page(PAGE_A),
			  PAGE);
	holds(DETACHED);
}

/*
 * Up to Linux 6.18 the driver wants a vDEVICE for every nested HWPT, and not only for
 * one that translates. A device has one, which here is of the first layout's vIOMMU.
 */
static bool needs_vdevice(void)
{
	return guest_kernel_before(6, 19);
}

static void better_layout(void)
{
	uint32_t to = needs_vdevice() ? bad_s2 : bad_bypass;

	if (!check_rc(guest_unmap(&guest, bad_ioas, window->start, RAM_SIZE),
		      0) ||
	    !check_rc(guest_map(&guest, bad_ioas, RAM_IPA, ram, RAM_SIZE), 0))
		return;
	if (needs_vdevice()) {
		check_rc(vfio_attach(guest.dev, bad_bypass), -ENOENT);
		gives_up(bad_ioas, &bad_untouched, NULL, 0);
	}
	if (!check_rc(vfio_attach(guest.dev, to), 0))
		return;
	gives_up(bad_ioas, &bad_untouched, regions, NR_REGIONS);
	gives_up(ioas, &untouched, NULL, 0);
	guest_dma(&guest, ipa(PAGE_A), page(PAGE_A), ipa(PAGE_B), page(PAGE_B),
		  PAGE);
	guest_msi(&guest, true);

	/* Across two IOAS: the one gains what the other gets back. */
	move(TRANSLATING);
	gives_up(bad_ioas, &bad_untouched, NULL, 0);
}

/*
 * The page for MSIs goes into an S2 when the device first asks for one, or comes
 * with MSIs on. This one has never had it.
 */
static void fresh_s2(void)
{
	uint32_t fresh_ioas, s2;
	struct ranges all;

	if (!check_rc(resv_ioas_alloc(guest.iommufd, &fresh_ioas), 0) ||
	    !check_rc(guest_map(&guest, fresh_ioas, RAM_IPA, ram, RAM_SIZE),
		      0) ||
	    !check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id, fresh_ioas,
				      0, &s2),
		      0) ||
	    !guest_ranges(&guest, fresh_ioas, &all))
		return;
	if (check_rc(vfio_attach(guest.dev, s2), 0)) {
		gives_up(fresh_ioas, &all, regions, NR_REGIONS);
		gives_up(ioas, &untouched, NULL, 0);
		guest_dma(&guest, ipa(PAGE_A), page(PAGE_A), ipa(PAGE_B),
			  page(PAGE_B), PAGE);
		guest_msi(&guest, true);
		move(TRANSLATING);
	}
	gives_up(fresh_ioas, &all, NULL, 0);
	free(all.at);
	check_rc(resv_destroy(guest.iommufd, s2), 0);
	check_rc(resv_destroy(guest.iommufd, fresh_ioas), 0);
}

static void let_go(void)
{
	uint32_t ids[] = {
		bad_translating, bad_bypass, bad_vsmmu.viommu, bad_s2, bad_ioas,
		hwpts[TRANSLATING], hwpts[ABORT], hwpts[IDENTITY],
		hwpts[BYPASS], vsmmu.veventq, vsmmu.vdevice, vsmmu.viommu,
		hwpts[S2], ioas,
	};

	check_rc(vfio_set_msi(guest.dev, -1), 0);
	check_rc(vfio_detach(guest.dev), 0);
	close(vsmmu.events);
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		check_rc(resv_destroy(guest.iommufd, ids[i]), 0);
	guest_unbind(&guest);
}

static const struct ktap_case cases[] = {
	{ "bind the device (edu) to vfio-pci and to iommufd", bind },
	{ "ask for its reserved regions: the SW_MSI window, marked, and a hole",
	  query },
	{ "map guest RAM in an IOAS and allocate the nest parent (S2) on it",
	  nest_parent },
	{ "allocate vIOMMU, vDEVICE and the guest's event queue",
	  guest_iommu },
	{ "allocate nested HWPTs, S1 translating, the same declared identity, S1 bypass and S1 abort: S2 gives up nothing yet",
	  guest_tables },
	{ "attach to S1 translating: S2 gives up the window, and not the hole",
	  attach_translating },
	{ "DMA goes through S1 and S2, both ways", dma },
	{ "mapping guest RAM into the window is refused with EINVAL",
	  refuse_map },
	{ "after a change in S1 and an invalidation, DMA goes to the new page",
	  s1_change },
	{ "DMA to what S1 does not map is an event for the guest", s1_fault },
	{ "an MSI does not arrive while S1 does not map the window: an event",
	  msi_unmapped },
	{ "the guest identity-maps the window in S1: the MSI arrives",
	  msi_mapped },
	{ "replace by S2 alone: both given up, DMA at IPA, MSI", to_s2 },
	{ "replace by S1 bypass, without a flag: the driver knows, both given up, DMA at IPA, MSI",
	  to_bypass },
	{ "replace by S1 translating: only the window given up, DMA through S1, MSI",
	  to_translating },
	{ "replace by S2 alone again, straight from S1 translating", to_s2 },
	{ "and back to S1 translating", to_translating },
	{ "replace by S1 translating, declared identity: both given up, DMA through S1, MSI",
	  to_identity },
	{ "replace by S1 abort: only the window given up, no DMA, no MSI",
	  to_abort },
	{ "and back to S1 translating", to_translating },
	{ "replace by S1 with PASIDs: the hole too where DMA without one is bypass (S1DSS)",
	  pasid },
	{ "IOMMU_HWPT_ALLOC_NEST_IDENTITY is for nested HWPTs only",
	  flag_elsewhere },
	{ "lay out a second guest memory, with RAM over the window",
	  bad_layout },
	{ "replace by any S1 or S2 on it: EADDRINUSE, and everything as before",
	  bad_replace },
	{ "detach: S2 gets everything back, DMA is blocked", detach },
	{ "attach to the layout with RAM over the window: EADDRINUSE, nothing changes",
	  bad_attach },
	{ "move that RAM off the window: attach and replace work",
	  better_layout },
	{ "replace by an S2 that is new to the device: DMA at IPA, and its MSI arrives",
	  fresh_s2 },
};

static const struct ktap_case last_case = {
	"detach, and free everything", let_go
};

/* Where nesting has to fail */

static void bind_refused(void)
{
	if (!guest_take(&guest))
		return;
	guest.iommufd = resv_open();
	guest.dev = vfio_pci_open(guest.address);
	check(guest.iommufd >= 0 && guest.dev >= 0, "cannot open: %d and %d",
	      guest.iommufd, guest.dev);
	check_rc(vfio_bind(guest.dev, guest.iommufd, &guest.dev_id), -EPERM);
}

static void nest_parent_refused(void)
{
	need(guest_take(&guest) && guest_bind(&guest) &&
	     check_rc(resv_ioas_alloc(guest.iommufd, &ioas), 0));
	check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id, ioas,
				 IOMMU_HWPT_ALLOC_NEST_PARENT, &hwpts[S2]),
		 -EOPNOTSUPP);
	/* An S2 that is not to be a parent still works. */
	check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id, ioas, 0,
				 &hwpts[S2]),
		 0);
}

static void viommu_refused(void)
{
	need(guest_take(&guest) && guest_bind(&guest));
	nest_parent();
	check_rc(vsmmu_alloc(&vsmmu, &guest, hwpts[S2]), -EOPNOTSUPP);
}

static const struct ktap_case gicv2[] = {
	{ "no isolated MSI (GICv2): binding is refused with EPERM",
	  bind_refused },
};

static const struct ktap_case old[] = {
	{ "no stage 2 (virt-9.1): a nest parent is refused with EOPNOTSUPP",
	  nest_parent_refused },
};

static const struct ktap_case no_iort[] = {
	{ "no CANWBS (IORT as QEMU has it): a vIOMMU is refused with EOPNOTSUPP",
	  viommu_refused },
};

#define NR_CASES (sizeof(cases) / sizeof(*cases))

static int story(void)
{
	struct ktap_case all[NR_CASES + HOLE_CASES + MEMORY_CASES + 1];
	int rc;

	memcpy(all, cases, sizeof(cases));
	memcpy(all + NR_CASES, hole_cases, sizeof(hole_cases));
	memcpy(all + NR_CASES + HOLE_CASES, memory_cases, sizeof(memory_cases));
	all[NR_CASES + HOLE_CASES + MEMORY_CASES] = last_case;
	rc = ktap_run(all, NR_CASES + HOLE_CASES + MEMORY_CASES + 1);
	print_policy();
	return rc;
}

int main(int argc, char **argv)
{
	const char *machine = argc == 2 ? argv[1] : "";

	if (!strcmp(machine, "smmuv3-hole"))
		return story();
	if (!strcmp(machine, "smmuv3-gicv2"))
		return ktap_run(gicv2, 1);
	if (!strcmp(machine, "smmuv3-old"))
		return ktap_run(old, 1);
	if (!strcmp(machine, "smmuv3-no-iort"))
		return ktap_run(no_iort, 1);
	fprintf(stderr,
		"usage: nested smmuv3-hole|smmuv3-no-iort|smmuv3-old|smmuv3-gicv2\n");
	return 2;
}
