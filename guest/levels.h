/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What L1 and L2 of machine "guest" agree on, and vm/boot with them.
 */
#ifndef LEVELS_H
#define LEVELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The two devices that L2 is given: vendor << 16 | device */
#define NVME_PCI_ID 0x1b360010
#define EDU_PCI_ID 0x123411e8

/* The PCI address of the first device of this id */
bool levels_find(uint32_t id, char *address, size_t size);

/* The NVMe's disk, of numbered lines (numbered.h), and how much L2 may write */
#define DISK_SIZE (16UL << 20)
#define DISK_SCRATCH (1UL << 20)

#endif
