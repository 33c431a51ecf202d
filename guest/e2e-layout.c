// SPDX-License-Identifier: GPL-2.0
/*
 * End-to-end test of loading a device's regions ahead of time, and of the
 * command "iommufd-resv layout". Part of e2e.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "e2e.h"
#include "vfio.h"

/* The machines have a network interface here, in a group of its own. */
#define NIC "0000:00:05.0"

/* The IOAS with the regions loaded, and what it allows without and with them. */
static uint32_t ioas, hwpt;
static struct ranges before, loaded;

static uint64_t reach;		/* the last IOVA that the IOMMU can address */

/* What is below region @i and above the one before, as far as the IOMMU goes. */
static struct iommu_iova_range gap(size_t i)
{
	const struct iommu_resv_iova_range *regions = machine->regions;

	return (struct iommu_iova_range){
		.start = i ? regions[i - 1].last + 1 : 0,
		.last = i < machine->nr_regions ? regions[i].start - 1 : reach,
	};
}

static int load(struct iommu_iova_range *clash)
{
	return resv_ioas_load(guest.iommufd, ioas, guest.dev_id, clash);
}

static void allows(const char *what, const struct ranges *want)
{
	struct ranges now;

	if (guest_ranges(&guest, ioas, &now)) {
		ranges_same(what, &now, want);
		free(now.at);
	}
}

static void bind_again(void)
{
	need(guest_bind(&guest));
	need(check(resv_has_load(guest.iommufd) == 1, "no load"));
	need(check_rc(resv_ioas_alloc(guest.iommufd, &ioas), 0));
	check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id, ioas,
				 IOMMU_HWPT_ALLOC_NEST_PARENT, &hwpt),
		 machine->nest_parent ? 0 : -EOPNOTSUPP);
	need(machine->nest_parent ||
	     check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id, ioas, 0,
				      &hwpt),
		      0));
	need(guest_ranges(&guest, ioas, &before));
	ranges_diag("allowed before the load", &before);
	need(check(before.nr == 1 && before.at[0].start == 0,
		   "not one range from 0"));
	reach = before.at[0].last;
	check(!machine->reach || reach == machine->reach,
	      "not up to 0x%" PRIx64, machine->reach);
}

static void load_is_exact(void)
{
	struct iommu_iova_range gaps[sizeof(machine->regions) /
				     sizeof(*machine->regions) + 1];
	struct ranges lost, complement = { .at = gaps };

	need(check_rc(load(NULL), 0) &&
	     guest_ranges(&guest, ioas, &loaded) &&
	     ranges_lost(&before, &loaded, &lost));
	ranges_diag("allowed after the load", &loaded);
	ranges_same_regions("lost to the load", &lost, machine->regions,
			    machine->nr_regions);
	for (; complement.nr <= machine->nr_regions; complement.nr++)
		gaps[complement.nr] = gap(complement.nr);
	ranges_same("allowed after the load", &loaded, &complement);
	free(lost.at);
	for (int i = 0; i < 3; i++)
		check_rc(load(NULL), 0);
	allows("allowed after loading again", &loaded);
}

static void load_is_enforced(void)
{
	uint8_t *mem = guest_memory(2 * page);

	for (size_t i = 0; i < machine->nr_regions; i++) {
		struct iommu_iova_range range = gap(i);
		uint64_t start = machine->regions[i].start;
		uint64_t end = machine->regions[i].last + 1;

		cannot_map(ioas, &machine->regions[i]);
		check_rc(guest_map(&guest, ioas, start - page, mem, page), 0);
		check_rc(guest_map(&guest, ioas, end, mem + page, page), 0);
		check_rc(guest_unmap(&guest, ioas, start - page, page), 0);
		check_rc(guest_unmap(&guest, ioas, end, page), 0);
		range.last++;
		check_rc(resv_ioas_allow(guest.iommufd, ioas, &range, 1),
			 -EADDRINUSE);
		range.last--;
		check_rc(resv_ioas_allow(guest.iommufd, ioas, &range, 1), 0);
		check_rc(resv_ioas_allow(guest.iommufd, ioas, NULL, 0), 0);
	}
	munmap(mem, 2 * page);
}

