# SPDX-License-Identifier: GPL-2.0
# lib.sh - names and helpers shared by every shell script here; sourced, with
# TOP set to the top of the clone.
# shellcheck shell=sh disable=SC2034

# The base: patches/$BASE holds its series.
BASE=${BASE:-7.3}

# Everything that is fetched or built lives here, outside the clone.
CACHE=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/iommufd-resv}

# git must not listen to the caller's repository (a hook exports GIT_DIR).
# shellcheck disable=SC2046
unset $(git rev-parse --local-env-vars 2>/dev/null)

say() { printf '%s\n' "$*" >&2; }

# die CAUSE [NEXT-STEP]
die() {
	say "${0##*/}: $1"
	[ $# -lt 2 ] || say "  $2"
	exit 1
}

need() {
	command -v "$1" >/dev/null ||
		die "$1 is missing." "Run kernel/packages to install what is needed."
}

[ -f "$TOP/patches/$BASE/base" ] || die "there is no base \"$BASE\"." \
	"Choose one of: $(cd "$TOP/patches" 2>/dev/null && ls)"

mkdir -p "$CACHE" 2>/dev/null
[ -w "$CACHE" ] ||
	die "cannot write to the cache directory $CACHE." \
	    "Set CACHE to a directory of your own."
CACHE=$(cd "$CACHE" && pwd) || exit 1

# What the base is of: Linux, or QEMU where its name says so. The scripts that make
# its tree and keep its series are the same for both, and differ in these: what it
# is called, also before the word "tree"; the variable that names a tree or tarball
# of the user's own; a file that its tree has at the top, and that in words; what
# the targets of make begin with; the directory of the tree.
case $BASE in
qemu-*)
	NAME=QEMU KIND=QEMU OWN=QEMU MARK=qemu-options.hx
	MARKS="QEMU's VERSION and qemu-options.hx" TARGET=qemu- _dir=qemu ;;
*)
	NAME=Linux KIND=kernel OWN=LINUX MARK=Kconfig
	MARKS="the kernel's Makefile and Kconfig" TARGET='' _dir=linux ;;
esac

# One of the user's own gets its own tree and builds, next to those of the base.
eval "GIVEN=\${$OWN:-}"
if [ -n "$GIVEN" ]; then
	[ -e "$GIVEN" ] || die "$OWN=$GIVEN does not exist." \
		"Name a git tree, an unpacked tree or a tarball."
	GIVEN=$(realpath "$GIVEN")
	export "$OWN=$GIVEN"
	_own=-$(printf '%s' "$GIVEN" | cksum | cut -d' ' -f1)
else
	_own=
fi
WORK=$CACHE/$BASE
TREE=$WORK/$_dir$_own		# the tree: a git repository, branch "series"
BUILD=$WORK/build$_own		# BUILD/ARCH-FLAVOUR: kernel output directories
HEADERS=$WORK/headers$_own	# HEADERS/ARCH/include: exported uapi headers
GUEST=$WORK/guest$_own		# GUEST/ARCH: programs for the guest
CHECK=$WORK/check$_own		# where the series is checked patch by patch
mkdir -p "$WORK"

export TOP BASE CACHE

CCACHE_DIR=${CCACHE_DIR:-$CACHE/ccache}
CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-5G}
# In depend mode ccache does not see that piggy.S includes the kernel (.incbin):
# a kernel whose size has not changed would boot as the one before.
CCACHE_NODEPEND=1
export CCACHE_DIR CCACHE_MAXSIZE CCACHE_NODEPEND

# How many jobs make runs at a time; if set, but empty, as many as the make above
# it shares out.
JOBS=${JOBS-$(nproc)}

