// SPDX-License-Identifier: GPL-2.0
/*
 * The code in vmm/GUIDE.md, compiled as it stands there and used the way that
 * page says, on the machine smmuv3-hole: what the guide promises a VMM. Prints
 * KTAP.
 */
#include "guide-code.h"

#include "ktap.h"
#include "vsmmu.h"

#define PAGE		((size_t)SMMUV3_PAGE)
/* What can be mapped whatever the page size of the kernel. */
#define BANK		(16 * PAGE)

/* Guest RAM for the stage-1 tables; the other bank is in the hole or below it. */
#define TABLES_IPA	0x200000000ULL
#define HOLE_IPA	0xfd00000000ULL
#define IOVA		0x12345000ULL

/* The guest's numbers for the device and for its address space. */
#define VSID		0x17
#define ASID		9

enum { WINDOW, HOLE, NR_REGIONS };
static const struct iommu_resv_iova_range regions[NR_REGIONS] = {
	[WINDOW] = { .start = 0x8000000, .last = 0x80fffff,
		     .flags = IOMMU_RESV_IOVA_SW_MSI },
	[HOLE] = { .start = HOLE_IPA, .last = 0xffffffffff },
};

static struct vm vm;
static struct device dev;
static struct guest guest;
static struct vsmmu vsmmu;
static struct smmuv3_s1 s1;
static uint32_t translating, bypass;
static uint8_t *tables, *ram;
static struct ranges reach, s2_reach;	/* of the IOMMU: a direct attach, an S2 */

/* What a nest parent can map: less than what the kernel picks for an IOAS. */
static bool nest_parent_reach(void)
{
	uint32_t ioas, s2;

	return check_rc(resv_ioas_alloc(vm.iommufd, &ioas), 0) &&
	       check_rc(resv_hwpt_alloc(vm.iommufd, dev.dev_id, ioas,
					IOMMU_HWPT_ALLOC_NEST_PARENT, &s2),
			0) &&
	       guest_ranges(&guest, ioas, &s2_reach) &&
	       check_rc(resv_destroy(vm.iommufd, s2), 0) &&
	       check_rc(resv_destroy(vm.iommufd, ioas), 0);
}

static void start(void)
{
	ram = guest_memory(BANK);
	tables = guest_memory(BANK);
	smmuv3_s1_init(&s1, tables, TABLES_IPA, BANK / PAGE, ASID);
	need(guest_take(&guest) &&
	     check_rc(vm_open(&vm), 0) &&
	     check(vm.can_load, "the kernel has not the calls") &&
	     check_rc(device_open(&vm, guest.address, &dev), 0) &&
	     check_rc(resv_aperture(vm.iommufd, dev.dev_id, &reach.at,
				    &reach.nr),
		      0));
	guest.iommufd = vm.iommufd;
	guest.dev = dev.fd;
	guest.dev_id = dev.dev_id;
	need(nest_parent_reach() && check_rc(edu_open(&guest.edu, guest.dev), 0));
}

/* What vm_layout() leaves out are exactly these regions. */
static bool leaves_out(bool identity, const struct iommu_resv_iova_range *want,
		       size_t nr)
{
	struct ranges left, out;

	if (!check_rc(vm_layout(&vm, &dev, 1, identity, &left.at, &left.nr), 0))
		return false;
	return ranges_lost(&s2_reach, &left, &out) &&
	       ranges_same_regions("left out", &out, want, nr);
}

static bool stage_1(void)
{
	struct iommu_hwpt_arm_smmuv3 ste;

	if (!check_rc(guest_map(&guest, vm.ioas, TABLES_IPA, tables, BANK), 0) ||
	    !check_rc(vsmmu_alloc(&vsmmu, &guest, dev.s2), 0) ||
	    !check_rc(vsmmu_add_device(&vsmmu, VSID), 0) ||
	    !check_rc(device_attach_abort(&vm, &dev, vsmmu.viommu), 0))
		return false;
	smmuv3_ste_translate(&ste, &s1);
	if (!check_rc(vsmmu_nest(&vsmmu, 0, &ste, &translating), 0))
		return false;
	smmuv3_ste_bypass(&ste);
	return check_rc(vsmmu_nest(&vsmmu, 0, &ste, &bypass), 0);
}

static bool dma(void)
{
	return guest_dma(&guest, IOVA, ram, IOVA + PAGE / 2, ram + PAGE / 2,
			 PAGE / 2);
}

static void by_attach(void)
{
	struct ranges left, out;

	need(check_rc(device_left_by_attach(&vm, &dev, &left.at, &left.nr), 0) &&
	     ranges_lost(&reach, &left, &out));
	ranges_same_regions("taken by the attach", &out, regions, NR_REGIONS);
}

static void always_on(void)
{
	need(leaves_out(false, regions, 1) &&
	     check_rc(guest_map(&guest, vm.ioas, HOLE_IPA, ram, BANK), 0) &&
	     check_rc(smmuv3_s1_map(&s1, IOVA, HOLE_IPA), 0));
	need(stage_1());
	guest_dma_blocked(&guest, HOLE_IPA, ram, PAGE);
	need(check_rc(device_follow(&dev, translating), 0));
	dma();
}

static void goes_off(void)
{
	need(check_rc(device_follow(&dev, bypass), -EADDRINUSE));
	/* neither the old stage 1 nor the new one */
	guest_dma_blocked(&guest, IOVA, ram, PAGE);
	guest_dma_blocked(&guest, HOLE_IPA, ram, PAGE);
	need(check_rc(device_follow(&dev, translating), 0));
	dma();
}

static void plug_refused(void)
{
	struct iommu_iova_range clash = {};

	check_rc(device_plug(&vm, &dev, &clash), -EADDRINUSE);
	check(clash.start == regions[HOLE].start && clash.last == regions[HOLE].last,
	      "the clash is 0x%llx - 0x%llx", clash.start, clash.last);
	dma();
}

static void stop(void)
{
	guest.msi = -1;
	guest_unbind(&guest);
}

static void may_be_off(void)
{
	start();
	need(leaves_out(true, regions, NR_REGIONS) &&
	     check_rc(guest_map(&guest, vm.ioas, HOLE_IPA - BANK, ram, BANK), 0) &&
	     check_rc(smmuv3_s1_map(&s1, IOVA, HOLE_IPA - BANK), 0));
	need(stage_1());
	need(check_rc(device_follow(&dev, translating), 0));
	dma();
	need(check_rc(device_follow(&dev, bypass), 0));
	guest_dma(&guest, HOLE_IPA - BANK, ram, HOLE_IPA - BANK + PAGE / 2,
		  ram + PAGE / 2, PAGE / 2);
	check_rc(device_plug(&vm, &dev, NULL), 0);
}

static const struct ktap_case cases[] = {
	{ "open the iommufd, bind the device: the kernel has the calls", start },
	{ "without the calls: attach and look", by_attach },
	{ "S1 always on: only the window is left out, RAM may be in the hole; Abort first, then S1 translates: DMA",
	  always_on },
	{ "S1 goes off over that RAM: EADDRINUSE, DMA is blocked; S1 translates again: DMA",
	  goes_off },
	{ "plug the device over that RAM: EADDRINUSE, the hole is named, DMA goes on",
	  plug_refused },
	{ "let go of all", stop },
	{ "S1 may be off: both regions are left out; it translates, goes off, the device is plugged: DMA",
	  may_be_off },
	{ "let go of all again", stop },
};

int main(void)
{
	return ktap_run(cases, sizeof(cases) / sizeof(*cases));
}
