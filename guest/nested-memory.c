// SPDX-License-Identifier: GPL-2.0
/*
 * The page that the kernel maps for the device's MSIs goes into each stage 2 that
 * the device gets to, and there may be no memory for its tables. Part of the nested
 * test; the device has MSIs on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nested.h"
#include "vfio.h"

#define KNOBS "/sys/kernel/debug/fail_page_alloc/"

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) > 0;

	check(good, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return good;
}

/*
 * Attach, and the nth of what can fail on the way does: the kernel's own points for
 * that count as well as pages of memory. @fails: it got so far.
 */
static int attach_failing(unsigned int nth, uint32_t hwpt, bool *fails)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	char text[16] = "";
	int rc;

	snprintf(text, sizeof(text), "%u", nth);
	check(pwrite(fd, text, strlen(text), 0) > 0, "fail-nth: %s",
	      strerror(errno));
	rc = vfio_attach(guest.dev, hwpt);
	check(pread(fd, text, sizeof(text) - 1, 0) > 0, "fail-nth: %s",
	      strerror(errno));
	*fails = !atoi(text);
	check(pwrite(fd, "0", 1, 0) == 1, "fail-nth: %s", strerror(errno));
	close(fd);
	return rc;
}

/*
 * From @row to a stage 2 that has no tables yet. No failure changes anything, and
 * one of them is that there is no memory.
 */
static void without_memory(enum row row)
{
	bool fails = true, enomem = false;
	uint32_t new_ioas, s2;
	struct ranges all;

	if (access(KNOBS, F_OK)) {
		ktap_skip("this kernel has no fail_page_alloc");
		return;
	}
	if (!put(KNOBS "ignore-gfp-wait", "N") || !put(KNOBS "min-order", "0") ||
	    !check_rc(resv_ioas_alloc(guest.iommufd, &new_ioas), 0))
		return;
	for (unsigned int nth = 1; fails; nth++) {
		int rc;

		if (!check_rc(resv_hwpt_alloc(guest.iommufd, guest.dev_id,
					      new_ioas, 0, &s2),
			      0) ||
		    !guest_ranges(&guest, new_ioas, &all))
			return;
		rc = attach_failing(nth, s2, &fails);
		diag("failure %u: %d", nth, rc);
		if (rc) {
			check(fails, "it fails by itself");
			enomem |= rc == -ENOMEM;
			gives_up(new_ioas, &all, NULL, 0);
			holds(row);
		} else {
			/* It could do without that, or has got everything. */
			if (!fails)
				gives_up(new_ioas, &all, regions, NR_REGIONS);
			guest_msi(&guest, true);
			move(row);
		}
		free(all.at);
		check_rc(resv_destroy(guest.iommufd, s2), 0);
	}
	check(enomem, "it never was for lack of memory");
	check_rc(resv_destroy(guest.iommufd, new_ioas), 0);
}

static void replace(void)
{
	without_memory(TRANSLATING);
}

static void attach(void)
{
	move(DETACHED);
	without_memory(DETACHED);
	move(TRANSLATING);
}

const struct ktap_case memory_cases[MEMORY_CASES] = {
	{ "replace by another S2, and each step fails, there being no memory for tables too: all as before",
	  replace },
	{ "detach, and attach to such a one, the same: nothing changes", attach },
};
