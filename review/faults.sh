# SPDX-License-Identifier: GPL-2.0
# faults.sh - a fault for each tool, which it has to notice; sourced by review.
# shellcheck shell=sh disable=SC2154

# fault TOOL: into the work tree $src
fault() {
	resv=$src/drivers/iommu/iommufd/resv.c
	uapi=$src/include/uapi/linux/iommufd.h
	case $1 in
	sparse) c 'int resv_fault(int __user *p)' '{ return *p; }' ;;
	# gcc does not mind
	clang) c 'int resv_fault(int a)' '{ a = a; return a; }' ;;
	i386 | arm) c 'u64 resv_fault(u64 a, u64 b)' '{ return a / b; }' ;;
	coccinelle) c 'void resv_fault(void *p)' '{ if (p) kfree(p); }' ;;
	header) sed -i '$i struct iommu_fault { __u32 class; };' "$uapi" ;;
	uapi) sed -i '/^struct iommu_hw_info_vtd {/,/^}/ { /__reserved/d }' "$uapi" ;;
	docs) printf '\nA fault of the page\n=====\n' >>"$src/Documentation/userspace-api/iommufd.rst" ;;
	*) return 1 ;;
	esac
}

# c PROTOTYPE BODY: a function that is declared, so that nobody minds that
c() { printf '%s;\n%s %s\n' "$1" "$1" "$2" >>"$resv"; }

# fault_commit TOOL: with its fault on top of the series; prints it
fault_commit() {
	checkout "$(t rev-parse HEAD)" && fault "$1" &&
		g -C "$src" -c user.name=review -c user.email=review@localhost \
			commit -q -a -m "A fault for $1 to notice" &&
		g -C "$src" rev-parse HEAD
}
