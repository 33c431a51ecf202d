// SPDX-License-Identifier: GPL-2.0
/*
 * For a guest without a shell: binds its edu, its Ethernet and its NVMe
 * devices to vfio-pci, then runs the command given.
 *
 *   vfio-take [-x CODE] COMMAND [ARGUMENT...]
 *
 * It becomes the command; with -x it succeeds only if the command ends with
 * that exit code.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edu.h"
#include "vfio.h"

/* The upper two bytes of a PCI class code. */
#define PCI_CLASS_STORAGE_EXPRESS	0x0108
#define PCI_CLASS_NETWORK_ETHERNET	0x0200

static int wanted(const struct dirent *entry)
{
	const char *address = entry->d_name;

	switch (vfio_pci_number(address, "class") >> 8) {
	case PCI_CLASS_STORAGE_EXPRESS:
	case PCI_CLASS_NETWORK_ETHERNET:
		return 1;
	}
	/* Its class says nothing, and is that of the virtio-iommu, too. */
	return edu_is(address);
}

/* Does the child end with exit code @want? */
static int wait_for(pid_t pid, int want)
{
	int status;

	if (waitpid(pid, &status, 0) < 0) {
		fprintf(stderr, "vfio-take: cannot wait for the command: %m\n");
		return 1;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == want)
		return 0;
	fprintf(stderr, "vfio-take: the command ended with status 0x%x, not with exit code %d\n",
		status, want);
	return 1;
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int nr, code = -1;

	if (argc > 3 && !strcmp(argv[1], "-x")) {
		code = atoi(argv[2]);
		argc -= 2;
		argv += 2;
	}
	if (argc < 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: vfio-take [-x CODE] COMMAND [ARGUMENT...]\n");
		return 2;
	}
	/* On a real machine this would take the network away. */
	if (!getenv("IOMMUFD_RESV_GUEST")) {
		fprintf(stderr, "vfio-take: this is not a guest of the test bed; run it through vm/boot\n");
		return 1;
	}
	nr = scandir("/sys/bus/pci/devices", &entries, wanted, alphasort);
	if (nr <= 0) {
		fprintf(stderr, "vfio-take: no edu, Ethernet or NVMe device found; is this the right machine, with /sys mounted?\n");
		return 1;
	}
	for (int i = 0; i < nr; i++) {
		int rc = vfio_pci_take(entries[i]->d_name);

		if (rc) {
			fprintf(stderr, "vfio-take: %s: vfio-pci does not take it: %s; the console may say more\n",
				entries[i]->d_name, strerror(-rc));
			return 1;
		}
	}
	if (code >= 0) {
		pid_t pid = fork();

		if (pid)
			return wait_for(pid, code);
	}
	execvp(argv[1], argv + 1);
	fprintf(stderr, "vfio-take: cannot run %s: %m\n", argv[1]);
	return 127;
}
