// SPDX-License-Identifier: GPL-2.0
/*
 * What only one machine shows: a guest of 1,020 GiB and AMD's hole, and an
 * address that people take for a reserved region where an IOMMU of 39 bits just
 * ends. Part of e2e.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "e2e.h"
#include "vfio.h"

/* The machines have the edu here. */
#define EDU "0000:00:04.0"

/* All that the program prints, not just a part of it. */
static void prints(int code, const char *want, char *argv[])
{
	const char *out = expect_output(code, argv);

	if (says(out, want))
		check(strlen(out) == strlen(want), "it says more:\n%s", out);
}

/*
 * 2 GiB below 4 GiB as QEMU has it on q35, and the rest right above 4 GiB; or
 * where QEMU moves that on AMD; or on both sides of the hole. And the BARs of four
 * GPUs, from a report from the field: the last of them is over the hole.
 */
void own_hole(void)
{
	char *bars[] = { "iommufd-resv", "layout",
			 "--range", "gpu0.bar2=0x8000000000-0x9fffffffff",
			 "--range", "gpu1.bar2=0xa000000000-0xbfffffffff",
			 "--range", "gpu2.bar2=0xc000000000-0xdfffffffff",
			 "--range", "gpu3.bar2=0xe000000000-0xffffffffff", NULL };
	char *over[] = { "iommufd-resv", "layout", "--ram", "0-0x7fffffff",
			 "--ram", "0x100000000-0xff7fffffff", NULL, NULL };
	char *moved[] = { "iommufd-resv", "layout", "--ram", "0-0x7fffffff",
			  "--ram", "0x10000000000-0x1fe7fffffff", NULL };
	char *around[] = { "iommufd-resv", "layout", "--ram", "0-0x7fffffff",
			   "--ram", "0x100000000-0xfcffffffff",
			   "--ram", "0x10000000000-0x1027fffffff", NULL };

	prints(6, "The layout clashes with what 1 device needs.\n"
	       "  clash: RAM 0x100000000-0xff7fffffff: " EDU " reserves 0xfd00000000-0xffffffffff\n"
	       "\n"
	       EDU "  dev_id 1  amd-iommu  paging HWPT\n"
	       "\n"
	       "        START               LAST                SIZE\n"
	       "  RAM   0x0000000000000000  0x000000007fffffff  2 GiB (2147483648)\n"
	       "  RAM   0x0000000100000000  0x000000ff7fffffff  1018 GiB (1093069176832)\n"
	       "  left  0x0000000080000000  0x00000000fedfffff  1.9 GiB (2128609280)\n"
	       "  left  0x00000000fef00000  0x00000000ffffffff  17 MiB (17825792)\n"
	       "  left  0x0000010000000000  0xffffffffffffffff  15.9 EiB (18446742974197923840)\n",
	       over);
	prints(0, "The layout fits 1 device.\n"
	       "\n"
	       EDU "  dev_id 1  amd-iommu  paging HWPT\n"
	       "\n"
	       "        START               LAST                SIZE\n"
	       "  RAM   0x0000000000000000  0x000000007fffffff  2 GiB (2147483648)\n"
	       "  RAM   0x0000010000000000  0x000001fe7fffffff  1018 GiB (1093069176832)\n"
	       "  left  0x0000000080000000  0x00000000fedfffff  1.9 GiB (2128609280)\n"
	       "  left  0x00000000fef00000  0x000000fcffffffff  1008.0 GiB (1082349584384)\n"
	       "  left  0x000001fe80000000  0xffffffffffffffff  15.9 EiB (18446741881128747008)\n",
	       moved);
	prints(0, "The layout fits 1 device.\n"
	       "\n"
	       EDU "  dev_id 1  amd-iommu  paging HWPT\n"
	       "\n"
	       "        START               LAST                SIZE\n"
	       "  RAM   0x0000000000000000  0x000000007fffffff  2 GiB (2147483648)\n"
	       "  RAM   0x0000000100000000  0x000000fcffffffff  1008 GiB (1082331758592)\n"
	       "  RAM   0x0000010000000000  0x000001027fffffff  10 GiB (10737418240)\n"
	       "  left  0x0000000080000000  0x00000000fedfffff  1.9 GiB (2128609280)\n"
	       "  left  0x00000000fef00000  0x00000000ffffffff  17 MiB (17825792)\n"
	       "  left  0x0000010280000000  0xffffffffffffffff  15.9 EiB (18446742963460505600)\n",
	       around);
	prints(6, "The layout clashes with what 1 device needs.\n"
	       "  clash: gpu3.bar2 0xe000000000-0xffffffffff: " EDU " reserves 0xfd00000000-0xffffffffff\n"
	       "\n"
	       EDU "  dev_id 1  amd-iommu  paging HWPT\n"
	       "\n"
	       "             START               LAST                SIZE\n"
	       "  gpu0.bar2  0x0000008000000000  0x0000009fffffffff  128 GiB (137438953472)\n"
	       "  gpu1.bar2  0x000000a000000000  0x000000bfffffffff  128 GiB (137438953472)\n"
	       "  gpu2.bar2  0x000000c000000000  0x000000dfffffffff  128 GiB (137438953472)\n"
	       "  gpu3.bar2  0x000000e000000000  0x000000ffffffffff  128 GiB (137438953472)\n"
	       "  left       0x0000000000000000  0x00000000fedfffff  3.9 GiB (4276092928)\n"
	       "  left       0x00000000fef00000  0x0000007fffffffff  508.0 GiB (545478672384)\n"
	       "  left       0x0000010000000000  0xffffffffffffffff  15.9 EiB (18446742974197923840)\n",
	       bars);
	over[6] = "--json";
	says(expect_output(6, over),
	     "  \"verdict\": \"clashes\",\n"
	     "  \"nested\": false,\n"
	     "  \"ram\": [\n"
	     "    { \"start\": \"0x0\", \"last\": \"0x7fffffff\", \"size\": \"0x80000000\" },\n"
	     "    { \"start\": \"0x100000000\", \"last\": \"0xff7fffffff\", \"size\": \"0xfe80000000\" }\n"
	     "  ],\n"
	     "  \"ranges\": [],\n"
	     "  \"clashes\": [\n"
	     "    {\n"
	     "      \"kind\": \"reserved\",\n"
	     "      \"address\": \"" EDU "\",\n"
	     "      \"name\": \"\",\n"
	     "      \"ram\": { \"start\": \"0x100000000\", \"last\": \"0xff7fffffff\", \"size\": \"0xfe80000000\" },\n"
	     "      \"with\": { \"start\": \"0xfd00000000\", \"last\": \"0xffffffffff\", \"size\": \"0x300000000\", \"sw_msi\": false },\n"
	     "      \"text\": \"" EDU " reserves 0xfd00000000-0xffffffffff\"\n"
	     "    }\n"
	     "  ],\n");
	/* The stage 2 of a guest that always translates does not have the hole. */
	over[6] = "--nested";
	says(expect_output(0, over), "The layout fits 1 device (nested).\n");
}

