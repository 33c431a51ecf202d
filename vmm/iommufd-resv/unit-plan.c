// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of memory layouts and their pictures: reading ranges and JSON,
 * finding clashes, the map in text and in SVG.
 * Prints KTAP.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"
#include "map.h"
#include "plan.h"

#define TOP UINT64_MAX
#define NR(array) (sizeof(array) / sizeof(*(array)))

static void range_is(const char *text, uint64_t start, uint64_t last)
{
	struct plan_range got = { { 1, 1 }, "old" };
	char why[PLAN_WHY_MAX] = "";

	if (!check_rc(plan_parse_range(text, false, &got, why), 0)) {
		diag("%s: %s", text, why);
		return;
	}
	check(got.iova.start == start && got.iova.last == last && !*got.name,
	      "%s: got \"%s\" 0x%" PRIx64 "-0x%" PRIx64, text, got.name,
	      (uint64_t)got.iova.start, (uint64_t)got.iova.last);
}

static void ranges_read(void)
{
	range_is("0-0xbfffffff", 0, 0xbfffffff);
	range_is("0x100000000-0x7fffffffff", 0x100000000, 0x7fffffffff);
	range_is("0x0-0xffffffffffffffff", 0, TOP);
	range_is("0X10-0XfF", 0x10, 0xff);
	range_is("4096-8191", 4096, 8191);
	range_is("010-018446744073709551615", 10, TOP);
}

static void ranges_refused(void)
{
	static const char *const bad[] = {
		"", "-", "0", "0x1000", "0-", "-0", "0x-1", "0-0x", " 0-1",
		"0-1 ", "0 - 1", "0-1-2", "0--1", "+0-1", "0xg-1", "1f-20",
		"0-0x10000000000000000", "0-18446744073709551616", "0-1k",
		"0-1,2-3", "0:1", "bar=0-1",
	};
	struct plan_range got = { { 77, 77 }, "old" };
	char why[PLAN_WHY_MAX];

	for (size_t i = 0; i < NR(bad); i++) {
		*why = '\0';
		if (!check(plan_parse_range(bad[i], false, &got, why) == -EINVAL,
			   "\"%s\" was taken", bad[i]))
			continue;
		check(strstr(why, "write a range as"), "%s", why);
	}
	check(got.iova.start == 77 && got.iova.last == 77 &&
	      !strcmp(got.name, "old"), "output was written to");
}

static void names_read(void)
{
	static const char *const good[] = {
		"a", "7", "-", "gpu3.bar2", "01:00.0-bar2", "Hot_plug",
		"ABCDEFGHIJKLMNOP", "ram", "RAM0", "LEFT", "azAZ09._:-",
	};

	for (size_t i = 0; i < NR(good); i++) {
		struct plan_range got = { { 1, 1 }, "old" };
		char text[64], why[PLAN_WHY_MAX] = "";

		snprintf(text, sizeof(text), "%s=0xe000000000-0xffffffffff",
			 good[i]);
		if (!check_rc(plan_parse_range(text, true, &got, why), 0)) {
			diag("%s: %s", text, why);
			continue;
		}
		check(!strcmp(got.name, good[i]) &&
		      got.iova.start == 0xe000000000 &&
		      got.iova.last == 0xffffffffff, "%s: got \"%s\"", text,
		      got.name);
	}
}

#define NAME_CHARS "a name has only letters, digits and . _ : - in it"

static void names_refused(void)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "write a named range as NAME=0x0-0xbfffffff" },
		{ "0-0xfff", "write a named range as NAME=0x0-0xbfffffff" },
		{ "bar", "write a named range as NAME=0x0-0xbfffffff" },
		{ "=0-0xfff", "the name is empty" },
		{ "ABCDEFGHIJKLMNOPQ=0-0xfff",
		  "the name is longer than 16 characters" },
		{ "a b=0-0xfff", NAME_CHARS },
		{ "a/b=0-0xfff", NAME_CHARS },
		{ "a\"b=0-0xfff", NAME_CHARS },
		{ "a<b=0-0xfff", NAME_CHARS },
		{ "b\xc3\xa4r=0-0xfff", NAME_CHARS },
		{ "\n=0-0xfff", NAME_CHARS },
		{ "RAM=0-0xfff",
		  "\"RAM\" means something else here; choose another name" },
		{ "left=0-0xfff",
		  "\"left\" means something else here; choose another name" },
		{ "reserved=0-0xfff",
		  "\"reserved\" means something else here; choose another name" },
		{ "bar=", "write a range as 0x0-0xbfffffff: first byte, dash, last byte" },
		{ "bar=4G", "write a range as 0x0-0xbfffffff: first byte, dash, last byte" },
		{ "a=b=0-0xfff", "write a range as 0x0-0xbfffffff: first byte, dash, last byte" },
	};
	struct plan_range got = { { 77, 77 }, "old" };
	char why[PLAN_WHY_MAX];

	for (size_t i = 0; i < NR(bad); i++) {
		*why = '\0';
		if (check(plan_parse_range(bad[i].text, true, &got, why) == -EINVAL,
			  "\"%s\" was taken", bad[i].text))
			check(!strcmp(why, bad[i].why),
			      "\"%s\": got \"%s\", expected \"%s\"",
			      bad[i].text, why, bad[i].why);
	}
	check(got.iova.start == 77 && got.iova.last == 77 &&
	      !strcmp(got.name, "old"), "output was written to");
}

