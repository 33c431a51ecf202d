// SPDX-License-Identifier: GPL-2.0
/*
 * A device's reserved regions through iommufd; resv.h says what each function
 * does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "resv.h"

/* Room for the first try; few devices have more regions. */
#define FIRST_ROOM 16

int resv_ioctl(int fd, unsigned long request, void *cmd)
{
	int rc;

	do {
		rc = ioctl(fd, request, cmd);
	} while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

/*
 * Calls with an array of *@num elements of @size bytes at *@user, both fields of
 * @cmd, growing it until what the kernel has fits: the array is @out then.
 */
static int call_growing(int iommufd, unsigned long request, void *cmd,
			__u32 *num, __u64 *user, size_t size,
			void **out)
{
	uint32_t room = FIRST_ROOM;
	void *array = NULL;
	int rc;

	for (;;) {
		void *more = reallocarray(array, room, size);

		if (!more) {
			rc = -ENOMEM;
			break;
		}
		array = more;
		*num = room;
		*user = (uintptr_t)array;
		rc = resv_ioctl(iommufd, request, cmd);
		if (!rc) {
			*out = array;
			return 0;
		}
		if (rc != -EMSGSIZE || *num <= room)
			break;
		room = *num;
	}
	free(array);
	return rc;
}

int resv_open(void)
{
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* What an answer about an object that cannot exist says of the call itself. */
static int probe(int rc)
{
	if (rc == -ENOENT)
		return 1;
	if (rc == -ENOTTY)
		return 0;
	return rc < 0 ? rc : -EPROTO;
}

int resv_has_query(int iommufd)
{
	struct iommu_resv_iova_ranges cmd = { .size = sizeof(cmd) };

	return probe(resv_ioctl(iommufd, IOMMU_RESV_IOVA_RANGES, &cmd));
}

int resv_query(int iommufd, uint32_t dev_id,
	       struct iommu_resv_iova_range **regions, size_t *nr)
{
	struct iommu_resv_iova_ranges cmd = {
		.size = sizeof(cmd),
		.dev_id = dev_id,
	};
	void *array;
	int rc = call_growing(iommufd, IOMMU_RESV_IOVA_RANGES, &cmd,
			      &cmd.num_iovas, &cmd.resv_iovas,
			      sizeof(**regions), &array);

	if (!rc) {
		*regions = array;
		*nr = cmd.num_iovas;
	}
	return rc;
}

int resv_has_load(int iommufd)
{
	struct iommu_ioas_load_resv_iovas cmd = { .size = sizeof(cmd) };

	return probe(resv_ioctl(iommufd, IOMMU_IOAS_LOAD_RESV_IOVAS, &cmd));
}

int resv_ioas_load(int iommufd, uint32_t ioas_id, uint32_t dev_id,
		   struct iommu_iova_range *clash)
{
	struct iommu_ioas_load_resv_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas_id,
		.dev_id = dev_id,
	};
	int rc = resv_ioctl(iommufd, IOMMU_IOAS_LOAD_RESV_IOVAS, &cmd);

	if (rc == -EADDRINUSE && clash) {
		clash->start = cmd.out_clash_start;
		clash->last = cmd.out_clash_last;
	}
	return rc;
}

int resv_ioas_alloc(int iommufd, uint32_t *ioas_id)
{
	struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };
	int rc = resv_ioctl(iommufd, IOMMU_IOAS_ALLOC, &cmd);

	if (!rc)
		*ioas_id = cmd.out_ioas_id;
	return rc;
}

int resv_ioas_ranges(int iommufd, uint32_t ioas_id,
		     struct iommu_iova_range **ranges, size_t *nr,
		     uint64_t *alignment)
{
	struct iommu_ioas_iova_ranges cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas_id,
	};
	void *array;
	int rc = call_growing(iommufd, IOMMU_IOAS_IOVA_RANGES, &cmd,
			      &cmd.num_iovas, &cmd.allowed_iovas,
			      sizeof(**ranges), &array);

	if (!rc) {
		*ranges = array;
		*nr = cmd.num_iovas;
		if (alignment)
			*alignment = cmd.out_iova_alignment;
	}
	return rc;
}

