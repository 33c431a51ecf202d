# SPDX-License-Identifier: GPL-2.0
# apt.sh - a private apt configuration under $CACHE/apt, which leaves the
# machine's own alone; sourced by packages and by what fetches, after lib.sh.
# shellcheck shell=sh disable=SC2034,SC2154

APT=$CACHE/apt

# priv LIST TOOL ARGS...: an apt tool on the private configuration, with the
# sources in $APT/LIST.list, and what $APT/LIST.conf adds if there is one
priv() {
	_list=$1 _tool=$2
	shift 2
	[ ! -f "$APT/$_list.conf" ] || set -- -c "$APT/$_list.conf" "$@"
	"$_tool" -c "$APT/apt.conf" -o "Dir::Etc::SourceList=$APT/$_list.list" "$@"
}

apt_config() {
	command -v apt-get >/dev/null ||
		die "this machine has no apt." "Use Debian 12 or later."
	mkdir -p "$APT/lists/partial" "$APT/archives/partial"
	cat >"$APT/apt.conf" <<-EOF
		Dir::Etc::SourceList "/dev/null";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$APT/lists";
		Dir::Cache "$APT";
		APT::Get::List-Cleanup "false";
		APT::Get::AllowUnauthenticated "false";
		Acquire::AllowInsecureRepositories "false";
		Acquire::Languages "none";
		Acquire::Retries "3";
	EOF
	# The cache may lie where apt's own user cannot go.
	[ "$(id -u)" -ne 0 ] || echo 'APT::Sandbox::User "root";' >>"$APT/apt.conf"

	CODENAME=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	KEYS=
	for _k in /usr/share/keyrings/debian-archive-keyring.gpg \
		/usr/share/keyrings/debian-archive-keyring.pgp; do
		[ ! -r "$_k" ] || KEYS=$_k
	done
	[ -n "$KEYS" ] || die "Debian's archive keys are not on this machine." \
		"Install the package debian-archive-keyring."
}

# The machine's own sources as lines "URI SUITE", whatever their format.
own_sources() {
	apt-get update --print-uris 2>/dev/null |
		sed -n "s|^'\(.*\)/dists/\([^/]*\)/InRelease'.*|\1 \2|p"
}

# lists LIST TYPE SUITE...: write $APT/LIST.list with these suites of the Debian
# archive the machine uses, and fetch their signed lists. TYPE: deb for packages,
# deb-src for source packages. Other archives may serve a suite of the same name;
# only Debian's is signed with Debian's keys.
lists() {
	_list=$1 _type=$2
	shift 2
	_own=$(own_sources)
	_uris=$(echo "$_own" | sed -n "s| $CODENAME-updates\$||p
		s| $CODENAME\$||p" | awk '!seen[$0]++')
	[ -n "$_uris" ] || die "apt has no source for Debian $CODENAME on this machine." \
		"Add one to /etc/apt/sources.list, then run this again."
	for _uri in $_uris; do
		for _suite; do
			case $_suite in
			*-security) _u=$(echo "$_own" | sed -n "s| $_suite\$||p;T;q") ;;
			*) _u=$_uri ;;
			esac
			[ -z "$_u" ] || echo "$_type [signed-by=$KEYS] $_u $_suite main"
		done >"$APT/$_list.list"
		PROGRESS_LOG=$APT/update.log progress "fetching the $_type lists of $*" \
			priv "$_list" apt-get -q update --error-on=any && return
	done
	die "the lists of $* could not be fetched, or not verified." \
		"See $APT/update.log; check the network and the machine's apt sources."
}

# What follows is for what fetches. It downloads into $tmp.

# is FILE SUM: has it this SHA-256?
is() { [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]; }

# cached FILE SUM: is it in the cache, and whole? Else it is dropped.
cached() {
	[ -f "$1" ] || return
	is "$1" "$2" && return
	say "$1 does not match its checksum: fetching it again."
	rm -f "$1" "$1.sha256"
	return 1
}

# download WHAT BYTES LIST ARGUMENT...: by apt-get
download() {
	what=$1 size=$2
	shift 2
	PROGRESS_LOG=$APT/download.log PROGRESS_NOTE=downloaded
	progress "downloading $what" in_tmp "$@"
}
downloaded() {
	far "$1" "$(find "$tmp" -type f -printf '%s\n' | awk '{ s += $1 } END { print int(s / 1000000) }')" \
		$((${size:-0} / 1000000)) MB
}
in_tmp() {
	_from=$1
	shift
	cd "$tmp" && priv "$_from" apt-get -q "$@"
}