static int json(const char *text, struct plan_range **ranges, size_t *nr,
		char why[PLAN_WHY_MAX])
{
	return plan_parse_json(text, strlen(text), ranges, nr, why);
}

static void json_read(void)
{
	static const char *const good[] = {
		"{\"ram\":[{\"start\":\"0x0\",\"last\":\"0xbfffffff\"},{\"start\":\"4294967296\",\"last\":\"0x7fffffffff\"}]}",
		" {\n\t\"ram\" : [\r\n { \"last\" : \"0xbfffffff\" , \"start\" : \"0\" } ,\n"
		"{ \"start\": \"0x100000000\", \"last\": \"0x7FFFFFFFFF\" } ] }\n",
	};

	for (size_t i = 0; i < NR(good); i++) {
		struct plan_range *ranges;
		char why[PLAN_WHY_MAX] = "";
		size_t nr;

		if (!check_rc(json(good[i], &ranges, &nr, why), 0)) {
			diag("%s", why);
			continue;
		}
		check(nr == 2 && ranges[0].iova.start == 0 &&
		      ranges[0].iova.last == 0xbfffffff && !*ranges[0].name &&
		      ranges[1].iova.start == 0x100000000 &&
		      ranges[1].iova.last == 0x7fffffffff && !*ranges[1].name,
		      "not what was written");
		free(ranges);
	}
}

static void json_named(void)
{
	static const char *const good[] = {
		"{\"ram\":[{\"start\":\"0\",\"last\":\"0xfff\"}],"
		"\"ranges\":[{\"name\":\"bar\",\"start\":\"0x1000\",\"last\":\"0x1fff\"},"
		"{\"last\":\"0x2fff\",\"name\":\"01:00.0\",\"start\":\"0x2000\"}]}",
		"{ \"ranges\": [\n{ \"name\": \"bar\", \"start\": \"0x1000\", \"last\": \"0x1fff\" },\n"
		"{ \"start\": \"0x2000\", \"name\": \"01:00.0\", \"last\": \"0x2fff\" }\n],\n"
		"\"ram\": [{ \"start\": \"0\", \"last\": \"0xfff\" }] }",
	};
	static const char only[] =
		"{\"ranges\":[{\"name\":\"bar\",\"start\":\"0\",\"last\":\"1\"}]}";
	static const struct plan_range want[] = {
		{ { 0, 0xfff }, "" },
		{ { 0x1000, 0x1fff }, "bar" },
		{ { 0x2000, 0x2fff }, "01:00.0" },
	};
	char why[PLAN_WHY_MAX] = "";
	struct plan_range *ranges;
	size_t nr;

	for (size_t i = 0; i < NR(good); i++) {
		if (!check_rc(json(good[i], &ranges, &nr, why), 0)) {
			diag("%s", why);
			continue;
		}
		check(nr == NR(want), "%zu ranges", nr);
		/* The second has its RAM last. */
		for (size_t j = 0; j < nr && nr == NR(want); j++) {
			const struct plan_range *got = &ranges[(j + 2 * i) % 3];

			check(got->iova.start == want[j].iova.start &&
			      got->iova.last == want[j].iova.last &&
			      !strcmp(got->name, want[j].name),
			      "not what was written: %s", got->name);
		}
		free(ranges);
	}
	if (check_rc(json(only, &ranges, &nr, why), 0)) {
		check(nr == 1 && !strcmp(ranges[0].name, "bar"),
		      "not what was written");
		free(ranges);
	}
}

#define JSON_MEMBERS \
	"line 1: \"ram\" or \"ranges\", once each, nothing else, expected"

