/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A PCI device through its VFIO character device (/dev/vfio/devices/vfioN):
 * finding it, binding it to an iommufd, attaching it, and its BARs and MSI.
 *
 * As in resv.h: 0 or what the comment says is success, a negative errno is
 * failure, nothing is printed or kept. A PCI address is written as the kernel
 * writes it, "0000:00:03.0".
 */
#ifndef VFIO_CDEV_H
#define VFIO_CDEV_H

#include <stddef.h>
#include <stdint.h>

/**
 * vfio_pci_cdev - The character device of a PCI device
 * @address: its PCI address
 * @path: out: "/dev/vfio/devices/vfioN"
 * @size: room in @path
 *
 * Reads /sys/bus/pci/devices/@address/vfio-dev.
 *
 * Return: 0; -ENODEV when there is no such PCI device, -ENXIO when it is not
 * bound to vfio-pci (or another VFIO driver), -ENAMETOOLONG.
 */
int vfio_pci_cdev(const char *address, char *path, size_t size);

/**
 * vfio_pci_number - A number from a file in a PCI device's folder in sysfs
 * @address: its PCI address
 * @name: "vendor", "device", "class" or another
 *
 * Return: the number; 0 when there is no such device or file.
 */
unsigned long vfio_pci_number(const char *address, const char *name);

/**
 * vfio_pci_open - Open the character device of a PCI device
 * @address: its PCI address
 *
 * Return: a file descriptor, closed on exec; the errors of vfio_pci_cdev() and
 * open(2): -ENOENT when the kernel has no VFIO character devices
 * (CONFIG_VFIO_DEVICE_CDEV), -EACCES when the caller may not open it.
 */
int vfio_pci_open(const char *address);

/**
 * vfio_pci_take - Bind a PCI device to the vfio-pci driver
 * @address: its PCI address
 *
 * Unbinds the driver it has, sets driver_override and probes again. Needs root.
 *
 * Return: 0, also when it is bound already; -ENODEV when there is no such PCI
 * device, -ENXIO when vfio-pci did not take it, errors of write(2).
 */
int vfio_pci_take(const char *address);

/**
 * vfio_bind - Bind a VFIO device to an iommufd
 * @dev: from vfio_pci_open()
 * @iommufd: an open /dev/iommu
 * @dev_id: out: the device's object id in @iommufd
 *
 * VFIO_DEVICE_BIND_IOMMUFD. Closing @dev undoes it.
 *
 * Return: 0; -EINVAL when @dev is bound or open elsewhere already, or when
 * firmware demands that a range is always mapped 1:1 for its IOMMU group; -EBUSY
 * when the group is in use, -EPERM when its interrupts are not isolated (see
 * iommufd.allow_unsafe_interrupts).
 */
int vfio_bind(int dev, int iommufd, uint32_t *dev_id);

/**
 * vfio_attach - Attach a bound device, or replace what it is attached to
 * @dev: bound with vfio_bind()
 * @pt_id: an IOAS or HWPT
 *
 * VFIO_DEVICE_ATTACH_IOMMUFD_PT.
 *
 * Return: 0; -EADDRINUSE when the IOAS has mappings where the device needs a
 * reserved region, -EINVAL when the HWPT does not suit the device.
 */
int vfio_attach(int dev, uint32_t pt_id);

/**
 * vfio_detach - Detach a device
 * @dev: bound with vfio_bind()
 *
 * VFIO_DEVICE_DETACH_IOMMUFD_PT.
 *
 * Return: 0, also when it was not attached.
 */
int vfio_detach(int dev);

/**
 * vfio_map_bar - Map a BAR into the caller's memory
 * @dev: bound with vfio_bind()
 * @bar: 0 to 5
 * @base: out: its first byte
 * @size: out: its size in bytes
 *
 * Return: 0; errors of ioctl(2) and mmap(2).
 */
int vfio_map_bar(int dev, unsigned int bar, void **base, size_t *size);

/**
 * vfio_enable - Let the device answer in memory space and master the bus
 * @dev: bound with vfio_bind()
 *
 * Return: 0; errors of ioctl(2), pread(2) and pwrite(2).
 */
int vfio_enable(int dev);

/**
 * vfio_set_msi - Signal the device's first MSI through an eventfd
 * @dev: bound with vfio_bind()
 * @eventfd: from eventfd(2); -1 turns MSI off
 *
 * Return: 0; errors of ioctl(2).
 */
int vfio_set_msi(int dev, int eventfd);

#endif
