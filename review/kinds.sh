# SPDX-License-Identifier: GPL-2.0
# kinds.sh - what the tools run, what their results depend on, and what counts as a
# finding; sourced by review, after patchwise.sh, which calls these.
# shellcheck shell=sh disable=SC2034,SC2086,SC2154

CLANG=clang-19

kinds_of() {
	case $1 in
	sparse | clang | modular) echo "$1-x86_64 $1-arm64" ;;
	i386 | arm) echo "bits32-$1" ;;
	*) echo "$1-x86_64" ;;
	esac
}

tool_of() {
	case $1 in
	bits32-*) echo "${1#bits32-}" ;;
	*) echo "${1%%-*}" ;;
	esac
}

# What each kind does; patchwise.sh calls these with ARCH COMMIT LOG.

sparse() {
	objects "sparse-$1" "$2" "$3" C=1 CHECK="$SPARSE"
}

clang() {
	KCC=$CLANG objects "clang-$1" "$2" "$3" W=1
}

# A division of 64 bits compiles everywhere; that a kernel of 32 bits has no function
# for it would be seen only when all of it is linked.
bits32() {
	objects "bits32-$1" "$2" "$3" W=1 || return
	o=$CHECK/build/bits32-$1
	find "$o/drivers/iommu" "$o/drivers/vfio" -name '*.o' -exec "$(cross "$1")nm" -A -u {} + |
		sed -nE "s|^$o/||; s/^([^:]*): *U (__u?(div|mod|divmod)di[34]|__aeabi_u?ldivmod)\$/\1: error: needs \2, which the kernel does not have/p" >>"$3"
}

coccinelle() {
	o=$CHECK/build/coccinelle-$1
	"$TOP/kernel/configure" "$1" check "$src" "$o" 2>"$3" &&
		kmake "$1" "$src" "$o" prepare >>"$3" 2>&1 || return
	for d in $(t diff --name-only base HEAD -- 'drivers/*.c' 'tools/*.c' | sed 's|/[^/]*$||' | sort -u); do
		kmake "$1" "$src" "$o" coccicheck MODE=report M="$src/$d" J="$(nproc)" >>"$3" 2>&1 || return
	done
}

# Each uapi header of the series, alone. C++98 and C90 know no comma behind the last
# name of an enum, which is how the kernel writes them: -pedantic is for the others.
header() {
	include=$("$TOP/kernel/headers" "$1" "$src" "$CHECK/header" 2>"$3") || return
	for h in $(t diff --name-only base HEAD -- 'include/uapi/*.h' | sed 's|^include/uapi/||'); do
		[ -f "$include/$h" ] || continue
		while read -r cc; do
			for bits in 32 64; do
				echo "== $h: $cc -m$bits"
				echo "#include <$h>" | $cc -m$bits -Wall -Wextra -fsyntax-only -I "$include" - || :
			done
		done <<-EOF
			g++ -x c++ -std=c++98
			g++ -x c++ -std=c++11 -pedantic
			g++ -x c++ -std=c++17 -pedantic
			g++ -x c++ -std=c++23 -pedantic
			$CLANG -x c++ -std=c++20 -pedantic
			gcc -x c -std=c90
			gcc -x c -std=c99 -pedantic
			gcc -x c -std=gnu11 -pedantic
			$CLANG -x c -std=c23 -pedantic
		EOF
	done 2>&1 | sed "s|$include/|include/uapi/|g" >>"$3"
}

# The script unpacks the kernel at both ends; what makes no header can stay where it is.
uapi() {
	[ "$2" != "$base" ] || { : >"$3" && return; }
	for d in block crypto Documentation drivers fs kernel lib mm net samples security sound tools; do
		echo "/$d export-ignore"
	done >"$tmp/attributes"
	rc=0
	TMPDIR=$tmp KERNEL_SRC=$src ABIDIFF=$ABIDIFF GIT_CONFIG_COUNT=1 \
		GIT_CONFIG_KEY_0=core.attributesFile GIT_CONFIG_VALUE_0="$tmp/attributes" \
		"$src/scripts/check-uapi.sh" -b "$2" -p "$base" >"$3" 2>&1 || rc=$?
	[ $rc -le 1 ]
}

# Of userspace-api, which has no smaller part, without the two folders that have nine
# tenths of its pages.
docs() {
	o=$CHECK/build/docs
	rm -rf "$o"
	mkdir -p "$o"
	kmake "$1" "$src" "$o" htmldocs SPHINXDIRS=userspace-api \
		SPHINXOPTS="-D exclude_patterns=media/**,netlink/**" >"$3" 2>&1 &&
		rm -rf "$CHECK/page" && mkdir "$CHECK/page" &&
		cp -R "$o/Documentation/output/userspace-api/iommufd.html" \
			"$o/Documentation/output/userspace-api/_static" "$CHECK/page"
}