static void json_refused(void)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "line 1: { expected" },
		{ "[]", "line 1: { expected" },
		{ "{}", JSON_MEMBERS },
		{ "{\"rom\":[]}", JSON_MEMBERS },
		{ "{\"ram\"}", "line 1: : expected" },
		{ "{\"ram\":{}}", "line 1: [ expected" },
		{ "{\"ram\":[]}", "line 1: { expected" },
		{ "{\n\"ram\":[\n{}]}", "line 3: \"start\" or \"last\"" },
		{ "{\"ram\":[{\"start\":0,\"last\":\"1\"}]}", "in quotes" },
		{ "{\"ram\":[{\"start\":\"\",\"last\":\"1\"}]}", "in quotes" },
		{ "{\"ram\":[{\"start\":\"-1\",\"last\":\"1\"}]}", "in quotes" },
		{ "{\"ram\":[{\"start\":\"\\u0030\",\"last\":\"1\"}]}",
		  "in quotes" },
		{ "{\"ram\":[{\"start\":\"0\"}]}", "both" },
		{ "{\"ram\":[{\"last\":\"0\"}]}", "both" },
		{ "{\"ram\":[{\"start\":\"0\",\"start\":\"1\"}]}", "once each" },
		{ "{\"ram\":[{\"start\":\"0\",\"last\":\"1\",\"last\":\"2\"}]}",
		  "once each" },
		{ "{\"ram\":[{\"start\":\"0\",\"la\\\"st\":\"1\"}]}",
		  "\"start\" or \"last\"" },
		{ "{\"ram\":[{\"start\":\"0\",\"last\":\"1\",\"x\":\"2\"}]}",
		  "once each" },
		{ "{\"ram\":[{\"start\":\"0\",\"last\":\"1\",}]}",
		  "\"start\" or \"last\"" },
		{ "{\"ram\":[{\"start\":\"0\",\"last\":\"1\"},]}",
		  "line 1: { expected" },
		{ "{\"ram\":[{\"start\":\"0\",\"last\":\"1\"", "} expected" },
		{ "{\"ram\":[{\"start\":\"0\",\"last\":\"1", "in quotes" },
		{ "{\"ram\":[{\"start\":\"0\",\"last\":\"1\"}", ", or ]" },
		{ "{\"ram\":[{\"start\":\"0\",\"last\":\"1\"}]", "} expected" },
		{ "{\"ram\":[{\"start\":\"0\",\"last\":\"1\"}]}\n}",
		  "line 2: the end" },
		{ "{\"ram\":[{\"start\":\"0\",\"last\":\"1\"}],\"x\":\"0\"}",
		  JSON_MEMBERS },
		{ "{\"ram\":[{\"start\":\"0\",\"last\":\"1\"}],}", JSON_MEMBERS },
		{ "{\"ram\":[{\"start\":\"0\",\"last\":\"1\"}],\"ram\":[]}",
		  JSON_MEMBERS },
		{ "{\"ranges\":[]}", "line 1: { expected" },
		{ "{\"ram\":[{\"name\":\"a\",\"start\":\"0\",\"last\":\"1\"}]}",
		  "line 1: \"start\" and \"last\" once each, nothing else, expected" },
		{ "{\"ranges\":[{\"start\":\"0\",\"last\":\"1\"}]}",
		  "line 1: all of \"name\", \"start\" and \"last\" expected" },
		{ "{\"ranges\":[{\"name\":\"a\",\"start\":\"0\"}]}",
		  "line 1: all of \"name\", \"start\" and \"last\" expected" },
		{ "{\"ranges\":[{\"name\":\"a\",\"name\":\"b\"}]}",
		  "line 1: \"name\", \"start\" and \"last\" once each, nothing else, expected" },
		{ "{\"ranges\":[{}]}",
		  "line 1: \"name\", \"start\" or \"last\" expected" },
		{ "{\"ranges\":[{\"name\":0}]}", "line 1: a name in quotes expected" },
		{ "{\"ranges\":[\n{\"name\":\"\"}]}", "line 2: the name is empty" },
		{ "{\"ranges\":[{\"name\":\"a b\"}]}", "line 1: " NAME_CHARS },
		{ "{\"ranges\":[{\"name\":\"ABCDEFGHIJKLMNOPQ\"}]}",
		  "line 1: the name is longer than 16 characters" },
		{ "{\"ranges\":[{\"name\":\"left\"}]}",
		  "line 1: \"left\" means something else here; choose another name" },
	};
	static const char zero[] =
		"{\"ram\":[{\"start\":\"0\",\"last\":\"1\"}]}";
	struct plan_range *ranges = (void *)1;
	char why[PLAN_WHY_MAX];
	size_t nr = 77;

	for (size_t i = 0; i < NR(bad); i++) {
		*why = '\0';
		if (check(json(bad[i].text, &ranges, &nr, why) == -EINVAL,
			  "taken: %s", bad[i].text))
			check(strstr(why, bad[i].why), "%s: got \"%s\"",
			      bad[i].text, why);
	}
	/* A zero byte is neither white space nor the end. */
	check_rc(plan_parse_json(zero, sizeof(zero), &ranges, &nr, why),
		 -EINVAL);
	check(ranges == (void *)1 && nr == 77, "outputs were written to");
}

