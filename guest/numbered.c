// SPDX-License-Identifier: GPL-2.0
/*
 * A disk of numbered lines; see numbered.h.
 */
#include <stdio.h>
#include <string.h>

#include "numbered.h"

/* One line, and how to get to the next, which is far quicker than printing it */
static void start(char *line, unsigned long number)
{
	char text[NUMBERED_LINE + 1];

	snprintf(text, sizeof(text), "%031lu\n", number);
	memcpy(line, text, NUMBERED_LINE);
}

static void next(char *line)
{
	size_t digit = NUMBERED_LINE - 2;

	while (line[digit] == '9')
		line[digit--] = '0';
	line[digit]++;
}

void numbered_fill(char *buffer, size_t len, unsigned long first)
{
	char line[NUMBERED_LINE];

	start(line, first);
	for (size_t at = 0; at < len; at += NUMBERED_LINE, next(line))
		memcpy(buffer + at, line, NUMBERED_LINE);
}

bool numbered_is(const char *buffer, size_t len, unsigned long first)
{
	char line[NUMBERED_LINE];

	start(line, first);
	for (size_t at = 0; at < len; at += NUMBERED_LINE, next(line)) {
		if (memcmp(buffer + at, line, NUMBERED_LINE))
			return false;
	}
	return true;
}
