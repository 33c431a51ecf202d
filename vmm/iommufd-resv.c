// SPDX-License-Identifier: GPL-2.0
/*
 * iommufd-resv: shows the reserved regions of the devices that are bound to
 * vfio-pci, and the IOVA left over. See iommufd-resv.1.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resv.h"
#include "show.h"
#include "vfio.h"

#define PCI_DEVICES "/sys/bus/pci/devices"

/* Exit codes; the manual page promises them. */
enum {
	EXIT_OK = 0,
	EXIT_ERROR = 1,		/* a device, or something else, failed */
	EXIT_USAGE = 2,
	EXIT_NO_CALL = 3,	/* kernel without IOMMU_RESV_IOVA_RANGES */
	EXIT_PERMISSION = 4,
	EXIT_NO_DEVICES = 5,	/* nothing is bound to vfio-pci */
};

static const char usage[] =
	"usage: iommufd-resv list [--json] [ADDRESS...]\n"
	"       iommufd-resv --help | --version\n";

static const char help[] =
	"\n"
	"Shows the reserved regions (IOVA that the device cannot use) of every PCI\n"
	"device bound to vfio-pci, or of those named (as 0000:00:03.0), and the IOVA\n"
	"left over. SW_MSI marks the window where the kernel maps the MSI doorbell.\n"
	"\n"
	"  --json     print JSON\n"
	"  -h, --help print this\n"
	"  --version  print the version\n"
	"\n"
	"Exit codes: 0 done, 1 a device could not be asked, 2 usage, 3 the kernel\n"
	"lacks IOMMU_RESV_IOVA_RANGES, 4 no permission, 5 no device is bound to\n"
	"vfio-pci. See iommufd-resv(1).\n";

