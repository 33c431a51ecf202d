// SPDX-License-Identifier: GPL-2.0
/*
 * What the tests that run in a guest share; see guest.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "guest.h"
#include "ktap.h"
#include "vfio.h"

/* How long an MSI may take, and how long to wait for one not to come. */
#define MSI_ARRIVES_MS	10000
#define MSI_MISSING_MS	1000

bool guest_take(struct guest *guest)
{
	if (!check(getenv("IOMMUFD_RESV_GUEST"),
		   "this is not a guest of the test bed; run it through vm/boot"))
		return false;
	if (!check_rc(edu_find(guest->address, sizeof(guest->address)), 0))
		return false;
	return check_rc(vfio_pci_take(guest->address), 0);
}

bool guest_bind(struct guest *guest)
{
	guest->msi = -1;
	guest->iommufd = resv_open();
	if (!check(guest->iommufd >= 0, "open /dev/iommu: %s",
		   strerror(-guest->iommufd)))
		return false;
	guest->dev = vfio_pci_open(guest->address);
	if (!check(guest->dev >= 0, "open the VFIO device of %s: %s",
		   guest->address, strerror(-guest->dev)))
		return false;
	return check_rc(vfio_bind(guest->dev, guest->iommufd, &guest->dev_id),
			0);
}

void guest_unbind(struct guest *guest)
{
	if (guest->edu.bar)
		edu_close(&guest->edu);
	guest->edu.bar = NULL;
	if (guest->msi >= 0)
		close(guest->msi);
	close(guest->dev);
	close(guest->iommufd);
}

void *guest_memory(size_t len)
{
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED) {
		diag("no memory: %s", strerror(errno));
		exit(1);
	}
	return mem;
}

int guest_map(const struct guest *guest, uint32_t ioas, uint64_t iova,
	      void *mem, size_t len)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)mem,
		.length = len,
		.iova = iova,
	};

	return resv_ioctl(guest->iommufd, IOMMU_IOAS_MAP, &cmd);
}

int guest_unmap(const struct guest *guest, uint32_t ioas, uint64_t iova,
		size_t len)
{
	struct iommu_ioas_unmap cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.iova = iova,
		.length = len,
	};

	return resv_ioctl(guest->iommufd, IOMMU_IOAS_UNMAP, &cmd);
}

bool guest_ranges(const struct guest *guest, uint32_t ioas,
		  struct ranges *ranges)
{
	return check_rc(resv_ioas_ranges(guest->iommufd, ioas, &ranges->at,
					 &ranges->nr, NULL),
			0);
}

bool ranges_lost(const struct ranges *before, const struct ranges *after,
		 struct ranges *lost)
{
	return check_rc(resv_subtract(before->at, before->nr, after->at,
				      after->nr, &lost->at, &lost->nr),
			0);
}

void ranges_diag(const char *what, const struct ranges *ranges)
{
	for (size_t i = 0; i < ranges->nr; i++)
		diag("%s: 0x%" PRIx64 " - 0x%" PRIx64, what,
		     (uint64_t)ranges->at[i].start,
		     (uint64_t)ranges->at[i].last);
	if (!ranges->nr)
		diag("%s: nothing", what);
}

bool ranges_same(const char *what, const struct ranges *got,
		 const struct ranges *want)
{
	bool same = got->nr == want->nr;

	for (size_t i = 0; same && i < got->nr; i++)
		same = got->at[i].start == want->at[i].start &&
		       got->at[i].last == want->at[i].last;
	if (!check(same, "%s: not the ranges expected", what)) {
		ranges_diag("got", got);
		ranges_diag("expected", want);
	}
	return same;
}

bool ranges_same_regions(const char *what, const struct ranges *got,
			 const struct iommu_resv_iova_range *want, size_t nr)
{
	struct ranges ranges = { .at = calloc(nr + 1, sizeof(*ranges.at)) };
	bool same;

	if (!ranges.at)
		return check(false, "out of memory");
	for (; ranges.nr < nr; ranges.nr++) {
		ranges.at[ranges.nr].start = want[ranges.nr].start;
		ranges.at[ranges.nr].last = want[ranges.nr].last;
	}
	same = ranges_same(what, got, &ranges);
	free(ranges.at);
	return same;
}

static void new_bytes(uint8_t *mem, size_t len)
{
	static uint32_t state = 1;

	for (size_t i = 0; i < len; i++) {
		state = state * 1664525 + 1013904223;
		mem[i] = state >> 24;
	}
}

bool guest_dma(struct guest *guest, uint64_t from_iova, void *from,
	       uint64_t to_iova, void *to, size_t len)
{
	new_bytes(from, len);
	new_bytes(to, len);
	if (!check_rc(edu_read(&guest->edu, from_iova, len), 0) ||
	    !check_rc(edu_write(&guest->edu, to_iova, len), 0))
		return false;
	return check(!memcmp(from, to, len),
		     "DMA from IOVA 0x%" PRIx64 " to 0x%" PRIx64
		     ": the bytes differ", from_iova, to_iova);
}

bool guest_dma_blocked(struct guest *guest, uint64_t iova, void *mem,
		       size_t len)
{
	uint8_t *before = malloc(len);
	bool same;

	if (!before)
		return check(false, "out of memory");
	new_bytes(mem, len);
	memcpy(before, mem, len);
	if (!check_rc(edu_write(&guest->edu, iova, len), 0)) {
		free(before);
		return false;
	}
	same = !memcmp(before, mem, len);
	free(before);
	return check(same, "DMA to IOVA 0x%" PRIx64 " arrived", iova);
}

bool guest_msi_on(struct guest *guest)
{
	guest->msi = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (!check(guest->msi >= 0, "eventfd: %s", strerror(errno)))
		return false;
	return check_rc(vfio_set_msi(guest->dev, guest->msi), 0);
}

bool guest_msi(struct guest *guest, bool arrives)
{
	struct pollfd poll_msi = { .fd = guest->msi, .events = POLLIN };
	uint64_t count = 0;

	edu_raise(&guest->edu, 1);
	if (poll(&poll_msi, 1, arrives ? MSI_ARRIVES_MS : MSI_MISSING_MS) > 0 &&
	    read(guest->msi, &count, sizeof(count)) < 0)
		count = 0;
	edu_acknowledge(&guest->edu);
	return check(count == arrives,
		     "raised one MSI, %" PRIu64 " arrived, expected %d", count,
		     arrives);
}

bool guest_kernel_before(unsigned int major, unsigned int minor)
{
	unsigned int has_major, has_minor;
	struct utsname name;

	return !uname(&name) &&
	       sscanf(name.release, "%u.%u", &has_major, &has_minor) == 2 &&
	       (has_major < major ||
		(has_major == major && has_minor < minor));
}
