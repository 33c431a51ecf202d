// SPDX-License-Identifier: GPL-2.0
/*
 * KTAP for test programs; see ktap.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ktap.h"

/* The case that runs now, and the one that ended the run, if any. */
static bool failed;
static const char *skipped;
static bool stop;

static void diag_va(const char *fmt, va_list args)
{
	printf("# ");
	vprintf(fmt, args);
	printf("\n");
	fflush(stdout);
}

void diag(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	diag_va(fmt, args);
	va_end(args);
}

void ktap_skip(const char *reason)
{
	skipped = reason;
}

void ktap_stop(void)
{
	failed = true;
	stop = true;
}

bool ktap_check(bool good, const char *file, int line, const char *fmt, ...)
{
	va_list args;

	if (good)
		return true;
	failed = true;
	printf("# %s:%d: ", file, line);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	return false;
}

static const char *rc_name(int rc)
{
	return rc < 0 ? strerror(-rc) : rc ? "not an error" : "success";
}

bool ktap_check_rc(int got, int want, const char *file, int line,
		   const char *what)
{
	return ktap_check(got == want, file, line,
			  "%s: got %d (%s), expected %d (%s)", what, got,
			  rc_name(got), want, rc_name(want));
}

int ktap_run(const struct ktap_case *cases, size_t nr)
{
	const char *stopped_by = NULL;
	int status = 0;

	printf("KTAP version 1\n1..%zu\n", nr);
	fflush(stdout);
	for (size_t i = 0; i < nr; i++) {
		const char *name = cases[i].name;

		failed = false;
		skipped = NULL;
		if (stopped_by) {
			failed = true;
			diag("not run, because of: %s", stopped_by);
		} else {
			cases[i].run();
			if (stop)
				stopped_by = name;
		}
		if (failed) {
			status = 1;
			printf("not ok %zu %s\n", i + 1, name);
		} else if (skipped) {
			printf("ok %zu %s # SKIP %s\n", i + 1, name, skipped);
		} else {
			printf("ok %zu %s\n", i + 1, name);
		}
		fflush(stdout);
	}
	return status;
}
