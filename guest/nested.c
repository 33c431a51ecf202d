// SPDX-License-Identifier: GPL-2.0
/*
 * Nesting on the real arm-smmu-v3 driver, in a guest with an edu: what a
 * stage 2 gives up to reserved regions, and that DMA and MSI work, while the
 * device moves between stage 2, a translating and a bypassing stage 1. The
 * names of the cases tell the story in the order a VMM lives it. Prints KTAP.
 *
 *   nested MACHINE
 *
 * MACHINE is smmuv3, or one of those where nesting has to fail, each with the
 * errno that a VMM should expect there: smmuv3-no-iort, smmuv3-old,
 * smmuv3-gicv2.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"
#include "ktap.h"
#include "resv.h"
#include "smmuv3.h"
#include "vfio.h"

/* Headers older than the flag build this as well. */
#define NEST_IDENTITY (1U << 4)

/*
 * Guest RAM as the guest sees it. The machine has no memory there, so an
 * address that skipped stage 2 could not work by accident.
 */
#define RAM_IPA		0x200000000ULL
#define RAM_PAGES	64
#define PAGE		((size_t)SMMUV3_PAGE)
#define RAM_SIZE	(RAM_PAGES * PAGE)

/* Its first pages hold the stage-1 tables; these are for DMA. */
#define TABLE_PAGES	16
enum { PAGE_A = 32, PAGE_B, PAGE_C };

/* IOVA that the guest's stage 1 maps to those pages. */
#define IOVA_A		0x12345000ULL
#define IOVA_B		0x23456000ULL
#define IOVA_NOWHERE	0x34567000ULL

/* The guest's numbers for the device and for its address space. */
#define VSID		0x17
#define ASID		9

/* What follows is filled in step by step, each case using the ones before. */
static struct guest guest;
static struct iommu_resv_iova_range window;	/* the SW_MSI region */
static uint8_t *ram;
static struct smmuv3_s1 s1;
static uint32_t ioas, s2, viommu, vdevice, veventq;
static int events;				/* file descriptor */
static uint32_t translating, bypass;		/* nested HWPTs */
static struct ranges all;			/* what the S2 allows at first */

/* A second guest memory layout, with RAM over the window. */
static uint32_t bad_ioas, bad_s2, bad_viommu, bad_translating, bad_bypass;
static struct ranges bad_all;

static int command(unsigned long request, void *cmd)
{
	return ioctl(guest.iommufd, request, cmd) < 0 ? -errno : 0;
}

static void *page(unsigned int nr)
{
	return ram + nr * PAGE;
}

static uint64_t ipa(unsigned int nr)
{
	return RAM_IPA + nr * PAGE;
}

static int viommu_alloc(uint32_t parent, uint32_t *id)
{
	struct iommu_viommu_alloc cmd = {
		.size = sizeof(cmd),
		.type = IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
		.dev_id = guest.dev_id,
		.hwpt_id = parent,
	};
	int rc = command(IOMMU_VIOMMU_ALLOC, &cmd);

	if (!rc)
		*id = cmd.out_viommu_id;
	return rc;
}

static int vdevice_alloc(void)
{
	struct iommu_vdevice_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = viommu,
		.dev_id = guest.dev_id,
		.virt_id = VSID,
	};
	int rc = command(IOMMU_VDEVICE_ALLOC, &cmd);

	if (!rc)
		vdevice = cmd.out_vdevice_id;
	return rc;
}

static int veventq_alloc(void)
{
	struct iommu_veventq_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = viommu,
		.type = IOMMU_VEVENTQ_TYPE_ARM_SMMUV3,
		.veventq_depth = 64,
	};
	int rc = command(IOMMU_VEVENTQ_ALLOC, &cmd);

	if (!rc) {
		veventq = cmd.out_veventq_id;
		events = cmd.out_veventq_fd;
	}
	return rc;
}

