/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ways out of a guest other than its console: virtio-serial ports, by the
 * names that the host gave them.
 */
#ifndef PORT_H
#define PORT_H

/*
 * Opens the port of this name with the flags of open(2), waiting for the host to
 * say the names, which it does a moment after boot. The kernel lets only one
 * process open a port. Gives -1 when there is none.
 */
int port_open(const char *name, int flags);

#endif