static void load_and_attach(void)
{
	uint8_t *mem = guest_memory(2 * page);

	if (!check_rc(vfio_attach(guest.dev, hwpt), 0))
		return;
	allows("allowed while attached", &loaded);
	check_rc(load(NULL), 0);
	allows("allowed after loading while attached", &loaded);
	need(check_rc(edu_open(&guest.edu, guest.dev), 0));
	for (size_t i = 0; i < machine->nr_regions; i++) {
		uint64_t below = machine->regions[i].start - page;

		need(check_rc(guest_map(&guest, ioas, below, mem, 2 * page),
			      -EINVAL) &&
		     check_rc(guest_map(&guest, ioas, below - page, mem,
					2 * page), 0));
		guest_dma(&guest, below - page, mem, below, mem + page,
			  EDU_BUFFER);
		check_rc(guest_unmap(&guest, ioas, below - page, 2 * page), 0);
	}
	if (guest_msi_on(&guest)) {
		guest_msi(&guest, true);
		check_rc(vfio_set_msi(guest.dev, -1), 0);
	}
	check_rc(vfio_detach(guest.dev), 0);
	allows("allowed after the detach", &loaded);
	munmap(mem, 2 * page);
}

static void load_stays(void)
{
	uint32_t old = guest.dev_id;
	struct iommu_iova_range clash = { 1, 2 };

	edu_close(&guest.edu);
	guest.edu.bar = NULL;
	close(guest.dev);
	allows("allowed after the unbind", &loaded);
	check_rc(resv_ioas_load(guest.iommufd, ioas, old, &clash), -ENOENT);
	guest.dev = vfio_pci_open(guest.address);
	need(check(guest.dev >= 0, "open: %s", strerror(-guest.dev)) &&
	     check_rc(vfio_bind(guest.dev, guest.iommufd, &guest.dev_id), 0));
	check_rc(vfio_attach(guest.dev, ioas), 0);
	allows("allowed after binding and attaching again", &loaded);
	check_rc(vfio_detach(guest.dev), 0);
	check_rc(load(NULL), 0);
	allows("allowed after loading the device anew", &loaded);
}

static void let_go(void)
{
	check_rc(resv_destroy(guest.iommufd, hwpt), 0);
	check_rc(resv_destroy(guest.iommufd, ioas), 0);
}

static void clash_is(const struct iommu_resv_iova_range *region,
		     const char *what)
{
	struct iommu_iova_range clash = { 1, 2 };

	check_rc(load(&clash), -EADDRINUSE);
	check(clash.start == region->start && clash.last == region->last,
	      "%s: the clash named is 0x%" PRIx64 "-0x%" PRIx64, what,
	      (uint64_t)clash.start, (uint64_t)clash.last);
}

static void load_clashes(void)
{
	struct iommu_iova_range clash = { 1, 2 };
	void *mem = guest_memory(page);
	struct ranges all;

	need(check_rc(resv_ioas_alloc(guest.iommufd, &ioas), 0) &&
	     guest_ranges(&guest, ioas, &all));
	/* From the highest on, as it is the lowest that is named. */
	for (size_t i = machine->nr_regions; i--;) {
		uint64_t end = machine->regions[i].last + 1;

		check_rc(guest_map(&guest, ioas, end - page, mem, page), 0);
		clash_is(&machine->regions[i], "a mapping");
		allows("allowed after that", &all);
		check_rc(vfio_attach(guest.dev, ioas), -EADDRINUSE);
	}
	for (size_t i = 0; i < machine->nr_regions; i++) {
		uint64_t end = machine->regions[i].last + 1;

		check_rc(guest_unmap(&guest, ioas, end - page, page), 0);
	}

	for (size_t i = 0; i < machine->nr_regions; i++) {
		uint64_t end = machine->regions[i].last + 1;
		struct iommu_iova_range range = { end - page, end + page - 1 };

		check_rc(resv_ioas_allow(guest.iommufd, ioas, &range, 1), 0);
		clash_is(&machine->regions[i], "an allowed range");
	}
	check_rc(resv_ioas_allow(guest.iommufd, ioas, NULL, 0), 0);
	allows("allowed after that", &all);

	check_rc(load(&clash), 0);
	check(clash.start == 1 && clash.last == 2, "a clash with success");
	check_rc(resv_destroy(guest.iommufd, ioas), 0);
	free(all.at);
	munmap(mem, page);
}

