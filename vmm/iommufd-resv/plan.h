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

/* Memory comes in pages of at least this. */
#define PLAN_PAGE 4096

/* A name is no longer than this, which is what a line of the map has room for. */
#define PLAN_NAME_MAX 16

/* Room for the reason why something is refused. */
#define PLAN_WHY_MAX 160

struct plan_device {
	struct show_device dev;		/* left is not used */
	struct iommu_iova_range *space;	/* what its IOMMU can address */
	size_t nr_space;		/* (dev.aperture: is that known?) */
	bool nest_parent;		/* through a nest parent, not just paging */
};

/* What the VMM wants to map: RAM, or something that was given a name. */
struct plan_range {
	struct iommu_iova_range iova;
	char name[PLAN_NAME_MAX + 1];	/* "": RAM */
};

static inline const char *plan_name(const struct plan_range *range)
{
	return *range->name ? range->name : "RAM";
}

struct plan {
	struct plan_device *devices;
	size_t nr_devices;
	struct plan_range *ranges;	/* sorted by plan_sort() */
	size_t nr_ranges;
	uint64_t alignment;		/* of mappings; 0 or 1: none needed */
	bool nested;			/* only SW_MSI regions count */
};

enum plan_kind {
	PLAN_RESERVED,			/* a range over a region of the device */
	PLAN_APERTURE,			/* one that its IOMMU cannot address */
	PLAN_ALIGNMENT,			/* one that cannot be mapped exactly */
};

struct plan_clash {
	enum plan_kind kind;
	const struct plan_device *device; /* NULL with PLAN_ALIGNMENT */
	const struct plan_range *range;	/* of the layout */
	/*
	 * PLAN_RESERVED: the region; PLAN_APERTURE: the part of the range that
	 * is out of reach; PLAN_ALIGNMENT: the range.
	 */
	struct iommu_iova_range at;
	bool sw_msi;
};

/* What an interval of the IOVA space is; several can be true. */
enum {
	PLAN_IS_TAKEN = 1 << 0,		/* by a range of the layout */
	PLAN_IS_RESERVED = 1 << 1,
	PLAN_IS_SW_MSI = 1 << 2,
	PLAN_IS_OUT = 1 << 3,		/* no IOMMU, or not all, can address it */
};

struct plan_segment {
	uint64_t start, last;
	unsigned int is;
	const struct plan_range *range;	/* a range that is there, or NULL */
};

/**
 * plan_parse_range - Read "START-LAST", as in 0x100000000-0x7fffffffff
 * @text: decimal numbers, or hexadecimal ones behind 0x; nothing else
 * @named: NAME= comes first; a name is 1 to PLAN_NAME_MAX letters, digits
 *         and characters of ._:- and none of the words "RAM", "left" and
 *         "reserved", which the output has for other things
 * @range: out
 * @why: out, on failure: what is wrong, a part of a sentence
 *
 * Return: 0; -EINVAL.
 */
int plan_parse_range(const char *text, bool named, struct plan_range *range,
		     char why[PLAN_WHY_MAX]);

/**
 * plan_parse_json - Read {"ram":[{"start":"0x0","last":"0xbfffffff"},...]}
 * @text: the JSON; besides or instead of "ram" it can have "ranges", where each
 *        range also has a "name"; a stray byte, or an unknown or missing member,
 *        is an error
 * @len: how long it is
 * @ranges: out: as in the text
 * @nr: out: how many, at least one
 * @why: out, on failure: what is wrong and in which line
 *
 * Return: 0; -EINVAL, -ENOMEM.
 */
int plan_parse_json(const char *text, size_t len, struct plan_range **ranges,
		    size_t *nr, char why[PLAN_WHY_MAX]);

/**
 * plan_sort - Sort the ranges of a layout and see that they make one
 * @ranges: the ranges, sorted on success
 * @nr: how many
 * @why: out, on failure: what is wrong
 *
 * Refused are ranges that end before they start, are not whole pages, overlap,
 * or share a name.
 *
 * Return: 0; -EINVAL.
 */
int plan_sort(struct plan_range *ranges, size_t nr, char why[PLAN_WHY_MAX]);

/**
 * plan_clashes - Everything that is wrong with a layout
 * @plan: devices and ranges
 * @clashes: out: by device, then by range, then by IOVA
 * @nr: out: how many; 0: the layout can stand
 *
 * Return: 0; -ENOMEM.
 */
int plan_clashes(const struct plan *plan, struct plan_clash **clashes,
		 size_t *nr);

/**
 * plan_allowed - The IOVA that all devices can use
 * @plan: devices; its ranges do not matter
 * @nested: leave regions without SW_MSI in
 * @ranges: out: sorted, none touching another
 * @nr: out: how many
 *
 * Return: 0; -ENOMEM.
 */
int plan_allowed(const struct plan *plan, bool nested,
		 struct iommu_iova_range **ranges, size_t *nr);

/**
 * plan_first_region - The first region of a device that the layout meets
 * @plan: ranges; that it is nested does not matter
 * @device: the device
 *
 * What the kernel has to name when it loads the device over those ranges.
 *
 * Return: the region, or NULL.
 */
const struct iommu_resv_iova_range *
plan_first_region(const struct plan *plan, const struct plan_device *device);

/**
 * plan_segments - The 64-bit IOVA space, cut wherever something changes
 * @plan: devices and ranges
 * @segments: out: sorted, without gaps, from 0 to the top
 * @nr: out: how many
 *
 * Return: 0; -ENOMEM.
 */
int plan_segments(const struct plan *plan, struct plan_segment **segments,
		  size_t *nr);

/* Is something here where nothing can be? */
static inline bool plan_segment_clashes(const struct plan_segment *segment)
{
	return segment->is & PLAN_IS_TAKEN && segment->is != PLAN_IS_TAKEN;
}

#endif