static void layout_sorted(void)
{
	struct plan_range ranges[] = {
		{ { 0x100000000, TOP }, "" }, { { 0x3000, 0x4fff }, "bar" },
		{ { 0, 0x2fff }, "" }, { { 0x5000, 0x5fff }, "Bar" },
	};
	char why[PLAN_WHY_MAX];

	check_rc(plan_sort(ranges, 4, why), 0);
	check(ranges[0].iova.start == 0 && ranges[1].iova.start == 0x3000 &&
	      ranges[2].iova.start == 0x5000 &&
	      ranges[3].iova.start == 0x100000000, "not sorted");
	check(!*ranges[0].name && !strcmp(ranges[1].name, "bar") &&
	      !strcmp(ranges[2].name, "Bar") && !*ranges[3].name,
	      "the names went astray");
	check_rc(plan_sort(NULL, 0, why), 0);
}

static void refused_as(struct plan_range a, struct plan_range b,
		       const char *want)
{
	struct plan_range ranges[] = { a, b };
	char why[PLAN_WHY_MAX] = "";

	check_rc(plan_sort(ranges, 2, why), -EINVAL);
	check(!strcmp(why, want), "got \"%s\", expected \"%s\"", why, want);
}

static void ram_refused_as(uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			   const char *want)
{
	refused_as((struct plan_range){ { a, b }, "" },
		   (struct plan_range){ { c, d }, "" }, want);
}

static void layout_refused(void)
{
	static const struct plan_range low = { { 0, 0xfff }, "low" };

	ram_refused_as(0, 0xfff, 0x2000, 0x1fff,
		       "RAM 0x2000-0x1fff ends before it starts");
	ram_refused_as(0x4000, 0x5fff, 0x1000, 0x4fff,
		       "RAM 0x1000-0x4fff and RAM 0x4000-0x5fff overlap");
	ram_refused_as(0, 0xfff, 0, 0xfff,
		       "RAM 0x0-0xfff and RAM 0x0-0xfff overlap");
	ram_refused_as(0, TOP, 0x1000, 0x1fff,
		       "RAM 0x0-0xffffffffffffffff and RAM 0x1000-0x1fff overlap");
	ram_refused_as(0, 0x1000, 0x2000, 0x2fff,
		       "RAM 0x0-0x1000 is not whole pages of 4096 bytes; the last byte belongs to the range");
	ram_refused_as(0x800, 0xfff, 0x2000, 0x2fff,
		       "RAM 0x800-0xfff is not whole pages of 4096 bytes; the last byte belongs to the range");

	refused_as(low, (struct plan_range){ { 0x2000, 0x1fff }, "bar" },
		   "bar 0x2000-0x1fff ends before it starts");
	refused_as(low, (struct plan_range){ { 0, 0x1fff }, "" },
		   "low 0x0-0xfff and RAM 0x0-0x1fff overlap");
	refused_as((struct plan_range){ { 0, 0xffffffff }, "" }, low,
		   "RAM 0x0-0xffffffff and low 0x0-0xfff overlap");
	refused_as(low, (struct plan_range){ { 0x1000, 0x2fff }, "low" },
		   "two ranges are called low");
	/* As long as it gets. */
	refused_as((struct plan_range){ { TOP - 1, TOP - 1 }, "ABCDEFGHIJKLMNOP" },
		   low,
		   "ABCDEFGHIJKLMNOP 0xfffffffffffffffe-0xfffffffffffffffe is not whole pages of 4096 bytes; the last byte belongs to the range");
}

/* Two devices: one as on Arm, one as on x86 behind an IOMMU of 39 bits. */
static struct iommu_resv_iova_range arm_regions[] = {
	{ 0x8000000, 0x80fffff, IOMMU_RESV_IOVA_SW_MSI, 0 },
};
static struct iommu_iova_range arm_space[] = { { 0, 0xfffffffffff } };
static struct iommu_resv_iova_range x86_regions[] = {
	{ 0xfee00000, 0xfeefffff, 0, 0 },
	{ 0xfd00000000, 0xffffffffff, 0, 0 },
};
static struct iommu_iova_range x86_space[] = { { 0, 0x7fffffffff } };

static struct plan_device both[] = {
	{ { "0000:00:03.0", "", "", 1, arm_regions, 1, NULL, 0, true },
	  arm_space, 1, true },
	{ { "0000:00:04.0", "", "", 2, x86_regions, 2, NULL, 0, true },
	  x86_space, 1, false },
};

static struct plan_range fitting[] = {
	{ { 0x10000000, 0xbfffffff }, "" },
	{ { 0x100000000, 0x7fffffffff }, "" },
};
static struct plan_range clashing[] = {
	{ { 0, 0x80fffff }, "" }, { { 0xc0000000, 0xfeffffff }, "" },
	{ { 0x100000000, 0xfd00000fff }, "" },
};

struct want {
	enum plan_kind kind;
	int device;			/* -1: none */
	int range;
	uint64_t start, last;
	bool sw_msi;
};

