// SPDX-License-Identifier: GPL-2.0
/*
 * A guest memory layout against the devices of a machine; plan.h says what
 * each function does.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

static int refuse(char why[PLAN_WHY_MAX], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(char why[PLAN_WHY_MAX], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, PLAN_WHY_MAX, fmt, args);
	va_end(args);
	return -EINVAL;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* All of @len bytes are one number of 64 bits. */
static bool number(const char *text, size_t len, uint64_t *value)
{
	unsigned int base = 10;

	if (len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
		len -= 2;
	}
	*value = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned int d = digit(text[i]);

		if (d >= base || __builtin_mul_overflow(*value, base, value) ||
		    __builtin_add_overflow(*value, d, value))
			return false;
	}
	return len;
}

int plan_parse_range(const char *text, struct iommu_iova_range *range,
		     char why[PLAN_WHY_MAX])
{
	const char *dash = strchr(text, '-');
	uint64_t start, last;

	if (!dash || !number(text, dash - text, &start) ||
	    !number(dash + 1, strlen(dash + 1), &last))
		return refuse(why, "write a range as 0x0-0xbfffffff: first byte, dash, last byte");
	range->start = start;
	range->last = last;
	return 0;
}

/* A reader of just the JSON that plan.h shows. */
struct reader {
	const char *at, *end;
	unsigned int line;
	char *why;
};

static void skip_space(struct reader *r)
{
	for (; r->at < r->end && *r->at && strchr(" \t\r\n", *r->at); r->at++)
		r->line += *r->at == '\n';
}