/* The call itself, without the library: an error, and no clash. */
static void raw_load(uint32_t ioas_id, uint32_t dev_id, uint32_t reserved,
		     int want)
{
	struct iommu_ioas_load_resv_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas_id,
		.dev_id = dev_id,
		.__reserved = reserved,
	};

	check_rc(ioctl(guest.iommufd, IOMMU_IOAS_LOAD_RESV_IOVAS, &cmd) < 0 ?
			 -errno : 0, want);
	check(!cmd.out_clash_start && !cmd.out_clash_last, "a clash is named");
}

static void load_refused(void)
{
	need(check_rc(resv_ioas_alloc(guest.iommufd, &ioas), 0));
	raw_load(0, 0, 0, -ENOENT);
	raw_load(ioas, 0, 0, -ENOENT);
	raw_load(0, guest.dev_id, 0, -ENOENT);
	raw_load(ioas, ioas, 0, -ENOENT);
	raw_load(guest.dev_id, guest.dev_id, 0, -ENOENT);
	raw_load(ioas, guest.dev_id, 1, -EOPNOTSUPP);
	raw_load(ioas, guest.dev_id, 0, 0);
	check_rc(resv_destroy(guest.iommufd, ioas), 0);
	guest_unbind(&guest);
}

/* The program. Text to compare with, until the fourth next call: */
static char *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static char *text(const char *fmt, ...)
{
	static char buf[4][1024];
	static unsigned int next;
	char *at = buf[next++ % 4];
	va_list args;

	va_start(args, fmt);
	vsnprintf(at, sizeof(*buf), fmt, args);
	va_end(args);
	return at;
}

static const char *hwpt_name(void)
{
	return machine->nest_parent ? "nest-parent" : "paging";
}

/*
 * RAM for gap @i: all of it, but for a page at either end of the IOVA space. An
 * IOMMU may be able to map no less than a page of the kernel's.
 */
static struct iommu_iova_range ram(size_t i)
{
	struct iommu_iova_range range = gap(i);

	if (!i)
		range.start += page;
	if (i == machine->nr_regions)
		range.last -= page;
	return range;
}

/* A range as it is typed. */
static char *typed(struct iommu_iova_range range)
{
	return text("0x%" PRIx64 "-0x%" PRIx64, (uint64_t)range.start,
		    (uint64_t)range.last);
}

/* The program with such RAM in the gaps from @first on, and one more option. */
static char **with_ram(size_t first, char *option, char *value)
{
	static char *argv[16];
	size_t nr = 0;

	argv[nr++] = "iommufd-resv";
	argv[nr++] = "layout";
	/* The highest first: the program has to sort them. */
	for (size_t i = machine->nr_regions + 1; i-- > first;) {
		argv[nr++] = "--ram";
		argv[nr++] = typed(ram(i));
	}
	argv[nr++] = option;
	argv[nr++] = value;
	argv[nr] = NULL;
	return argv;
}

#define ROW "  %-4s  0x%016" PRIx64 "  0x%016" PRIx64 "  "
#define PAGE_ROW ROW "%zu KiB (%zu)\n"

static void layout_fits(void)
{
	const char *out = expect_output(0, with_ram(0, NULL, NULL));

	says(out, "The layout fits 1 device.\n\n");
	says(out, text("%s  dev_id 1  %s  %s HWPT\n", guest.address,
		       machine->iommu_driver, hwpt_name()));
	for (size_t i = 0; i <= machine->nr_regions; i++)
		says(out, text(ROW, "RAM", (uint64_t)ram(i).start,
			       (uint64_t)ram(i).last));
	says(out, text(PAGE_ROW, "left", (uint64_t)0, (uint64_t)page - 1,
		       page / 1024, page));
	says(out, text(PAGE_ROW, "left", reach - page + 1, reach, page / 1024,
		       page));
	check(!strstr(out, "clash"), "a clash is named");

	out = expect_output(0, (char *[]){ "iommufd-resv", "layout", NULL });
	says(out, "No RAM given; what 1 device leaves.\n");
	for (size_t i = 0; i <= machine->nr_regions; i++)
		says(out, text(ROW, "left", (uint64_t)gap(i).start,
			       (uint64_t)gap(i).last));
}

