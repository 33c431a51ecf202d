// SPDX-License-Identifier: GPL-2.0
/*
 * The IOVA space as a picture; see map.h.
 */
#include <inttypes.h>
#include <string.h>

#include "map.h"

/* The longest bar, that of all 64 bits; 16 times the size is one sign more. */
#define BAR_MAX 14

/* Where the labels of the text start, after START, LAST, SIZE and the bar. */
#define LABEL_COLUMN (19 + 19 + 11 + BAR_MAX + 1)

/* What an interval looks like, by what is worst about it. */
static const struct look {
	unsigned int is;	/* all of these */
	const char *label;	/* up to 16 characters */
	char sign;
	const char *fill;	/* in the SVG */
} looks[] = {
	{ PLAN_IS_TAKEN | PLAN_IS_SW_MSI, "CLASH: SW_MSI", '!', "clash" },
	{ PLAN_IS_TAKEN | PLAN_IS_RESERVED, "CLASH: reserved", '!', "clash" },
	{ PLAN_IS_TAKEN | PLAN_IS_OUT, "CLASH: no reach", '!', "clash" },
	{ PLAN_IS_TAKEN, "RAM", '#', "ram" },
	{ PLAN_IS_OUT, "out of reach", '~', "out" },
	{ PLAN_IS_SW_MSI, "SW_MSI window", 'M', "swmsi" },
	{ PLAN_IS_RESERVED, "reserved", 'x', "reserved" },
	{ 0, "left", '.', "left" },
}, named_look = { PLAN_IS_TAKEN, "named range", '=', "named" };

/* One of each for the legend, in the order of interest. */
static const struct legend {
	char sign;
	const char *fill;
	const char *text;
} legends[] = {
	{ '#', "ram", "RAM" },
	{ '=', "named", "named range" },
	{ '.', "left", "left" },
	{ 'x', "reserved", "reserved" },
	{ 'M', "swmsi", "SW_MSI window" },
	{ '~', "out", "out of reach of an IOMMU" },
	{ '!', "clash", "clash" },
};

#define NR(array) (sizeof(array) / sizeof(*(array)))

/* The name of what is there, if it was given one; else "". */
static const char *name_of(const struct plan_segment *segment)
{
	return segment->range ? segment->range->name : "";
}

static const struct look *look_of(const struct plan_segment *segment)
{
	const struct look *look = looks;

	while ((segment->is & look->is) != look->is)
		look++;
	if (look->is == PLAN_IS_TAKEN && *name_of(segment))
		return &named_look;
	return look;
}

/* 1 for up to 4 KiB, then one more for each 16 times the size. */
static unsigned int bar_length(const struct plan_segment *segment)
{
	uint64_t size_less_1 = segment->last - segment->start;
	unsigned int length = 1;

	for (size_less_1 >>= 12; size_less_1; size_less_1 >>= 4)
		length++;
	return length;
}

/* "1023.8 GiB", without the exact number. */
static void short_size(char buf[SHOW_SIZE_MAX],
		       const struct plan_segment *segment)
{
	show_size(buf, segment->start, segment->last);
	buf[strcspn(buf, "(")] = '\0';
	if (*buf && buf[strlen(buf) - 1] == ' ')
		buf[strlen(buf) - 1] = '\0';
}

void map_text(FILE *out, const struct map *map)
{
	fprintf(out, "%.80s\n%.80s\n\n", map->title, map->subtitle);
	fprintf(out, "%-18s %-18s %10s\n", "START", "LAST", "SIZE");
	for (size_t i = 0; i < map->nr; i++) {
		const struct plan_segment *segment = &map->segments[i];
		const struct look *look = look_of(segment);
		char size[SHOW_SIZE_MAX], bar[BAR_MAX + 1];
		unsigned int length = bar_length(segment);

		short_size(size, segment);
		memset(bar, look->sign, length);
		bar[length] = '\0';
		fprintf(out, "0x%016" PRIx64 " 0x%016" PRIx64 " %10s %-*s %s\n",
			segment->start, segment->last, size, BAR_MAX, bar,
			look == &named_look ? name_of(segment) : look->label);
		/* No line has room for both. */
		if (plan_segment_clashes(segment) && *name_of(segment))
			fprintf(out, "%*s%s\n", LABEL_COLUMN, "",
				name_of(segment));
	}
	fprintf(out, "\n");
	for (size_t i = 0; i < NR(legends); i++)
		fprintf(out, "%s%c %s%s", i == 5 ? "" : i ? "   " : "",
			legends[i].sign, legends[i].text, i == 4 ? "\n" : "");
	fprintf(out, "\nEach line is one interval, the name of what clashes is below it; a bar grows\n"
		"by one sign for 16 times the size.\n");
}

/* Measures of the SVG, in its user units. */
enum {
	WIDTH = 900,
	MARGIN = 20,
	TOP = 100,		/* where the first block starts */
	BLOCK = 150,		/* width of a block */
	BLOCK_MIN = 26,		/* height of the smallest */
	BLOCK_STEP = 3,		/* and how much each 16 times the size adds */
	RANGE_X = MARGIN + BLOCK + 16,
	SIZE_X = 600,		/* right edge */
	LABEL_X = 620,
	NAME_X = 760,
	LEGEND_STEP = 26,
};

static unsigned int block_height(const struct plan_segment *segment)
{
	return BLOCK_MIN + BLOCK_STEP * (bar_length(segment) - 1);
}

static void xml(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text >= 0x20 && *text < 0x7f ? *text : '?', out);
		}
	}
}

/*
 * Colours that people tell apart whatever their eyes (after Okabe and Ito),
 * and a pattern for each that tells them apart in black and white.
 */
