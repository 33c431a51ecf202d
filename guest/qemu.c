// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU with patches/qemu-* beside the same QEMU without: what becomes of guest memory
 * over a reserved region of a device. Prints KTAP.
 *
 *	vfio-take qemu MACHINE
 *
 * MACHINE says what to expect: amd, where all devices have the same two regions; vtd
 * (vtd-hole), where the edu has what the devices on amd have, and the NIC only the
 * doorbell; or base: amd and a kernel without the calls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"
#include "qemu-vm.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The devices of the host that QEMU gets, each with a root port of its own */
#define EDU_ADDRESS "0000:00:04.0"
#define NIC_ADDRESS "0000:00:05.0"
#define EDU " -device vfio-pci,id=edu,bus=p1,iommufd=fd0,host=" EDU_ADDRESS
#define NIC " -device vfio-pci,id=nic,bus=p2,iommufd=fd0,host=" NIC_ADDRESS

#define PLUG(id, bus, host, more)					\
	"{ 'execute': 'device_add', 'arguments': { 'driver': 'vfio-pci'," \
	" 'id': '" id "', 'bus': '" bus "', 'host': '" host "',"	\
	" 'iommufd': 'fd0'" more " } }"
#define PLUG_EDU PLUG("edu", "p1", EDU_ADDRESS, "")
#define PLUG_NIC PLUG("nic", "p2", NIC_ADDRESS, "")
#define UNPLUG(id)							\
	"{ 'execute': 'device_del', 'arguments': { 'id': '" id "' } }"

/* 128 MiB of RAM at the beginning of the hole of AMD, 0xfd00000000, or anywhere */
#define HOLE "1086626725888"
#define BEHIND_HOLE "1099511627776"
#define DIMM_OVER_HOLE							\
	" -object memory-backend-ram,id=ram1,size=128M"			\
	" -device pc-dimm,id=dimm1,memdev=ram1,addr=0xfd00000000"
#define MAKE_RAM(id)							\
	"{ 'execute': 'object-add', 'arguments': {"			\
	" 'qom-type': 'memory-backend-ram', 'id': '" id "',"		\
	" 'size': 134217728 } }"
#define PLUG_RAM(id, ram, more)						\
	"{ 'execute': 'device_add', 'arguments': { 'driver': 'pc-dimm'," \
	" 'id': '" id "', 'memdev': '" ram "'" more " } }"
#define PLUG_OVER_HOLE PLUG_RAM("dimm1", "ram1", ", 'addr': " HOLE)
#define QUERY_MEMORY "{ 'execute': 'query-memory-devices' }"

/*
 * Nothing of it is plugged, so nothing of it is mapped, but its place is taken: all
 * from 4 GiB up to the hole, so that the next free address is there.
 */
#define FILL_UP_TO_HOLE							\
	" -object memory-backend-ram,id=ram0,size=1008G,reserve=off"	\
	" -device virtio-mem-pci,id=fill,memdev=ram0,requested-size=0,"	\
	"memaddr=0x100000000"

#define REFUSAL								\
	"guest memory 'ram1' at 0xfd00000000-0xfd07ffffff covers "	\
	"0xfd00000000-0xffffffffff, which host device " EDU_ADDRESS	\
	" reserves: it needs another address"
#define HINT								\
	"The address of a memory device is one of its properties; "	\
	"where boot RAM is depends on its size.\n"
#define NO_REALIZE							\
	"vfio " EDU_ADDRESS ": memory listener initialization failed: "	\
	"Region ram1: "
#define NO_MAPPING							\
	"vfio_container_dma_map(PTR, 0xfd00000000, 0x8000000, PTR) = -22 " \
	"(Invalid argument)"
#define HW_ERROR							\
	"hardware error: vfio: DMA mapping failed, unable to continue"
#define CANNOT_LOAD							\
	"vfio " EDU_ADDRESS ": load-resv-regions=on needs a host kernel " \
	"that can load reserved regions"

static struct vm vm, other;

static bool traced(const char *words, unsigned int times)
{
	unsigned int nr = vm_traced(words);

	return check(nr == times, "the trace has \"%s\" %u times, not %u",
		     words, nr, times);
}

/* So many devices were asked for their regions, and have these. */
static void traced_doorbell(unsigned int devices)
{
	traced("start=0xfee00000 last=0xfeefffff flags=0x0", devices);
}

