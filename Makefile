# SPDX-License-Identifier: GPL-2.0
# Every entry point of the repository, by name. "make help" lists them.

help:
	@sed -n 's/^#: //p' Makefile

#: Show and prove
#:   make run [MACHINE=NAME]                     ./run: see the series at work, on
#:                                   smmuv3, vtd, vtd39, amd, virtio, mock or guest
#:   make test [SUITE=...]                       ./test: see it pass
#:   make test SUITE="guest guest-debug"         a real guest of Debian's QEMU 11
#:   make test SUITE=kcsan                       data races, by KCSAN
#:   make page-sizes                             arm64 with 4K, 16K and 64K pages
#:   make try T="iommufd_resv -f resv_load"      the tree as it stands, one selftest
#:   make try T="model -n 1000000 -s 7"          ... or many random steps
#:   make mutants [M=NAME]                       small faults: does a test notice?
#:   make mutants ALL=1 [N=COUNT SEED=1] [M=NAME]
#:                                   all that a program thinks of, or a sample
#:   make bench                                  what the calls cost, in instructions,
#:                                   with and without the series; to bench/DATE.md
MACHINE = smmuv3
run:
	./run --machine $(MACHINE)
test:
	./test $(SUITE)
page-sizes:
	./test --page-sizes
try:
	./test --try $(T)
mutants:
	mutants/$(if $(ALL),all $(if $(N),-n $(N)) $(if $(SEED),-s $(SEED)),run) $(M)
bench:
	bench/run

#: Change the series
#:   make tree [FORCE=1]      the kernel with the series as commits; ./tree links to it
#:   make export              the commits back to patches/ and linux/
#:   make agree               do the tree, patches/ and linux/ agree?
#:   make check-series        checkpatch, kernel-doc, every patch alone compiles
#:   make review [TOOL=NAME]  sparse, Coccinelle, clang, 32 bits, modules, the uapi, the
#:                            documentation: what is new against the base?
#:   make bisect [N="1 2"]    every patch at its place: builds, boots, passes its tests
#:   make coverage            which added lines and branches does no test reach?
#: Older bases, and other trees; see patches/README.md
#:   make carry BASE=6.12         what has changed in the newest series, to an older one
#:   make range-diff BASE=6.12    what differs between the two
#:   make nearest LINUX=PATH      which base is nearest to a tree, and what stops it?
tree:
	kernel/tree
export:
	kernel/export
agree:
	kernel/agree
check-series:
	kernel/check-series
review:
	review/review $(TOOL)
bisect:
	review/bisect $(N)
coverage:
	review/coverage
carry:
	kernel/carry
range-diff:
	kernel/range-diff
nearest:
	kernel/nearest

#: Run it as kernel CI does, on the tree as it stands; KTAP in results/review
#:   make kunit [NAME="um x86_64 arm64 amd arm-smmu-v3"]   kunit.py
#:   make kselftest [ALL=1]   defconfig, the selftests' config, run_kselftest.sh
kunit:
	review/kunit $(NAME)
kselftest:
	review/kselftest $(if $(ALL),-a)

#: QEMU with the calls: the same for patches/qemu-10.0
#:   make qemu-tree [FORCE=1], qemu-export, qemu-agree     QEMU=PATH: of your own
#:   make qemu                build it, static; prints the program
#:   make qemu-check-series   checkpatch, every patch builds, its unit test
OF_QEMU = . qemu/base.sh &&
qemu-tree:
	$(OF_QEMU) kernel/tree
qemu-export:
	$(OF_QEMU) kernel/export
qemu-agree:
	$(OF_QEMU) kernel/agree
qemu:
	kernel/packages build-qemu
	$(OF_QEMU) kernel/tree >/dev/null
	qemu/build
qemu-check-series:
	qemu/check-series

#: Parts
#:   make packages            install the Debian packages that are missing
#:   make kernel ARCH=x86_64|arm64 FLAVOUR=fast|debug|check|modular|coverage|kcsan
#:                            arm64 also FLAVOUR=fast-16k and so on: 4k, 16k, 64k
#:   make guest ARCH=x86_64|arm64 FLAVOUR=...   its programs and initramfs
#:   vm/boot -h                            boot a machine by hand
#:   make iommufd-resv [O=DIR]             the program alone, for this machine
#:   make -C vmm/lib [O=DIR]               the library alone: libresv.a
ARCH = x86_64
FLAVOUR = fast
packages:
	kernel/packages
kernel:
	kernel/build $(ARCH) $(FLAVOUR)
guest:
	vm/initramfs $(ARCH) $(FLAVOUR)
iommufd-resv:
	$(MAKE) -C vmm/iommufd-resv $(if $(O),O=$(abspath $(O)))

#: BASE=7.3, LINUX=PATH and CACHE=DIR go with all of them; see README.md.

.PHONY: help run test page-sizes try mutants bench tree export agree check-series review bisect coverage carry range-diff nearest kunit kselftest packages kernel guest iommufd-resv \
	qemu-tree qemu-export qemu-agree qemu qemu-check-series
