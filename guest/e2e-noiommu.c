// SPDX-License-Identifier: GPL-2.0
/*
 * End-to-end test of a device that no IOMMU is in front of, in vfio's no-IOMMU
 * mode: the calls that are about its regions refuse it and change nothing, and
 * it can be attached, moved and detached as ever. Part of e2e.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "e2e.h"
#include "vfio.h"

/* Two IOASs with a page table each, and what they allow; nothing is loaded. */
static uint32_t ioas[2], hwpt[2];
static struct ranges allowed;

static void same(const char *what)
{
	for (int i = 0; i < 2; i++) {
		struct ranges now;

		if (guest_ranges(&guest, ioas[i], &now)) {
			ranges_same(what, &now, &allowed);
			free(now.at);
		}
	}
}

static void take(void)
{
	need(guest_take(&guest) && guest_bind(&guest));
	for (int i = 0; i < 2; i++)
		need(check_rc(resv_ioas_alloc(guest.iommufd, &ioas[i]), 0) &&
		     check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id,
					      ioas[i], 0, &hwpt[i]),
			      0));
	need(guest_ranges(&guest, ioas[0], &allowed));
	ranges_diag("allowed", &allowed);
	need(check(allowed.nr == 1 && allowed.at[0].start == 0,
		   "not one range from 0"));
}

/* The calls themselves, as the library hides what they write. */

static void query(void)
{
	struct iommu_resv_iova_range array = { .start = 1, .last = 2 };
	struct iommu_resv_iova_ranges cmd = {
		.size = sizeof(cmd),
		.dev_id = guest.dev_id,
		.num_iovas = 1,
		.resv_iovas = (uintptr_t)&array,
	};
	int rc = ioctl(guest.iommufd, IOMMU_RESV_IOVA_RANGES, &cmd);

	check_rc(rc < 0 ? -errno : rc, -EOPNOTSUPP);
	check(cmd.num_iovas == 1, "total %" PRIu32, (uint32_t)cmd.num_iovas);
	check(array.start == 1 && array.last == 2, "the array was written to");
	check(resv_has_query(guest.iommufd) == 1, "resv_has_query()");
}

static void load(void)
{
	struct iommu_ioas_load_resv_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas[0],
		.dev_id = guest.dev_id,
		.out_clash_start = 1,
		.out_clash_last = 2,
	};
	int rc = ioctl(guest.iommufd, IOMMU_IOAS_LOAD_RESV_IOVAS, &cmd);

	check_rc(rc < 0 ? -errno : rc, -EOPNOTSUPP);
	check(!cmd.out_clash_start && !cmd.out_clash_last,
	      "a clash was told, or none denied");
	same("allowed after the load");
	check(resv_has_load(guest.iommufd) == 1, "resv_has_load()");
}

/* There is no driver to ask for a stage-1, whatever the parent is like. */
static void nest(void)
{
	uint64_t data = 0;
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.dev_id = guest.dev_id,
		.pt_id = hwpt[0],
		.data_type = IOMMU_HWPT_DATA_VTD_S1,
		.data_len = sizeof(data),
		.data_uptr = (uintptr_t)&data,
	};
	int rc = ioctl(guest.iommufd, IOMMU_HWPT_ALLOC, &cmd);

	check_rc(rc < 0 ? -errno : rc, -EOPNOTSUPP);
}

static void attach(void)
{
	check_rc(vfio_attach(guest.dev, hwpt[0]), 0);
	same("allowed while attached");
}

static void map(void)
{
	void *mem = guest_memory(page);

	/* Where a PC has the MSI doorbell, if an IOMMU says so. */
	check_rc(guest_map(&guest, ioas[0], 0xfee00000, mem, page), 0);
	check_rc(guest_map(&guest, ioas[1], 0xfee00000, mem, page), 0);
	check_rc(vfio_attach(guest.dev, hwpt[1]), 0);
	same("allowed after a move to another IOAS");
	check_rc(vfio_attach(guest.dev, hwpt[0]), 0);
	same("allowed after the move back");
	check_rc(guest_unmap(&guest, ioas[0], 0xfee00000, page), 0);
	check_rc(guest_unmap(&guest, ioas[1], 0xfee00000, page), 0);
	munmap(mem, page);
}

static void let_go(void)
{
	check_rc(vfio_detach(guest.dev), 0);
	same("allowed after the detach");
	for (int i = 0; i < 2; i++) {
		check_rc(resv_destroy(guest.iommufd, hwpt[i]), 0);
		check_rc(resv_destroy(guest.iommufd, ioas[i]), 0);
	}
	guest_unbind(&guest);
}

static void program(void)
{
	expect(1, "the device has no IOMMU", "list");
	expect(1, "the device has no IOMMU", "list", guest.address);
	expect(7, "the device has no IOMMU", "layout", "--ram", "0-0xfffff");
}

const struct ktap_case noiommu_cases[NOIOMMU_CASES] = {
	{ "edu binds in no-IOMMU mode, with page tables for it", take },
	{ "the query gives EOPNOTSUPP and writes nothing", query },
	{ "a load gives EOPNOTSUPP and reserves nothing", load },
	{ "a nested HWPT gives EOPNOTSUPP", nest },
	{ "an attach works and reserves nothing", attach },
	{ "moves between IOASs work with memory mapped anywhere", map },
	{ "a detach and freeing everything work", let_go },
	{ "iommufd-resv says that there is no IOMMU", program },
};