static void write_file(const char *name, const char *contents)
{
	FILE *file = fopen(name, "we");

	if (check(file, "%s: %s", name, strerror(errno))) {
		fputs(contents, file);
		fclose(file);
	}
}

static void layout_file(void)
{
	write_file("/ram.json", text("{ \"ram\": [\n"
		   "  { \"start\": \"0x%" PRIx64 "\", \"last\": \"0x%" PRIx64 "\" }\n"
		   "] }\n", (uint64_t)ram(0).start, (uint64_t)ram(0).last));
	expect_as(false, 0, "The layout fits 1 device.\n",
		  with_ram(1, "--ram-file", "/ram.json"));
	expect(2, "overlap", "layout", "--ram-file", "/ram.json", "--ram",
	       text("0-0x%zx", 2 * page - 1));
	write_file("/ram.json", "{ \"ram\": [\n] }\n");
	expect(2, "--ram-file /ram.json: line 2: { expected", "layout",
	       "--ram-file", "/ram.json");
	expect(2, "cannot read it: No such file", "layout", "--ram-file",
	       "/missing.json");
}

/* " (SW_MSI)", behind a region that is. */
static const char *mark(size_t i)
{
	return machine->regions[i].flags & IOMMU_RESV_IOVA_SW_MSI ?
		       " (SW_MSI)" : "";
}

/* RAM over a region and the gaps beside it, it alone, and a page at each end. */
static void layout_region(void)
{
	for (size_t i = 0; i < machine->nr_regions; i++) {
		uint64_t start = machine->regions[i].start;
		uint64_t last = machine->regions[i].last;
		const struct iommu_iova_range rams[] = {
			{ gap(i).start, gap(i + 1).last }, { start, last },
			{ start - page, start + page - 1 },
			{ last - page + 1, last + page },
		};

		for (size_t j = 0; j < sizeof(rams) / sizeof(*rams); j++) {
			char *range = typed(rams[j]);
			const char *out = expect_output(6, (char *[]){
				"iommufd-resv", "layout", "--ram", range, NULL });

			says(out, text("The layout clashes with what 1 device needs.\n"
				       "  clash: RAM %s: %s reserves 0x%" PRIx64
				       "-0x%" PRIx64 "%s\n\n", range,
				       guest.address, start, last, mark(i)));
		}
	}
}

/* What is said of the IOVA that the IOMMU does not reach. */
static char *beyond(void)
{
	return text("is beyond what the IOMMU of %s translates (%s HWPT: 0x0-0x%"
		    PRIx64 "); that is its reach, not a reserved region",
		    guest.address, hwpt_name(), reach);
}

static void layout_reach(void)
{
	uint64_t start = gap(machine->nr_regions).start;
	const char *out;
	char *lines;

	expect(0, "The layout fits", "layout", "--ram",
	       text("0x%" PRIx64 "-0x%" PRIx64, start, reach));
	if (reach != UINT64_MAX) {
		out = expect_output(6, (char *[]){
			"iommufd-resv", "layout", "--ram",
			text("0x%" PRIx64 "-0x%" PRIx64, start, reach + page),
			NULL });
		says(out, text("The layout clashes with what 1 device needs.\n"
			       "  clash: RAM 0x%" PRIx64 "-0x%" PRIx64
			       ": 0x%" PRIx64 "-0x%" PRIx64 " %s\n\n", start,
			       reach + page, reach + 1, reach + page,
			       beyond()));
	}

	/* Regions as well, in the order of the IOVA. */
	out = expect_output(6, (char *[]){
		"iommufd-resv", "layout", "--ram", "0-0xffffffffffffffff",
		NULL });
	lines = "The layout clashes with what 1 device needs.\n";
	for (size_t i = 0; i < machine->nr_regions; i++)
		lines = text("%s  clash: RAM 0x0-0xffffffffffffffff: %s reserves 0x%"
			     PRIx64 "-0x%" PRIx64 "%s\n", lines, guest.address,
			     (uint64_t)machine->regions[i].start,
			     (uint64_t)machine->regions[i].last, mark(i));
	if (reach != UINT64_MAX)
		lines = text("%s  clash: RAM 0x0-0xffffffffffffffff: 0x%" PRIx64
			     "-0xffffffffffffffff %s\n", lines, reach + 1,
			     beyond());
	says(out, text("%s\n", lines));
}

