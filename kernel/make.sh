# SPDX-License-Identifier: GPL-2.0
# make.sh - how the kernel's make is called; sourced after lib.sh.
# shellcheck shell=sh

# kmake ARCH SOURCE OUT [ARGS...]
# The compiler is gcc, or what KCC names.
# User, host and date are fixed so that nothing is relinked only for them. The
# first build of a directory would find nothing in ccache and take a third longer
# for filling it; those that come after a rebase do find something.
kmake() {
	_arch=$1 _src=$2 _out=$3 _cc='' _env=''
	shift 3
	! command -v ccache >/dev/null || _cc="ccache "
	[ -f "$_out/vmlinux" ] || _env="CCACHE_DISABLE=1"
	# shellcheck disable=SC2086
	nice env $_env make -C "$_src" O="$_out" ${JOBS:+-j"$JOBS"} ARCH="$(karch "$_arch")" \
		CROSS_COMPILE="$(cross "$_arch")" CC="$_cc${KCC:-$(cross "$_arch")gcc}" \
		KBUILD_BUILD_USER=iommufd-resv KBUILD_BUILD_HOST=localhost \
		KBUILD_BUILD_TIMESTAMP=2000-01-01 KBUILD_BUILD_VERSION=1 "$@"
}

compiler() { "${KCC:-$(cross "$1")gcc}" --version | sed 1q; }

# first_error LOG: the first message of a compiler or linker, else of make
first_error() {
	grep -m1 -E '(: (fatal )?error: |: undefined reference to |^ld: |^error: )' "$1" ||
		grep -m1 -E '\*\*\* ' "$1" || :
}
