// SPDX-License-Identifier: GPL-2.0
/*
 * The switch of the faults that mutants/generate has put into the kernel, in
 * debugfs:
 *
 *	mutant/number	which one the kernel has, 0 is none
 *	mutant/reached	a byte for each: did the kernel come by it? Can be written
 *	mutant/control	a test, whose faults behind the generated ones show that
 *			each way of noticing one works, and that one can survive
 */
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/mutant.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

enum { SURVIVES = MUTANTS + 1, FAILS, WARNS, CRASHES, HANGS, END };

u32 mutant;
u8 mutant_reached[END];

static struct debugfs_blob_wrapper reached = {
	.data = mutant_reached,
	.size = sizeof(mutant_reached),
};

static int control_show(struct seq_file *s, void *data)
{
	WARN_ON(MUTANT(WARNS));
	BUG_ON(MUTANT(CRASHES));
	while (MUTANT(HANGS))
		schedule_timeout_uninterruptible(HZ);
	if (MUTANT(FAILS))
		seq_puts(s, "not ");
	seq_puts(s, MUTANT(SURVIVES) ? "ok 1 control\n" : "ok 1 a control\n");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(control);

static int __init mutant_init(void)
{
	struct dentry *dir = debugfs_create_dir("mutant", NULL);

	debugfs_create_u32("number", 0600, dir, &mutant);
	debugfs_create_blob("reached", 0600, dir, &reached);
	debugfs_create_file("control", 0400, dir, NULL, &control_fops);
	return 0;
}
late_initcall(mutant_init);