static void clashes_are(const struct plan *plan, const struct want *want,
			size_t nr_want)
{
	struct plan_clash *clashes;
	bool same;
	size_t nr;

	if (!check_rc(plan_clashes(plan, &clashes, &nr), 0))
		return;
	same = nr == nr_want;
	for (size_t i = 0; same && i < nr; i++) {
		const struct plan_device *device =
			want[i].device < 0 ? NULL :
					     &plan->devices[want[i].device];

		same = clashes[i].kind == want[i].kind &&
		       clashes[i].device == device &&
		       clashes[i].range == &plan->ranges[want[i].range] &&
		       clashes[i].at.start == want[i].start &&
		       clashes[i].at.last == want[i].last &&
		       clashes[i].sw_msi == want[i].sw_msi;
	}
	if (!check(same, "not the clashes expected, %zu", nr)) {
		for (size_t i = 0; i < nr; i++)
			diag("kind %d, 0x%" PRIx64 "-0x%" PRIx64 ", SW_MSI %d",
			     clashes[i].kind, (uint64_t)clashes[i].at.start,
			     (uint64_t)clashes[i].at.last, clashes[i].sw_msi);
	}
	free(clashes);
}

static void clashes_found(void)
{
	static const struct want all[] = {
		{ PLAN_RESERVED, 0, 0, 0x8000000, 0x80fffff, true },
		{ PLAN_RESERVED, 1, 1, 0xfee00000, 0xfeefffff, false },
		{ PLAN_RESERVED, 1, 2, 0xfd00000000, 0xffffffffff, false },
		{ PLAN_APERTURE, 1, 2, 0x8000000000, 0xfd00000fff, false },
	};
	static const struct want nested[] = {
		{ PLAN_RESERVED, 0, 0, 0x8000000, 0x80fffff, true },
		{ PLAN_APERTURE, 1, 2, 0x8000000000, 0xfd00000fff, false },
	};
	struct plan plan = { both, 2, clashing, 3, 1, false };

	clashes_are(&plan, all, NR(all));
	plan.nested = true;
	clashes_are(&plan, nested, NR(nested));
	/* Nothing is known of the second IOMMU: no clash for that. */
	both[1].dev.aperture = false;
	clashes_are(&plan, nested, 1);
	both[1].dev.aperture = true;
	plan.ranges = fitting;
	plan.nr_ranges = 2;
	plan.nested = false;
	clashes_are(&plan, NULL, 0);
	plan.nr_ranges = 0;
	clashes_are(&plan, NULL, 0);
}

static void allowed_is(const struct plan *plan, bool nested,
		       const struct iommu_iova_range *want, size_t nr_want)
{
	struct iommu_iova_range *got;
	size_t nr;

	if (!check_rc(plan_allowed(plan, nested, &got, &nr), 0))
		return;
	check(nr == nr_want && !memcmp(got, want, nr * sizeof(*got)),
	      "not what was expected: %zu ranges", nr);
	free(got);
}

static void clashes_at_the_edges(void)
{
	struct plan_range ram[] = {
		{ { 0x7fff000, 0x7ffffff }, "" },
		{ { 0x8100000, 0x8100fff }, "" },
	};
	static const struct want low[] = {
		{ PLAN_RESERVED, 0, 0, 0x8000000, 0x80fffff, true },
	};
	static const struct want high[] = {
		{ PLAN_RESERVED, 0, 1, 0x8000000, 0x80fffff, true },
	};
	static struct iommu_resv_iova_range odd_regions[] = {
		{ 0x1fff, 0x1fff, 0, 0 }, { 0x3fff, 0x4000, 0, 0 },
	};
	struct plan_device odd = {
		{ "0000:00:05.0", "", "", 3, odd_regions, 2, NULL, 0, true },
		arm_space, 1, true,
	};
	static const struct want bytes[] = {
		{ PLAN_RESERVED, 0, 0, 0x1fff, 0x1fff, false },
		{ PLAN_RESERVED, 0, 1, 0x3fff, 0x4000, false },
	};
	static const struct iommu_iova_range around[] = {
		{ 0, 0x1ffe }, { 0x2000, 0x3ffe }, { 0x4001, 0xfffffffffff },
	};
	struct plan plan = { both, 1, ram, 2, 1, false };

	clashes_are(&plan, NULL, 0);
	ram[0].iova.last += 0x1000;
	clashes_are(&plan, low, 1);
	ram[0].iova.last -= 0x1000;
	ram[1].iova.start -= 0x1000;
	clashes_are(&plan, high, 1);

	/* Regions need not be whole pages: one byte is enough. */
	plan.devices = &odd;
	ram[0].iova = (struct iommu_iova_range){ 0x1000, 0x1fff };
	ram[1].iova = (struct iommu_iova_range){ 0x4000, 0x4fff };
	clashes_are(&plan, bytes, 2);
	allowed_is(&plan, false, around, NR(around));
}