static void traced_hole(unsigned int devices)
{
	traced("start=0xfd00000000 last=0xffffffffff flags=0x0", devices);
}

/* With the series, on an AMD IOMMU: one VM and what is plugged into it */

/* What is plugged while it runs can be unplugged without the guest. */
static void plug_first(void)
{
	need(vm_start(&vm, "series", "") && vm_do(&vm, PLUG_EDU) &&
	     vm_lives(&vm));
	traced_doorbell(1);
	traced_hole(1);
	traced("iommufd_backend_resv_region ", 2);
	traced("iommufd_backend_load_resv_regions ", 1);
	traced("clash=0x0-0x0 (0)", 1);
	traced("iommufd_cdev_load_resv  " EDU_ADDRESS, 1);
	traced("2 reserved regions, loaded=1", 1);
}

static void plug_over_hole(void)
{
	need(vm_do(&vm, MAKE_RAM("ram1")));
	if (vm_refused(&vm, PLUG_OVER_HOLE))
		vm_said(&vm, REFUSAL);
	need(vm_lives(&vm));
	if (vm_do(&vm, QUERY_MEMORY))
		vm_said(&vm, "{\"return\": []}");
}

static void plug_over_end(void)
{
	/* the last page of the hole is in it */
	if (vm_refused(&vm, PLUG_RAM("dimm1", "ram1", ", 'addr': 1099377410048")))
		vm_said(&vm, "guest memory 'ram1' at 0xfff8000000-0xffffffffff "
			"covers 0xfd00000000-0xffffffffff, which host device "
			EDU_ADDRESS " reserves: it needs another address");
	need(vm_lives(&vm));
}

static void plug_beside_hole(void)
{
	need(vm_do(&vm, PLUG_RAM("dimm2", "ram1", ", 'addr': 1086492508160")));
	traced("vfio_listener_region_add_ram region_add [ram] 0xfcf8000000 - "
	       "0xfcffffffff", 1);
	need(vm_lives(&vm));
}

static void plug_anywhere(void)
{
	need(vm_do(&vm, MAKE_RAM("ram2")) &&
	     vm_do(&vm, PLUG_RAM("dimm3", "ram2", "")));
	need(vm_do(&vm, QUERY_MEMORY));
	vm_said_in(&vm, "\"addr\": 4294967296,");
	need(vm_lives(&vm));
}

static void plug_second(void)
{
	need(vm_do(&vm, PLUG_NIC) && vm_lives(&vm));
	traced_doorbell(2);
	traced_hole(2);
	/* one container for both */
	traced("iommufd_cdev_alloc_ioas ", 1);
	traced("iommufd_backend_load_resv_regions ", 2);
}

static void unplug_first(void)
{
	need(vm_do(&vm, UNPLUG("edu")) && vm_unplugged(&vm) && vm_lives(&vm));
	/* still loaded */
	need(vm_do(&vm, MAKE_RAM("ram3")));
	if (vm_refused(&vm, PLUG_RAM("dimm1", "ram3", ", 'addr': " HOLE)))
		vm_said_in(&vm, "which host device " EDU_ADDRESS " reserves");
	need(vm_lives(&vm));
}

static void plug_first_again(void)
{
	need(vm_do(&vm, PLUG_EDU) && vm_lives(&vm));
	traced("iommufd_cdev_alloc_ioas ", 1);
	traced("iommufd_backend_load_resv_regions ", 3);
	traced("clash=0x0-0x0 (0)", 3);
	need(vm_do(&vm, UNPLUG("edu")) && vm_unplugged(&vm));
}

static void unplug_both(void)
{
	need(vm_do(&vm, UNPLUG("nic")) && vm_unplugged(&vm));
	/* nothing is loaded any more, so this is like any other address */
	need(vm_do(&vm, PLUG_RAM("dimm1", "ram3", ", 'addr': " HOLE)));
	need(vm_do(&vm, QUERY_MEMORY));
	vm_said_in(&vm, "\"addr\": " HOLE ",");
	need(vm_lives(&vm));
}

static void plug_device_over_ram(void)
{
	if (vm_refused(&vm, PLUG_EDU))
		vm_said(&vm, "vfio " EDU_ADDRESS ": memory listener "
			"initialization failed: Region ram3: "
			"guest memory 'ram3' at 0xfd00000000-0xfd07ffffff covers "
			"0xfd00000000-0xffffffffff, which host device "
			EDU_ADDRESS " reserves: it needs another address");
	need(vm_lives(&vm));
	need(vm_end(&vm));
	check(!vm.said[0], "it said something");
}

