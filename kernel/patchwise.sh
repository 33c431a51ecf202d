# SPDX-License-Identifier: GPL-2.0
# patchwise.sh - what a tool says of one patch after the other, against what it says
# of the base; sourced by check-series and review/review, after lib.sh and series.sh.
# shellcheck shell=sh disable=SC2034,SC2086,SC2154
#
# A KIND is one tool on one architecture, as in "compile-arm64". The script that
# sources this calls judge when it is called with --judge KIND COMMIT, and has
#
#   tmp                     a directory of its own
#   common                  what all of its results depend on, in words
#   TOOL ARCH COMMIT LOG    runs the tool on the work tree $src, where COMMIT is
#                           checked out; what it says goes to LOG
#   depends KIND COMMIT     prints what its findings depend on: git's objects, and
#                           the tool's version
#   findings KIND LOG       prints what it has found, sorted, without line numbers
#   judged KIND COMMIT HOW  takes a result: "before" if the patch was found good in an
#                           earlier run, good, or wrong; what is wrong is in $tmp/out
#
# What was found good before (the same sources, configuration and tools) is not done
# again. One patch after the other goes into the work tree; the kinds run side by side
# on it, each a "--judge ..." of its own.

src=$CHECK/linux
mkdir -p "$CHECK/log"
base=$(t rev-parse base)
commits=$(t rev-list --reverse base..HEAD)

# objects KIND COMMIT LOG ARGUMENT...: compile the two directories that the series is
# about. An object that is up to date does not repeat its warnings, so all of them go
# unless the compilation before was judged good. W=1 would have kernel-doc read a source
# again for each header that changes; check-series does that, once.
objects() {
	kind=$1 arch=${1#*-} commit=$2 log=$3 o=$CHECK/build/$1
	shift 3
	if [ "$commit" = "$base" ]; then
		rm -rf "$o"
	elif [ -f "$CHECK/$kind.judging" ]; then
		find "$o/drivers/iommu" "$o/drivers/vfio" -name '*.o' -delete
	fi
	"$TOP/kernel/configure" "$arch" check "$src" "$o" 2>"$log" && : >"$CHECK/$kind.judging" || return
	PROGRESS_LOG=$log progress "$kind: $(t log -1 --format=%f "$commit")" \
		kmake "$arch" "$src" "$o" KERNELDOC=/dev/null KCFLAGS=-Wno-error "$@" drivers/iommu/ drivers/vfio/
}

# warnings LOG: what a compiler said, or one who talks like it. What it says of a
# header once more for each object that includes it counts once.
warnings() {
	grep -iE '(^|[ :])(warning|error):? ' "$1" | grep -vE '^[0-9]+ (warning|error).* generated' |
		sed "s|^\.\./||; s|$src/||g" | sort -u | sed 's/:[0-9][0-9]*//g' | sort
}

# key WORD...: what is known is kept under; the base and the scripts are part of it
key() { printf '%s\n' "$*" "$(t rev-parse 'base^{tree}') $common" | sha256sum | cut -d' ' -f1; }
known() { grep -qx "$1" "$CHECK/verified" 2>/dev/null; }
verified() { echo "$1" >>"$CHECK/verified"; }

# of KIND COMMIT: the key to a result
of() { key "$1" "$(depends "$1" "$2")"; }

# code COMMIT: git's objects that code of the kernel is compiled from
code() {
	t ls-tree "$1" | grep -v -e '[	]Documentation$' -e '[	]tools$'
	t ls-tree "$1" tools/ | grep -v '/testing$'
}

# What the base itself says is in $CHECK/KIND.base, behind a line that says what
# it was learnt from.
learnt() { [ "$(sed 1q "$CHECK/$1.base" 2>/dev/null)" = "$(of "$1" "$base")" ]; }

# judge KIND COMMIT: the tool runs to its end, and finds no more than in the base;
# what is wrong goes to stdout. Of the base it is learnt what is found in it.
judge() {
	log=$CHECK/log/$1-$2.log
	rm -f "$log"
	"${1%%-*}" "${1#*-}" "$2" "$log" || {
		first_error "$log" | grep . || tail -n 5 "$log"
		echo "see $log"
		return 1
	}
	findings "$1" "$log" >"$tmp/findings"
	if [ "$2" = "$base" ]; then
		{ of "$1" "$base" && cat "$tmp/findings"; } >"$CHECK/$1.base"
	else
		sed 1d "$CHECK/$1.base" | comm -13 - "$tmp/findings" >"$tmp/new"
		cat "$tmp/new"
		[ ! -s "$tmp/new" ] || return
	fi
	rm -f "$CHECK/$1.judging"
}

# judge_all COMMIT KIND...: side by side, each in a process of its own, while the
# makes of all share $JOBS jobs. $CHECK/KIND.good says that it went well.
judge_all() {
	for kind; do
		rm -f "$CHECK/$kind.good" "$CHECK/$kind.wrong"
	done
	checkout "$1" || return 0
	commit=$1 jobs=${JOBS:-$(nproc)}
	shift
	{
		echo "all: $*"
		for kind; do
			printf '%s:\n\t+@! "%s" --judge %s %s >"%s" || touch "%s"\n' "$kind" \
				"$0" "$kind" "$commit" "$CHECK/$kind.wrong" "$CHECK/$kind.good"
		done
	} | JOBS='' make --no-print-directory -j"$jobs" -f - >&2
}

# judge_each "COMMIT..." KIND...: the base, where it is not known yet what that itself
# has to say, then the commits, one after the other; hands each result to "judged". A
# kind that fails on the base ends there.
judge_each() {
	_commits="$base $1" _kinds=
	shift
	for _commit in $_commits; do
		_todo=
		for kind; do
			if [ "$_commit" = "$base" ]; then
				learnt "$kind"
			else
				known "$(of "$kind" "$_commit")"
			fi || _todo="$_todo $kind"
		done
		[ -z "$_todo" ] || judge_all "$_commit" $_todo
		for kind; do
			case "$_todo " in
			*" $kind "*)
				if [ -f "$CHECK/$kind.good" ]; then
					_how=good
					[ "$_commit" = "$base" ] || verified "$(of "$kind" "$_commit")"
				else
					_how=wrong
					cat "$CHECK/$kind.wrong" >"$tmp/out" 2>&1 || :
				fi ;;
			*) _how=before ;;
			esac
			judged "$kind" "$_commit" $_how
			[ "$_commit $_how" = "$base wrong" ] || _kinds="$_kinds $kind"
		done
		set -- $_kinds
		_kinds=
	done
}
