/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest memory layout against the devices of a machine: reading the layout,
 * and working out where it clashes and what is left. Nothing here asks the
 * kernel. Conventions as in resv.h.
 */
#ifndef PLAN_H
#define PLAN_H

#include <stdbool.h>

#include "resv.h"
#include "show.h"

/* Guest RAM comes in pages of at least this. */
#define PLAN_PAGE 4096

/* Room for the reason why something is refused. */
#define PLAN_WHY_MAX 160

struct plan_device {
	struct show_device dev;		/* left is not used */
	struct iommu_iova_range *space;	/* what its IOMMU can address */
	size_t nr_space;		/* (dev.aperture: is that known?) */
	bool nest_parent;		/* through a nest parent, not just paging */
};

struct plan {
	struct plan_device *devices;
	size_t nr_devices;
	struct iommu_iova_range *ram;	/* sorted by plan_sort_ram() */
	size_t nr_ram;
	uint64_t alignment;		/* of mappings; 0 or 1: none needed */
	bool nested;			/* only SW_MSI regions count */
};

enum plan_kind {
	PLAN_RESERVED,			/* RAM over a region of the device */
	PLAN_APERTURE,			/* RAM that its IOMMU cannot address */
	PLAN_ALIGNMENT,			/* RAM that cannot be mapped exactly */
};

struct plan_clash {
	enum plan_kind kind;
	const struct plan_device *device; /* NULL with PLAN_ALIGNMENT */
	struct iommu_iova_range ram;	/* the range of the layout */
	/*
	 * PLAN_RESERVED: the region; PLAN_APERTURE: the part of the RAM that is
	 * out of reach; PLAN_ALIGNMENT: the RAM.
	 */
	struct iommu_iova_range at;
	bool sw_msi;
};

/* What an interval of the IOVA space is; several can be true. */
enum {
	PLAN_IS_RAM = 1 << 0,
	PLAN_IS_RESERVED = 1 << 1,
	PLAN_IS_SW_MSI = 1 << 2,
	PLAN_IS_OUT = 1 << 3,		/* no IOMMU, or not all, can address it */
};

struct plan_segment {
	uint64_t start, last;
	unsigned int is;
};

/**
 * plan_parse_range - Read "START-LAST", as in 0x100000000-0x7fffffffff
 * @text: decimal numbers, or hexadecimal ones behind 0x; nothing else
 * @range: out
 * @why: out, on failure: what is wrong, a part of a sentence
 *
 * Return: 0; -EINVAL.
 */
int plan_parse_range(const char *text, struct iommu_iova_range *range,
		     char why[PLAN_WHY_MAX]);

/**
 * plan_parse_json - Read {"ram":[{"start":"0x0","last":"0xbfffffff"},...]}
 * @text: the JSON; a stray byte, or an unknown or missing member, is an error
 * @len: how long it is
 * @ranges: out: as in the text
 * @nr: out: how many, at least one
 * @why: out, on failure: what is wrong and in which line
 *
 * Return: 0; -EINVAL, -ENOMEM.
 */
int plan_parse_json(const char *text, size_t len,
		    struct iommu_iova_range **ranges, size_t *nr,
		    char why[PLAN_WHY_MAX]);

/**
 * plan_sort_ram - Sort the ranges of a layout and see that they can be RAM
 * @ram: the ranges, sorted on success
 * @nr: how many
 * @why: out, on failure: what is wrong
 *
 * Refused are ranges that end before they start, are not whole pages, or
 * overlap.
 *
 * Return: 0; -EINVAL.
 */
int plan_sort_ram(struct iommu_iova_range *ram, size_t nr,
		  char why[PLAN_WHY_MAX]);

/**
 * plan_clashes - Everything that is wrong with a layout
 * @plan: devices and RAM
 * @clashes: out: by device, then by RAM, then by IOVA
 * @nr: out: how many; 0: the layout can stand
 *
 * Return: 0; -ENOMEM.
 */
int plan_clashes(const struct plan *plan, struct plan_clash **clashes,
		 size_t *nr);

/**
 * plan_allowed - The IOVA that all devices can use
 * @plan: devices; RAM does not matter
 * @nested: leave regions without SW_MSI in
 * @ranges: out: sorted, none touching another
 * @nr: out: how many
 *
 * Return: 0; -ENOMEM.
 */
int plan_allowed(const struct plan *plan, bool nested,
		 struct iommu_iova_range **ranges, size_t *nr);

/**
 * plan_first_region - The first region of a device that the RAM meets
 * @plan: RAM; that it is nested does not matter
 * @device: the device
 *
 * What the kernel has to name when it loads the device over that RAM.
 *
 * Return: the region, or NULL.
 */
const struct iommu_resv_iova_range *
plan_first_region(const struct plan *plan, const struct plan_device *device);

/**
 * plan_segments - The 64-bit IOVA space, cut wherever something changes
 * @plan: devices and RAM
 * @segments: out: sorted, without gaps, from 0 to the top
 * @nr: out: how many
 *
 * Return: 0; -ENOMEM.
 */
int plan_segments(const struct plan *plan, struct plan_segment **segments,
		  size_t *nr);

/* Is this segment RAM where there cannot be RAM? */
static inline bool plan_segment_clashes(const struct plan_segment *segment)
{
	return segment->is & PLAN_IS_RAM && segment->is != PLAN_IS_RAM;
}

#endif
