/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUEST_GCOV_H
#define GUEST_GCOV_H

/*
 * In a kernel with gcov, writes what that has counted so far to the virtio-serial
 * port "coverage", as a cpio archive of its .gcda files. Without its end the archive
 * is not complete.
 */
void gcov_save(void);

#endif