/* With the series, more VMs */

static void start_over_ram(void)
{
	if (vm_refuses(&vm, "series", DIMM_OVER_HOLE EDU)) {
		vm_mask(&vm);
		vm_said(&vm, "qemu:" EDU ": " NO_REALIZE REFUSAL "\n" HINT);
	}
	if (vm_refuses(&vm, "series", EDU DIMM_OVER_HOLE)) {
		vm_mask(&vm);
		vm_said(&vm, "qemu: -device pc-dimm,id=dimm1,memdev=ram1,"
			"addr=0xfd00000000: " REFUSAL "\n" HINT);
	}
}

static void next_free_is_hole(void)
{
	need(vm_start(&vm, "series", EDU FILL_UP_TO_HOLE));
	need(vm_do(&vm, MAKE_RAM("ram1")) &&
	     vm_do(&vm, PLUG_RAM("dimm1", "ram1", "")));
	need(vm_do(&vm, QUERY_MEMORY));
	vm_said_in(&vm, "\"addr\": " BEHIND_HOLE ",");
	traced("memory_device_skip_resv_region ram1: reserved "
	       "0xfd00000000-0xffffffffff, trying 0x10000000000", 1);
	need(vm_lives(&vm));
	/* the place of memory that comes later counts, too */
	need(vm_do(&vm, MAKE_RAM("ram2")));
	if (vm_refused(&vm, "{ 'execute': 'device_add', 'arguments': {"
			" 'driver': 'virtio-mem-pci', 'bus': 'p3', 'memdev': 'ram2',"
			" 'requested-size': 0, 'memaddr': " HOLE " } }"))
		vm_said(&vm, "guest memory 'ram2' at 0xfd00000000-0xfd07ffffff "
			"covers 0xfd00000000-0xffffffffff, which host device "
			EDU_ADDRESS " reserves: it needs another address");
	need(vm_lives(&vm) && vm_end(&vm));
}

static void load_on(void)
{
	need(vm_start(&vm, "series", EDU ",load-resv-regions=on"));
	traced_doorbell(1);
	traced_hole(1);
	traced("2 reserved regions, loaded=1", 1);
	need(vm_lives(&vm) && vm_end(&vm));
}

static void load_off(void)
{
	need(vm_start(&vm, "series", EDU ",load-resv-regions=off"));
	traced("iommufd_backend_load_resv_regions ", 0);
	traced("2 reserved regions, loaded=0", 1);
	need(vm_do(&vm, MAKE_RAM("ram1")));
	if (vm_dies(&vm, PLUG_OVER_HOLE)) {
		vm_said_in(&vm, REFUSAL "\n");
		vm_said_in(&vm, HW_ERROR);
	}
}

static void virtio_iommu(void)
{
	need(vm_start(&vm, "series", " -device virtio-iommu-pci" EDU NIC));
	/* those of each device; the doorbell is not the kernel's, so not for MSIs */
	traced("virtio_iommu_host_resv_regions ", 4);
	traced("host-resv-reg[0] = [0xfee00000,0xfeefffff] type=0", 2);
	traced("host-resv-reg[1] = [0xfd00000000,0xffffffffff] type=0", 2);
	need(vm_lives(&vm) && vm_end(&vm));
}

/* Without the series */

static void base_plug_over_hole(void)
{
	need(vm_start(&vm, "base", EDU) && vm_lives(&vm));
	need(vm_do(&vm, MAKE_RAM("ram1")));
	if (vm_dies(&vm, PLUG_OVER_HOLE)) {
		vm_mask(&vm);
		vm_said_in(&vm, NO_MAPPING "\n");
		vm_said_in(&vm, HW_ERROR);
	}
}

static void base_next_free_is_hole(void)
{
	need(vm_start(&vm, "base", EDU FILL_UP_TO_HOLE) && vm_lives(&vm));
	need(vm_do(&vm, MAKE_RAM("ram1")));
	if (vm_dies(&vm, PLUG_RAM("dimm1", "ram1", ""))) {
		vm_mask(&vm);
		vm_said_in(&vm, NO_MAPPING "\n");
		vm_said_in(&vm, HW_ERROR);
	}
}

