# SPDX-License-Identifier: GPL-2.0
# source.sh - sources to put faults into, and kernels of them; sourced after make.sh.
# shellcheck shell=sh disable=SC2154

# The faults never go into the tree, but into a work tree of the same commit.
src=$WORK/mutants$_own

# No fault is built twice
CCACHE_DISABLE=1
export CCACHE_DISABLE

# source_tree: makes the sources those of the tree's commit, if they are not already
source_tree() {
	_head=$(t rev-parse HEAD)
	[ "$(g -C "$src" rev-parse HEAD 2>/dev/null)" = "$_head" ] || checkout "$_head" "$src"
}

# source_kernel ARCH FLAVOUR: builds one; sets $kernel to its image
source_kernel() {
	case $1 in
	arm64) kernel=arch/arm64/boot/Image targets="Image modules" ;;
	*) kernel=arch/x86/boot/bzImage targets=bzImage ;;
	esac
	# the check flavour is only for such kernels
	_out=$BUILD/$1-$2
	[ "$2" = check ] || _out=$BUILD/$1-mutants-$2
	kernel=$_out/$kernel
	"$TOP/kernel/configure" "$1" "$2" "$src" "$_out" || return
	# shellcheck disable=SC2086
	kmake "$1" "$src" "$_out" $targets
}
