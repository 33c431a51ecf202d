// SPDX-License-Identifier: GPL-2.0
/*
 * The command "iommufd-resv layout": can this guest memory layout stand next to
 * these devices? The answer is worked out from what the kernel says of each
 * device, then held against what the kernel makes of all of them together. Only
 * objects of its own are used: nothing is attached or mapped.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "map.h"
#include "plan.h"
#include "program.h"

/* A layout file bigger than this is something else. */
#define RAM_FILE_MAX (1 << 20)

const char layout_usage[] =
	"       iommufd-resv layout [--ram START-LAST]... [--range NAME=START-LAST]...\n"
	"                           [--ram-file FILE] [--nested] [--map | --json]\n"
	"                           [--svg FILE] [ADDRESS...]\n";

#define RANGE "0x%" PRIx64 "-0x%" PRIx64
#define RANGE_OF(r) (uint64_t)(r).start, (uint64_t)(r).last

struct options {
	bool json, map;
	const char *svg;
};

/* What the kernel and the arithmetic came to. */
struct result {
	struct plan_clash *clashes;
	size_t nr_clashes;
	struct iommu_iova_range *layout;	 /* the ranges without names */
	struct iommu_iova_range *allowed, *left; /* without, with them in it */
	size_t nr_allowed, nr_left;
	bool unknown;				 /* some device: not all */
};

/* Reading the arguments */

static int add_ranges(struct plan *plan, const struct plan_range *ranges,
		      size_t nr)
{
	void *more = reallocarray(plan->ranges, plan->nr_ranges + nr,
				  sizeof(*plan->ranges));

	if (!more) {
		complain("out of memory");
		return EXIT_ERROR;
	}
	plan->ranges = more;
	memcpy(plan->ranges + plan->nr_ranges, ranges, nr * sizeof(*ranges));
	plan->nr_ranges += nr;
	return EXIT_OK;
}

static int range_argument(struct plan *plan, bool named, const char *text)
{
	struct plan_range range;
	char why[PLAN_WHY_MAX];

	if (plan_parse_range(text, named, &range, why)) {
		complain("%s %s: %s", named ? "--range" : "--ram", text, why);
		return EXIT_USAGE;
	}
	return add_ranges(plan, &range, 1);
}

static int ram_file(struct plan *plan, const char *name)
{
	FILE *file = fopen(name, "re");
	struct plan_range *ranges;
	char why[PLAN_WHY_MAX];
	char *text = NULL;
	size_t len = 0, nr;
	int status;

	if (file)
		text = malloc(RAM_FILE_MAX);
	if (text)
		len = fread(text, 1, RAM_FILE_MAX, file);
	if (!text || ferror(file)) {
		complain("--ram-file %s: cannot read it: %s", name,
			 strerror(errno));
		status = EXIT_USAGE;
	} else if (len == RAM_FILE_MAX) {
		complain("--ram-file %s: too big for a memory layout", name);
		status = EXIT_USAGE;
	} else if (plan_parse_json(text, len, &ranges, &nr, why)) {
		complain("--ram-file %s: %s; write it as {\"ram\":[{\"start\":\"0x0\",\"last\":\"0xbfffffff\"},...]}",
			 name, why);
		status = EXIT_USAGE;
	} else {
		status = add_ranges(plan, ranges, nr);
		free(ranges);
	}
	free(text);
	if (file)
		fclose(file);
	return status;
}