static void misaligned(void)
{
	struct plan_range ram[] = {
		{ { 0x10000, 0x1ffff }, "" }, { { 0x21000, 0x2ffff }, "" },
		{ { 0x30000, 0x30fff }, "" },
	};
	static const struct want want[] = {
		{ PLAN_ALIGNMENT, -1, 1, 0x21000, 0x2ffff, false },
		{ PLAN_ALIGNMENT, -1, 2, 0x30000, 0x30fff, false },
	};
	struct plan plan = { both, 1, ram, 3, 0x10000, false };

	clashes_are(&plan, want, 2);
	plan.alignment = 0;
	clashes_are(&plan, NULL, 0);
}

static void first_region(void)
{
	struct plan plan = { both, 2, clashing, 3, 1, false };

	check(plan_first_region(&plan, &both[0]) == &arm_regions[0],
	      "not the SW_MSI window");
	check(plan_first_region(&plan, &both[1]) == &x86_regions[0],
	      "not the lowest region");
	plan.ranges = fitting;
	plan.nr_ranges = 2;
	check(!plan_first_region(&plan, &both[1]), "a region without a clash");
}

static void allowed(void)
{
	static const struct iommu_iova_range all[] = {
		{ 0, 0x7ffffff }, { 0x8100000, 0xfedfffff },
		{ 0xfef00000, 0x7fffffffff },
	};
	static const struct iommu_iova_range nested[] = {
		{ 0, 0x7ffffff }, { 0x8100000, 0x7fffffffff },
	};
	static const struct iommu_iova_range arm_nested[] = {
		{ 0, 0x7ffffff }, { 0x8100000, 0xfffffffffff },
	};
	static const struct iommu_iova_range everything[] = { { 0, TOP } };
	struct plan plan = { both, 2, clashing, 3, 1, true };

	allowed_is(&plan, false, all, NR(all));
	allowed_is(&plan, true, nested, NR(nested));
	both[1].dev.aperture = false;
	both[1].nr_space = 0;
	allowed_is(&plan, true, arm_nested, NR(arm_nested));
	both[1].dev.aperture = true;
	both[1].nr_space = 1;
	plan.nr_devices = 0;
	allowed_is(&plan, false, everything, 1);
}

/* A map of @plan, printed with @print; to free. */
static char *drawn(const struct plan *plan,
		   void (*print)(FILE *, const struct map *), const char *title,
		   const char *subtitle)
{
	struct map map = { .title = title, .subtitle = subtitle };
	struct plan_segment *segments;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (!check_rc(plan_segments(plan, &segments, &map.nr), 0))
		return strdup("");
	map.segments = segments;
	out = open_memstream(&text, &size);
	print(out, &map);
	fclose(out);
	free(segments);
	return text;
}

#define LEGEND								\
	"\n# RAM   = named range   . left   x reserved   M SW_MSI window\n" \
	"~ out of reach of an IOMMU   ! clash\n"			\
	"Each line is one interval, the name of what clashes is below it; a bar grows\n" \
	"by one sign for 16 times the size.\n"

static void map_is(const struct plan *plan, const char *want)
{
	char *got = drawn(plan, map_text, "Title", "Subtitle");

	check(!strcmp(got, want), "got:\n%s", got);
	free(got);
}

static void map_fits(void)
{
	/* RAM is RAM, in however many ranges. */
	struct plan_range ranges[] = {
		{ { 0x10000000, 0x3fffffff }, "" },
		{ { 0x40000000, 0xbfffffff }, "" },
		{ { 0x100000000, 0x7fffffffff }, "" },
	};
	struct plan plan = { both, 2, ranges, 3, 1, false };

	map_is(&plan,
	       "Title\n"
	       "Subtitle\n"
	       "\n"
	       "START              LAST                     SIZE\n"
	       "0x0000000000000000 0x0000000007ffffff    128 MiB .....          left\n"
	       "0x0000000008000000 0x00000000080fffff      1 MiB MMM            SW_MSI window\n"
	       "0x0000000008100000 0x000000000fffffff    127 MiB .....          left\n"
	       "0x0000000010000000 0x00000000bfffffff    2.7 GiB ######         RAM\n"
	       "0x00000000c0000000 0x00000000fedfffff   1006 MiB ......         left\n"
	       "0x00000000fee00000 0x00000000feefffff      1 MiB xxx            reserved\n"
	       "0x00000000fef00000 0x00000000ffffffff     17 MiB .....          left\n"
	       "0x0000000100000000 0x0000007fffffffff    508 GiB ########       RAM\n"
	       "0x0000008000000000 0xffffffffffffffff   15.9 EiB ~~~~~~~~~~~~~~ out of reach\n"
	       LEGEND);
}