static void complain(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

static void complain(const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "iommufd-resv: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

/* The last component of where a link in sysfs points to; "" if nowhere. */
static void link_name(const char *path, char *name, size_t size)
{
	char target[512], *last;
	ssize_t len = readlink(path, target, sizeof(target) - 1);

	*name = '\0';
	if (len < 0)
		return;
	target[len] = '\0';
	last = strrchr(target, '/');
	last = last ? last + 1 : target;
	if (strlen(last) < size)
		strcpy(name, last);
}

/*
 * Which IOMMU a device is behind, from sysfs. An IOMMU that is itself a device
 * names its driver there; the Intel and AMD drivers are known by the names
 * they give to their units.
 */
static void find_iommu(struct show_device *dev)
{
	char path[128];

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/iommu", dev->address);
	link_name(path, dev->iommu, sizeof(dev->iommu));
	snprintf(path, sizeof(path), PCI_DEVICES "/%s/iommu/device/driver",
		 dev->address);
	link_name(path, dev->iommu_driver, sizeof(dev->iommu_driver));
	if (*dev->iommu_driver)
		return;
	if (!strncmp(dev->iommu, "dmar", 4))
		strcpy(dev->iommu_driver, "intel-iommu");
	else if (!strncmp(dev->iommu, "ivhd", 4))
		strcpy(dev->iommu_driver, "amd-iommu");
}

static int complain_open(const char *address, int rc)
{
	switch (rc) {
	case -ENODEV:
		complain("%s: there is no such PCI device; lspci -D lists them",
			 address);
		return EXIT_ERROR;
	case -ENXIO:
		complain("%s: not bound to vfio-pci; write vfio-pci to " PCI_DEVICES
			 "/%s/driver_override, the address to driver/unbind there if it has a driver, and then to /sys/bus/pci/drivers_probe",
			 address, address);
		return EXIT_ERROR;
	case -ENOENT:
		complain("%s: its VFIO character device is missing; the kernel needs CONFIG_VFIO_DEVICE_CDEV, and /dev has to be a devtmpfs or kept by udev",
			 address);
		return EXIT_ERROR;
	case -EACCES:
	case -EPERM:
		complain("%s: no permission to open its VFIO character device; run this as root",
			 address);
		return EXIT_PERMISSION;
	}
	complain("%s: cannot open its VFIO character device: %s", address,
		 strerror(-rc));
	return EXIT_ERROR;
}

static int complain_bind(const char *address, int rc)
{
	switch (rc) {
	case -EBUSY:
		complain("%s: its IOMMU group is in use; close what uses VFIO there, and bind the group's other devices to vfio-pci or to no driver",
			 address);
		break;
	case -EINVAL:
		complain("%s: busy, another process has it open; stop that one (fuser -v /dev/vfio/devices/* names it)",
			 address);
		break;
	case -EPERM:
		complain("%s: its interrupts are not isolated from other devices; on a machine where that is acceptable, set the kernel parameter iommufd.allow_unsafe_interrupts=1",
			 address);
		break;
	default:
		complain("%s: cannot bind it to iommufd: %s; dmesg may say more",
			 address, strerror(-rc));
	}
	return EXIT_ERROR;
}

/*
 * Everything about one device. It stays bound to @iommufd until the program
 * ends, so that devices of one IOMMU group can be asked together.
 */
static int ask(int iommufd, const char *address, struct show_device *dev)
{
	static const struct iommu_iova_range all = { .last = UINT64_MAX };
	struct iommu_iova_range *space = NULL;
	size_t nr_space;
	int fd, rc;

	snprintf(dev->address, sizeof(dev->address), "%s", address);
	fd = vfio_pci_open(address);
	if (fd < 0)
		return complain_open(address, fd);
	rc = vfio_bind(fd, iommufd, &dev->dev_id);
	if (rc) {
		close(fd);
		return complain_bind(address, rc);
	}
	find_iommu(dev);

	rc = resv_query(iommufd, dev->dev_id, &dev->reserved,
			&dev->nr_reserved);
	if (rc == -EOPNOTSUPP) {
		complain("%s: the device has no IOMMU, so nothing translates its DMA and nothing is reserved",
			 address);
		return EXIT_ERROR;
	}
	if (rc) {
		complain("%s: IOMMU_RESV_IOVA_RANGES failed: %s", address,
			 strerror(-rc));
		return EXIT_ERROR;
	}

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

static int vfio_devices_only(const struct dirent *entry)
{
	char path[128];

	return *entry->d_name != '.' &&
	       !vfio_pci_cdev(entry->d_name, path, sizeof(path));
}

/* Every PCI device with a VFIO driver, in the order of their addresses. */
static int find_devices(char ***addresses, size_t *nr)
{
	struct dirent **entries;
	int found = scandir(PCI_DEVICES, &entries, vfio_devices_only,
			    alphasort);

	if (found < 0 && errno != ENOENT)
		return -errno;
	*nr = found < 0 ? 0 : found;
	*addresses = calloc(*nr + 1, sizeof(**addresses));
	if (!*addresses)
		return -ENOMEM;
	for (size_t i = 0; i < *nr; i++) {
		(*addresses)[i] = strdup(entries[i]->d_name);
		if (!(*addresses)[i])
			return -ENOMEM;
		free(entries[i]);
	}
	if (found >= 0)
		free(entries);
	return 0;
}

/* "00:03.0" as the kernel writes it: "0000:00:03.0". NULL: not an address. */
static char *full_address(const char *text)
{
	unsigned int domain = 0, bus, device, function;
	char *address;
	int end = 0;

	sscanf(text, "%x:%x:%x.%x%n", &domain, &bus, &device, &function, &end);
	if (!end) {
		domain = 0;
		sscanf(text, "%x:%x.%x%n", &bus, &device, &function, &end);
	}
	if (!end || text[end] || bus > 0xff || device > 0x1f || function > 7)
		return NULL;
	if (asprintf(&address, "%04x:%02x:%02x.%x", domain, bus, device,
		     function) < 0)
		return NULL;
	return address;
}

static int open_iommufd(int *iommufd)
{
	int rc;

	*iommufd = resv_open();
	switch (*iommufd) {
	case -EACCES:
	case -EPERM:
		complain("no permission to open /dev/iommu; run this as root");
		return EXIT_PERMISSION;
	case -ENOENT:
	case -ENODEV:
		complain("there is no /dev/iommu; load the module (modprobe iommufd), or boot a kernel with CONFIG_IOMMUFD");
		return EXIT_ERROR;
	}
	if (*iommufd < 0) {
		complain("cannot open /dev/iommu: %s", strerror(-*iommufd));
		return EXIT_ERROR;
	}

	rc = resv_has_query(*iommufd);
	if (rc < 0) {
		complain("/dev/iommu gave no sensible answer: %s; is it the kernel's?",
			 strerror(-rc));
		return EXIT_ERROR;
	}
	if (!rc) {
		complain("this kernel lacks IOMMU_RESV_IOVA_RANGES; boot one with the reserved-region patches");
		return EXIT_NO_CALL;
	}
	return EXIT_OK;
}

static int list(bool json, char **addresses, size_t nr)
{
	struct show_device *devices;
	size_t nr_devices = 0;
	int iommufd, status;

	/* An address that cannot be one is wrong on any kernel: say that first. */
	for (size_t i = 0; i < nr; i++) {
		char *address = full_address(addresses[i]);

		if (!address) {
			complain("%s: not a PCI address; write it as 0000:00:03.0",
				 addresses[i]);
			return EXIT_USAGE;
		}
		addresses[i] = address;
	}

	status = open_iommufd(&iommufd);
	if (status)
		return status;

	if (!nr) {
		int rc = find_devices(&addresses, &nr);

		if (rc) {
			complain("cannot read " PCI_DEVICES ": %s",
				 strerror(-rc));
			return EXIT_ERROR;
		}
	}
	if (!nr) {
		complain("no PCI device is bound to vfio-pci; bind one, iommufd-resv(1) shows how");
		if (json)
			show_json(stdout, NULL, 0);
		return EXIT_NO_DEVICES;
	}

	devices = calloc(nr, sizeof(*devices));
	if (!devices) {
		complain("out of memory");
		return EXIT_ERROR;
	}
	for (size_t i = 0; i < nr; i++) {
		int failed = ask(iommufd, addresses[i], &devices[nr_devices]);

		if (failed)
			status = failed;
		else
			nr_devices++;
	}
	if (json)
		show_json(stdout, devices, nr_devices);
	else
		show_text(stdout, devices, nr_devices);
	if (fflush(stdout) || ferror(stdout)) {
		complain("cannot write the output: %s", strerror(errno));
		return EXIT_ERROR;
	}
	return status;
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

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			printf("%s%s", usage, help);
			return EXIT_OK;
		case 'v':
			printf("iommufd-resv " VERSION "\n");
			return EXIT_OK;
		case 'j':
			json = true;
			break;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc) {
		complain("say what to do");
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[optind], "list")) {
		complain("%s: there is no such command", argv[optind]);
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	return list(json, argv + optind + 1, argc - optind - 1);
}