/* Pages of 4096 bytes are what a layout is made of, but not all IOMMUs map them. */
static void layout_alignment(void)
{
	char *range = typed((struct iommu_iova_range){ 0x1000, gap(0).last });

	if (page == 0x1000)
		expect(0, "The layout fits 1 device.\n", "layout", "--ram",
		       range);
	else
		expect(6, text("The layout clashes with what 1 device needs.\n"
			       "  clash: RAM %s: not aligned to what the IOMMUs can map\n\n",
			       range), "layout", "--ram", range);
	expect(2, "RAM 0x800-0xffff is not whole pages of 4096 bytes", "layout",
	       "--ram", "0x800-0xffff");
}

static void layout_nested(void)
{
	if (machine->regions[0].flags & IOMMU_RESV_IOVA_SW_MSI)
		expect(6, "The layout clashes with what 1 device needs (nested).\n  clash: ",
		       "layout", "--nested", "--ram", "0-0xffffffff");
	else
		expect(0, "The layout fits 1 device (nested).\n", "layout",
		       "--nested", "--ram", "0-0xffffffff");
}

static void layout_json(void)
{
	const char *out = expect_output(6, (char *[]){
		"iommufd-resv", "layout", "--json", "--ram", "0-0xffffffff",
		NULL });

	says(out, text("{\n  \"format\": 1,\n  \"verdict\": \"clashes\",\n"
		       "  \"nested\": false,\n  \"ram\": [\n    { \"start\": \"0x0\", \"last\": \"0xffffffff\", \"size\": \"0x100000000\" }\n  ],\n"
		       "  \"ranges\": [],\n"
		       "  \"clashes\": [\n    {\n      \"kind\": \"reserved\",\n"
		       "      \"address\": \"%s\",\n      \"name\": \"\",\n"
		       "      \"ram\": { \"start\": \"0x0\", \"last\": \"0xffffffff\", \"size\": \"0x100000000\" },\n"
		       "      \"with\": { \"start\": \"0x%" PRIx64 "\", \"last\": \"0x%"
		       PRIx64 "\", \"size\": \"0x100000\", \"sw_msi\": %s },\n"
		       "      \"text\": \"%s reserves 0x%" PRIx64 "-0x%" PRIx64
		       "%s\"\n    }\n  ],\n",
		       guest.address, (uint64_t)machine->regions[0].start,
		       (uint64_t)machine->regions[0].last,
		       *mark(0) ? "true" : "false", guest.address,
		       (uint64_t)machine->regions[0].start,
		       (uint64_t)machine->regions[0].last, mark(0)));
	says(out, text("\"hwpt\": \"%s\",\n      \"aperture\": [\n        { \"start\": \"0x0\", \"last\": \"0x%"
		       PRIx64 "\", ", hwpt_name(), reach));
	says(out, machine->json);
	expect(0, "\"verdict\": \"fits\",", "layout", "--json", "--ram",
	       typed(ram(0)));
	expect(0, "\"verdict\": \"empty\",", "layout", "--json");
}

static void layout_pictures(void)
{
	static char svg[65536];
	const char *out = expect_output(6, (char *[]){
		"iommufd-resv", "layout", "--map", "--svg", "/map.svg", "--ram",
		"0-0xffffffff", NULL });
	FILE *file = fopen("/map.svg", "re");

	says(out, text("0x%016" PRIx64 " 0x%016" PRIx64
		       "      1 MiB !!!            CLASH: %s\n",
		       (uint64_t)machine->regions[0].start,
		       (uint64_t)machine->regions[0].last,
		       *mark(0) ? "SW_MSI" : "reserved"));
	if (reach != UINT64_MAX)
		says(out, text("0x%016" PRIx64 " 0xffffffffffffffff   15.9 EiB ~~~~~~~~~~~~~~ out of reach\n",
			       reach + 1));
	else
		check(!strstr(out, "~~"), "something is out of reach");
	if (check(file, "/map.svg: %s", strerror(errno))) {
		svg[fread(svg, 1, sizeof(svg) - 1, file)] = '\0';
		fclose(file);
		for (size_t i = 0; i < machine->nr_regions; i++)
			says(svg, text(">0x%016" PRIx64 " - 0x%016" PRIx64
				       "</text>\n",
				       (uint64_t)machine->regions[i].start,
				       (uint64_t)machine->regions[i].last));
		says(svg, "</svg>\n");
	}
	for (; *out; out += strcspn(out, "\n") + 1)
		diag("  %.*s", (int)strcspn(out, "\n"), out);
	expect(0, "\n</svg>\n", "layout", "--svg", "/proc/self/fd/1");
	expect(1, "--svg /missing/map.svg: cannot write it: No such file",
	       "layout", "--svg", "/missing/map.svg");
}

