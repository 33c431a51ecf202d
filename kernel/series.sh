# SPDX-License-Identifier: GPL-2.0
# series.sh - the series as commits in the tree, as patches in patches/$BASE and,
# for reading, as files and diffs in linux/; sourced by tree, export, agree and
# check-series, after lib.sh.
# shellcheck shell=sh

PATCHES=$TOP/patches/$BASE
COVER=0000-cover-letter.patch
STATE=$TREE/.git/iommufd-resv	# what patches/ was when both last agreed
TIP=refs/iommufd-resv/series	# the commit that it gave

t() { g -C "$TREE" "$@"; }

# checkout COMMIT [DIR]: in a work tree, $CHECK/linux if not another, for what is not
# to touch the tree
checkout() {
	_dir=${2:-$CHECK/linux}
	if ! g -C "$_dir" rev-parse -q --verify "$1" >/dev/null 2>&1; then
		rm -rf "$_dir" && t worktree prune && mkdir -p "${_dir%/*}" &&
			progress "checking out a work tree" t worktree add -q --detach -f "$_dir" "$1" || return
	fi
	rm -f "$(g -C "$_dir" rev-parse --git-path index.lock)"
	g -C "$_dir" checkout -q -f --detach "$1"
}

# the patch files in order, without the cover letter
patch_files() {
	for _f in "$PATCHES"/[0-9]*.patch; do
		[ ! -f "$_f" ] || [ "${_f##*/}" = $COVER ] || printf '%s\n' "$_f"
	done
}

# one sum over all files of the series
patches_sum() {
	for _f in "$PATCHES"/[0-9]*.patch; do
		[ ! -f "$_f" ] || { echo "${_f##*/}" && cat "$_f"; }
	done | sha256sum | cut -d' ' -f1
}

description_sum() { t config branch.series.description 2>/dev/null | sha256sum | cut -d' ' -f1; }

# record FROM SUM: the tree, made from FROM, agrees with the patches of this sum
record() {
	t update-ref $TIP HEAD
	printf 'from %s\npatches %s\ndescription %s\n' \
		"$1" "$2" "$(description_sum)" >"$STATE.tmp"
	mv "$STATE.tmp" "$STATE"
}

state() { sed -n "s/^$1 //p" "$STATE" 2>/dev/null; }

# work: what the tree holds that patches/ does not, in words; empty if nothing
work() {
	if [ -d "$TREE/.git/rebase-apply" ] || [ -d "$TREE/.git/rebase-merge" ]; then
		echo "a rebase that is not finished"
	elif [ -n "$(t status --porcelain)" ]; then
		echo "uncommitted changes"
	elif [ "$(t rev-parse HEAD)" != "$(t rev-parse -q --verify $TIP)" ]; then
		echo "commits that are not in patches/$BASE"
	elif [ "$(description_sum)" != "$(state description)" ]; then
		echo "a cover letter (git branch --edit-description) that is not in patches/$BASE"
	fi
}

# git in the tree for what has to be the same bytes whatever its configuration
# says; $DIFF goes behind the command of a diff.
stable() {
	g -C "$TREE" -c diff.noprefix=false -c diff.mnemonicPrefix=false \
		-c diff.context=3 -c diff.interHunkContext=0 \
		-c diff.suppressBlankEmpty=false -c diff.orderFile=/dev/null \
		-c core.quotePath=true -c core.autocrlf=false "$@"
}
DIFF='--diff-algorithm=myers --indent-heuristic --no-ext-diff --no-textconv
	--no-color --src-prefix=a/ --dst-prefix=b/'

# counted: the C files of the kernel that the series adds to, and that are no test:
# where a test's checks branch to when they fail is for none to reach
counted() {
	t diff --name-only --no-renames --diff-filter=d base -- '*.c' ':!tools' ':!*[-_]kunit.c' ':!*-test.c'
}

# format DIR: write the series to DIR
# shellcheck disable=SC2086
format() {
	_last=$(t log -1 --format=%H base..HEAD)
	[ -n "$_last" ] || die "the tree has no commit on top of its base." \
		"Commit to branch series in $TREE first."
	[ -z "$(t rev-list --merges base..HEAD)" ] ||
		die "the series has a merge in it." "Make it linear: git rebase base"
	set -- "$1" --no-cover-letter
	[ -z "$(t config branch.series.description)" ] ||
		set -- "$1" --cover-letter --cover-from-description=subject
	# the cover letter is from the last author, at the last author's date
	GIT_COMMITTER_NAME=$(t log -1 --format=%an) \
	GIT_COMMITTER_EMAIL=$(t log -1 --format=%ae) \
	GIT_COMMITTER_DATE=$(t log -1 --date=raw --format=%ad) \
		stable -c diff.statGraphWidth=0 -c i18n.logOutputEncoding=UTF-8 -c format.encodeEmailHeaders=true \
		-c format.pretty=email \
		-c format.from=false -c format.filenameMaxLength=64 \
		format-patch -q -n --start-number=1 --zero-commit --no-signature \
		--no-attach --no-signoff --no-add-header --no-to --no-cc --no-thread --no-notes --no-base --subject-prefix=PATCH \
		--suffix=.patch $DIFF --find-renames=50% --stat=72 --summary \
		-o "$@" base..HEAD
}

# The bases of Linux, the newest first. The first is where the series is written, and
# the only one in linux/; the others follow it.
bases() { (cd "$TOP/patches" && printf '%s\n' [0-9]*/base | sed 's|/base$||' | sort -rV); }
NEWEST=$(bases | sed 1q)
newest() { [ "$BASE" = "$NEWEST" ]; }

# carried: the patches of the newest base, a line "ID FILE" for each, where ID is what
# git calls the file. patches/$BASE/carried of an older base has those that its series
# is a counterpart of; see kernel/carry.
carried() {
	cd "$TOP/patches/$NEWEST" || return
	for _f in [0-9]*.patch; do
		[ "$_f" = $COVER ] || echo "$(g hash-object --no-filters "$_f") $_f"
	done
}

# reading DIR: what the series makes of the tree, for reading: each file that it
# adds as it is in the end, for any other one the diff from the base to the end
# as PATH.diff
# shellcheck disable=SC2086
reading() {
	mkdir -p "$1"
	added=$(stable -c core.quotePath=false diff --no-renames --name-only --diff-filter=A base HEAD)
	[ -z "$added" ] || (IFS='
' && set -f && stable archive HEAD -- $added) | tar -x -C "$1" || return
	stable -c core.quotePath=false diff --no-renames --name-only --diff-filter=a base HEAD |
		while read -r _f; do
			mkdir -p "$1/${_f%/*}" &&
				stable diff $DIFF --no-renames base HEAD -- "$_f" >"$1/$_f.diff" || return
		done
}