static int nested_alloc(uint32_t parent, uint32_t flags, bool translate,
			uint32_t *id)
{
	struct iommu_hwpt_arm_smmuv3 ste;
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = guest.dev_id,
		.pt_id = parent,
		.data_type = IOMMU_HWPT_DATA_ARM_SMMUV3,
		.data_len = sizeof(ste),
		.data_uptr = (uintptr_t)&ste,
	};
	int rc;

	if (translate)
		smmuv3_ste_translate(&ste, &s1);
	else
		smmuv3_ste_bypass(&ste);
	rc = command(IOMMU_HWPT_ALLOC, &cmd);
	if (!rc)
		*id = cmd.out_hwpt_id;
	return rc;
}

static int invalidate(uint64_t iova)
{
	struct iommu_viommu_arm_smmuv3_invalidate tlbi;
	struct iommu_hwpt_invalidate cmd = {
		.size = sizeof(cmd),
		.hwpt_id = viommu,
		.data_uptr = (uintptr_t)&tlbi,
		.data_type = IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
		.entry_len = sizeof(tlbi),
		.entry_num = 1,
	};

	smmuv3_tlbi(&tlbi, &s1, iova);
	return command(IOMMU_HWPT_INVALIDATE, &cmd);
}

/* The oldest event for the guest's SMMU driver, and none after it. */
static bool event(struct iommu_vevent_arm_smmuv3 *first)
{
	struct pollfd poll_events = { .fd = events, .events = POLLIN };
	struct {
		struct iommufd_vevent_header header;
		struct iommu_vevent_arm_smmuv3 event;
	} record;
	bool got = false;

	while (poll(&poll_events, 1, got ? 200 : 5000) > 0) {
		if (read(events, &record, sizeof(record)) != sizeof(record))
			return check(false, "short read of an event");
		if (!got)
			*first = record.event;
		got = true;
	}
	return check(got, "no event arrived");
}

static bool event_is(uint64_t iova, uint64_t last)
{
	struct iommu_vevent_arm_smmuv3 got;

	if (!event(&got))
		return false;
	diag("event: type 0x%x, stream ID 0x%" PRIx32 ", IOVA 0x%" PRIx64,
	     smmuv3_event_type(&got), smmuv3_event_sid(&got),
	     smmuv3_event_iova(&got));
	return check(smmuv3_event_type(&got) == SMMUV3_F_TRANSLATION &&
		     smmuv3_event_sid(&got) == VSID &&
		     smmuv3_event_iova(&got) >= iova &&
		     smmuv3_event_iova(&got) <= last,
		     "expected F_TRANSLATION, stream ID 0x%x, IOVA 0x%" PRIx64
		     " - 0x%" PRIx64, VSID, iova, last);
}

/* What an IOAS gives up now against when it was untouched: exactly this. */
static bool gives_up(uint32_t id, const struct ranges *untouched,
		     const struct iommu_resv_iova_range *regions, size_t nr)
{
	struct ranges now, lost;
	bool same;

	if (!guest_ranges(&guest, id, &now) ||
	    !ranges_lost(untouched, &now, &lost))
		return false;
	ranges_diag("given up", &lost);
	same = ranges_same_regions("given up", &lost, regions, nr);
	free(now.at);
	free(lost.at);
	return same;
}

static bool gives_up_window(void)
{
	return gives_up(ioas, &all, &window, 1);
}

/* DMA at the addresses that fit what the device is attached to. */
static void dma_through_s1(void)
{
	guest_dma(&guest, IOVA_A, page(PAGE_A), IOVA_B, page(PAGE_B), PAGE);
	guest_dma(&guest, IOVA_B, page(PAGE_B), IOVA_A, page(PAGE_A), PAGE);
}

static void dma_at_ipa(void)
{
	guest_dma(&guest, ipa(PAGE_A), page(PAGE_A), ipa(PAGE_B), page(PAGE_B),
		  PAGE);
	guest_dma(&guest, ipa(PAGE_B), page(PAGE_B), ipa(PAGE_A), page(PAGE_A),
		  PAGE);
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
	struct iommu_resv_iova_range *regions;
	size_t nr;

	window.start = 0x8000000;
	window.last = 0x80fffff;
	need(check_rc(resv_query(guest.iommufd, guest.dev_id, &regions, &nr),
		      0));
	for (size_t i = 0; i < nr; i++)
		diag("region: 0x%" PRIx64 " - 0x%" PRIx64 " %s",
		     (uint64_t)regions[i].start, (uint64_t)regions[i].last,
		     regions[i].flags & IOMMU_RESV_IOVA_SW_MSI ? "SW_MSI" : "");
	check(nr == 1 && regions[0].start == window.start &&
	      regions[0].last == window.last &&
	      regions[0].flags == IOMMU_RESV_IOVA_SW_MSI,
	      "not exactly 0x8000000 - 0x80fffff SW_MSI");
	free(regions);
}