/* The next byte that is not white space, if it is @c, is eaten. */
static bool eat(struct reader *r, char c)
{
	skip_space(r);
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static int expected(struct reader *r, const char *what)
{
	skip_space(r);
	return refuse(r->why, "line %u: %s expected", r->line, what);
}

/* A string without escapes; none that is wanted here needs one. */
static bool string(struct reader *r, const char **text, size_t *len)
{
	if (!eat(r, '"'))
		return false;
	*text = r->at;
	while (r->at < r->end && *r->at != '"') {
		if (*r->at == '\\' || (unsigned char)*r->at < 0x20)
			return false;
		r->at++;
	}
	*len = r->at - *text;
	if (r->at == r->end)
		return false;
	r->at++;
	return true;
}

static bool is(const char *text, size_t len, const char *want)
{
	return len == strlen(want) && !memcmp(text, want, len);
}

static int json_range(struct reader *r, struct iommu_iova_range *range)
{
	bool have_start = false, have_last = false;

	if (!eat(r, '{'))
		return expected(r, "{");
	do {
		const char *name, *text;
		size_t name_len, len;
		uint64_t value;

		if (!string(r, &name, &name_len))
			return expected(r, "\"start\" or \"last\"");
		if (!eat(r, ':'))
			return expected(r, ":");
		if (!string(r, &text, &len) || !number(text, len, &value))
			return expected(r, "a number in quotes, such as \"0x1000\",");
		if (is(name, name_len, "start") && !have_start) {
			have_start = true;
			range->start = value;
		} else if (is(name, name_len, "last") && !have_last) {
			have_last = true;
			range->last = value;
		} else {
			return expected(r, "\"start\" and \"last\" once each, nothing else,");
		}
	} while (eat(r, ','));
	if (!eat(r, '}'))
		return expected(r, "}");
	if (!have_start || !have_last)
		return expected(r, "both \"start\" and \"last\"");
	return 0;
}

int plan_parse_json(const char *text, size_t len,
		    struct iommu_iova_range **ranges, size_t *nr,
		    char why[PLAN_WHY_MAX])
{
	struct reader r = { text, text + len, 1, why };
	struct iommu_iova_range *array = NULL;
	const char *name;
	size_t name_len, count = 0;
	int rc;

	if (!eat(&r, '{'))
		return expected(&r, "{");
	if (!string(&r, &name, &name_len) || !is(name, name_len, "ram"))
		return expected(&r, "\"ram\", the only member,");
	if (!eat(&r, ':'))
		return expected(&r, ":");
	if (!eat(&r, '['))
		return expected(&r, "[");
	do {
		void *more = reallocarray(array, count + 1, sizeof(*array));

		if (!more) {
			refuse(why, "out of memory");
			rc = -ENOMEM;
			goto fail;
		}
		array = more;
		rc = json_range(&r, &array[count++]);
		if (rc)
			goto fail;
	} while (eat(&r, ','));
	if (!eat(&r, ']')) {
		rc = expected(&r, ", or ]");
		goto fail;
	}
	if (!eat(&r, '}')) {
		rc = expected(&r, "}");
		goto fail;
	}
	skip_space(&r);
	if (r.at != r.end) {
		rc = expected(&r, "the end");
		goto fail;
	}
	*ranges = array;
	*nr = count;
	return 0;
fail:
	free(array);
	return rc;
}

static int by_start(const void *a, const void *b)
{
	const struct iommu_iova_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

#define RANGE "0x%" PRIx64 "-0x%" PRIx64
#define RANGE_OF(r) (uint64_t)(r).start, (uint64_t)(r).last

int plan_sort_ram(struct iommu_iova_range *ram, size_t nr,
		  char why[PLAN_WHY_MAX])
{
	for (size_t i = 0; i < nr; i++) {
		if (ram[i].last < ram[i].start)
			return refuse(why, "RAM " RANGE " ends before it starts",
				      RANGE_OF(ram[i]));
		if (ram[i].start % PLAN_PAGE || (ram[i].last + 1) % PLAN_PAGE)
			return refuse(why, "RAM " RANGE " is not whole pages of %d bytes; the last byte belongs to the range",
				      RANGE_OF(ram[i]), PLAN_PAGE);
	}
	if (nr)
		qsort(ram, nr, sizeof(*ram), by_start);
	for (size_t i = 1; i < nr; i++) {
		if (ram[i].start <= ram[i - 1].last)
			return refuse(why, "RAM " RANGE " and " RANGE " overlap",
				      RANGE_OF(ram[i - 1]), RANGE_OF(ram[i]));
	}
	return 0;
}

static bool counts(const struct iommu_resv_iova_range *region, bool nested)
{
	return !nested || region->flags & IOMMU_RESV_IOVA_SW_MSI;
}

static bool meet(const struct iommu_resv_iova_range *region,
		 const struct iommu_iova_range *range)
{
	return region->start <= range->last && range->start <= region->last;
}

static int add(struct plan_clash **clashes, size_t *nr,
	       const struct plan_clash *clash)
{
	void *more = reallocarray(*clashes, *nr + 1, sizeof(**clashes));

	if (!more)
		return -ENOMEM;
	*clashes = more;
	(*clashes)[(*nr)++] = *clash;
	return 0;
}

static int add_regions(const struct plan_device *device, bool nested,
		       const struct iommu_iova_range *ram,
		       struct plan_clash **clashes, size_t *nr)
{
	for (size_t i = 0; i < device->dev.nr_reserved; i++) {
		const struct iommu_resv_iova_range *region =
			&device->dev.reserved[i];
		struct plan_clash clash = {
			PLAN_RESERVED, device, *ram,
			{ region->start, region->last },
			region->flags & IOMMU_RESV_IOVA_SW_MSI,
		};

		if (counts(region, nested) && meet(region, ram) &&
		    add(clashes, nr, &clash))
			return -ENOMEM;
	}
	return 0;
}

static int add_out_of_reach(const struct plan_device *device,
			    const struct iommu_iova_range *ram,
			    struct plan_clash **clashes, size_t *nr)
{
	struct iommu_iova_range *out;
	size_t nr_out;
	int rc;

	if (!device->dev.aperture)
		return 0;
	rc = resv_subtract(ram, 1, device->space, device->nr_space, &out,
			   &nr_out);
	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < nr_out; i++) {
		struct plan_clash clash = {
			PLAN_APERTURE, device, *ram, out[i], false,
		};

		rc = add(clashes, nr, &clash);
	}
	free(out);
	return rc;
}

int plan_clashes(const struct plan *plan, struct plan_clash **clashes,
		 size_t *nr)
{
	struct plan_clash *found = NULL;
	size_t count = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < plan->nr_devices; i++) {
		const struct plan_device *device = &plan->devices[i];

		for (size_t j = 0; !rc && j < plan->nr_ram; j++) {
			rc = add_regions(device, plan->nested, &plan->ram[j],
					 &found, &count);
			if (!rc)
				rc = add_out_of_reach(device, &plan->ram[j],
						      &found, &count);
		}
	}
	for (size_t j = 0; !rc && plan->alignment && j < plan->nr_ram; j++) {
		struct plan_clash clash = {
			PLAN_ALIGNMENT, NULL, plan->ram[j], plan->ram[j], false,
		};

		if (plan->ram[j].start % plan->alignment ||
		    (plan->ram[j].last + 1) % plan->alignment)
			rc = add(&found, &count, &clash);
	}
	if (rc) {
		free(found);
		return rc;
	}
	*clashes = found;
	*nr = count;
	return 0;
}

