// SPDX-License-Identifier: GPL-2.0
/*
 * A PCI device through its VFIO character device; vfio.h says what each
 * function does.
 */
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "resv.h"
#include "vfio.h"

#define PCI_DEVICES "/sys/bus/pci/devices"

/* "/sys/bus/pci/devices/ADDRESS/NAME"; addresses with a slash are refused. */
static int sysfs_path(char *path, size_t size, const char *address,
		      const char *name)
{
	int len;

	if (!*address || strchr(address, '/') || !strcmp(address, ".") ||
	    !strcmp(address, ".."))
		return -ENODEV;
	len = snprintf(path, size, PCI_DEVICES "/%s/%s", address, name);
	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

int vfio_pci_cdev(const char *address, char *path, size_t size)
{
	char dirname[PATH_MAX];
	struct dirent *entry;
	DIR *dir;
	int rc;

	rc = sysfs_path(dirname, sizeof(dirname), address, "");
	if (rc)
		return rc;
	if (access(dirname, F_OK))
		return -ENODEV;

	rc = sysfs_path(dirname, sizeof(dirname), address, "vfio-dev");
	if (rc)
		return rc;
	dir = opendir(dirname);
	if (!dir)
		return errno == ENOENT ? -ENXIO : -errno;
	rc = -ENXIO;
	while ((entry = readdir(dir))) {
		int len;

		/* "vfio0", or "noiommu-vfio0" for a device without an IOMMU. */
		if (!strstr(entry->d_name, "vfio"))
			continue;
		len = snprintf(path, size, "/dev/vfio/devices/%s",
			       entry->d_name);
		rc = len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
		break;
	}
	closedir(dir);
	return rc;
}

unsigned long vfio_pci_number(const char *address, const char *name)
{
	char path[PATH_MAX], text[32] = "";
	FILE *file;

	if (sysfs_path(path, sizeof(path), address, name))
		return 0;
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(text, sizeof(text), file))
		*text = '\0';
	fclose(file);
	return strtoul(text, NULL, 0);
}

int vfio_pci_open(const char *address)
{
	char path[PATH_MAX];
	int rc, fd;

	rc = vfio_pci_cdev(address, path, sizeof(path));
	if (rc)
		return rc;
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

int vfio_pci_take(const char *address)
{
	char path[PATH_MAX];
	int rc;

	rc = vfio_pci_cdev(address, path, sizeof(path));
	if (rc != -ENXIO)
		return rc;

	rc = sysfs_path(path, sizeof(path), address, "driver/unbind");
	if (rc)
		return rc;
	rc = write_file(path, address);
	if (rc && rc != -ENOENT)
		return rc;

	rc = sysfs_path(path, sizeof(path), address, "driver_override");
	if (rc)
		return rc;
	rc = write_file(path, "vfio-pci");
	if (rc)
		return rc;
	rc = write_file("/sys/bus/pci/drivers_probe", address);
	if (rc)
		return rc;
	return vfio_pci_cdev(address, path, sizeof(path));
}

int vfio_bind(int dev, int iommufd, uint32_t *dev_id)
{
	struct vfio_device_bind_iommufd cmd = {
		.argsz = sizeof(cmd),
		.iommufd = iommufd,
	};
	int rc;

	rc = resv_ioctl(dev, VFIO_DEVICE_BIND_IOMMUFD, &cmd);
	if (!rc)
		*dev_id = cmd.out_devid;
	return rc;
}

int vfio_attach(int dev, uint32_t pt_id)
{
	struct vfio_device_attach_iommufd_pt cmd = {
		.argsz = sizeof(cmd),
		.pt_id = pt_id,
	};

	return resv_ioctl(dev, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);
}

int vfio_detach(int dev)
{
	struct vfio_device_detach_iommufd_pt cmd = {
		.argsz = sizeof(cmd),
	};

	return resv_ioctl(dev, VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

int vfio_map_bar(int dev, unsigned int bar, void **base, size_t *size)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_BAR0_REGION_INDEX + bar,
	};
	void *map;
	int rc;

	rc = resv_ioctl(dev, VFIO_DEVICE_GET_REGION_INFO, &info);
	if (rc)
		return rc;
	map = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, dev,
		   info.offset);
	if (map == MAP_FAILED)
		return -errno;
	*base = map;
	*size = info.size;
	return 0;
}

int vfio_enable(int dev)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	uint16_t command;
	int rc;

	rc = resv_ioctl(dev, VFIO_DEVICE_GET_REGION_INFO, &info);
	if (rc)
		return rc;
	if (pread(dev, &command, sizeof(command), info.offset + PCI_COMMAND) !=
	    sizeof(command))
		return errno ? -errno : -EIO;
	command |= htole16(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	if (pwrite(dev, &command, sizeof(command), info.offset + PCI_COMMAND) !=
	    sizeof(command))
		return errno ? -errno : -EIO;
	return 0;
}

int vfio_set_msi(int dev, int eventfd)
{
	union {
		struct vfio_irq_set set;
		char bytes[sizeof(struct vfio_irq_set) + sizeof(int)];
	} cmd = {
		.set = {
			.argsz = sizeof(cmd),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSI_IRQ_INDEX,
			.count = 1,
		},
	};

	if (eventfd < 0) {
		cmd.set.argsz = sizeof(cmd.set);
		cmd.set.flags = VFIO_IRQ_SET_DATA_NONE |
				VFIO_IRQ_SET_ACTION_TRIGGER;
		cmd.set.count = 0;
	} else {
		memcpy(cmd.set.data, &eventfd, sizeof(eventfd));
	}
	return resv_ioctl(dev, VFIO_DEVICE_SET_IRQS, &cmd);
}
