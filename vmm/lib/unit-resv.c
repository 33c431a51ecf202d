// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of the library: subtracting ranges and, with a stand-in for the
 * kernel, how the calls grow, retry and fail. Prints KTAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ktap.h"
#include "resv.h"

#define TOP UINT64_MAX
#define NR(array) (sizeof(array) / sizeof(*(array)))

/* resv_subtract(@from, @minus) is exactly @want; lists of start, last. */
static void subtract(const uint64_t *from, size_t nr_from,
		     const uint64_t *minus, size_t nr_minus,
		     const uint64_t *want, size_t nr_want)
{
	struct iommu_iova_range a[8], b[8], *left;
	bool same;
	size_t nr;

	for (size_t i = 0; i < nr_from; i++)
		a[i / 2] = (struct iommu_iova_range){ from[i & ~1UL], from[i] };
	for (size_t i = 0; i < nr_minus; i++)
		b[i / 2] =
			(struct iommu_iova_range){ minus[i & ~1UL], minus[i] };
	if (!check_rc(resv_subtract(a, nr_from / 2, b, nr_minus / 2, &left,
				    &nr),
		      0))
		return;
	same = nr == nr_want / 2;
	for (size_t i = 0; same && i < nr; i++)
		same = left[i].start == want[2 * i] &&
		       left[i].last == want[2 * i + 1];
	if (!check(same, "not what was expected")) {
		for (size_t i = 0; i < nr; i++)
			diag("0x%llx - 0x%llx", (long long)left[i].start,
			     (long long)left[i].last);
	}
	free(left);
}

#define LIST(...) (uint64_t[]){ __VA_ARGS__ }, NR(((uint64_t[]){ __VA_ARGS__ }))
#define NONE NULL, 0

static void nothing_from_something(void)
{
	subtract(LIST(0, TOP), NONE, LIST(0, TOP));
	subtract(LIST(10, 19, 30, 30), NONE, LIST(10, 19, 30, 30));
	subtract(NONE, NONE, NONE);
	subtract(NONE, LIST(0, 9), NONE);
}

static void in_the_middle(void)
{
	subtract(LIST(0, TOP), LIST(0x8000000, 0x80fffff),
		 LIST(0, 0x7ffffff, 0x8100000, TOP));
	subtract(LIST(10, 19), LIST(15, 15), LIST(10, 14, 16, 19));
}

static void at_the_edges(void)
{
	subtract(LIST(10, 19), LIST(10, 10), LIST(11, 19));
	subtract(LIST(10, 19), LIST(19, 19), LIST(10, 18));
	subtract(LIST(10, 19), LIST(0, 10), LIST(11, 19));
	subtract(LIST(10, 19), LIST(19, 40), LIST(10, 18));
	subtract(LIST(10, 19), LIST(0, 9), LIST(10, 19));
	subtract(LIST(10, 19), LIST(20, 40), LIST(10, 19));
	subtract(LIST(10, 10), LIST(10, 10), NONE);
}

static void at_zero_and_top(void)
{
	subtract(LIST(0, TOP), LIST(0, 0), LIST(1, TOP));
	subtract(LIST(0, TOP), LIST(TOP, TOP), LIST(0, TOP - 1));
	subtract(LIST(0, TOP), LIST(0, 0, TOP, TOP), LIST(1, TOP - 1));
	subtract(LIST(0, TOP), LIST(0, TOP), NONE);
	subtract(LIST(TOP, TOP), LIST(TOP, TOP), NONE);
	subtract(LIST(0, 9), LIST(0, TOP), NONE);
}

static void unordered_and_overlapping(void)
{
	subtract(LIST(0, 99), LIST(60, 69, 20, 29), LIST(0, 19, 30, 59, 70, 99));
	subtract(LIST(0, 99), LIST(20, 59, 30, 39), LIST(0, 19, 60, 99));
	subtract(LIST(0, 99), LIST(30, 49, 20, 39), LIST(0, 19, 50, 99));
	subtract(LIST(0, 99), LIST(20, 29, 20, 29), LIST(0, 19, 30, 99));
	subtract(LIST(0, 99), LIST(20, 29, 30, 39), LIST(0, 19, 40, 99));
	subtract(LIST(0, 99), LIST(20, TOP, 0, 10), LIST(11, 19));
}