const struct iommu_resv_iova_range *
plan_first_region(const struct plan *plan, const struct plan_device *device)
{
	for (size_t i = 0; i < device->dev.nr_reserved; i++) {
		for (size_t j = 0; j < plan->nr_ram; j++) {
			if (meet(&device->dev.reserved[i], &plan->ram[j]))
				return &device->dev.reserved[i];
		}
	}
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool within(uint64_t iova, const struct iommu_iova_range *ranges,
		   size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (iova >= ranges[i].start && iova <= ranges[i].last)
			return true;
	}
	return false;
}

/* What the byte at @iova is. */
static unsigned int what_is(const struct plan *plan, bool nested, uint64_t iova)
{
	unsigned int is = within(iova, plan->ram, plan->nr_ram) ? PLAN_IS_RAM :
								  0;

	for (size_t i = 0; i < plan->nr_devices; i++) {
		const struct plan_device *device = &plan->devices[i];

		if (device->dev.aperture &&
		    !within(iova, device->space, device->nr_space))
			is |= PLAN_IS_OUT;
		for (size_t j = 0; j < device->dev.nr_reserved; j++) {
			const struct iommu_resv_iova_range *region =
				&device->dev.reserved[j];

			if (!counts(region, nested) || iova < region->start ||
			    iova > region->last)
				continue;
			is |= region->flags & IOMMU_RESV_IOVA_SW_MSI ?
				      PLAN_IS_SW_MSI :
				      PLAN_IS_RESERVED;
		}
	}
	/* What is out of reach has no use for regions. */
	if (is & PLAN_IS_OUT && !(is & PLAN_IS_RAM))
		is = PLAN_IS_OUT;
	return is;
}

/* After the top of the space comes 0, where there is a cut anyway. */
static size_t add_cuts(uint64_t *cuts, size_t nr, uint64_t start, uint64_t last)
{
	cuts[nr++] = start;
	cuts[nr++] = last + 1;
	return nr;
}

static int segments_of(const struct plan *plan, bool nested,
		       struct plan_segment **segments, size_t *nr)
{
	size_t max = 1 + 2 * plan->nr_ram, nr_cuts = 0, count = 0;
	struct plan_segment *out;
	uint64_t *cuts;

	for (size_t i = 0; i < plan->nr_devices; i++)
		max += 2 * (plan->devices[i].dev.nr_reserved +
			    plan->devices[i].nr_space);
	cuts = calloc(max, sizeof(*cuts));
	out = calloc(max, sizeof(*out));
	if (!cuts || !out) {
		free(cuts);
		free(out);
		return -ENOMEM;
	}

	cuts[nr_cuts++] = 0;
	for (size_t i = 0; i < plan->nr_ram; i++)
		nr_cuts = add_cuts(cuts, nr_cuts, plan->ram[i].start,
				   plan->ram[i].last);
	for (size_t i = 0; i < plan->nr_devices; i++) {
		const struct plan_device *device = &plan->devices[i];

		for (size_t j = 0; j < device->dev.nr_reserved; j++)
			nr_cuts = add_cuts(cuts, nr_cuts,
					   device->dev.reserved[j].start,
					   device->dev.reserved[j].last);
		for (size_t j = 0; j < device->nr_space; j++)
			nr_cuts = add_cuts(cuts, nr_cuts,
					   device->space[j].start,
					   device->space[j].last);
	}
	qsort(cuts, nr_cuts, sizeof(*cuts), by_value);

	for (size_t i = 0; i < nr_cuts; i++) {
		unsigned int is = what_is(plan, nested, cuts[i]);

		if (count && out[count - 1].is == is)
			continue;
		if (count)
			out[count - 1].last = cuts[i] - 1;
		out[count].start = cuts[i];
		out[count].last = UINT64_MAX;
		out[count++].is = is;
	}
	free(cuts);
	*segments = out;
	*nr = count;
	return 0;
}

int plan_segments(const struct plan *plan, struct plan_segment **segments,
		  size_t *nr)
{
	return segments_of(plan, plan->nested, segments, nr);
}

int plan_allowed(const struct plan *plan, bool nested,
		 struct iommu_iova_range **ranges, size_t *nr)
{
	struct plan no_ram = *plan;
	struct iommu_iova_range *out;
	struct plan_segment *segments;
	size_t nr_segments, count = 0;
	int rc;

	no_ram.nr_ram = 0;
	rc = segments_of(&no_ram, nested, &segments, &nr_segments);
	if (rc)
		return rc;
	out = calloc(nr_segments, sizeof(*out));
	for (size_t i = 0; out && i < nr_segments; i++) {
		if (segments[i].is)
			continue;
		out[count].start = segments[i].start;
		out[count++].last = segments[i].last;
	}
	free(segments);
	if (!out)
		return -ENOMEM;
	*ranges = out;
	*nr = count;
	return 0;
}
