# SPDX-License-Identifier: GPL-2.0
# base.sh - which QEMU, whatever kernel BASE names; sourced before lib.sh by the
# scripts here, and before a script of kernel/ that is to work on QEMU.
# shellcheck shell=sh

BASE=${QEMU_BASE:-qemu-10.0}
export BASE
