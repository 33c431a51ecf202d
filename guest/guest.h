/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests that run in a guest share: an edu bound to vfio-pci and
 * iommufd, mapping memory for it, comparing IOVA ranges, DMA and MSI with the
 * result looked at. Functions that give a bool have failed the KTAP case, with
 * a diagnostic, when they give false.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>

#include "edu.h"
#include "resv.h"

struct guest {
	char address[32];	/* of the edu */
	int iommufd;
	int dev;		/* its VFIO character device */
	uint32_t dev_id;
	struct edu edu;
	int msi;		/* eventfd, once guest_msi_on() was called */
};

struct ranges {
	struct iommu_iova_range *at;
	size_t nr;
};

/* Finds the edu and binds it to vfio-pci; opens it and /dev/iommu; binds both. */
bool guest_take(struct guest *guest);
bool guest_bind(struct guest *guest);
/* Closes what guest_bind() opened. */
void guest_unbind(struct guest *guest);

/* Anonymous memory, zeroed, a whole number of pages. */
void *guest_memory(size_t len);

/* IOMMU_IOAS_MAP at a fixed IOVA, readable and writable, and _UNMAP. */
int guest_map(const struct guest *guest, uint32_t ioas, uint64_t iova,
	      void *mem, size_t len);
int guest_unmap(const struct guest *guest, uint32_t ioas, uint64_t iova,
		size_t len);

/* What may be mapped in an IOAS now. */
bool guest_ranges(const struct guest *guest, uint32_t ioas,
		  struct ranges *ranges);
/* What is in @before and not in @after. */
bool ranges_lost(const struct ranges *before, const struct ranges *after,
		 struct ranges *lost);
/* The same ranges, exactly? */
bool ranges_same(const char *what, const struct ranges *got,
		 const struct ranges *want);
/* The same ranges as these regions cover, exactly? */
bool ranges_same_regions(const char *what, const struct ranges *got,
			 const struct iommu_resv_iova_range *want, size_t nr);
void ranges_diag(const char *what, const struct ranges *ranges);

/*
 * Moves bytes that are new each time from memory into the edu, then out to
 * other memory, and compares. @from_iova and @to_iova is what the device is
 * told, @from and @to is where the bytes have to be.
 */
bool guest_dma(struct guest *guest, uint64_t from_iova, void *from,
	       uint64_t to_iova, void *to, size_t len);
/* Tells the device to write to @iova and sees that @mem stays as it was. */
bool guest_dma_blocked(struct guest *guest, uint64_t iova, void *mem,
		       size_t len);

/* Points the edu's MSI at an eventfd. */
bool guest_msi_on(struct guest *guest);
/* Raises it once: exactly one arrives, or (@arrives false) none. */
bool guest_msi(struct guest *guest, bool arrives);

/* Is the kernel that runs older than this one? Older bases can do less. */
bool guest_kernel_before(unsigned int major, unsigned int minor);

#endif
