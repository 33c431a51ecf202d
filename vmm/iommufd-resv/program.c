// SPDX-License-Identifier: GPL-2.0
/*
 * What the commands of iommufd-resv share; see program.h.
 */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program.h"
#include "resv.h"
#include "vfio.h"

#define PCI_DEVICES "/sys/bus/pci/devices"

void complain(const char *fmt, ...)
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

/*
 * The ranges that firmware wants mapped 1:1 whatever userspace does, as
 * "0x1000-0x1fff, 0x3000-0x3fff"; NULL if there are none. To free.
 *
 * @regions is the file in sysfs that nothing which uses iommufd should take a
 * device's regions from: it cannot tell SW_MSI from MSI, ends after a page, and
 * says nothing of what counts. But IOMMU_RESV_IOVA_RANGES is about a device that
 * is bound. Of one that cannot be, and why, only this file can tell.
 */
static char *direct_ranges(FILE *regions)
{
	unsigned long long start, last;
	char type[32], *text = NULL;
	const char *comma = "";
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	while (fscanf(regions, "%llx %llx %31s", &start, &last, type) == 3) {
		if (strcmp(type, "direct"))
			continue;
		fprintf(out, "%s0x%llx-0x%llx", comma, start, last);
		comma = ", ";
	}
	if (fclose(out) || !*text) {
		free(text);
		return NULL;
	}
	return text;
}

int complain_bind(const char *address, int rc, FILE *regions)
{
	char *direct;

	switch (rc) {
	case -EBUSY:
		complain("%s: its IOMMU group is in use; close what uses VFIO there, and bind the group's other devices to vfio-pci or to no driver",
			 address);
		break;
	case -EINVAL:
		direct = regions ? direct_ranges(regions) : NULL;
		if (direct)
			complain("%s: firmware demands a 1:1 mapping of %s for its IOMMU group, so the kernel does not let userspace own it; look for a firmware setting or update that takes the demand back (an RMR of the IORT on Arm, an RMRR of the DMAR on Intel, an IVMD of the IVRS on AMD), or use another device",
				 address, direct);
		else
			complain("%s: busy, another process has it open; stop that one (fuser -v /dev/vfio/devices/* names it)",
				 address);
		free(direct);
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

static int bind_failed(const char *address, int rc)
{
	char path[128];
	FILE *regions;

	snprintf(path, sizeof(path),
		 PCI_DEVICES "/%s/iommu_group/reserved_regions", address);
	regions = fopen(path, "re");
	rc = complain_bind(address, rc, regions);
	if (regions)
		fclose(regions);
	return rc;
}

int ask(int iommufd, const char *address, struct show_device *dev)
{
	int fd, rc;

	snprintf(dev->address, sizeof(dev->address), "%s", address);
	fd = vfio_pci_open(address);
	if (fd < 0)
		return complain_open(address, fd);
	rc = vfio_bind(fd, iommufd, &dev->dev_id);
	if (rc) {
		close(fd);
		return bind_failed(address, rc);
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

int open_iommufd(int *iommufd)
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

int check_addresses(char **addresses, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		char *address = full_address(addresses[i]);

		if (!address) {
			complain("%s: not a PCI address; write it as 0000:00:03.0",
				 addresses[i]);
			return EXIT_USAGE;
		}
		addresses[i] = address;
	}
	return EXIT_OK;
}

int choose_devices(char ***addresses, size_t *nr)
{
	if (!*nr) {
		int rc = find_devices(addresses, nr);

		if (rc) {
			complain("cannot read " PCI_DEVICES ": %s",
				 strerror(-rc));
			return EXIT_ERROR;
		}
	}
	if (!*nr) {
		complain("no PCI device is bound to vfio-pci; bind one, iommufd-resv(1) shows how");
		return EXIT_NO_DEVICES;
	}
	return EXIT_OK;
}

int finish_output(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		complain("cannot write the output: %s", strerror(errno));
		return EXIT_ERROR;
	}
	return EXIT_OK;
}
