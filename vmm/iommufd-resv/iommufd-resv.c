// SPDX-License-Identifier: GPL-2.0
/*
 * iommufd-resv: shows the reserved regions of the devices that are bound to
 * vfio-pci, and the IOVA left over; with "layout" (layout.c), whether a guest
 * memory layout fits next to them. See iommufd-resv.1.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "resv.h"
#include "show.h"

static const char list_usage[] =
	"usage: iommufd-resv list [--json] [ADDRESS...]\n";
static const char other_usage[] =
	"       iommufd-resv --help | --version\n";

static const char help[] =
	"\n"
	"list shows the reserved regions (IOVA that the device cannot use) of every\n"
	"PCI device bound to vfio-pci, or of those named (as 0000:00:03.0), and the\n"
	"IOVA left over. SW_MSI marks the window where the kernel maps the MSI\n"
	"doorbell.\n"
	"\n"
	"layout says whether guest RAM, and what else a VMM maps, at the given IOVA\n"
	"fits the same devices, names each clash, and otherwise prints what is left.\n"
	"\n"
	"  --ram START-LAST  RAM, last byte included; may be repeated\n"
	"  --range NAME=START-LAST\n"
	"                    the same for something else, such as a BAR, with its name\n"
	"  --ram-file FILE   RAM and named ranges from JSON:\n"
	"                    {\"ram\":[{\"start\":\"0x0\",\"last\":\"0xbfffffff\"},...],\n"
	"                    \"ranges\":[{\"name\":\"bar\",\"start\":...,\"last\":...},...]}\n"
	"  --nested          the guest always translates: only SW_MSI windows count\n"
	"  --map             also draw the IOVA space\n"
	"  --svg FILE        the same as an SVG picture\n"
	"  --json            print JSON\n"
	"  -h, --help        print this\n"
	"  --version         print the version\n"
	"\n"
	"Exit codes: 0 done (layout: fits), 1 a device could not be asked, 2 usage,\n"
	"3 the kernel lacks IOMMU_RESV_IOVA_RANGES (layout: or\n"
	"IOMMU_IOAS_LOAD_RESV_IOVAS), 4 no permission, 5 no device is bound to\n"
	"vfio-pci, 6 the layout clashes, 7 cannot tell whether it does: something\n"
	"about a device could not be found out. See iommufd-resv(1).\n";

/* A device for the list: also what is left. */
static int ask_for_list(int iommufd, const char *address,
			struct show_device *dev)
{
	static const struct iommu_iova_range all = { .last = UINT64_MAX };
	struct iommu_iova_range *space = NULL;
	size_t nr_space;
	int rc = ask(iommufd, address, dev);

	if (rc)
		return rc;
	dev->aperture = !resv_aperture(iommufd, dev->dev_id, &space, &nr_space);
	rc = resv_left(dev->aperture ? space : &all,
		       dev->aperture ? nr_space : 1, dev->reserved,
		       dev->nr_reserved, &dev->left, &dev->nr_left);
	free(space);
	if (rc) {
		complain("%s: cannot work out the IOVA left over: %s", address,
			 strerror(-rc));
		return EXIT_ERROR;
	}
	return EXIT_OK;
}

static int list(bool json, char **addresses, size_t nr)
{
	struct show_device *devices;
	size_t nr_devices = 0;
	int iommufd, status;

	/* An address that cannot be one is wrong on any kernel: say that first. */
	status = check_addresses(addresses, nr);
	if (!status)
		status = open_iommufd(&iommufd);
	if (status)
		return status;

	status = choose_devices(&addresses, &nr);
	if (status == EXIT_NO_DEVICES && json)
		show_json(stdout, NULL, 0);
	if (status)
		return status;

	devices = calloc(nr, sizeof(*devices));
	if (!devices) {
		complain("out of memory");
		return EXIT_ERROR;
	}
	for (size_t i = 0; i < nr; i++) {
		int failed = ask_for_list(iommufd, addresses[i],
					  &devices[nr_devices]);

		if (failed)
			status = failed;
		else
			nr_devices++;
	}
	if (json)
		show_json(stdout, devices, nr_devices);
	else
		show_text(stdout, devices, nr_devices);
	return finish_output() ? EXIT_ERROR : status;
}

static void print_usage(FILE *out)
{
	fprintf(out, "%s%s%s", list_usage, layout_usage, other_usage);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "version", no_argument, NULL, 'v' },
		{ 0 },
	};
	bool json = false;
	int c;

	if (argc > 1 && !strcmp(argv[1], "layout")) {
		int status = layout(argc - 1, argv + 1);

		if (status == -1) {
			print_usage(stdout);
			fputs(help, stdout);
			return EXIT_OK;
		}
		return status;
	}
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			print_usage(stdout);
			fputs(help, stdout);
			return EXIT_OK;
		case 'v':
			printf("iommufd-resv " VERSION "\n");
			return EXIT_OK;
		case 'j':
			json = true;
			break;
		default:
			print_usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc) {
		complain("say what to do");
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[optind], "list")) {
		complain("%s: there is no such command", argv[optind]);
		print_usage(stderr);
		return EXIT_USAGE;
	}
	return list(json, argv + optind + 1, argc - optind - 1);
}
