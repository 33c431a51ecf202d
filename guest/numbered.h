/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The contents of a disk that everyone knows: lines of 32 bytes with their numbers,
 * as "seq -f %031.0f FIRST LAST" prints them. vm/boot makes a disk of them.
 */
#ifndef NUMBERED_H
#define NUMBERED_H

#include <stdbool.h>
#include <stddef.h>

/* Fills a whole number of lines, the first of which is number @first. */
void numbered_fill(char *buffer, size_t len, unsigned long first);
/* Is every byte as numbered_fill() would have it? */
bool numbered_is(const char *buffer, size_t len, unsigned long first);

#define NUMBERED_LINE 32

#endif