static void nest_parent(void)
{
	ram = guest_memory(RAM_SIZE);
	need(check_rc(resv_ioas_alloc(guest.iommufd, &ioas), 0) &&
	     check_rc(guest_map(&guest, ioas, RAM_IPA, ram, RAM_SIZE), 0) &&
	     check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id, ioas,
				      IOMMU_HWPT_ALLOC_NEST_PARENT, &s2),
		      0) &&
	     guest_ranges(&guest, ioas, &all));
	ranges_diag("S2 allows", &all);
	check(all.nr == 1, "not one range");
}

static void guest_iommu(void)
{
	need(check_rc(viommu_alloc(s2, &viommu), 0) &&
	     check_rc(vdevice_alloc(), 0) && check_rc(veventq_alloc(), 0));
}

static void guest_tables(void)
{
	struct ranges now;

	smmuv3_s1_init(&s1, ram, RAM_IPA, TABLE_PAGES, ASID);
	need(check_rc(smmuv3_s1_map(&s1, IOVA_A, ipa(PAGE_A)), 0) &&
	     check_rc(smmuv3_s1_map(&s1, IOVA_B, ipa(PAGE_B)), 0) &&
	     check_rc(nested_alloc(viommu, 0, true, &translating), 0) &&
	     check_rc(nested_alloc(viommu, 0, false, &bypass), 0) &&
	     guest_ranges(&guest, ioas, &now));
	ranges_same("S2 allows", &now, &all);
	free(now.at);
}

static void attach_translating(void)
{
	need(check_rc(vfio_attach(guest.dev, translating), 0));
	gives_up_window();
}

static void refuse_map(void)
{
	check_rc(guest_map(&guest, ioas, window.start, ram, PAGE), -EINVAL);
	check_rc(guest_map(&guest, ioas, window.last + 1 - PAGE, ram, PAGE),
		 -EINVAL);
}

static void s1_change(void)
{
	/* Let the old translation be cached, then move IOVA_B. */
	if (!guest_dma(&guest, IOVA_A, page(PAGE_A), IOVA_B, page(PAGE_B),
		       PAGE) ||
	    !check_rc(smmuv3_s1_map(&s1, IOVA_B, ipa(PAGE_C)), 0) ||
	    !check_rc(invalidate(IOVA_B), 0))
		return;
	guest_dma(&guest, IOVA_A, page(PAGE_A), IOVA_B, page(PAGE_C), PAGE);
	guest_dma_blocked(&guest, IOVA_B, page(PAGE_B), PAGE);
	check_rc(smmuv3_s1_map(&s1, IOVA_B, ipa(PAGE_B)), 0);
	check_rc(invalidate(IOVA_B), 0);
}

static void s1_fault(void)
{
	guest_dma_blocked(&guest, IOVA_NOWHERE, page(PAGE_A), 8);
	event_is(IOVA_NOWHERE, IOVA_NOWHERE + PAGE - 1);
}

static void msi_unmapped(void)
{
	need(guest_msi_on(&guest));
	guest_msi(&guest, false);
	event_is(window.start, window.last);
}

static void msi_mapped(void)
{
	/* As a guest does that is told of the window (IORT RMR node). */
	for (uint64_t at = window.start; at < window.last; at += PAGE) {
		if (!check_rc(smmuv3_s1_map(&s1, at, at), 0))
			return;
	}
	guest_msi(&guest, true);
}

static void to_s2(void)
{
	if (!check_rc(vfio_attach(guest.dev, s2), 0))
		return;
	gives_up_window();
	dma_at_ipa();
	guest_dma_blocked(&guest, IOVA_A, page(PAGE_A), PAGE);
	guest_msi(&guest, true);
}

