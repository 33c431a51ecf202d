/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KTAP for test programs: a table of named cases, run in order, each of which
 * passes unless a check() in it fails.
 */
#ifndef KTAP_H
#define KTAP_H

#include <stdbool.h>
#include <stddef.h>

struct ktap_case {
	const char *name;
	void (*run)(void);
};

/* Runs the cases and prints their results. Return: 0 when none failed, else 1. */
int ktap_run(const struct ktap_case *cases, size_t nr);

/* Prints a diagnostic line, "# ...". */
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The case is skipped; return from it. */
void ktap_skip(const char *reason);

/* No later case can run: each is reported as failed, because of this one. */
void ktap_stop(void);

bool ktap_check(bool good, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool ktap_check_rc(int got, int want, const char *file, int line,
		   const char *what);

/* Fails the case, saying why, unless @cond holds. Gives @cond. */
#define check(cond, ...) ktap_check((cond), __FILE__, __LINE__, __VA_ARGS__)

/* Fails the case unless @call gives exactly @want: 0 or a negative errno. */
#define check_rc(call, want) \
	ktap_check_rc((call), (want), __FILE__, __LINE__, #call)

/* Leaves the case, failed and with all later ones, unless @good holds. */
#define need(good)			\
	do {				\
		if (!(good)) {		\
			ktap_stop();	\
			return;		\
		}			\
	} while (0)

#endif