static void several_ranges(void)
{
	subtract(LIST(0, 9, 20, 29, 40, 49), LIST(5, 44), LIST(0, 4, 45, 49));
	subtract(LIST(0, 9, 20, 29, 40, 49), LIST(22, 23, 45, 45),
		 LIST(0, 9, 20, 21, 24, 29, 40, 44, 46, 49));
	subtract(LIST(0, 9, 20, 29, 40, 49), LIST(10, 19, 30, 39),
		 LIST(0, 9, 20, 29, 40, 49));
	subtract(LIST(0, 9, 10, 19), LIST(5, 5), LIST(0, 4, 6, 9, 10, 19));
}

static void bad_ranges(void)
{
	struct iommu_iova_range good = { 1, 2 }, bad = { 2, 1 };
	struct iommu_iova_range *left = &good;
	struct iommu_resv_iova_range bad_region = { 2, 1, 0, 0 };
	size_t nr = 77;

	check_rc(resv_subtract(&bad, 1, &good, 1, &left, &nr), -EINVAL);
	check_rc(resv_subtract(&good, 1, &bad, 1, &left, &nr), -EINVAL);
	check_rc(resv_left(&good, 1, &bad_region, 1, &left, &nr), -EINVAL);
	check(left == &good && nr == 77, "outputs were written to");
}

static void regions(void)
{
	const struct iommu_iova_range space = { 0, 0xffffffffff };
	const struct iommu_resv_iova_range list[] = {
		{ 0x8000000, 0x80fffff, IOMMU_RESV_IOVA_SW_MSI, 0 },
		{ 0xfd00000000, TOP, 0, 0 },
		{ 0xfee00000, 0xfeefffff, 0, 0 },
	};
	static const struct iommu_iova_range want[] = {
		{ 0, 0x7ffffff },
		{ 0x8100000, 0xfedfffff },
		{ 0xfef00000, 0xfcffffffff },
	};
	struct iommu_iova_range *left;
	size_t nr;

	if (!check_rc(resv_left(&space, 1, list, 3, &left, &nr), 0))
		return;
	check(nr == 3 && !memcmp(left, want, sizeof(want)),
	      "not what was expected: %zu ranges", nr);
	free(left);
}

static void many(void)
{
	struct iommu_resv_iova_range *list = calloc(1000, sizeof(*list));
	const struct iommu_iova_range space = { 0, TOP };
	struct iommu_iova_range *left;
	bool same;
	size_t nr;

	/* From the last to the first: 0x1000, 0x3000, ... one page each. */
	for (uint64_t i = 0; i < 1000; i++) {
		list[999 - i].start = 0x1000 + i * 0x2000;
		list[999 - i].last = list[999 - i].start + 0xfff;
	}
	if (!check_rc(resv_left(&space, 1, list, 1000, &left, &nr), 0))
		return;
	same = nr == 1001 && left[1000].start == 1000 * 0x2000 &&
	       left[1000].last == TOP;
	for (uint64_t i = 0; same && i < 1000; i++)
		same = left[i].start == i * 0x2000 &&
		       left[i].last == i * 0x2000 + 0xfff;
	check(same, "not what was expected: %zu ranges", nr);
	free(left);
	free(list);
}

static struct iommu_resv_iova_range some_regions[] = {
	{ 0x8000000, 0x80fffff, IOMMU_RESV_IOVA_SW_MSI, 0 },
	{ 0xfee00000, 0xfeefffff, 0, 0 },
};

/*
 * A stand-in for the kernel behind the file descriptor FAKE: ioctl() below
 * takes the place of the C library's.
 */
#define FAKE 1000

static struct {
	uint32_t nr;		/* regions or ranges it has */
	uint32_t more;		/* how many come up after the next answer */
	int interrupts;		/* calls that are interrupted first */
	int probe_errno;	/* answer to a query about dev_id 0; 0: success */
	int hwpt_errno;		/* likewise for IOMMU_HWPT_ALLOC */
	int ranges_errno;	/* and for IOMMU_IOAS_IOVA_RANGES */
	int load_errno;		/* and for IOMMU_IOAS_LOAD_RESV_IOVAS */
	bool lies;		/* says EMSGSIZE with a total that fits */
	int calls;
	int objects;		/* allocated and not destroyed */
} fake;

static int answer(int error)
{
	errno = error;
	return error ? -1 : 0;
}