/* One over the region and one above it, with RAM below. */
static void layout_named(void)
{
	uint64_t start = machine->regions[0].start, last = machine->regions[0].last;
	const char *what = *mark(0) ? "SW_MSI" : "reserved";
	char over[64], above[64], clash[256];
	const char *out;

	snprintf(over, sizeof(over), "over=0x%" PRIx64 "-0x%" PRIx64, start,
		 last);
	snprintf(above, sizeof(above), "above=0x%" PRIx64 "-0x%" PRIx64,
		 last + 1, last + page);
	snprintf(clash, sizeof(clash),
		 "The layout clashes with what 1 device needs.\n"
		 "  clash: over 0x%" PRIx64 "-0x%" PRIx64
		 ": %s reserves 0x%" PRIx64 "-0x%" PRIx64 "%s\n\n", start, last,
		 guest.address, start, last,
		 mark(0));
	out = expect_output(6, (char *[]){
		"iommufd-resv", "layout", "--map", "--range", above, "--ram",
		typed(ram(0)), "--range", over, NULL });
	says(out, clash);
	says(out, text("  RAM    0x%016" PRIx64 "  ", (uint64_t)page));
	says(out, text("  over   0x%016" PRIx64 "  0x%016" PRIx64
		       "  1 MiB (1048576)\n", start, last));
	says(out, text("  above  0x%016" PRIx64 "  0x%016" PRIx64 "  ",
		       last + 1, last + page));
	says(out, text("0x%016" PRIx64 " 0x%016" PRIx64
		       "      1 MiB !!!            CLASH: %s\n%68s\n", start,
		       last, what, "over"));
	says(out, " above\n");

	out = expect_output(6, (char *[]){
		"iommufd-resv", "layout", "--json", "--svg", "/map.svg",
		"--range", over, NULL });
	says(out, text("  \"ram\": [],\n  \"ranges\": [\n    { \"name\": \"over\", \"start\": \"0x%"
		       PRIx64 "\", \"last\": \"0x%" PRIx64
		       "\", \"size\": \"0x100000\" }\n  ],\n", start, last));
	says(out, text("      \"name\": \"over\",\n      \"ram\": { \"start\": \"0x%"
		       PRIx64 "\", ", start));
	expect(0, "\"verdict\": \"fits\",", "layout", "--json", "--range",
	       above);

	write_file("/ram.json", text("{ \"ram\": [ { \"start\": \"0x%zx\", \"last\": \"0x%"
		   PRIx64 "\" } ],\n  \"ranges\": [ { \"name\": \"over\", \"start\": \"0x%"
		   PRIx64 "\", \"last\": \"0x%" PRIx64 "\" } ] }\n", page,
		   start - 1, start, last));
	expect(6, clash, "layout", "--ram-file", "/ram.json");
}

