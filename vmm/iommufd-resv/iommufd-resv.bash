# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Completion of iommufd-resv for bash: commands, options, files, and the
# addresses of PCI devices that are bound to vfio-pci. Source it, or install it
# as /usr/share/bash-completion/completions/iommufd-resv.

_iommufd_resv_pci=/sys/bus/pci/devices

_iommufd_resv_addresses() {
	local dir
	for dir in "$_iommufd_resv_pci"/*/vfio-dev; do
		dir=${dir%/vfio-dev}
		[[ ! -d $dir ]] || printf '%s\n' "${dir##*/}"
	done
}

_iommufd_resv() {
	local cur=${COMP_LINE:0:COMP_POINT} command=${COMP_WORDS[1]} words
	# bash cuts words at colons and equals signs as well; these are whole
	cur=${cur##*[[:space:]]}
	local before=${COMP_LINE:0:COMP_POINT-${#cur}}
	before=${before%"${before##*[![:space:]]}"}
	[[ $cur != --*=* ]] || { before=${cur%%=*} cur=${cur#*=}; }

	COMPREPLY=()
	case ${before##*[[:space:]]} in
	iommufd-resv | */iommufd-resv)
		words='list layout --help --version' ;;
	--ram | --range) # numbers
		return ;;
	--ram-file | --svg)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		compopt -o filenames 2>/dev/null
		return ;;
	*)
		case "$command $cur" in
		'list -'*) words='--json --help' ;;
		'layout -'*)
			words='--ram --range --ram-file --nested --map --json --svg --help' ;;
		'list '* | 'layout '*) words=$(_iommufd_resv_addresses) ;;
		*) return ;;
		esac ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	# bash puts in what it takes for the word: without what is before a colon
	[[ $COMP_WORDBREAKS != *:* ]] ||
		COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*:}"}"}")
}

complete -F _iommufd_resv iommufd-resv
