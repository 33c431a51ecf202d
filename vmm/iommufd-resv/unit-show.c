// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of what iommufd-resv prints: sizes, JSON strings and whole
 * answers. Prints KTAP.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"
#include "show.h"

#define TOP UINT64_MAX
#define NR(array) (sizeof(array) / sizeof(*(array)))

static void size_is(uint64_t start, uint64_t last, const char *want)
{
	char got[SHOW_SIZE_MAX];

	show_size(got, start, last);
	check(!strcmp(got, want), "got \"%s\", expected \"%s\"", got, want);
}

static void sizes(void)
{
	size_is(5, 5, "1 B");
	size_is(0, 1022, "1023 B");
	size_is(0, 1023, "1 KiB (1024)");
	size_is(0, 1024, "1.0 KiB (1025)");
	size_is(0, 1535, "1.5 KiB (1536)");
	size_is(0, 1048574, "1023.9 KiB (1048575)");
	size_is(0x8000000, 0x80fffff, "1 MiB (1048576)");
	size_is(0x8100000, 0xffffffffff, "1023.8 GiB (1099376361472)");
	size_is(0, 0xfffffffffffffff, "1 EiB (1152921504606846976)");
	size_is(0, TOP - 1, "15.9 EiB (18446744073709551615)");
	size_is(0, TOP, "16 EiB (18446744073709551616)");
}

/* What @print writes, as a string to free. */
static char *printed(void (*print)(FILE *))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	print(out);
	fclose(out);
	return text;
}

static void print_strings(FILE *out)
{
	show_string(out, "");
	show_string(out, "smmu3.0x0000000009050000");
	show_string(out, "a\"b\\c/d");
	show_string(out, "\n\t\x01\x7f\xc3\xa9");
}

static void strings(void)
{
	char *got = printed(print_strings);

	check(!strcmp(got, "\"\"\"smmu3.0x0000000009050000\"\"a\\\"b\\\\c/d\""
			   "\"\\u000a\\u0009\\u0001\\u007f\\u00c3\\u00a9\""),
	      "got %s", got);
	free(got);
}

static struct iommu_resv_iova_range some_regions[] = {
	{ 0x8000000, 0x80fffff, IOMMU_RESV_IOVA_SW_MSI, 0 },
	{ 0xfee00000, 0xfeefffff, 0, 0 },
};
static struct iommu_iova_range some_left[] = { { 0, 0x7ffffff } };
static struct iommu_iova_range all_left[] = { { 0, TOP } };

static const struct show_device devices[] = {
	{ "0000:00:03.0", "smmu3.0x0000000009050000", "arm-smmu-v3", 1,
	  some_regions, 2, some_left, 1, true },
	{ "0000:00:04.0", "", "", 2, NULL, 0, all_left, 1, false },
	{ "0000:00:05.0", "dmar0", "intel-iommu", 3, NULL, 0, NULL, 0, true },
};

static void print_json(FILE *out)
{
	show_json(out, devices, NR(devices));
}

static void print_empty_json(FILE *out)
{
	show_json(out, NULL, 0);
}

static void json(void)
{
	char *got = printed(print_json);

	check(!strcmp(got,
		"{\n"
		"  \"format\": 1,\n"
		"  \"devices\": [\n"
		"    {\n"
		"      \"address\": \"0000:00:03.0\",\n"
		"      \"iommu\": \"smmu3.0x0000000009050000\",\n"
		"      \"iommu_driver\": \"arm-smmu-v3\",\n"
		"      \"dev_id\": 1,\n"
		"      \"reserved\": [\n"
		"        { \"start\": \"0x8000000\", \"last\": \"0x80fffff\", \"size\": \"0x100000\", \"sw_msi\": true },\n"
		"        { \"start\": \"0xfee00000\", \"last\": \"0xfeefffff\", \"size\": \"0x100000\", \"sw_msi\": false }\n"
		"      ],\n"
		"      \"left\": [\n"
		"        { \"start\": \"0x0\", \"last\": \"0x7ffffff\", \"size\": \"0x8000000\" }\n"
		"      ],\n"
		"      \"left_of\": \"aperture\"\n"
		"    },\n"
		"    {\n"
		"      \"address\": \"0000:00:04.0\",\n"
		"      \"iommu\": \"\",\n"
		"      \"iommu_driver\": \"\",\n"
		"      \"dev_id\": 2,\n"
		"      \"reserved\": [],\n"
		"      \"left\": [\n"
		"        { \"start\": \"0x0\", \"last\": \"0xffffffffffffffff\", \"size\": \"0x10000000000000000\" }\n"
		"      ],\n"
		"      \"left_of\": \"64-bit\"\n"
		"    },\n"
		"    {\n"
		"      \"address\": \"0000:00:05.0\",\n"
		"      \"iommu\": \"dmar0\",\n"
		"      \"iommu_driver\": \"intel-iommu\",\n"
		"      \"dev_id\": 3,\n"
		"      \"reserved\": [],\n"
		"      \"left\": [],\n"
		"      \"left_of\": \"aperture\"\n"
		"    }\n"
		"  ]\n"
		"}\n"), "got %s", got);
	free(got);

	got = printed(print_empty_json);
	check(!strcmp(got, "{\n  \"format\": 1,\n  \"devices\": []\n}\n"),
	      "got %s", got);
	free(got);
}

static void print_text(FILE *out)
{
	show_text(out, devices, NR(devices));
}

static void text(void)
{
	char *got = printed(print_text);

	check(!strcmp(got,
		"0000:00:03.0  dev_id 1  arm-smmu-v3 (smmu3.0x0000000009050000)\n"
		"            START               LAST                MARK    SIZE\n"
		"  reserved  0x0000000008000000  0x00000000080fffff  SW_MSI  1 MiB (1048576)\n"
		"  reserved  0x00000000fee00000  0x00000000feefffff  -       1 MiB (1048576)\n"
		"  left      0x0000000000000000  0x0000000007ffffff          128 MiB (134217728)\n"
		"\n"
		"0000:00:04.0  dev_id 2  unknown IOMMU driver\n"
		"            START               LAST                MARK    SIZE\n"
		"  reserved  nothing\n"
		"  left      0x0000000000000000  0xffffffffffffffff          16 EiB (18446744073709551616)\n"
		"  (left of all 64 bits: what the IOMMU can translate is not known)\n"
		"\n"
		"0000:00:05.0  dev_id 3  intel-iommu (dmar0)\n"
		"            START               LAST                MARK    SIZE\n"
		"  reserved  nothing\n"
		"  left      nothing\n"), "got %s", got);
	free(got);
}

static const struct ktap_case cases[] = {
	{ "sizes are exact and rounded down", sizes },
	{ "JSON strings are escaped", strings },
	{ "JSON as the manual page has it", json },
	{ "text as the manual page has it", text },
};

int main(void)
{
	return ktap_run(cases, NR(cases));
}