static void map_clashes(void)
{
	struct plan plan = { both, 2, clashing, 3, 1, false };

	map_is(&plan,
	       "Title\n"
	       "Subtitle\n"
	       "\n"
	       "START              LAST                     SIZE\n"
	       "0x0000000000000000 0x0000000007ffffff    128 MiB #####          RAM\n"
	       "0x0000000008000000 0x00000000080fffff      1 MiB !!!            CLASH: SW_MSI\n"
	       "0x0000000008100000 0x00000000bfffffff    2.8 GiB ......         left\n"
	       "0x00000000c0000000 0x00000000fedfffff   1006 MiB ######         RAM\n"
	       "0x00000000fee00000 0x00000000feefffff      1 MiB !!!            CLASH: reserved\n"
	       "0x00000000fef00000 0x00000000feffffff      1 MiB ###            RAM\n"
	       "0x00000000ff000000 0x00000000ffffffff     16 MiB ....           left\n"
	       "0x0000000100000000 0x0000007fffffffff    508 GiB ########       RAM\n"
	       "0x0000008000000000 0x000000fcffffffff    500 GiB !!!!!!!!       CLASH: no reach\n"
	       "0x000000fd00000000 0x000000fd00000fff      4 KiB !              CLASH: reserved\n"
	       "0x000000fd00001000 0xffffffffffffffff   15.9 EiB ~~~~~~~~~~~~~~ out of reach\n"
	       LEGEND);
}

static void map_narrow(void)
{
	static const char long_title[] =
		"a title longer than a line is, which has to be cut off where the line of 80 columns ends";
	struct plan_range ranges[] = {
		{ { 0, 0x7ffffff }, "ABCDEFGHIJKLMNOP" },
		{ { TOP - 0x43fffffefff, TOP }, "abcdefghijklmnop" },
	};
	struct plan plan = { both, 2, ranges, 2, 1, false };
	char *got = drawn(&plan, map_text, long_title, long_title);
	const char *line = got;

	check(strstr(got, " ABCDEFGHIJKLMNOP\n") &&
	      strstr(got, " abcdefghijklmnop\n"), "a name is missing:\n%s",
	      got);

	while (*line) {
		size_t len = strcspn(line, "\n");

		check(len <= 80, "%zu columns: %.*s", len, (int)len, line);
		for (size_t i = 0; i < len; i++)
			check(line[i] >= 0x20 && line[i] < 0x7f,
			      "not ASCII: %.*s", (int)len, line);
		line += len + (line[len] == '\n');
	}
	free(got);
}

/* Are these the bytes of one well-formed XML element, after a declaration? */
static bool well_formed(const char *text)
{
	char open[32][32];
	size_t depth = 0, elements = 0;

	if (strncmp(text, "<?xml ", 6))
		return false;
	text = strstr(text, "?>") + 2;
	for (; *text; text++) {
		bool empty = false, closing;
		size_t len;

		if (*text == '&') {
			len = strcspn(text, ";") + 1;
			if (strncmp(text, "&lt;", len) &&
			    strncmp(text, "&gt;", len) &&
			    strncmp(text, "&amp;", len) &&
			    strncmp(text, "&quot;", len))
				return false;
			continue;
		}
		if (*text == '>' || (!depth && *text != '<' && *text != '\n'))
			return false;
		if (*text != '<')
			continue;
		closing = *++text == '/';
		text += closing;
		len = strcspn(text, " />");
		if (!len || len >= sizeof(*open))
			return false;
		if (closing) {
			if (!depth || strncmp(open[--depth], text, len) ||
			    open[depth][len] || text[len] != '>')
				return false;
			text += len;
			continue;
		}
		if (depth == NR(open) || (!depth && elements++))
			return false;
		memcpy(open[depth], text, len);
		open[depth][len] = '\0';
		text += len;
		/* NAME="VALUE" any number of times */
		while (*text == ' ') {
			text += 1 + strcspn(text + 1, " <>=\"&");
			if (strncmp(text, "=\"", 2))
				return false;
			text += 2 + strcspn(text + 2, "<\"&");
			if (*text++ != '"')
				return false;
		}
		if (*text == '/') {
			empty = true;
			text++;
		}
		if (*text != '>')
			return false;
		depth += !empty;
	}
	return !depth && elements == 1;
}

static void svg(void)
{
	struct plan plan = { both, 2, clashing, 3, 1, false };
	char *got = drawn(&plan, map_svg, "a<b & \"c\">", "0000:00:03.0");

	check(well_formed("<?xml ?><a b=\"c\"><d/>e &amp;</a>") &&
	      !well_formed("<?xml ?><a><b></a></b>") &&
	      !well_formed("<?xml ?><a>&</a>") && !well_formed("<?xml ?><a>") &&
	      !well_formed("<?xml ?><a b=c/>") && !well_formed("<?xml ?><a/><a/>"),
	      "this test cannot tell");
	check(well_formed(got), "not well-formed:\n%s", got);
	check(strstr(got, "<title id=\"title\">a&lt;b &amp; &quot;c&quot;&gt;</title>"),
	      "no title");
	check(strstr(got, ">0000:00:03.0</text>"), "no subtitle");
	check(strstr(got, ">0x00000000fee00000 - 0x00000000feefffff</text>") &&
	      strstr(got, ">CLASH: reserved</text>") &&
	      strstr(got, "class=\"block clash\""), "the clash is not drawn");
	check(!strstr(got, "http://") ||
	      strstr(got, "http://") == strstr(got, "http://www.w3.org/2000/svg"),
	      "something is to be fetched");
	check(!strstr(strstr(got, "http://") + 1, "http"),
	      "something is to be fetched");
	free(got);
}

