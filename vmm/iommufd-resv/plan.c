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

static bool is(const char *text, size_t len, const char *want)
{
	return len == strlen(want) && !memcmp(text, want, len);
}

static int take_name(const char *text, size_t len, struct plan_range *range,
		     char why[PLAN_WHY_MAX])
{
	static const char *const words[] = { "RAM", "left", "reserved" };
	static const char good[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";

	if (!len)
		return refuse(why, "the name is empty");
	if (len > PLAN_NAME_MAX)
		return refuse(why, "the name is longer than %d characters",
			      PLAN_NAME_MAX);
	for (size_t i = 0; i < len; i++) {
		if (!text[i] || !strchr(good, text[i]))
			return refuse(why, "a name has only letters, digits and . _ : - in it");
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (is(text, len, words[i]))
			return refuse(why, "\"%s\" means something else here; choose another name",
				      words[i]);
	}
	memcpy(range->name, text, len);
	range->name[len] = '\0';
	return 0;
}

int plan_parse_range(const char *text, bool named, struct plan_range *range,
		     char why[PLAN_WHY_MAX])
{
	struct plan_range got = { 0 };
	const char *equals, *dash;
	uint64_t start, last;

	if (named) {
		equals = strchr(text, '=');
		if (!equals)
			return refuse(why, "write a named range as NAME=0x0-0xbfffffff");
		if (take_name(text, equals - text, &got, why))
			return -EINVAL;
		text = equals + 1;
	}
	dash = strchr(text, '-');
	if (!dash || !number(text, dash - text, &start) ||
	    !number(dash + 1, strlen(dash + 1), &last))
		return refuse(why, "write a range as 0x0-0xbfffffff: first byte, dash, last byte");
	got.iova.start = start;
	got.iova.last = last;
	*range = got;
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

static int json_name(struct reader *r, struct plan_range *range)
{
	char why[PLAN_WHY_MAX];
	const char *text;
	size_t len;

	if (!string(r, &text, &len))
		return expected(r, "a name in quotes");
	if (take_name(text, len, range, why))
		return refuse(r->why, "line %u: %s", r->line, why);
	return 0;
}

static int json_number(struct reader *r, uint64_t *value)
{
	const char *text;
	size_t len;

	if (!string(r, &text, &len) || !number(text, len, value))
		return expected(r, "a number in quotes, such as \"0x1000\",");
	return 0;
}

/* An object with the members "start", "last" and, if @named, "name". */
static int json_range(struct reader *r, bool named, struct plan_range *range)
{
	bool start = false, last = false, name = !named;
	uint64_t value;
	int rc;

	*range = (struct plan_range){ 0 };
	if (!eat(r, '{'))
		return expected(r, "{");
	do {
		const char *key;
		bool *have;
		size_t len;

		if (!string(r, &key, &len))
			return expected(r, named ? "\"name\", \"start\" or \"last\"" :
						   "\"start\" or \"last\"");
		have = is(key, len, "start") ? &start :
		       is(key, len, "last")  ? &last :
		       is(key, len, "name")  ? &name :
					       NULL;
		if (!have || *have)
			return expected(r, named ? "\"name\", \"start\" and \"last\" once each, nothing else," :
						   "\"start\" and \"last\" once each, nothing else,");
		*have = true;
		if (!eat(r, ':'))
			return expected(r, ":");
		rc = have == &name ? json_name(r, range) :
				     json_number(r, &value);
		if (rc)
			return rc;
		if (have == &start)
			range->iova.start = value;
		else if (have == &last)
			range->iova.last = value;
	} while (eat(r, ','));
	if (!eat(r, '}'))
		return expected(r, "}");
	if (!start || !last || !name)
		return expected(r, named ? "all of \"name\", \"start\" and \"last\"" :
					   "both \"start\" and \"last\"");
	return 0;
}

/* An array of at least one of these, behind those that are there already. */
static int json_ranges(struct reader *r, bool named, struct plan_range **ranges,
		       size_t *nr)
{
	int rc;

	if (!eat(r, '['))
		return expected(r, "[");
	do {
		void *more = reallocarray(*ranges, *nr + 1, sizeof(**ranges));

		if (!more) {
			refuse(r->why, "out of memory");
			return -ENOMEM;
		}
		*ranges = more;
		rc = json_range(r, named, &(*ranges)[(*nr)++]);
		if (rc)
			return rc;
	} while (eat(r, ','));
	return eat(r, ']') ? 0 : expected(r, ", or ]");
}

static int json_layout(struct reader *r, struct plan_range **ranges, size_t *nr)
{
	bool ram = false, named = false;
	int rc;

	if (!eat(r, '{'))
		return expected(r, "{");
	do {
		const char *key;
		bool *have = NULL;
		size_t len;

		if (string(r, &key, &len))
			have = is(key, len, "ram")    ? &ram :
			       is(key, len, "ranges") ? &named :
							NULL;
		if (!have || *have)
			return expected(r, "\"ram\" or \"ranges\", once each, nothing else,");
		*have = true;
		if (!eat(r, ':'))
			return expected(r, ":");
		rc = json_ranges(r, have == &named, ranges, nr);
		if (rc)
			return rc;
	} while (eat(r, ','));
	if (!eat(r, '}'))
		return expected(r, "}");
	skip_space(r);
	return r->at == r->end ? 0 : expected(r, "the end");
}

int plan_parse_json(const char *text, size_t len, struct plan_range **ranges,
		    size_t *nr, char why[PLAN_WHY_MAX])
{
	struct reader r = { text, text + len, 1, why };
	struct plan_range *array = NULL;
	size_t count = 0;
	int rc = json_layout(&r, &array, &count);

	if (rc) {
		free(array);
		return rc;
	}
	*ranges = array;
	*nr = count;
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct plan_range *x = a, *y = b;

	return x->iova.start < y->iova.start ? -1 :
					       x->iova.start > y->iova.start;
}

#define RANGE "0x%" PRIx64 "-0x%" PRIx64
#define RANGE_OF(r) (uint64_t)(r).start, (uint64_t)(r).last

/* Are both ends multiples of @unit? After the top of the space comes 0. */
static bool whole(const struct iommu_iova_range *iova, uint64_t unit)
{
	return iova->start % unit == 0 && (iova->last + 1) % unit == 0;
}

int plan_sort(struct plan_range *ranges, size_t nr, char why[PLAN_WHY_MAX])
{
	for (size_t i = 0; i < nr; i++) {
		const struct plan_range *range = &ranges[i];

		if (range->iova.last < range->iova.start)
			return refuse(why, "%s " RANGE " ends before it starts",
				      plan_name(range), RANGE_OF(range->iova));
		if (!whole(&range->iova, PLAN_PAGE))
			return refuse(why, "%s " RANGE " is not whole pages of %d bytes; the last byte belongs to the range",
				      plan_name(range), RANGE_OF(range->iova),
				      PLAN_PAGE);
		for (size_t j = 0; *range->name && j < i; j++) {
			if (!strcmp(range->name, ranges[j].name))
				return refuse(why, "two ranges are called %s",
					      range->name);
		}
	}
	if (nr)
		qsort(ranges, nr, sizeof(*ranges), by_start);
	for (size_t i = 1; i < nr; i++) {
		const struct plan_range *a = &ranges[i - 1], *b = &ranges[i];

		if (b->iova.start <= a->iova.last)
			return refuse(why, "%s " RANGE " and %s " RANGE " overlap",
				      plan_name(a), RANGE_OF(a->iova),
				      plan_name(b), RANGE_OF(b->iova));
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
		       const struct plan_range *range,
		       struct plan_clash **clashes, size_t *nr)
{
	for (size_t i = 0; i < device->dev.nr_reserved; i++) {
		const struct iommu_resv_iova_range *region =
			&device->dev.reserved[i];
		struct plan_clash clash = {
			PLAN_RESERVED, device, range,
			{ region->start, region->last },
			region->flags & IOMMU_RESV_IOVA_SW_MSI,
		};

		if (counts(region, nested) && meet(region, &range->iova) &&
		    add(clashes, nr, &clash))
			return -ENOMEM;
	}
	return 0;
}

static int add_out_of_reach(const struct plan_device *device,
			    const struct plan_range *range,
			    struct plan_clash **clashes, size_t *nr)
{
	struct iommu_iova_range *out;
	size_t nr_out;
	int rc;

	if (!device->dev.aperture)
		return 0;
	rc = resv_subtract(&range->iova, 1, device->space, device->nr_space,
			   &out, &nr_out);
	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < nr_out; i++) {
		struct plan_clash clash = {
			PLAN_APERTURE, device, range, out[i], false,
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

		for (size_t j = 0; !rc && j < plan->nr_ranges; j++) {
			const struct plan_range *range = &plan->ranges[j];

			rc = add_regions(device, plan->nested, range, &found,
					 &count);
			if (!rc)
				rc = add_out_of_reach(device, range, &found,
						      &count);
		}
	}
	for (size_t j = 0; !rc && plan->alignment && j < plan->nr_ranges; j++) {
		const struct plan_range *range = &plan->ranges[j];
		struct plan_clash clash = {
			PLAN_ALIGNMENT, NULL, range, range->iova, false,
		};

		if (!whole(&range->iova, plan->alignment))
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
		for (size_t j = 0; j < plan->nr_ranges; j++) {
			if (meet(&device->dev.reserved[i],
				 &plan->ranges[j].iova))
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

/* What of the layout is at @iova, if anything. */
static const struct plan_range *range_at(const struct plan *plan, uint64_t iova)
{
	for (size_t i = 0; i < plan->nr_ranges; i++) {
		if (within(iova, &plan->ranges[i].iova, 1))
			return &plan->ranges[i];
	}
	return NULL;
}

/* Do both count as the same? RAM does, in however many ranges. */
static bool same(const struct plan_range *a, const struct plan_range *b)
{
	return a == b || (a && b && !*a->name && !*b->name);
}

/* What the byte at @iova is. */
static unsigned int what_is(const struct plan *plan, bool nested, uint64_t iova)
{
	unsigned int is = range_at(plan, iova) ? PLAN_IS_TAKEN : 0;

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
	if (is & PLAN_IS_OUT && !(is & PLAN_IS_TAKEN))
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
	size_t max = 1 + 2 * plan->nr_ranges, nr_cuts = 0, count = 0;
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
	for (size_t i = 0; i < plan->nr_ranges; i++)
		nr_cuts = add_cuts(cuts, nr_cuts, plan->ranges[i].iova.start,
				   plan->ranges[i].iova.last);
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
		const struct plan_range *range = range_at(plan, cuts[i]);

		if (count && out[count - 1].is == is &&
		    same(out[count - 1].range, range))
			continue;
		if (count)
			out[count - 1].last = cuts[i] - 1;
		out[count].start = cuts[i];
		out[count].last = UINT64_MAX;
		out[count].range = range;
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
	struct plan empty = *plan;
	struct iommu_iova_range *out;
	struct plan_segment *segments;
	size_t nr_segments, count = 0;
	int rc;

	empty.nr_ranges = 0;
	rc = segments_of(&empty, nested, &segments, &nr_segments);
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
