/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QEMU's "edu" PCI device (docs/specs/edu.rst there), driven through VFIO: DMA
 * in both directions between IOVA and a buffer inside the device, and MSI.
 * 0 is success, a negative errno failure.
 */
#ifndef EDU_H
#define EDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes in the device's own buffer, the most that one transfer moves. */
#define EDU_BUFFER 4096

struct edu {
	volatile uint8_t *bar;
	size_t size;
};

/* Is the PCI device at this address an edu? */
bool edu_is(const char *address);

/* Finds the first edu of the machine. -ENODEV: there is none. */
int edu_find(char *address, size_t size);

/*
 * Maps the registers of an edu bound with vfio_bind() and lets it do DMA.
 * -ENODEV: it is not an edu.
 */
int edu_open(struct edu *edu, int dev);

/* Unmaps them; until then the device counts as open. */
void edu_close(struct edu *edu);

/*
 * Moves @len bytes from IOVA into the device, or from the device to IOVA.
 * -ETIMEDOUT: the device did not finish. Whether the bytes arrived is for the
 * caller to see in memory: the device does not notice a refused transfer.
 */
int edu_read(struct edu *edu, uint64_t iova, size_t len);
int edu_write(struct edu *edu, uint64_t iova, size_t len);

/* Raises the interrupt with a status other than 0, and takes it back. */
void edu_raise(struct edu *edu, uint32_t status);
void edu_acknowledge(struct edu *edu);

#endif