static void to_bypass(void)
{
	if (!check_rc(vfio_attach(guest.dev, bypass), 0))
		return;
	gives_up_window();
	dma_at_ipa();
	guest_dma_blocked(&guest, IOVA_A, page(PAGE_A), PAGE);
	guest_msi(&guest, true);
}

static void to_translating(void)
{
	if (!check_rc(vfio_attach(guest.dev, translating), 0))
		return;
	gives_up_window();
	dma_through_s1();
	guest_dma_blocked(&guest, ipa(PAGE_A), page(PAGE_A), PAGE);
	guest_msi(&guest, true);
}

static void bad_layout(void)
{
	need(check_rc(resv_ioas_alloc(guest.iommufd, &bad_ioas), 0) &&
	     check_rc(guest_map(&guest, bad_ioas, window.start, ram, RAM_SIZE),
		      0) &&
	     check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id, bad_ioas,
				      IOMMU_HWPT_ALLOC_NEST_PARENT, &bad_s2),
		      0) &&
	     check_rc(viommu_alloc(bad_s2, &bad_viommu), 0) &&
	     check_rc(nested_alloc(bad_viommu, 0, true, &bad_translating),
		      0) &&
	     check_rc(nested_alloc(bad_viommu, 0, false, &bad_bypass), 0) &&
	     guest_ranges(&guest, bad_ioas, &bad_all));
}

static void bad_replace(void)
{
	check_rc(vfio_attach(guest.dev, bad_translating), -EADDRINUSE);
	check_rc(vfio_attach(guest.dev, bad_bypass), -EADDRINUSE);
	check_rc(vfio_attach(guest.dev, bad_s2), -EADDRINUSE);
	gives_up_window();
	gives_up(bad_ioas, &bad_all, NULL, 0);
	dma_through_s1();
	guest_msi(&guest, true);
}

static void detach(void)
{
	if (!check_rc(vfio_detach(guest.dev), 0))
		return;
	gives_up(ioas, &all, NULL, 0);
	guest_dma_blocked(&guest, IOVA_A, page(PAGE_A), PAGE);
	guest_dma_blocked(&guest, ipa(PAGE_A), page(PAGE_A), PAGE);
}

static void bad_attach(void)
{
	check_rc(vfio_attach(guest.dev, bad_translating), -EADDRINUSE);
	check_rc(vfio_attach(guest.dev, bad_bypass), -EADDRINUSE);
	check_rc(vfio_attach(guest.dev, bad_s2), -EADDRINUSE);
	gives_up(bad_ioas, &bad_all, NULL, 0);
	guest_dma_blocked(&guest, window.start + PAGE_A * PAGE, page(PAGE_A),
			  PAGE);
}

static void better_layout(void)
{
	if (!check_rc(guest_unmap(&guest, bad_ioas, window.start, RAM_SIZE),
		      0) ||
	    !check_rc(guest_map(&guest, bad_ioas, RAM_IPA, ram, RAM_SIZE), 0) ||
	    !check_rc(vfio_attach(guest.dev, bad_bypass), 0))
		return;
	gives_up(bad_ioas, &bad_all, &window, 1);
	dma_at_ipa();
	guest_msi(&guest, true);

	/* Across two IOAS: the one gains what the other gets back. */
	if (!check_rc(vfio_attach(guest.dev, translating), 0))
		return;
	gives_up(bad_ioas, &bad_all, NULL, 0);
	gives_up_window();
	dma_through_s1();
	guest_msi(&guest, true);
}

static void identity(void)
{
	uint32_t hwpt;

	/* It belongs to a nested HWPT, whatever the kernel. */
	check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id, ioas,
				 NEST_IDENTITY, &hwpt),
		 -EOPNOTSUPP);
	check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id, ioas,
				 IOMMU_HWPT_ALLOC_NEST_PARENT | NEST_IDENTITY,
				 &hwpt),
		 -EOPNOTSUPP);
	if (!check_rc(nested_alloc(viommu, NEST_IDENTITY, true, &hwpt), 0) ||
	    !check_rc(vfio_attach(guest.dev, hwpt), 0))
		return;
	gives_up_window();
	dma_through_s1();
	check_rc(vfio_attach(guest.dev, translating), 0);
	check_rc(resv_destroy(guest.iommufd, hwpt), 0);
}

