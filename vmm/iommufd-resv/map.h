/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The IOVA space as a picture: what is RAM or a named range, reserved, left, and
 * where they clash. One line (or block) for each interval, lowest first, on a scale that
 * shows a page as well as an exabyte.
 */
#ifndef MAP_H
#define MAP_H

#include <stdio.h>

#include "plan.h"

/* What a picture shows. */
struct map {
	const struct plan_segment *segments;
	size_t nr;
	const char *title;	/* one line of ASCII */
	const char *subtitle;	/* likewise */
};

/* For a terminal: plain ASCII, no line beyond 80 columns, with a legend. */
void map_text(FILE *out, const struct map *map);

/* SVG on its own: titles, labels, and patterns besides colours. */
void map_svg(FILE *out, const struct map *map);

#endif