int resv_ioas_allow(int iommufd, uint32_t ioas_id,
		    const struct iommu_iova_range *ranges, size_t nr)
{
	struct iommu_ioas_allow_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas_id,
		.num_iovas = nr,
		.allowed_iovas = (uintptr_t)ranges,
	};

	if (nr > UINT32_MAX)
		return -EINVAL;
	return resv_ioctl(iommufd, IOMMU_IOAS_ALLOW_IOVAS, &cmd);
}

int resv_hwpt_alloc(int iommufd, uint32_t dev_id, uint32_t ioas_id,
		    uint32_t flags, uint32_t *hwpt_id)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = dev_id,
		.pt_id = ioas_id,
	};
	int rc = resv_ioctl(iommufd, IOMMU_HWPT_ALLOC, &cmd);

	if (!rc)
		*hwpt_id = cmd.out_hwpt_id;
	return rc;
}

int resv_destroy(int iommufd, uint32_t id)
{
	struct iommu_destroy cmd = { .size = sizeof(cmd), .id = id };

	return resv_ioctl(iommufd, IOMMU_DESTROY, &cmd);
}

int resv_aperture(int iommufd, uint32_t dev_id,
		  struct iommu_iova_range **ranges, size_t *nr)
{
	uint32_t ioas_id, hwpt_id;
	int rc;

	rc = resv_ioas_alloc(iommufd, &ioas_id);
	if (rc)
		return rc;
	rc = resv_hwpt_alloc(iommufd, dev_id, ioas_id, 0, &hwpt_id);
	if (!rc) {
		rc = resv_ioas_ranges(iommufd, ioas_id, ranges, nr, NULL);
		resv_destroy(iommufd, hwpt_id);
	}
	resv_destroy(iommufd, ioas_id);
	return rc;
}

static int by_start(const void *a, const void *b)
{
	const struct iommu_iova_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static bool valid(const struct iommu_iova_range *ranges, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (ranges[i].last < ranges[i].start)
			return false;
	}
	return true;
}

int resv_subtract(const struct iommu_iova_range *from, size_t nr_from,
		  const struct iommu_iova_range *minus, size_t nr_minus,
		  struct iommu_iova_range **left, size_t *nr_left)
{
	struct iommu_iova_range *sorted, *out;
	size_t nr = 0;

	if (!valid(from, nr_from) || !valid(minus, nr_minus))
		return -EINVAL;

	/* Each range of @minus splits at most one range in two. */
	sorted = calloc(nr_minus + 1, sizeof(*sorted));
	out = calloc(nr_from + nr_minus + 1, sizeof(*out));
	if (!sorted || !out) {
		free(sorted);
		free(out);
		return -ENOMEM;
	}
	if (nr_minus)
		memcpy(sorted, minus, nr_minus * sizeof(*sorted));
	qsort(sorted, nr_minus, sizeof(*sorted), by_start);

	for (size_t i = 0; i < nr_from; i++) {
		uint64_t start = from[i].start, last = from[i].last;
		bool rest = true;

		for (size_t j = 0; rest && j < nr_minus; j++) {
			if (sorted[j].start > last)
				break;
			if (sorted[j].last < start)
				continue;
			if (sorted[j].start > start) {
				out[nr].start = start;
				out[nr++].last = sorted[j].start - 1;
			}
			/* No start after the end: it could be 2^64. */
			if (sorted[j].last >= last)
				rest = false;
			else
				start = sorted[j].last + 1;
		}
		if (rest) {
			out[nr].start = start;
			out[nr++].last = last;
		}
	}
	free(sorted);
	*left = out;
	*nr_left = nr;
	return 0;
}

int resv_left(const struct iommu_iova_range *space, size_t nr_space,
	      const struct iommu_resv_iova_range *regions, size_t nr_regions,
	      struct iommu_iova_range **left, size_t *nr_left)
{
	struct iommu_iova_range *minus = calloc(nr_regions + 1, sizeof(*minus));
	int rc;

	if (!minus)
		return -ENOMEM;
	for (size_t i = 0; i < nr_regions; i++) {
		minus[i].start = regions[i].start;
		minus[i].last = regions[i].last;
	}
	rc = resv_subtract(space, nr_space, minus, nr_regions, left, nr_left);
	free(minus);
	return rc;
}
