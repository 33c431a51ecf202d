# SPDX-License-Identifier: GPL-2.0
# make.sh - how QEMU is configured and compiled; sourced after lib.sh.
# shellcheck shell=sh

# x86_64 alone, and of the options what the tests need: VFIO, iommufd, the IOMMUs and
# memory devices are in any such build, and so is qtest, which runs no guest code. For
# that there is KVM; TCG would take as long to compile as all the rest that is left out.
CONFIGURE='--target-list=x86_64-softmmu --static --without-default-features
	--enable-kvm --disable-tcg --enable-trace-backends=log --enable-werror
	--disable-pie --disable-debug-info --disable-docs --disable-tools
	--disable-download --disable-install-blobs'

# What a build is made with, in words that change when it does
# shellcheck disable=SC2086
configuration() { printf '%s ' $CONFIGURE "$(gcc --version | sed 1q)" "meson $(meson --version)"; }

# qmake SOURCE OUT TARGET...: by ninja, after configure where that has not been done
# with these options. Debian's own python has Debian's meson.
qmake() {
	_src=$1 _out=$2 _cc=gcc
	shift 2
	! command -v ccache >/dev/null || _cc="ccache gcc"
	CCACHE_BASEDIR=${_out%/*}
	export CCACHE_BASEDIR
	if [ ! -f "$_out/build.ninja" ] || [ "$(cat "$_out/configured" 2>/dev/null)" != "$(configuration)" ]; then
		rm -rf "$_out"
		mkdir -p "$_out"
		PROGRESS_LOG=$_out/configure.log progress "configuring QEMU $(version "$_src")" configure_qemu ||
			die "QEMU could not be configured." "See $_out/configure.log and $_out/meson-logs/meson-log.txt."
		configuration >"$_out/configured"
	fi
	PROGRESS_LOG=$_out/build.log PROGRESS_NOTE=compiled \
		progress "building QEMU $(version "$_src")" nice ninja -C "$_out" ${JOBS:+-j"$JOBS"} "$@" || {
		_first=$(grep -m1 -E ': (fatal )?error: |: undefined reference to |No space left on device' "$_out/build.log") || :
		die "QEMU does not build${_first:+: $_first}." "See $_out/build.log."
	}
}
# shellcheck disable=SC2086
configure_qemu() { cd "$_out" && "../${_src##*/}/configure" --cc="$_cc" --python=/usr/bin/python3 $CONFIGURE; }
# ninja counts its steps: [12/1509] Compiling ...
compiled() {
	_steps=$(grep -o '^\[[0-9]*/[0-9]*\]' "$_out/build.log" | tail -n 1 | tr -d '[]')
	far "$1" "${_steps%/*}" "${_steps#*/}" steps
}
