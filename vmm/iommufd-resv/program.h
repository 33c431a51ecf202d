/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the commands of iommufd-resv share: exit codes, complaints, and getting
 * from the addresses on the command line to devices bound to iommufd.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdbool.h>

#include "show.h"

/* Exit codes; the manual page promises them. */
enum {
	EXIT_OK = 0,
	EXIT_ERROR = 1,		/* a device, or something else, failed */
	EXIT_USAGE = 2,
	EXIT_NO_CALL = 3,	/* kernel without the ioctls */
	EXIT_PERMISSION = 4,
	EXIT_NO_DEVICES = 5,	/* nothing is bound to vfio-pci */
	EXIT_CLASHES = 6,	/* layout: something where nothing can be */
	EXIT_UNKNOWN = 7,	/* layout: no clash seen, but not all is known */
};

/* One line on standard error: the cause, and what to do. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Writes addresses in full, in place. EXIT_OK; EXIT_USAGE: one cannot be one. */
int check_addresses(char **addresses, size_t nr);

/* /dev/iommu of a kernel with the query. EXIT_OK, or another after complaining. */
int open_iommufd(int *iommufd);

/*
 * With no addresses given (@nr is 0), those of all devices that have a VFIO
 * driver. EXIT_OK, or another after complaining.
 */
int choose_devices(char ***addresses, size_t *nr);

/*
 * Binds a device to @iommufd and asks for its regions: fills in all of @dev but
 * what is left. The device stays bound until the program ends, so that devices
 * of one IOMMU group can be asked together. EXIT_OK, or another after
 * complaining.
 */
int ask(int iommufd, const char *address, struct show_device *dev);

/*
 * Why a device cannot be bound, and what to do: @rc is what vfio_bind() gave,
 * @regions the file reserved_regions of its IOMMU group in sysfs, or NULL.
 * EXIT_ERROR. Only ask() has a use for it, and its test.
 */
int complain_bind(const char *address, int rc, FILE *regions);

/* Flushes standard output. EXIT_OK; EXIT_ERROR after complaining. */
int finish_output(void);

/*
 * The command "layout" (layout.c) with its arguments, @argv[0] being its name.
 * An exit code, or -1 if it is to print the help.
 */
int layout(int argc, char **argv);
extern const char layout_usage[];

#endif
