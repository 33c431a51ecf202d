/* SPDX-License-Identifier: GPL-2.0 */
/*
 * L2 as L1 sees it: a QEMU that L1 runs, and a program in there (l2.c) that does
 * what it is asked. Functions that give a bool have failed the KTAP case, with a
 * diagnostic, when they give false.
 */
#ifndef L1_QEMU_H
#define L1_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "channel.h"

struct l2 {
	pid_t qemu;		/* 0: not started, or cleaned up; -1: has ended */
	struct channel qmp;	/* tells QEMU what to do */
	struct channel ask;	/* tells L2 what to do */
};

/*
 * Starts QEMU with these words behind those that every L2 has. L2's console gets a
 * line with @name first, and so does QEMU's trace.
 */
bool l2_start(struct l2 *l2, const char *name, const char *words);
/* Waits until L2 is up. */
bool l2_up(struct l2 *l2);

/* Asks L2, which has to do it; what it says goes to @answer, of L2_ANSWER bytes. */
#define L2_ANSWER 512
bool l2_ask(struct l2 *l2, char *answer, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same where L2 may say nothing but that it did it. */
bool l2_do(struct l2 *l2, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A QMP command, which QEMU has to do, or has to refuse with this in its words. */
bool l2_qmp(struct l2 *l2, const char *command, const char *refusal);
/* What QEMU answers has this in it. */
bool l2_query(struct l2 *l2, const char *command, const char *has);

/* How far QEMU's trace has come, and whether it has these words from there on. */
long l2_trace_now(void);
bool l2_traced(long from, const char *words);
/* The number behind these words in the trace, the last time it has them; or -1 */
long l2_trace_number(long from, const char *words);
/* Has QEMU said this on its stderr? That line is shown. */
bool l2_complained(const char *words);

/* Lets L2 power off; its verdict and QEMU's end have to be good. */
bool l2_end(struct l2 *l2);
/* Waits until QEMU has ended by itself, by this signal. */
bool l2_died(struct l2 *l2, int signal);

/* Ends it if it still runs; what QEMU traced and said goes to the port "trace". */
void l2_clean_up(struct l2 *l2);

#endif