static void layout_usage(void)
{
	char *nobody[] = { "iommufd-resv", "layout", NULL };

	expect(0, "usage: iommufd-resv list", "layout", "--help");
	expect(2, "usage:", "layout", "--colour");
	expect(2, "write a range as", "layout", "--ram", "4G");
	expect(2, "RAM 0x2000-0x1fff ends before it starts", "layout", "--ram",
	       "0x2000-0x1fff");
	expect(2, "iommufd-resv: RAM 0x0-0x1fff and RAM 0x1000-0x2fff overlap\n",
	       "layout", "--ram", "0x1000-0x2fff", "--ram", "0-0x1fff");
	expect(2, "iommufd-resv: --range 0-0xfff: write a named range as NAME=0x0-0xbfffffff\n",
	       "layout", "--range", "0-0xfff");
	expect(2, "iommufd-resv: --range =0-0xfff: the name is empty\n",
	       "layout", "--range", "=0-0xfff");
	expect(2, "iommufd-resv: --range b r=0-0xfff: a name has only letters, digits and . _ : - in it\n",
	       "layout", "--range", "b r=0-0xfff");
	expect(2, "iommufd-resv: --range abcdefghijklmnopq=0-0xfff: the name is longer than 16 characters\n",
	       "layout", "--range", "abcdefghijklmnopq=0-0xfff");
	expect(2, "iommufd-resv: --range left=0-0xfff: \"left\" means something else here; choose another name\n",
	       "layout", "--range", "left=0-0xfff");
	expect(2, "iommufd-resv: two ranges are called bar\n", "layout",
	       "--range", "bar=0-0xfff", "--range", "bar=0x1000-0x1fff");
	expect(2, "iommufd-resv: bar 0x0-0xfff and RAM 0x0-0x1fff overlap\n",
	       "layout", "--range", "bar=0-0xfff", "--ram", "0-0x1fff");
	expect(2, "RAM 0x0-0x1000 is not whole pages", "layout", "--ram",
	       "0-0x1000");
	expect(2, "both want standard output", "layout", "--json", "--map");
	expect(2, "not a PCI address", "layout", "eth0");
	expect_as(true, 4, "run this as root", nobody);
	/* A device that cannot be asked: the answer is open, unless it is no. */
	expect(7, "Cannot tell", "layout", guest.address, "0000:ff:1f.7");
	expect(7, "no such PCI device", "layout", "0000:ff:1f.7");
	expect(6, "The layout clashes", "layout", "--ram", "0-0xffffffff",
	       guest.address, "0000:ff:1f.7");
}

static void layout_devices(void)
{
	uint64_t start = machine->regions[0].start;
	uint64_t last = machine->regions[0].last;
	const char *out;

	if (!check_rc(vfio_pci_take(NIC), 0))
		return;
	out = expect_output(6, (char *[]){ "iommufd-resv", "layout", "--ram",
					   "0-0xffffffff", NULL });
	says(out, text("The layout clashes with what 2 devices need.\n"
		       "  clash: RAM 0x0-0xffffffff: %s reserves 0x%" PRIx64
		       "-0x%" PRIx64 "%s\n"
		       "  clash: RAM 0x0-0xffffffff: %s reserves 0x%" PRIx64
		       "-0x%" PRIx64 "%s\n\n", guest.address, start, last,
		       mark(0), NIC, start, last, mark(0)));
	expect_as(false, 0, "The layout fits 2 devices.\n",
		  with_ram(0, NULL, NULL));
	expect(0, "The layout fits 1 device.\n", "layout", "--ram",
	       typed(ram(0)), NIC);
	unbind_driver(NIC);
}

const struct ktap_case layout_cases[LAYOUT_CASES] = {
	{ "bind again; stage 2 is a nest parent where there can be one",
	  bind_again },
	{ "a load leaves exactly the complement, however often",
	  load_is_exact },
	{ "what is loaded can be neither mapped nor allowed",
	  load_is_enforced },
	{ "an attach afterwards succeeds, DMA and MSI work, a detach keeps it",
	  load_and_attach },
	{ "an unbind keeps what is loaded, and a new bind and attach work",
	  load_stays },
	{ "the IOAS can be freed with regions loaded", let_go },
	{ "a load over a mapping or an allowed range names the region",
	  load_clashes },
	{ "a load of or into what does not exist is refused", load_refused },
	{ "iommufd-resv layout: RAM that fits, and what is left", layout_fits },
	{ "iommufd-resv layout: RAM from a file", layout_file },
	{ "iommufd-resv layout: RAM over a region", layout_region },
	{ "iommufd-resv layout: RAM beyond what the IOMMU can address",
	  layout_reach },
	{ "iommufd-resv layout: RAM that is not aligned for the IOMMU",
	  layout_alignment },
	{ "iommufd-resv layout --nested: only SW_MSI counts", layout_nested },
	{ "iommufd-resv layout --json", layout_json },
	{ "iommufd-resv layout --map and --svg", layout_pictures },
	{ "iommufd-resv layout: named ranges, in text, map and JSON",
	  layout_named },
	{ "iommufd-resv layout names the causes of failure", layout_usage },
	{ "iommufd-resv layout: several devices", layout_devices },
};