#define OUT_OF_REACH							\
	"0x382000000000-0x38203fffffff is beyond what the IOMMU of " EDU \
	" translates (paging HWPT: 0x0-0x7fffffffff); that is its reach, not a reserved region"

/* The kernel tells neither from the other when something is mapped there. */
static void no_region(uint64_t iova)
{
	void *mem = guest_memory(page);
	uint32_t ioas;

	need(guest_bind(&guest));
	need(check_rc(resv_ioas_alloc(guest.iommufd, &ioas), 0));
	check_rc(guest_map(&guest, ioas, iova, mem, page), 0);
	check_rc(resv_ioas_load(guest.iommufd, ioas, guest.dev_id, NULL), 0);
	check_rc(vfio_attach(guest.dev, ioas), -EADDRINUSE);
	check_rc(guest_unmap(&guest, ioas, iova, page), 0);
	check_rc(vfio_attach(guest.dev, ioas), 0);
	check_rc(guest_map(&guest, ioas, iova, mem, page), -EINVAL);
	check_rc(vfio_detach(guest.dev), 0);
	check_rc(resv_destroy(guest.iommufd, ioas), 0);
	guest_unbind(&guest);
	munmap(mem, page);
}

void own_reach(void)
{
	char *layout[] = { "iommufd-resv", "layout", "--ram", "0-0x7fffffff",
			   "--range", "BAR=0x382000000000-0x38203fffffff",
			   NULL, NULL };

	no_region(0x382000000000);
	prints(6, "The layout clashes with what 1 device needs.\n"
	       "  clash: BAR 0x382000000000-0x38203fffffff: " OUT_OF_REACH "\n"
	       "\n"
	       EDU "  dev_id 1  intel-iommu  paging HWPT\n"
	       "\n"
	       "        START               LAST                SIZE\n"
	       "  RAM   0x0000000000000000  0x000000007fffffff  2 GiB (2147483648)\n"
	       "  BAR   0x0000382000000000  0x000038203fffffff  1 GiB (1073741824)\n"
	       "  left  0x0000000080000000  0x00000000fedfffff  1.9 GiB (2128609280)\n"
	       "  left  0x00000000fef00000  0x0000007fffffffff  508.0 GiB (545478672384)\n",
	       layout);
	layout[6] = "--json";
	says(expect_output(6, layout),
	     "  \"clashes\": [\n"
	     "    {\n"
	     "      \"kind\": \"aperture\",\n"
	     "      \"address\": \"" EDU "\",\n"
	     "      \"name\": \"BAR\",\n"
	     "      \"ram\": { \"start\": \"0x382000000000\", \"last\": \"0x38203fffffff\", \"size\": \"0x40000000\" },\n"
	     "      \"with\": { \"start\": \"0x382000000000\", \"last\": \"0x38203fffffff\", \"size\": \"0x40000000\", \"sw_msi\": false },\n"
	     "      \"text\": \"" OUT_OF_REACH "\"\n"
	     "    }\n"
	     "  ],\n");
}