/* EXIT_OK, another exit code after complaining, or -1 for help. */
static int read_arguments(int argc, char **argv, struct plan *plan,
			  struct options *opts)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "map", no_argument, NULL, 'm' },
		{ "nested", no_argument, NULL, 'n' },
		{ "ram", required_argument, NULL, 'r' },
		{ "ram-file", required_argument, NULL, 'f' },
		{ "range", required_argument, NULL, 'R' },
		{ "svg", required_argument, NULL, 's' },
		{ 0 },
	};
	char why[PLAN_WHY_MAX];
	int c, status = EXIT_OK;

	while (!status &&
	       (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			return -1;
		case 'j':
			opts->json = true;
			break;
		case 'm':
			opts->map = true;
			break;
		case 'n':
			plan->nested = true;
			break;
		case 'r':
			status = range_argument(plan, false, optarg);
			break;
		case 'R':
			status = range_argument(plan, true, optarg);
			break;
		case 'f':
			status = ram_file(plan, optarg);
			break;
		case 's':
			opts->svg = optarg;
			break;
		default:
			fprintf(stderr, "usage:\n%s", layout_usage);
			return EXIT_USAGE;
		}
	}
	if (status)
		return status;
	if (opts->json && opts->map) {
		complain("--json and --map both want standard output; use one, or --svg for the picture");
		return EXIT_USAGE;
	}
	if (plan_sort(plan->ranges, plan->nr_ranges, why)) {
		complain("%s", why);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

/* Asking the kernel */

static int failed(const char *what, int rc)
{
	complain("%s failed: %s; dmesg may say more", what, strerror(-rc));
	return EXIT_ERROR;
}

/*
 * Narrows an IOAS to what the IOMMU of a device can address as a stage 2, or
 * at least with a page table of its own.
 */
static int narrow(int iommufd, const struct plan_device *device, uint32_t ioas,
		  bool nest_parent, uint32_t *hwpt)
{
	return resv_hwpt_alloc(iommufd, device->dev.dev_id, ioas,
			       nest_parent ? IOMMU_HWPT_ALLOC_NEST_PARENT : 0,
			       hwpt);
}

static int find_space(int iommufd, struct plan_device *device)
{
	uint32_t ioas, hwpt;
	int rc, why_not;

	rc = resv_ioas_alloc(iommufd, &ioas);
	if (rc)
		return failed("IOMMU_IOAS_ALLOC", rc);
	device->nest_parent = true;
	why_not = narrow(iommufd, device, ioas, true, &hwpt);
	if (why_not) {
		device->nest_parent = false;
		why_not = narrow(iommufd, device, ioas, false, &hwpt);
	}
	if (why_not) {
		complain("%s: cannot find out what its IOMMU can address: IOMMU_HWPT_ALLOC failed: %s; dmesg may say more",
			 device->dev.address, strerror(-why_not));
	} else {
		rc = resv_ioas_ranges(iommufd, ioas, &device->space,
				      &device->nr_space, NULL);
		device->dev.aperture = !rc;
		resv_destroy(iommufd, hwpt);
	}
	resv_destroy(iommufd, ioas);
	return rc ? failed("IOMMU_IOAS_IOVA_RANGES", rc) : EXIT_OK;
}

static void print_ranges(const char *what,
			 const struct iommu_iova_range *ranges, size_t nr)
{
	fprintf(stderr, "  %s:", what);
	for (size_t i = 0; i < nr; i++)
		fprintf(stderr, " " RANGE, RANGE_OF(ranges[i]));
	fprintf(stderr, "\n");
}

/*
 * The kernel's view of all devices in one IOAS, as a VMM would set it up. It
 * has to be what was worked out device by device.
 */
static int compare_allowed(int iommufd, struct plan *plan)
{
	struct iommu_iova_range *kernel = NULL, *ours = NULL;
	uint32_t *hwpts = calloc(plan->nr_devices, sizeof(*hwpts));
	size_t nr_kernel, nr_ours, nr_hwpts = 0;
	const char *what = "IOMMU_IOAS_ALLOC";
	int rc, status = EXIT_OK;
	uint32_t ioas = 0;

	rc = hwpts ? resv_ioas_alloc(iommufd, &ioas) : -ENOMEM;
	for (size_t i = 0; !rc && i < plan->nr_devices; i++) {
		const struct plan_device *device = &plan->devices[i];

		what = "IOMMU_IOAS_LOAD_RESV_IOVAS";
		rc = resv_ioas_load(iommufd, ioas, device->dev.dev_id, NULL);
		if (rc || !device->dev.aperture)
			continue;
		what = "IOMMU_HWPT_ALLOC";
		rc = narrow(iommufd, device, ioas, device->nest_parent,
			    &hwpts[nr_hwpts]);
		nr_hwpts += !rc;
	}
	if (!rc) {
		what = "IOMMU_IOAS_IOVA_RANGES";
		rc = resv_ioas_ranges(iommufd, ioas, &kernel, &nr_kernel,
				      &plan->alignment);
	}
	if (!rc) {
		what = "working out what is left";
		rc = plan_allowed(plan, false, &ours, &nr_ours);
	}
	if (rc) {
		status = failed(what, rc);
	} else if (nr_kernel != nr_ours ||
		   memcmp(kernel, ours, nr_ours * sizeof(*ours))) {
		complain("internal error: with all devices loaded, IOMMU_IOAS_IOVA_RANGES is not what their regions leave; report this, with:");
		print_ranges("the kernel allows", kernel, nr_kernel);
		print_ranges("expected", ours, nr_ours);
		status = EXIT_ERROR;
	}
	free(kernel);
	free(ours);
	while (nr_hwpts)
		resv_destroy(iommufd, hwpts[--nr_hwpts]);
	free(hwpts);
	if (ioas)
		resv_destroy(iommufd, ioas);
	return status;
}

/*
 * With the layout put in first, loading a device has to fail exactly where the
 * layout meets a region, and to name that region.
 */
static int compare_clash(int iommufd, const struct plan *plan,
			 const struct iommu_iova_range *layout,
			 const struct plan_device *device)
{
	const struct iommu_resv_iova_range *want =
		plan_first_region(plan, device);
	struct iommu_iova_range clash = { 0, 0 };
	int rc, loaded, status = EXIT_OK;
	uint32_t ioas;

	rc = resv_ioas_alloc(iommufd, &ioas);
	if (rc)
		return failed("IOMMU_IOAS_ALLOC", rc);
	rc = resv_ioas_allow(iommufd, ioas, layout, plan->nr_ranges);
	if (rc) {
		status = failed("IOMMU_IOAS_ALLOW_IOVAS", rc);
	} else {
		loaded = resv_ioas_load(iommufd, ioas, device->dev.dev_id,
					&clash);
		if (loaded != (want ? -EADDRINUSE : 0) ||
		    (want && (clash.start != want->start ||
			      clash.last != want->last))) {
			complain("internal error: %s: IOMMU_IOAS_LOAD_RESV_IOVAS over the layout gave \"%s\" and " RANGE ", but the layout meets %s first; report this",
				 device->dev.address,
				 loaded ? strerror(-loaded) : "success",
				 RANGE_OF(clash), want ? "a region" : "none");
			if (want)
				complain("  (that region is " RANGE ")",
					 RANGE_OF(*want));
			status = EXIT_ERROR;
		}
	}
	resv_destroy(iommufd, ioas);
	return status;
}

static int work_out(int iommufd, struct plan *plan, struct result *result)
{
	int status, rc;

	result->layout = calloc(plan->nr_ranges + 1, sizeof(*result->layout));
	if (!result->layout)
		return failed("working out what is left", -ENOMEM);
	for (size_t i = 0; i < plan->nr_ranges; i++)
		result->layout[i] = plan->ranges[i].iova;

	status = compare_allowed(iommufd, plan);
	for (size_t i = 0; !status && i < plan->nr_devices; i++) {
		status = compare_clash(iommufd, plan, result->layout,
				       &plan->devices[i]);
		result->unknown |= !plan->devices[i].dev.aperture;
	}
	if (status)
		return status;

	rc = plan_clashes(plan, &result->clashes, &result->nr_clashes);
	if (!rc)
		rc = plan_allowed(plan, plan->nested, &result->allowed,
				  &result->nr_allowed);
	if (!rc)
		rc = resv_subtract(result->allowed, result->nr_allowed,
				   result->layout, plan->nr_ranges,
				   &result->left, &result->nr_left);
	return rc ? failed("working out what is left", rc) : EXIT_OK;
}

/* Saying it */

static const char *verdict(const struct plan *plan, const struct result *result)
{
	if (result->nr_clashes)
		return "clashes";
	if (result->unknown)
		return "unknown";
	return plan->nr_ranges ? "fits" : "empty";
}

static const char *hwpt_name(const struct plan_device *device)
{
	if (!device->dev.aperture)
		return "unknown";
	return device->nest_parent ? "nest-parent" : "paging";
}

static void say_verdict(FILE *out, const struct plan *plan,
			const struct result *result)
{
	const char *s = plan->nr_devices == 1 ? "" : "s";

	if (result->nr_clashes)
		fprintf(out, "The layout clashes with what %zu device%s need%s",
			plan->nr_devices, s, *s ? "" : "s");
	else if (result->unknown)
		fprintf(out, "Cannot tell whether the layout fits: not all is known");
	else if (!plan->nr_ranges)
		fprintf(out, "No RAM given; what %zu device%s leave%s", plan->nr_devices,
			s, *s ? "" : "s");
	else
		fprintf(out, "The layout fits %zu device%s", plan->nr_devices,
			s);
	if (plan->nested)
		fprintf(out, " (nested)");
}

static void text_range(FILE *out, int width, const char *what,
		       const struct iommu_iova_range *range)
{
	char size[SHOW_SIZE_MAX];

	show_size(size, range->start, range->last);
	fprintf(out, "  %-*s  0x%016" PRIx64 "  0x%016" PRIx64 "  %s\n", width,
		what, RANGE_OF(*range), size);
}

/* What is wrong with a range, as one sentence without a full stop. */
static void say_clash(FILE *out, const struct plan_clash *clash)
{
	const struct plan_device *device = clash->device;

	switch (clash->kind) {
	case PLAN_RESERVED:
		fprintf(out, "%s reserves " RANGE "%s", device->dev.address,
			RANGE_OF(clash->at), clash->sw_msi ? " (SW_MSI)" : "");
		break;
	case PLAN_APERTURE:
		/* To whoever maps there this looks just like a region. */
		fprintf(out, RANGE " is beyond what the IOMMU of %s translates (%s HWPT:",
			RANGE_OF(clash->at), device->dev.address,
			hwpt_name(device));
		for (size_t i = 0; i < device->nr_space; i++)
			fprintf(out, "%s " RANGE, i ? "," : "",
				RANGE_OF(device->space[i]));
		fprintf(out, "); that is its reach, not a reserved region");
		break;
	case PLAN_ALIGNMENT:
		fprintf(out, "not aligned to what the IOMMUs can map");
		break;
	}
}

static void print_text(FILE *out, const struct plan *plan,
		       const struct result *result)
{
	int width = strlen("left");

	for (size_t i = 0; i < plan->nr_ranges; i++) {
		int len = strlen(plan->ranges[i].name);

		width = len > width ? len : width;
	}
	say_verdict(out, plan, result);
	fprintf(out, ".\n");
	for (size_t i = 0; i < result->nr_clashes; i++) {
		const struct plan_clash *clash = &result->clashes[i];

		fprintf(out, "  clash: %s " RANGE ": ", plan_name(clash->range),
			RANGE_OF(clash->range->iova));
		say_clash(out, clash);
		fprintf(out, "\n");
	}

	fprintf(out, "\n");
	for (size_t i = 0; i < plan->nr_devices; i++) {
		const struct plan_device *device = &plan->devices[i];

		fprintf(out, "%s  dev_id %" PRIu32 "  %s  %s HWPT\n",
			device->dev.address, device->dev.dev_id,
			*device->dev.iommu_driver ? device->dev.iommu_driver :
						    "unknown IOMMU driver",
			hwpt_name(device));
	}
	fprintf(out, "\n  %-*s  %-18s  %-18s  %s\n", width, "", "START",
		"LAST", "SIZE");
	for (size_t i = 0; i < plan->nr_ranges; i++)
		text_range(out, width, plan_name(&plan->ranges[i]),
			   &plan->ranges[i].iova);
	for (size_t i = 0; i < result->nr_left; i++)
		text_range(out, width, "left", &result->left[i]);
	if (!result->nr_left)
		fprintf(out, "  %-*s  nothing\n", width, "left");
}

static void json_members(FILE *out, uint64_t start, uint64_t last)
{
	uint64_t size = last - start + 1;

	fprintf(out, "\"start\": \"0x%" PRIx64 "\", \"last\": \"0x%" PRIx64
		"\", \"size\": \"", start, last);
	if (size)
		fprintf(out, "0x%" PRIx64 "\"", size);
	else
		fprintf(out, "0x10000000000000000\"");
}

/* An array of ranges, the value of a member. */
static void json_ranges(FILE *out, const char *indent,
			const struct iommu_iova_range *ranges, size_t nr)
{
	fprintf(out, "[");
	for (size_t i = 0; i < nr; i++) {
		fprintf(out, "%s\n%s  { ", i ? "," : "", indent);
		json_members(out, ranges[i].start, ranges[i].last);
		fprintf(out, " }");
	}
	if (nr)
		fprintf(out, "\n%s", indent);
	fprintf(out, "]");
}

/* The same of the layout: the RAM, or what has a name. */
static void json_layout(FILE *out, const struct plan *plan, bool named)
{
	const char *between = "";

	fprintf(out, "[");
	for (size_t i = 0; i < plan->nr_ranges; i++) {
		const struct plan_range *range = &plan->ranges[i];

		if (named != !!*range->name)
			continue;
		fprintf(out, "%s\n    { ", between);
		between = ",";
		if (named) {
			fprintf(out, "\"name\": ");
			show_string(out, range->name);
			fprintf(out, ", ");
		}
		json_members(out, range->iova.start, range->iova.last);
		fprintf(out, " }");
	}
	fprintf(out, "%s]", *between ? "\n  " : "");
}

static void json_device(FILE *out, const struct plan_device *device)
{
	const struct show_device *dev = &device->dev;

	fprintf(out, "    {\n      \"address\": ");
	show_string(out, dev->address);
	fprintf(out, ",\n      \"iommu\": ");
	show_string(out, dev->iommu);
	fprintf(out, ",\n      \"iommu_driver\": ");
	show_string(out, dev->iommu_driver);
	fprintf(out, ",\n      \"dev_id\": %" PRIu32 ",\n      \"hwpt\": \"%s\",\n",
		dev->dev_id, hwpt_name(device));
	fprintf(out, "      \"aperture\": ");
	json_ranges(out, "      ", device->space, device->nr_space);
	fprintf(out, ",\n      \"reserved\": [");
	for (size_t i = 0; i < dev->nr_reserved; i++) {
		bool sw_msi = dev->reserved[i].flags & IOMMU_RESV_IOVA_SW_MSI;

		fprintf(out, "%s\n        { ", i ? "," : "");
		json_members(out, dev->reserved[i].start,
			     dev->reserved[i].last);
		fprintf(out, ", \"sw_msi\": %s }", sw_msi ? "true" : "false");
	}
	fprintf(out, "%s]\n    }", dev->nr_reserved ? "\n      " : "");
}

static void json_sentence(FILE *out, const struct plan_clash *clash)
{
	char *text = NULL;
	size_t size;
	FILE *sentence = open_memstream(&text, &size);

	if (sentence) {
		say_clash(sentence, clash);
		fclose(sentence);
	}
	show_string(out, text ? text : "");
	free(text);
}

static void json_clash(FILE *out, const struct plan_clash *clash)
{
	static const char *const kinds[] = {
		[PLAN_RESERVED] = "reserved",
		[PLAN_APERTURE] = "aperture",
		[PLAN_ALIGNMENT] = "alignment",
	};

	fprintf(out, "    {\n      \"kind\": \"%s\",\n      \"address\": ",
		kinds[clash->kind]);
	show_string(out, clash->device ? clash->device->dev.address : "");
	fprintf(out, ",\n      \"name\": ");
	show_string(out, clash->range->name);
	fprintf(out, ",\n      \"ram\": { ");
	json_members(out, clash->range->iova.start, clash->range->iova.last);
	fprintf(out, " },\n      \"with\": { ");
	json_members(out, clash->at.start, clash->at.last);
	fprintf(out, ", \"sw_msi\": %s },\n      \"text\": ",
		clash->sw_msi ? "true" : "false");
	json_sentence(out, clash);
	fprintf(out, "\n    }");
}

static void print_json(FILE *out, const struct plan *plan,
		       const struct result *result)
{
	fprintf(out, "{\n  \"format\": 1,\n  \"verdict\": \"%s\",\n"
		"  \"nested\": %s,\n  \"ram\": ", verdict(plan, result),
		plan->nested ? "true" : "false");
	json_layout(out, plan, false);
	fprintf(out, ",\n  \"ranges\": ");
	json_layout(out, plan, true);
	fprintf(out, ",\n  \"clashes\": [");
	for (size_t i = 0; i < result->nr_clashes; i++) {
		fprintf(out, "%s\n", i ? "," : "");
		json_clash(out, &result->clashes[i]);
	}
	fprintf(out, "%s],\n  \"allowed\": ", result->nr_clashes ? "\n  " : "");
	json_ranges(out, "  ", result->allowed, result->nr_allowed);
	fprintf(out, ",\n  \"left\": ");
	json_ranges(out, "  ", result->left, result->nr_left);
	fprintf(out, ",\n  \"devices\": [");
	for (size_t i = 0; i < plan->nr_devices; i++) {
		fprintf(out, "%s\n", i ? "," : "");
		json_device(out, &plan->devices[i]);
	}
	fprintf(out, "%s]\n}\n", plan->nr_devices ? "\n  " : "");
}

/* "0000:00:04.0, 0000:00:05.0 and 2 more" */
static void name_devices(char *buf, size_t size, const struct plan *plan)
{
	size_t shown = plan->nr_devices > 4 ? 3 : plan->nr_devices, used = 0;

	for (size_t i = 0; i < shown; i++)
		used += snprintf(buf + used, size - used, "%s%s",
				 i ? ", " : "", plan->devices[i].dev.address);
	if (shown < plan->nr_devices)
		snprintf(buf + used, size - used, " and %zu more",
			 plan->nr_devices - shown);
}

static int draw_svg(const char *name, const struct map *map)
{
	FILE *file = fopen(name, "we");
	int error = 0;

	if (!file)
		return errno;
	map_svg(file, map);
	if (ferror(file))
		error = errno ? errno : EIO;
	if (fclose(file) && !error)
		error = errno;
	return error;
}

/*
 * Drawn beside the file and renamed, so that the file is whole or as it was;
 * but what is there and is no file, such as /dev/stdout, is written to.
 */
static int write_svg(const char *name, const struct map *map)
{
	struct stat st;
	char *tmp;
	int error;

	if (!stat(name, &st) && !S_ISREG(st.st_mode)) {
		error = draw_svg(name, map);
	} else if (asprintf(&tmp, "%s.tmp.%d", name, (int)getpid()) < 0) {
		error = ENOMEM;
	} else {
		error = draw_svg(tmp, map);
		if (!error && rename(tmp, name))
			error = errno;
		if (error)
			unlink(tmp);
		free(tmp);
	}
	if (error)
		complain("--svg %s: cannot write it: %s", name,
			 strerror(error));
	return error ? EXIT_ERROR : EXIT_OK;
}

static int print_pictures(const struct plan *plan, const struct result *result,
			  const struct options *opts)
{
	char title[128] = "", subtitle[256];
	struct map map = { .title = title, .subtitle = subtitle };
	struct plan_segment *segments;
	int rc, status = EXIT_OK;
	FILE *text;

	rc = plan_segments(plan, &segments, &map.nr);
	if (rc)
		return failed("drawing the IOVA space", rc);
	map.segments = segments;
	text = fmemopen(title, sizeof(title), "w");
	if (text) {
		say_verdict(text, plan, result);
		fclose(text);
	}
	name_devices(subtitle, sizeof(subtitle), plan);
	if (opts->map) {
		printf("\n");
		map_text(stdout, &map);
	}
	if (opts->svg)
		status = write_svg(opts->svg, &map);
	free(segments);
	return status;
}

/* The devices that answer go into the plan; what the first that does not gave. */
static int ask_devices(int iommufd, char **addresses, size_t nr,
		       struct plan *plan)
{
	int status = EXIT_OK;

	plan->devices = calloc(nr, sizeof(*plan->devices));
	if (!plan->devices)
		return failed("asking the devices", -ENOMEM);
	for (size_t i = 0; i < nr; i++) {
		struct plan_device *device = &plan->devices[plan->nr_devices];
		int rc = ask(iommufd, addresses[i], &device->dev);

		if (!rc)
			rc = find_space(iommufd, device);
		if (!rc) {
			plan->nr_devices++;
			continue;
		}
		if (!status)
			status = rc;
		memset(device, 0, sizeof(*device));
	}
	return status;
}

int layout(int argc, char **argv)
{
	struct options opts = { 0 };
	struct plan plan = { 0 };
	struct result result = { 0 };
	int iommufd, status, not_asked, rc;
	char **addresses;
	size_t nr;

	status = read_arguments(argc, argv, &plan, &opts);
	if (status)
		return status;
	addresses = argv + optind;
	nr = argc - optind;
	status = check_addresses(addresses, nr);
	if (!status)
		status = open_iommufd(&iommufd);
	if (status)
		return status;
	rc = resv_has_load(iommufd);
	if (rc != 1) {
		complain("this kernel lacks IOMMU_IOAS_LOAD_RESV_IOVAS; boot one with all of the reserved-region patches");
		return EXIT_NO_CALL;
	}
	status = choose_devices(&addresses, &nr);
	if (status)
		return status;

	not_asked = ask_devices(iommufd, addresses, nr, &plan);
	if (!plan.nr_devices)
		return not_asked == EXIT_PERMISSION ? EXIT_PERMISSION :
						      EXIT_UNKNOWN;
	result.unknown = not_asked;
	status = work_out(iommufd, &plan, &result);
	if (status)
		return status;

	if (opts.json)
		print_json(stdout, &plan, &result);
	else
		print_text(stdout, &plan, &result);
	if (opts.map || opts.svg)
		status = print_pictures(&plan, &result, &opts);
	if (finish_output())
		status = EXIT_ERROR;
	if (status)
		return status;
	if (result.nr_clashes)
		return EXIT_CLASHES;
	return result.unknown ? EXIT_UNKNOWN : EXIT_OK;
}