/* Fills what fits of @nr elements 2 MiB apart, each 4 KiB long. */
static int fill(uint32_t *num, uint64_t array, size_t element)
{
	uint32_t room = *num;

	*num = fake.nr;
	fake.nr += fake.more;
	fake.more = 0;
	for (uint64_t i = 0; i < *num && i < room; i++) {
		struct iommu_iova_range range = { i << 21, (i << 21) + 0xfff };

		memset((char *)(uintptr_t)array + i * element, 0, element);
		memcpy((char *)(uintptr_t)array + i * element, &range,
		       sizeof(range));
	}
	if (fake.lies)
		*num = room;
	return answer(*num > room || fake.lies ? EMSGSIZE : 0);
}

int ioctl(int fd, unsigned long request, ...)
{
	struct iommu_resv_iova_ranges *query;
	struct iommu_ioas_load_resv_iovas *load;
	struct iommu_ioas_iova_ranges *ranges;
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (fd != FAKE)
		return syscall(SYS_ioctl, fd, request, arg);

	fake.calls++;
	if (fake.interrupts) {
		fake.interrupts--;
		return answer(EINTR);
	}
	switch (request) {
	case IOMMU_RESV_IOVA_RANGES:
		query = arg;
		if (!query->dev_id)
			return answer(fake.probe_errno);
		return fill(&query->num_iovas, query->resv_iovas,
			    sizeof(struct iommu_resv_iova_range));
	case IOMMU_IOAS_IOVA_RANGES:
		ranges = arg;
		ranges->out_iova_alignment = 4096;
		if (fake.ranges_errno)
			return answer(fake.ranges_errno);
		return fill(&ranges->num_iovas, ranges->allowed_iovas,
			    sizeof(struct iommu_iova_range));
	case IOMMU_IOAS_LOAD_RESV_IOVAS:
		load = arg;
		if (load->size != sizeof(*load) || load->__reserved)
			return answer(EINVAL);
		if (!load->dev_id && !load->ioas_id)
			return answer(fake.probe_errno);
		if (load->ioas_id != 7 || load->dev_id != 9)
			return answer(ENOENT);
		load->out_clash_start = 0x8000000;
		load->out_clash_last = 0x80fffff;
		return answer(fake.load_errno);
	case IOMMU_HWPT_ALLOC:
		if (fake.hwpt_errno)
			return answer(fake.hwpt_errno);
		fake.objects++;
		return 0;
	case IOMMU_IOAS_ALLOC:
		fake.objects++;
		return 0;
	case IOMMU_DESTROY:
		fake.objects--;
		return 0;
	}
	return answer(ENOTTY);
}

static void probe_with(int (*has)(int iommufd))
{
	memset(&fake, 0, sizeof(fake));
	fake.probe_errno = ENOENT;
	check(has(FAKE) == 1, "ENOENT does not count as yes");
	fake.probe_errno = ENOTTY;
	check(has(FAKE) == 0, "ENOTTY does not count as no");
	fake.probe_errno = EACCES;
	check_rc(has(FAKE), -EACCES);
	fake.probe_errno = 0;
	check_rc(has(FAKE), -EPROTO);
}

static void probe(void)
{
	probe_with(resv_has_query);
	probe_with(resv_has_load);
}

static void load_clashes(void)
{
	struct iommu_iova_range clash = { 1, 2 };

	memset(&fake, 0, sizeof(fake));
	check_rc(resv_ioas_load(FAKE, 7, 9, &clash), 0);
	check_rc(resv_ioas_load(FAKE, 9, 7, &clash), -ENOENT);
	fake.load_errno = ENOMEM;
	check_rc(resv_ioas_load(FAKE, 7, 9, &clash), -ENOMEM);
	check(clash.start == 1 && clash.last == 2, "output was written to");
	fake.load_errno = EADDRINUSE;
	check_rc(resv_ioas_load(FAKE, 7, 9, NULL), -EADDRINUSE);
	check_rc(resv_ioas_load(FAKE, 7, 9, &clash), -EADDRINUSE);
	check(clash.start == 0x8000000 && clash.last == 0x80fffff,
	      "not the clash the kernel named");
}