static void base_start_over_ram(void)
{
	if (vm_refuses(&vm, "base", DIMM_OVER_HOLE EDU)) {
		vm_mask(&vm);
		vm_said(&vm, "qemu:" EDU ": " NO_REALIZE NO_MAPPING "\n");
	}
}

static void base_plug_device_over_ram(void)
{
	need(vm_start(&vm, "base", DIMM_OVER_HOLE));
	if (vm_refused(&vm, PLUG_EDU)) {
		vm_mask(&vm);
		vm_said(&vm, NO_REALIZE NO_MAPPING);
	}
	need(vm_lives(&vm) && vm_end(&vm));
}

static const struct ktap_case amd_cases[] = {
	{ "without: RAM plugged over the hole ends the VM", base_plug_over_hole },
	{ "with: a device is plugged, its regions are asked for and loaded",
	  plug_first },
	{ "with: RAM plugged over the hole is refused, and the VM goes on",
	  plug_over_hole },
	{ "with: the same over its end", plug_over_end },
	{ "with: RAM plugged right below the hole is mapped", plug_beside_hole },
	{ "with: RAM plugged without an address", plug_anywhere },
	{ "with: a second device joins the container", plug_second },
	{ "with: the first one is unplugged, its regions stay", unplug_first },
	{ "with: and plugged again, into the same container", plug_first_again },
	{ "with: no device, no region: RAM plugged over the hole", unplug_both },
	{ "with: a device plugged while RAM is there is refused, by name",
	  plug_device_over_ram },
	{ "without: it is refused as well, by numbers",
	  base_plug_device_over_ram },
	{ "without: start with RAM over the hole: numbers", base_start_over_ram },
	{ "with: start with RAM over the hole: names, in either order",
	  start_over_ram },
	{ "without: RAM plugged where the next free address is in the hole ends the VM",
	  base_next_free_is_hole },
	{ "with: it goes behind the hole; virtio-mem over the hole is refused",
	  next_free_is_hole },
	{ "with: load-resv-regions=on", load_on },
	{ "with: load-resv-regions=off, then RAM over the hole", load_off },
	{ "with: virtio-iommu has the regions of each device", virtio_iommu },
};

/* Devices with different regions: the hole is the edu's alone */

static void vtd_own_regions(void)
{
	need(vm_start(&vm, "series", EDU NIC));
	traced_doorbell(2);
	traced_hole(1);
	traced("iommufd_cdev_load_resv  " EDU_ADDRESS, 1);
	traced("2 reserved regions, loaded=1", 1);
	traced("iommufd_cdev_load_resv  " NIC_ADDRESS, 1);
	traced("1 reserved regions, loaded=1", 1);
	need(vm_do(&vm, MAKE_RAM("ram1")));
	if (vm_refused(&vm, PLUG_OVER_HOLE))
		vm_said(&vm, REFUSAL);
	need(vm_lives(&vm) && vm_end(&vm));
}

static void vtd_virtio_iommu(void)
{
	need(vm_start(&vm, "series", " -device virtio-iommu-pci" EDU NIC));
	/* and the end of the 48 bits that the IOMMU translates, of both */
	traced("virtio_iommu_host_resv_regions ", 5);
	traced("host-resv-reg[0] = [0xfee00000,0xfeefffff] type=0", 2);
	traced("host-resv-reg[1] = [0xfd00000000,0xffffffffff] type=0", 1);
	traced("= [0x1000000000000,0xffffffffffffffff] type=0", 2);
	need(vm_lives(&vm) && vm_end(&vm));
}

static void vtd_nic_over_hole(void)
{
	need(vm_start(&vm, "series", "") && vm_do(&vm, PLUG_NIC) &&
	     vm_do(&vm, MAKE_RAM("ram1")) && vm_do(&vm, PLUG_OVER_HOLE));
	need(vm_do(&vm, QUERY_MEMORY));
	vm_said_in(&vm, "\"addr\": " HOLE ",");
	need(vm_lives(&vm));
}

static void vtd_edu_over_ram(void)
{
	if (vm_refused(&vm, PLUG_EDU))
		vm_said(&vm, "vfio " EDU_ADDRESS ": " REFUSAL);
	/* no other IOAS behind anybody's back, and the NIC goes on */
	traced("iommufd_cdev_alloc_ioas ", 1);
	need(vm_lives(&vm));
}

