/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VM of the QEMU that is under test, in a guest of the test bed that stands for the
 * host: /bin/qemu-series is with patches/qemu-*, /bin/qemu-base without. It runs no
 * guest code (-accel qtest), it is only told to plug and unplug.
 *
 * Functions that give a bool have failed the KTAP case, with a diagnostic, when they
 * give false.
 */
#ifndef QEMU_VM_H
#define QEMU_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "channel.h"

struct vm {
	pid_t pid;		/* 0: none */
	struct channel qmp;
	char said[CHANNEL_LINE];	/* the answer to the last command */
};

/*
 * Starts the QEMU @which, "series" or "base", with these words behind those that every
 * VM has, and waits until it can be told things.
 */
bool vm_start(struct vm *vm, const char *which, const char *words);
/* Starts it where it has to refuse; all that it says on stderr goes to @vm->said. */
bool vm_refuses(struct vm *vm, const char *which, const char *words);
/* Tells it to end. */
bool vm_end(struct vm *vm);

/* A QMP command, which it has to do; in @vm->said is the answer. */
bool vm_do(struct vm *vm, const char *command);
/* One that it has to refuse; in @vm->said is why. */
bool vm_refused(struct vm *vm, const char *command);
/* One by which it ends with SIGABRT; in @vm->said is its stderr. */
bool vm_dies(struct vm *vm, const char *command);
/* It does a command, and says that it waits, which all do that do not run. */
bool vm_lives(struct vm *vm);
/* Waits until a device that it was told to unplug is gone. */
bool vm_unplugged(struct vm *vm);

/* What it said is exactly this, or has this in it. */
bool vm_said(const struct vm *vm, const char *text);
bool vm_said_in(const struct vm *vm, const char *text);

/*
 * Pointers in what it said become "PTR", and the program's name becomes "qemu", so
 * that two runs can be compared.
 */
void vm_mask(struct vm *vm);

/* How often has its trace this in it? */
unsigned int vm_traced(const char *words);

#endif