# What only shows how far something is goes to a terminal on one line that is
# rewritten every second, into a log on one line every ten seconds.
BEAT=10
if [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; then
	BEAT=1
fi

# passing LINE: until the next one; one process at a time, in a terminal
passing() {
	[ $BEAT -eq 1 ] || { say "$1"; return; }
	_width=$(stty size <&2 2>/dev/null) || _width=
	_width=${_width#* }
	[ "${_width:-0}" -gt 1 ] || _width=80
	printf "\r%.$((_width - 1))s\033[K" "$1" >&2
}

# gone: takes a passing line away
gone() { [ $BEAT -ne 1 ] || printf '\r\033[K' >&2; }

# about SECONDS: a time to come, in words
about() {
	if [ "$1" -lt 100 ]; then
		echo "about $1 s"
	else
		echo "about $((($1 + 30) / 60)) min"
	fi
}

# far SECONDS DONE TOTAL UNIT: how far what has taken so long is, and about how
# long it still takes. A TOTAL that is not known (0), or was guessed too low, is
# left out, and so is the time until there is something to go by.
far() {
	if [ "$2" -gt "$3" ] || [ "$3" -eq 0 ]; then
		echo ", $2 $4"
	elif [ "$1" -lt 10 ] || [ "$2" -eq 0 ] || [ "$2" -eq "$3" ]; then
		echo ", $2 of $3 $4 ($(($2 * 100 / $3)) %)"
	else
		echo ", $2 of $3 $4 ($(($2 * 100 / $3)) %), $(about $((($1 * ($3 - $2) + $2 - 1) / $2))) left"
	fi
}

# progress WHAT COMMAND... runs COMMAND with its output in a log, and shows how
# far it is until it ends; when it has shown that, how long it took. PROGRESS_LOG
# names the log, PROGRESS_NOTE a command that prints how far it got in so many
# seconds, PROGRESS_NEWS one that says what is to stay on the screen.
progress() {
	_what=$1
	shift
	_log=${PROGRESS_LOG:-$WORK/log/$(printf '%s' "$_what" | tr -cs 'A-Za-z0-9._-' '-').log}
	mkdir -p "${_log%/*}"
	: >"$_log"
	_begin=$(date +%s)
	(
		# USR1 ends this, but not in the middle of PROGRESS_NEWS. (A signal
		# that the script has a trap for could get lost in the fork.)
		_end='' _next=$BEAT
		trap '_end=1' USR1
		while [ -z "$_end" ]; do
			sleep 1 >/dev/null 2>&1 9>&- &
			{ [ -z "$_end" ] && wait $!; } || continue
			kill -0 $$ 2>/dev/null || exit
			${PROGRESS_NEWS:-:}
			_t=$(($(date +%s) - _begin))
			[ $_t -ge $_next ] || continue
			_next=$((_next + BEAT))
			passing "  $_what: $_t s$(${PROGRESS_NOTE:-:} $_t 2>/dev/null)"
		done
	) 9>&- &
	_beat=$!
	_rc=0
	"$@" >"$_log" 2>&1 || _rc=$?
	kill -s USR1 "$_beat" 2>/dev/null || :
	wait "$_beat" 2>/dev/null || :
	_t=$(($(date +%s) - _begin))
	gone
	${PROGRESS_NEWS:-:}
	[ $_rc -le 128 ] || die "interrupted while $_what."
	[ $_rc -eq 0 ] || {
		say "$_what failed (status $_rc). The end of $_log:"
		tail -n 15 "$_log" | sed 's/^/  | /' >&2
		return $_rc
	}
	[ $_t -lt $BEAT ] || say "  $_what: done, $_t s"
}

need_tree() {
	[ -d "$TREE" ] || die "there is no tree yet." "Make it with \"make ${TARGET}tree\"."
}

# lock: one run at a time per cache; scripts that are called from a locked run
# share its lock.
lock() {
	[ "${RESV_LOCK:-}" != "$CACHE" ] || return 0
	exec 9>>"$CACHE/lock"
	flock -n 9 || die "another run is using $CACHE (process $(cat "$CACHE/lock"))." \
		"Wait for it to end, or set CACHE to another directory."
	: >"$CACHE/lock"
	echo $$ >&9
	RESV_LOCK=$CACHE
	export RESV_LOCK
}

# base NAME: the value of NAME in patches/$BASE/base, empty if it has none
# shellcheck disable=SC1090
base() { (. "$TOP/patches/$BASE/base" && eval "printf '%s\n' \"\${$1:-}\""); }

# lacks WORD: is it among what patches/$BASE/base says that this base has not?
lacks() {
	case " $(base without) " in *" $1 "*) ;; *) return 1 ;; esac
}

# linux_only: for what has to do with kernels
linux_only() {
	[ "$NAME" = Linux ] || die "BASE=$BASE is a base of $NAME." "Choose one of Linux: BASE=7.3."
}

# version DIR: the version of the tree in DIR
version() {
	[ "$NAME" = Linux ] || { cat "$1/VERSION"; return; }
	awk -F' *= *' '/^VERSION/ { v = $2 } /^PATCHLEVEL/ { p = $2 }
		/^SUBLEVEL/ { s = $2 } /^EXTRAVERSION/ { e = $2; exit }
		END { print v "." p "." s e }' "$1/Makefile"
}

# karch ARCH: what the kernel calls it
karch() { [ "$1" = x86_64 ] && echo x86 || echo "$1"; }

# cross ARCH: the prefix of its compiler, nothing on a machine of that kind
cross() {
	case $1-$(uname -m) in
	x86_64-x86_64 | arm64-aarch64) ;;
	x86_64-*) echo x86_64-linux-gnu- ;;
	arm64-*) echo aarch64-linux-gnu- ;;
	# the compiler of x86_64 does both
	i386-x86_64) ;;
	i386-*) echo x86_64-linux-gnu- ;;
	arm-*) echo arm-linux-gnueabihf- ;;
	esac
}

# git without the user's configuration: what we do must not depend on it.
g() {
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 git \
		-c core.attributesFile=/dev/null -c core.excludesFile=/dev/null \
		-c core.hooksPath=/dev/null -c core.abbrev=12 -c gc.auto=0 \
		-c commit.gpgSign=false -c advice.detachedHead=false "$@"
}
