/* SPDX-License-Identifier: GPL-2.0 */
/* See mutants/generate.c and mutants/mutant.c; linux/mutant.h in the kernel */
#ifndef _LINUX_MUTANT_H
#define _LINUX_MUTANT_H

#include <linux/compiler.h>
#include <linux/types.h>

extern u32 mutant;
extern u8 mutant_reached[];

#define MUTANT(n) (mutant_reached[n] = 1, unlikely(mutant == (n)))

#endif
