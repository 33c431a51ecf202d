// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU's "edu" PCI device through VFIO; see edu.h.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#include "edu.h"
#include "vfio.h"

#define EDU_VENDOR 0x1234
#define EDU_DEVICE 0x11e8

/* Registers in BAR 0: below 0x80 32 bits wide, from there 64. */
#define EDU_ID			0x00
#define EDU_ID_MASK		0xff
#define EDU_ID_VALUE		0xed
#define EDU_IRQ_RAISE		0x60
#define EDU_IRQ_ACKNOWLEDGE	0x64
#define EDU_DMA_SOURCE		0x80
#define EDU_DMA_DESTINATION	0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_COMMAND		0x98
#define EDU_DMA_START		0x1
#define EDU_DMA_TO_MEMORY	0x2

/* Where the device sees its own buffer. */
#define EDU_BUFFER_ADDRESS	0x40000

/* A transfer takes 100 ms of the machine's time; slow hosts get longer. */
#define EDU_TIMEOUT_MS		20000

static uint32_t get32(struct edu *edu, unsigned int reg)
{
	return *(volatile uint32_t *)(edu->bar + reg);
}

static void set32(struct edu *edu, unsigned int reg, uint32_t value)
{
	*(volatile uint32_t *)(edu->bar + reg) = value;
}

static uint64_t get64(struct edu *edu, unsigned int reg)
{
	return *(volatile uint64_t *)(edu->bar + reg);
}

static void set64(struct edu *edu, unsigned int reg, uint64_t value)
{
	*(volatile uint64_t *)(edu->bar + reg) = value;
}

bool edu_is(const char *address)
{
	return vfio_pci_number(address, "vendor") == EDU_VENDOR &&
	       vfio_pci_number(address, "device") == EDU_DEVICE;
}

int edu_find(char *address, size_t size)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	struct dirent *entry;
	int rc = -ENODEV;

	if (!dir)
		return -ENODEV;
	while (rc && (entry = readdir(dir))) {
		if (!edu_is(entry->d_name))
			continue;
		snprintf(address, size, "%s", entry->d_name);
		rc = 0;
	}
	closedir(dir);
	return rc;
}

int edu_open(struct edu *edu, int dev)
{
	void *bar;
	int rc;

	rc = vfio_enable(dev);
	if (rc)
		return rc;
	rc = vfio_map_bar(dev, 0, &bar, &edu->size);
	if (rc)
		return rc;
	edu->bar = bar;
	return (get32(edu, EDU_ID) & EDU_ID_MASK) == EDU_ID_VALUE ? 0 : -ENODEV;
}

void edu_close(struct edu *edu)
{
	munmap((void *)edu->bar, edu->size);
}

static int transfer(struct edu *edu, uint64_t source, uint64_t destination,
		    size_t len, uint64_t direction)
{
	struct timespec tick = { .tv_nsec = 5000000 };

	set64(edu, EDU_DMA_SOURCE, source);
	set64(edu, EDU_DMA_DESTINATION, destination);
	set64(edu, EDU_DMA_COUNT, len);
	/* The caller's writes to memory come before the device's reads of it. */
	__sync_synchronize();
	set64(edu, EDU_DMA_COMMAND, EDU_DMA_START | direction);
	for (int ms = 0; ms < EDU_TIMEOUT_MS; ms += 5) {
		if (!(get64(edu, EDU_DMA_COMMAND) & EDU_DMA_START)) {
			__sync_synchronize();
			return 0;
		}
		nanosleep(&tick, NULL);
	}
	return -ETIMEDOUT;
}

int edu_read(struct edu *edu, uint64_t iova, size_t len)
{
	return transfer(edu, iova, EDU_BUFFER_ADDRESS, len, 0);
}

int edu_write(struct edu *edu, uint64_t iova, size_t len)
{
	return transfer(edu, EDU_BUFFER_ADDRESS, iova, len, EDU_DMA_TO_MEMORY);
}

void edu_raise(struct edu *edu, uint32_t status)
{
	set32(edu, EDU_IRQ_RAISE, status);
}

void edu_acknowledge(struct edu *edu)
{
	set32(edu, EDU_IRQ_ACKNOWLEDGE, UINT32_MAX);
}
