/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counting instructions, of the kernel and of the program: in an x86 guest that
 * was booted with "vm/boot -I" the time stamp counter does.
 */
#ifndef COUNT_H
#define COUNT_H

#include <stdbool.h>
#include <stdint.h>

/* Of so many runs the shortest counts: no timer interrupted that one. */
#define COUNT_RUNS 51

/* Up to now. The difference of two of them has count_nothing() in it. */
uint64_t count_instructions(void);

/* What two of them cost. */
uint64_t count_nothing(void);

/* Are they counted here? If not, that is said on stderr. */
bool count_works(const char *program);

#endif