# order MODULE...: these and what they need, each behind what it needs itself
order() {
	awk -v wanted="$*" '
		function name(path) { sub(/.*\//, "", path); sub(/\.ko:?$/, "", path); return path }
		{ for (i = NF; i > 1; i--) needs[name($1)] = needs[name($1)] " " name($i) }
		END {
			n = split(wanted, want, " ")
			for (i = 1; i <= n; i++) {
				m = split(needs[want[i]] " " want[i], all, " ")
				for (j = 1; j <= m; j++)
					if (!seen[all[j]]++)
						print all[j]
			}
		}' "$stage"/lib/modules/*/modules.dep
}

# The modules of the series: what modpost has to say, then in a guest. The base is not
# built.
modular() {
	: >"$3"
	[ "$2" != "$base" ] || return 0
	arch=$1 log=$3 o=$BUILD/$1-modular stage=$CHECK/modular-$1 rc=0
	case $arch in
	x86_64)
		target=bzImage words='' driver='' modules="resv_kunit nested_kunit vfio-pci iommufd"
		suites=2 machine=mock test=iommufd_resv ;;
	arm64)
		# the port of the verdict is not to wait for the driver of its IOMMU
		target=Image words=deferred_probe_timeout=0
		driver=arm_smmu_v3 modules="resv_kunit arm-smmu-v3-test vfio-pci iommufd"
		suites=2 machine=smmuv3 test="e2e smmuv3" ;;
	esac
	# modpost speaks only when it runs
	rm -f "$o/Module.symvers"
	kernel=$("$TOP/kernel/build" "$arch" modular $target modules 2>>"$log") || rc=$?
	grep 'modpost: ' "$o/build.log" >"$tmp/modpost" || [ $rc -eq 0 ] || return
	[ $rc -eq 0 ] || { cp "$tmp/modpost" "$log" && return; }
	rm -rf "$stage"
	kmake "$arch" "$TREE" "$o" modules_install INSTALL_MOD_PATH="$stage" >>"$log" 2>&1 &&
		"$TOP/vm/initramfs" "$arch" >/dev/null 2>>"$log" || return

	# no iommu driver is unloaded while it has devices
	kept=$(order $driver | tr '\n' ' ')
	modules=$(order $modules | grep -vxF "$(echo "$kept" | tr ' ' '\n' | grep .)" | tr '\n' ' ')
	set -- "$GUEST/$arch/bin/modular" "$GUEST/$arch/bin/e2e" "$GUEST/$arch/bin/iommufd-resv" \
		"$GUEST/$arch/selftests/iommu/iommufd_resv"
	for m in $kept $modules; do
		set -- "$@" "$(find "$stage" -name "$m.ko"):/lib/modules/$m.ko"
	done
	image=$GUEST/$arch/initramfs-modular.cpio
	"$TOP/vm/image" "$GUEST/$arch/bin" "$image" "$@" >>"$log" 2>&1 || return
	cp "$tmp/modpost" "$log"
	"$TOP/vm/boot" -t 900 -k "$kernel" -i "$image" -o "$results/modular-$arch" \
		-a "kunit.autorun=1 $words" $machine -- modular "$kept" "$modules" $suites $test >"$stage/boot.log" 2>&1 || {
		tail -n 1 "$stage/boot.log"
		grep '^modular: ' "$results/modular-$arch/output.log" || :
	} >>"$log"
}

# The tools themselves, for the key to a result
versions() {
	case $1 in
	sparse-*) "$SPARSE" --version && compiler "${1#*-}" ;;
	clang-*) KCC=$CLANG compiler "${1#*-}" ;;
	coccinelle-*) spatch --version ;;
	header-*) g++ --version && gcc --version && $CLANG --version ;;
	uapi-*) "$ABIDIFF" --version && gcc --version ;;
	docs-*) sphinx-build --version ;;
	*) compiler "${1#*-}" ;;
	esac
}

# What the tool is run with is part of the key, too: the function above, the one that
# takes its findings, and the configuration.
depends() {
	versions "$1"
	sed -n "/^${1%%-*}() {/,/^}/p; /^findings() {/,/^}/p" "$TOP/review/kinds.sh"
	(cd "$TOP/kernel/config" && cat common.config check.config modular.config series.config "${1#*-}"*.config)
	case $1 in
	coccinelle-*) code "$2" && t ls-tree "$2" tools/testing/selftests/ ;;
	header-* | uapi-*) t ls-tree "$2" Makefile arch include/uapi scripts usr ;;
	docs-*) t ls-tree "$2" Documentation drivers include scripts tools/ | grep -v '/testing$' ;;
	modular-*)
		code "$2" && t ls-tree "$2" tools/testing/selftests/
		cat "$TOP"/guest/*.c "$TOP"/guest/Makefile "$TOP"/vm/boot "$TOP"/vm/judge "$TOP"/vm/image ;;
	*) code "$2" ;;
	esac
}

findings() {
	case $1 in
	coccinelle-*)
		grep -E '^[^ ]+:[0-9]+:[0-9]+-[0-9]+: ' "$2" | sed "s|^$src/||; s|^\./||" | sort -u |
			sed -E 's/:[0-9]+:[0-9]+-[0-9]+:/:/; s/ on line [0-9]+/ on a line/' | sort ;;
	uapi-*) grep -E '^(==== .*[^=]|error - )' "$2" | sed "s/$base/the base/g" | sort ;;
	modular-*) sort "$2" ;;
	*) warnings "$2" ;;
	esac
}