static void query_gives(uint32_t want, int want_calls)
{
	struct iommu_resv_iova_range *regions;
	bool same;
	size_t nr;

	fake.calls = 0;
	if (!check_rc(resv_query(FAKE, 1, &regions, &nr), 0))
		return;
	same = nr == want;
	for (uint64_t i = 0; same && i < nr; i++)
		same = regions[i].start == i << 21 &&
		       regions[i].last == (i << 21) + 0xfff;
	check(same, "got %zu regions, expected %u", nr, want);
	check(fake.calls == want_calls, "%d calls, expected %d", fake.calls,
	      want_calls);
	free(regions);
}

static void query_grows(void)
{
	memset(&fake, 0, sizeof(fake));
	query_gives(0, 1);
	fake.nr = 16;
	query_gives(16, 1);
	fake.nr = 17;
	query_gives(17, 2);
	fake.nr = 1000;
	query_gives(1000, 2);
	fake.nr = 17;
	fake.more = 23;
	query_gives(40, 3);
	fake.nr = 3;
	fake.interrupts = 2;
	query_gives(3, 3);
}

static void query_fails(void)
{
	struct iommu_resv_iova_range *list = (void *)1;
	size_t nr = 77;

	memset(&fake, 0, sizeof(fake));
	fake.lies = true;
	check_rc(resv_query(FAKE, 1, &list, &nr), -EMSGSIZE);
	check(fake.calls == 1, "%d calls, expected 1", fake.calls);
	check(list == (void *)1 && nr == 77, "outputs were written to");
}

static void ranges_grow(void)
{
	struct iommu_iova_range *ranges;
	uint64_t alignment = 0;
	size_t nr;

	memset(&fake, 0, sizeof(fake));
	fake.nr = 100;
	if (!check_rc(resv_ioas_ranges(FAKE, 1, &ranges, &nr, &alignment), 0))
		return;
	check(nr == 100 && ranges[99].start == 99 << 21 && alignment == 4096,
	      "got %zu ranges, alignment %lu", nr, (long)alignment);
	check(fake.calls == 2, "%d calls, expected 2", fake.calls);
	free(ranges);
}

static void aperture_frees(void)
{
	struct iommu_iova_range *ranges;
	size_t nr;

	memset(&fake, 0, sizeof(fake));
	fake.nr = 1;
	if (check_rc(resv_aperture(FAKE, 1, &ranges, &nr), 0))
		free(ranges);
	check(!fake.objects, "%d objects are left", fake.objects);
	fake.ranges_errno = ENOMEM;
	check_rc(resv_aperture(FAKE, 1, &ranges, &nr), -ENOMEM);
	check(!fake.objects, "%d objects are left", fake.objects);
	fake.hwpt_errno = EOPNOTSUPP;
	check_rc(resv_aperture(FAKE, 1, &ranges, &nr), -EOPNOTSUPP);
	check(!fake.objects, "%d objects are left", fake.objects);
}

static void no_iommufd(void)
{
	struct iommu_resv_iova_range *list = some_regions;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int rc = resv_has_query(null);
	size_t nr = 77;

	check(rc == 0, "a device without the call: got %d", rc);
	check_rc(resv_query(null, 1, &list, &nr), -ENOTTY);
	close(null);
	check_rc(resv_has_query(-1), -EBADF);
	check_rc(resv_query(-1, 1, &list, &nr), -EBADF);
	check(list == some_regions && nr == 77, "outputs were written to");
}

static const struct ktap_case cases[] = {
	{ "taking nothing away, and from nothing", nothing_from_something },
	{ "taking away in the middle", in_the_middle },
	{ "taking away at the edges", at_the_edges },
	{ "taking away at 0 and at the top of the space", at_zero_and_top },
	{ "what is taken away may be unordered and overlap",
	  unordered_and_overlapping },
	{ "taking away from several ranges", several_ranges },
	{ "ranges that end before they start are refused", bad_ranges },
	{ "regions are taken away whatever their flags", regions },
	{ "a thousand regions, last first", many },
	{ "the probe tells the answers apart", probe },
	{ "the query grows its array, and starts over when interrupted",
	  query_grows },
	{ "a kernel that contradicts itself is an error", query_fails },
	{ "the load names its clash, and nothing else", load_clashes },
	{ "reading the ranges of an IOAS grows its array", ranges_grow },
	{ "finding the aperture frees what it allocates", aperture_frees },
	{ "no iommufd: the calls say so and leave the outputs alone",
	  no_iommufd },
};

int main(void)
{
	return ktap_run(cases, NR(cases));
}