static void let_go(void)
{
	uint32_t ids[] = {
		bad_translating, bad_bypass, bad_viommu, bad_s2, bad_ioas,
		translating, bypass, veventq, vdevice, viommu, s2, ioas,
	};

	check_rc(vfio_set_msi(guest.dev, -1), 0);
	check_rc(vfio_detach(guest.dev), 0);
	close(events);
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		check_rc(resv_destroy(guest.iommufd, ids[i]), 0);
	guest_unbind(&guest);
}

static const struct ktap_case cases[] = {
	{ "bind the device (edu) to vfio-pci and to iommufd", bind },
	{ "ask for its reserved regions: one, the SW_MSI window", query },
	{ "map guest RAM in an IOAS and allocate the nest parent (S2) on it",
	  nest_parent },
	{ "allocate vIOMMU, vDEVICE and the guest's event queue",
	  guest_iommu },
	{ "allocate nested HWPTs, S1 translating and S1 bypass: S2 gives up nothing yet",
	  guest_tables },
	{ "attach to S1 translating: S2 gives up the SW_MSI window, nothing else",
	  attach_translating },
	{ "DMA goes through S1 and S2, both ways", dma_through_s1 },
	{ "mapping guest RAM into the window is refused with EINVAL",
	  refuse_map },
	{ "after a change in S1 and an invalidation, DMA goes to the new page",
	  s1_change },
	{ "DMA to what S1 does not map is an event for the guest", s1_fault },
	{ "an MSI does not arrive while S1 does not map the window: an event",
	  msi_unmapped },
	{ "the guest identity-maps the window in S1: the MSI arrives",
	  msi_mapped },
	{ "replace by S2 alone: window given up, DMA at IPA, MSI", to_s2 },
	{ "replace by S1 bypass: window given up, DMA at IPA, MSI",
	  to_bypass },
	{ "replace by S1 translating: window given up, DMA through S1, MSI",
	  to_translating },
	{ "replace by S2 alone again, straight from S1 translating", to_s2 },
	{ "and back to S1 translating", to_translating },
	{ "lay out a second guest memory, with RAM over the window",
	  bad_layout },
	{ "replace by any S1 or S2 on it: EADDRINUSE, and everything as before",
	  bad_replace },
	{ "IOMMU_HWPT_ALLOC_NEST_IDENTITY is for nested HWPTs only",
	  identity },
	{ "detach: S2 gets the window back, DMA is blocked", detach },
	{ "attach to the layout with RAM over the window: EADDRINUSE, nothing changes",
	  bad_attach },
	{ "move that RAM off the window: attach and replace work",
	  better_layout },
	{ "detach, and free everything", let_go },
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
				 IOMMU_HWPT_ALLOC_NEST_PARENT, &s2),
		 -EOPNOTSUPP);
	/* An S2 that is not to be a parent still works. */
	check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id, ioas, 0, &s2), 0);
}

static void viommu_refused(void)
{
	need(guest_take(&guest) && guest_bind(&guest));
	nest_parent();
	check_rc(viommu_alloc(s2, &viommu), -EOPNOTSUPP);
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

int main(int argc, char **argv)
{
	const char *machine = argc == 2 ? argv[1] : "";

	if (!strcmp(machine, "smmuv3"))
		return ktap_run(cases, sizeof(cases) / sizeof(*cases));
	if (!strcmp(machine, "smmuv3-gicv2"))
		return ktap_run(gicv2, 1);
	if (!strcmp(machine, "smmuv3-old"))
		return ktap_run(old, 1);
	if (!strcmp(machine, "smmuv3-no-iort"))
		return ktap_run(no_iort, 1);
	fprintf(stderr,
		"usage: nested smmuv3|smmuv3-no-iort|smmuv3-old|smmuv3-gicv2\n");
	return 2;
}
