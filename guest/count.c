// SPDX-License-Identifier: GPL-2.0
/*
 * Counting instructions; see count.h.
 */
#include <stdio.h>

#include "count.h"

uint64_t count_instructions(void)
{
#ifdef __x86_64__
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
#else
	return 0;
#endif
}

uint64_t count_nothing(void)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < COUNT_RUNS; i++) {
		uint64_t start = count_instructions();

		start = count_instructions() - start;
		if (start < best)
			best = start;
	}
	return best;
}

/* A clock gives much more, or another number each time. */
bool count_works(const char *program)
{
	uint64_t nothing = count_nothing();

	if (nothing && nothing < 100 && nothing == count_nothing())
		return true;
	fprintf(stderr, "%s: instructions are not what is counted here; boot an x86 guest with vm/boot -I\n",
		program);
	return false;
}