static void vtd_nic_again(void)
{
	need(vm_do(&vm, UNPLUG("nic")) && vm_unplugged(&vm));
	need(vm_do(&vm, PLUG_NIC) && vm_lives(&vm));
	need(vm_end(&vm));
}

static void vtd_base_over_hole(void)
{
	need(vm_start(&vm, "base", EDU NIC) && vm_do(&vm, MAKE_RAM("ram1")));
	if (vm_dies(&vm, PLUG_OVER_HOLE)) {
		vm_mask(&vm);
		vm_said_in(&vm, NO_MAPPING "\n");
		vm_said_in(&vm, HW_ERROR);
	}
}

static const struct ktap_case vtd_cases[] = {
	{ "without: RAM plugged over the hole of one of two devices ends the VM",
	  vtd_base_over_hole },
	{ "with: it is refused, by the name of that device", vtd_own_regions },
	{ "with: virtio-iommu tells each device's own regions", vtd_virtio_iommu },
	{ "with: RAM goes where only a device that is not there has a region",
	  vtd_nic_over_hole },
	{ "with: that device is refused then, by name", vtd_edu_over_ram },
	{ "with: the other one is unplugged and plugged again",
	  vtd_nic_again },
};

/* On a kernel without the calls both say and do the same. */

static void same(void)
{
	vm_mask(&vm);
	vm_mask(&other);
	check(!strcmp(vm.said, other.said), "without: \"%s\", with: \"%s\"",
	      other.said, vm.said);
}

/* One after the other, since both have the same files */
static void same_plug_over_hole(void)
{
	need(vm_start(&other, "base", EDU) && vm_do(&other, MAKE_RAM("ram1")) &&
	     vm_dies(&other, PLUG_OVER_HOLE));
	need(vm_start(&vm, "series", EDU) && vm_do(&vm, MAKE_RAM("ram1")) &&
	     vm_dies(&vm, PLUG_OVER_HOLE));
	vm_mask(&vm);
	vm_said_in(&vm, NO_MAPPING "\n");
	same();
	traced("iommufd_backend_has_resv_regions  iommufd=", 1);
	traced(" has=0", 1);
	traced("iommufd_backend_load_resv_regions ", 0);
}

static void same_start_over_ram(void)
{
	need(vm_refuses(&other, "base", DIMM_OVER_HOLE EDU) &&
	     vm_refuses(&vm, "series", DIMM_OVER_HOLE EDU));
	vm_mask(&vm);
	vm_said(&vm, "qemu:" EDU ": " NO_REALIZE NO_MAPPING "\n");
	same();
}

static void same_plug_device_over_ram(void)
{
	need(vm_start(&other, "base", DIMM_OVER_HOLE) &&
	     vm_refused(&other, PLUG_EDU));
	strcpy(vm.said, other.said);
	need(vm_end(&other));
	strcpy(other.said, vm.said);
	need(vm_start(&vm, "series", DIMM_OVER_HOLE) &&
	     vm_refused(&vm, PLUG_EDU));
	same();
	need(vm_lives(&vm) && vm_end(&vm));
}

static void base_load_on(void)
{
	if (vm_refuses(&vm, "series", EDU ",load-resv-regions=on")) {
		vm_mask(&vm);
		vm_said(&vm, "qemu:" EDU ",load-resv-regions=on: " CANNOT_LOAD
			"\n");
	}
}

static const struct ktap_case base_cases[] = {
	{ "RAM plugged over the hole ends both, with the same words",
	  same_plug_over_hole },
	{ "start with RAM over the hole: the same words", same_start_over_ram },
	{ "a device plugged while RAM is there: the same words",
	  same_plug_device_over_ram },
	{ "load-resv-regions=on is refused", base_load_on },
};

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "amd"))
		return ktap_run(amd_cases, ARRAY_SIZE(amd_cases));
	if (argc == 2 && !strcmp(argv[1], "vtd"))
		return ktap_run(vtd_cases, ARRAY_SIZE(vtd_cases));
	if (argc == 2 && !strcmp(argv[1], "base"))
		return ktap_run(base_cases, ARRAY_SIZE(base_cases));
	fprintf(stderr, "usage: qemu amd|vtd|base\n");
	return 2;
}