/*
 * A report from the field: four GPUs, each with a BAR of 128 GiB, on a machine
 * with an AMD IOMMU. The last BAR cannot be where it is, for the hole below 1 TiB.
 */
static void four_bars(void)
{
	static struct iommu_iova_range amd_space[] = { { 0, TOP } };
	struct plan_device amd = {
		{ "0000:01:00.0", "", "", 1, x86_regions, 2, NULL, 0, true },
		amd_space, 1, false,
	};
	struct plan_range bars[] = {
		{ { 0x8000000000, 0x9fffffffff }, "gpu0.bar2" },
		{ { 0xa000000000, 0xbfffffffff }, "gpu1.bar2" },
		{ { 0xc000000000, 0xdfffffffff }, "gpu2.bar2" },
		{ { 0xe000000000, 0xffffffffff }, "gpu3.bar2" },
	};
	static const struct want last[] = {
		{ PLAN_RESERVED, 0, 3, 0xfd00000000, 0xffffffffff, false },
	};
	struct plan plan = { &amd, 1, bars, 4, 1, false };
	char *got;

	clashes_are(&plan, last, 1);
	map_is(&plan,
	       "Title\n"
	       "Subtitle\n"
	       "\n"
	       "START              LAST                     SIZE\n"
	       "0x0000000000000000 0x00000000fedfffff    3.9 GiB ......         left\n"
	       "0x00000000fee00000 0x00000000feefffff      1 MiB xxx            reserved\n"
	       "0x00000000fef00000 0x0000007fffffffff  508.0 GiB ........       left\n"
	       "0x0000008000000000 0x0000009fffffffff    128 GiB ========       gpu0.bar2\n"
	       "0x000000a000000000 0x000000bfffffffff    128 GiB ========       gpu1.bar2\n"
	       "0x000000c000000000 0x000000dfffffffff    128 GiB ========       gpu2.bar2\n"
	       "0x000000e000000000 0x000000fcffffffff    116 GiB ========       gpu3.bar2\n"
	       "0x000000fd00000000 0x000000ffffffffff     12 GiB !!!!!!!        CLASH: reserved\n"
	       "                                                                gpu3.bar2\n"
	       "0x0000010000000000 0xffffffffffffffff   15.9 EiB .............. left\n"
	       LEGEND);
	got = drawn(&plan, map_svg, "Title", "Subtitle");
	check(well_formed(got), "not well-formed:\n%s", got);
	check(strstr(got, "<rect class=\"block named\" x=\"20\" y=\"220\"") &&
	      strstr(got, " y=\"248\">named range</text>\n"
			  "<text class=\"name\" x=\"760\" y=\"248\">gpu0.bar2</text>\n") &&
	      strstr(got, " y=\"389\">named range</text>\n"
			  "<text class=\"name\" x=\"760\" y=\"389\">gpu3.bar2</text>\n") &&
	      strstr(got, " y=\"435\">CLASH: reserved</text>\n"
			  "<text class=\"name\" x=\"760\" y=\"435\">gpu3.bar2</text>\n"),
	      "a range is not drawn with its name:\n%s", got);
	free(got);

	/* It can be there for a guest that always translates. */
	plan.nested = true;
	clashes_are(&plan, NULL, 0);
}

static const struct ktap_case cases[] = {
	{ "ranges are read", ranges_read },
	{ "what is not a range is refused", ranges_refused },
	{ "names are read", names_read },
	{ "what is no name is refused, and says why", names_refused },
	{ "JSON is read", json_read },
	{ "JSON with named ranges is read", json_named },
	{ "JSON that says something else is refused, with the line",
	  json_refused },
	{ "a layout is sorted, names and all, and may touch", layout_sorted },
	{ "ranges that overlap, end early, are no pages or share a name are refused",
	  layout_refused },
	{ "every clash is found, in order; fewer when nested", clashes_found },
	{ "RAM up to the edges of a region does not clash",
	  clashes_at_the_edges },
	{ "RAM has to be aligned as the IOMMUs need it", misaligned },
	{ "the region that the kernel has to name first", first_region },
	{ "what all devices can use", allowed },
	{ "the map of a layout that fits", map_fits },
	{ "the map of a layout that clashes", map_clashes },
	{ "the map is ASCII within 80 columns, whatever it shows",
	  map_narrow },
	{ "the SVG is well-formed, labelled and on its own", svg },
	{ "of four BARs the one over AMD's hole is named, in text and SVG",
	  four_bars },
};

int main(void)
{
	return ktap_run(cases, NR(cases));
}