static const char style[] =
	"<style>\n"
	"text { font: 14px sans-serif; fill: #111 }\n"
	".title { font-size: 20px; font-weight: bold }\n"
	".note { fill: #444 }\n"
	".iova, .size, .name { font-family: monospace; font-size: 13px }\n"
	".size { text-anchor: end }\n"
	".bad { font-weight: bold }\n"
	"rect.block { stroke: #111; stroke-width: 1 }\n"
	"rect.clash { stroke-width: 3 }\n"
	".ram { fill: #56b4e9 }\n"
	".named { fill: url(#named) }\n"
	".left { fill: #fff }\n"
	".reserved { fill: url(#reserved) }\n"
	".swmsi { fill: url(#swmsi) }\n"
	".out { fill: url(#out) }\n"
	".clash { fill: url(#clash) }\n"
	"</style>\n"
	"<defs>\n"
	"<pattern id=\"named\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">"
	"<rect width=\"8\" height=\"8\" fill=\"#009e73\"/><rect width=\"2\" height=\"8\" fill=\"#fff\"/></pattern>\n"
	"<pattern id=\"reserved\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
	"<rect width=\"8\" height=\"8\" fill=\"#bbb\"/><rect width=\"2\" height=\"8\" fill=\"#333\"/></pattern>\n"
	"<pattern id=\"swmsi\" width=\"10\" height=\"10\" patternUnits=\"userSpaceOnUse\">"
	"<rect width=\"10\" height=\"10\" fill=\"#f0e442\"/><circle cx=\"5\" cy=\"5\" r=\"2\" fill=\"#111\"/></pattern>\n"
	"<pattern id=\"out\" width=\"10\" height=\"10\" patternUnits=\"userSpaceOnUse\">"
	"<rect width=\"10\" height=\"10\" fill=\"#ddd\"/><rect y=\"4\" width=\"10\" height=\"1\" fill=\"#666\"/></pattern>\n"
	"<pattern id=\"clash\" width=\"14\" height=\"14\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(-45)\">"
	"<rect width=\"14\" height=\"14\" fill=\"#d55e00\"/><rect width=\"5\" height=\"14\" fill=\"#fff\"/></pattern>\n"
	"</defs>\n";

void map_svg(FILE *out, const struct map *map)
{
	unsigned int height = TOP, y;

	for (size_t i = 0; i < map->nr; i++)
		height += block_height(&map->segments[i]);
	y = height + 40;		/* of the legend */
	height = y + LEGEND_STEP * ((NR(legends) + 1) / 2) + 40;

	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" viewBox=\"0 0 %d %u\" role=\"img\" aria-labelledby=\"title desc\">\n"
		"<title id=\"title\">", WIDTH, height, WIDTH, height);
	xml(out, map->title);
	fprintf(out, "</title>\n<desc id=\"desc\">");
	xml(out, map->subtitle);
	fprintf(out, "</desc>\n%s<rect width=\"%d\" height=\"%u\" fill=\"#fff\"/>\n",
		style, WIDTH, height);
	fprintf(out, "<text class=\"title\" x=\"%d\" y=\"36\">", MARGIN);
	xml(out, map->title);
	fprintf(out, "</text>\n<text class=\"note\" x=\"%d\" y=\"60\">", MARGIN);
	xml(out, map->subtitle);
	fprintf(out, "</text>\n<text class=\"note\" x=\"%d\" y=\"%d\">start - last</text>\n"
		"<text class=\"note\" x=\"%d\" y=\"%d\" text-anchor=\"end\">size</text>\n",
		RANGE_X, TOP - 10, SIZE_X, TOP - 10);

	y = TOP;
	for (size_t i = 0; i < map->nr; i++) {
		const struct plan_segment *segment = &map->segments[i];
		const struct look *look = look_of(segment);
		unsigned int h = block_height(segment);
		unsigned int base = y + h / 2 + 5;
		char size[SHOW_SIZE_MAX];

		short_size(size, segment);
		fprintf(out,
			"<rect class=\"block %s\" x=\"%d\" y=\"%u\" width=\"%d\" height=\"%u\"/>\n"
			"<text class=\"iova\" x=\"%d\" y=\"%u\">0x%016" PRIx64
			" - 0x%016" PRIx64 "</text>\n"
			"<text class=\"size\" x=\"%d\" y=\"%u\">%s</text>\n"
			"<text class=\"label%s\" x=\"%d\" y=\"%u\">%s</text>\n",
			look->fill, MARGIN, y, BLOCK, h, RANGE_X, base,
			segment->start, segment->last, SIZE_X, base, size,
			plan_segment_clashes(segment) ? " bad" : "", LABEL_X,
			base, look->label);
		if (*name_of(segment)) {
			fprintf(out, "<text class=\"name\" x=\"%d\" y=\"%u\">",
				NAME_X, base);
			xml(out, name_of(segment));
			fprintf(out, "</text>\n");
		}
		y += h;
	}

	y += 40;
	for (size_t i = 0; i < NR(legends); i++) {
		unsigned int x = MARGIN + i % 2 * (WIDTH / 2);
		unsigned int line = y + i / 2 * LEGEND_STEP;

		fprintf(out,
			"<rect class=\"block %s\" x=\"%u\" y=\"%u\" width=\"30\" height=\"18\"/>\n"
			"<text x=\"%u\" y=\"%u\">%s</text>\n",
			legends[i].fill, x, line, x + 40, line + 14,
			legends[i].text);
	}
	fprintf(out,
		"<text class=\"note\" x=\"%d\" y=\"%u\">Not to scale: each 16 times the size makes a block a little higher.</text>\n"
		"</svg>\n", MARGIN, height - 20);
}
