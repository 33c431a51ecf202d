/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Printing devices with their reserved regions and the IOVA left over, as text
 * for people and as JSON for programs.
 */
#ifndef SHOW_H
#define SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "resv.h"

struct show_device {
	char address[32];		/* PCI address */
	char iommu[64];			/* its name in sysfs, "" if unknown */
	char iommu_driver[64];		/* "" if unknown */
	uint32_t dev_id;		/* in the iommufd that was asked */
	struct iommu_resv_iova_range *reserved;
	size_t nr_reserved;
	struct iommu_iova_range *left;
	size_t nr_left;
	bool aperture;			/* left: of what the IOMMU translates? */
};

/* Room for show_size(). */
#define SHOW_SIZE_MAX 48

/**
 * show_size - A range's size for people
 * @buf: out: "1 MiB (1048576)"; the unit is the largest that fits, with one
 *       decimal, rounded down, where it is not exact
 * @start: first byte of the range
 * @last: last byte; the whole 64-bit space is a range as well
 */
void show_size(char buf[SHOW_SIZE_MAX], uint64_t start, uint64_t last);

/**
 * show_string - Print a JSON string, quotes included
 * @out: where to
 * @text: any bytes; what is not printable ASCII is escaped
 */
void show_string(FILE *out, const char *text);

/* Text: one paragraph per device. */
void show_text(FILE *out, const struct show_device *devices, size_t nr);

/* One JSON object; iommufd-resv(1) describes it. */
void show_json(FILE *out, const struct show_device *devices, size_t nr);

#endif
