// SPDX-License-Identifier: GPL-2.0
/*
 * Random bytes, sizes and pointers for the calls of the series and for
 * IOMMU_HWPT_ALLOC. Each has to answer with success or an errno that is
 * documented, to write nothing but what it may, and to change no IOAS, except by
 * what a call that succeeds is for.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ktap.h"
#include "model.h"

/* Something of every kind, so that the ids lead somewhere */
static const char scene[] =
	"ioas i0; ioas i1; device d0 4; device d1 0x10;"
	"region d0 0x2000000 0x2003fff 4; region d0 0x2001000 0x2007fff 2;"
	"region d0 0x2100000 0x2100000 0; region d1 0x2000000 0x200bfff 3;"
	"hwpt h0 d0 i0 1 0; hwpt h1 d0 h0 8 1; viommu v0 d0 h0;"
	"hwpt h2 d0 v0 0x10 1; hwpt h3 d1 i1 8 0; attach d0 h1; attach d1 i1;"
	"pasid-attach d0 1 h3; load i0 d1; map i0 0x2200000 0x4000 0;"
	"map i1 0x2100000 0x1000 0; allow i0 1 0x2300000 0x23fffff;"
	"ioas i2; map i2 0 0x1000 0";

/* Afresh after so many calls */
#define CALLS 500

static struct kernel k;
static struct model m;

static char text[300];

static bool set_the_scene(void)
{
	static struct step s[40];
	int nr = steps_from_text(scene, s, NR(s));

	memset(&m, 0, sizeof(m));
	if (nr < 0 || !kernel_open(&k))
		return false;
	for (int i = 0; i < nr; i++) {
		const char *wrong = model_may(&m, &s[i]) ?
			kernel_step(&k, &m, &s[i], false) : "it may not be tried";

		if (wrong) {
			diag("step %d of the scene: %s", i + 1, wrong);
			return false;
		}
	}
	return true;
}

/*
 * Two pages that can be written, with one that can only be read before and one
 * that is not there behind them.
 */
#define PAGE 4096
#define AREA (2 * PAGE)
static unsigned char *area, was[AREA];

static bool make_area(void)
{
	unsigned char *all;

	if (area)
		return true;
	all = mmap(NULL, AREA + 2 * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED || mprotect(all, PAGE, PROT_READ) ||
	    mprotect(all + PAGE + AREA, PAGE, PROT_NONE))
		return false;
	area = all + PAGE;
	return true;
}

static uint64_t some_pointer(void)
{
	static const uint64_t bad[] = {
		0, 1, PAGE - 1, 0x7ffffffff000, 0x8000000000000000,
		0xffff888000000000, 0xffffffff81000000, UINT64_MAX,
	};

	switch (random_number() % 8) {
	case 0:
		return random_number();
	case 1:
		return bad[random_number() % NR(bad)];
	case 2:	/* across an edge of the area, or on the wrong side of it */
		return (uintptr_t)area - random_number() % 100;
	case 3:
		return (uintptr_t)area + AREA - random_number() % 100;
	default:
		return (uintptr_t)area + random_number() % (AREA - PAGE);
	}
}

/* Often one that leads somewhere */
static uint32_t some_id(enum object type)
{
	if (chance(5))
		return random_number();
	if (chance(20))
		type = random_number() % ACCESS;
	return kernel_id(&k, OBJECT(type, random_number() %
				    (type == IOAS ? 3 : 2)));
}

static uint32_t some_size(uint32_t size)
{
	switch (random_number() % 16) {
	case 0:
		return random_number();
	case 1:
		return random_number() % (3 * PAGE);
	case 2:
		return size + random_number() % 32;
	case 3:
		return random_number() % (size + 1);
	default:
		return size;
	}
}

/*
 * The calls. Which errno each may answer is what its documentation says, and what
 * every call of iommufd answers to a structure that it cannot take: -EINVAL if it
 * is too small, -E2BIG if there is something behind what the kernel knows, and
 * -EFAULT if it cannot be read or written.
 */
union command {
	struct iommu_resv_iova_ranges query;
	struct iommu_ioas_load_resv_iovas load;
	struct iommu_hwpt_alloc hwpt;
	unsigned char bytes[128];
};

enum call { QUERY, LOAD, ALLOC, NR_CALLS };

static const struct {
	const char *name;
	unsigned long request;
	uint32_t size;
	int errors[8];
} calls[NR_CALLS] = {
	[QUERY] = { "IOMMU_RESV_IOVA_RANGES", IOMMU_RESV_IOVA_RANGES,
		    sizeof(struct iommu_resv_iova_ranges),
		    { EINVAL, E2BIG, EFAULT, EOPNOTSUPP, ENOENT, EMSGSIZE } },
	[LOAD] = { "IOMMU_IOAS_LOAD_RESV_IOVAS", IOMMU_IOAS_LOAD_RESV_IOVAS,
		   sizeof(struct iommu_ioas_load_resv_iovas),
		   { EINVAL, E2BIG, EFAULT, EOPNOTSUPP, ENOENT, EADDRINUSE } },
	[ALLOC] = { "IOMMU_HWPT_ALLOC", IOMMU_HWPT_ALLOC,
		    sizeof(struct iommu_hwpt_alloc),
		    { EINVAL, E2BIG, EFAULT, EOPNOTSUPP, ENOENT, EADDRINUSE } },
};

/* How often each has answered what: success, or which of its errors */
static unsigned int answers[NR_CALLS][NR(calls->errors) + 1];

static void fill(enum call c, union command *cmd)
{
	for (size_t i = 0; i < sizeof(*cmd); i++)
		cmd->bytes[i] = random_number();
	/* what has to be 0 for anything else to be looked at */
	if (chance(90))
		memset(cmd->bytes + calls[c].size, 0,
		       sizeof(*cmd) - calls[c].size);
	switch (c) {
	case QUERY:
		cmd->query.dev_id = some_id(DEVICE);
		cmd->query.resv_iovas = some_pointer();
		if (chance(80))
			cmd->query.num_iovas = random_number() % 8;
		if (chance(90))
			cmd->query.__reserved = 0;
		break;
	case LOAD:
		cmd->load.dev_id = some_id(DEVICE);
		cmd->load.ioas_id = some_id(IOAS);
		if (chance(90))
			cmd->load.__reserved = 0;
		break;
	default:
		cmd->hwpt.dev_id = some_id(DEVICE);
		cmd->hwpt.pt_id = some_id(chance(50) ? IOAS :
					chance(50) ? HWPT : VIOMMU);
		cmd->hwpt.data_uptr = some_pointer();
		if (chance(90))
			cmd->hwpt.__reserved = 0;
		if (chance(90))
			cmd->hwpt.flags &= 0x1b;
		if (chance(80))
			cmd->hwpt.data_type = chance(30) ?
				IOMMU_HWPT_DATA_NONE : IOMMU_HWPT_DATA_SELFTEST;
		if (chance(80))
			cmd->hwpt.data_len =
				cmd->hwpt.data_type == IOMMU_HWPT_DATA_NONE ?
				0 : sizeof(struct iommu_hwpt_selftest);
		break;
	}
	cmd->query.size = some_size(calls[c].size);
}

/* Which device or IOAS has this id? */
static bool find(enum object type, unsigned int nr, uint32_t id, uint64_t *object)
{
	for (unsigned int i = 0; i < nr; i++) {
		*object = OBJECT(type, i);
		if (k.id[type][i] && k.id[type][i] == id)
			return true;
	}
	return false;
}

/*
 * A call that has succeeded: was it right to, and what it is for. After that all
 * is as ever again, but for what is loaded.
 */
static bool follow(enum call c, const union command *cmd)
{
	struct step load = { .op = OP_LOAD };
	struct answer a;
	uint64_t device;

	switch (c) {
	case QUERY:
		return !cmd->query.__reserved &&
		       find(DEVICE, NR_DEVICES, cmd->query.dev_id, &device);
	case LOAD:
		return !cmd->load.__reserved &&
		       find(IOAS, NR_IOAS, cmd->load.ioas_id, &load.arg[0]) &&
		       find(DEVICE, NR_DEVICES, cmd->load.dev_id,
			    &load.arg[1]) &&
		       !model_step(&m, &load, false, &a);
	default: {
		struct iommu_destroy destroy = { .size = sizeof(destroy),
						 .id = cmd->hwpt.out_hwpt_id };

		return !cmd->hwpt.__reserved &&
		       find(DEVICE, NR_DEVICES, cmd->hwpt.dev_id, &device) &&
		       !ioctl(k.iommufd, IOMMU_DESTROY, &destroy);
	}
	}
}

/* Has nothing been written outside of @cmd and of the query's array? */
static bool untouched(enum call c, const void *at, const union command *cmd)
{
	uintptr_t from = (uintptr_t)at, to = from + calls[c].size;
	uintptr_t array = 0, end = 0;

	/* what a structure is said to be is all that is written back */
	if (cmd->query.size < calls[c].size)
		to = from + cmd->query.size;
	if (c == QUERY) {
		array = cmd->query.resv_iovas;
		/* more than this it never has */
		end = array + (cmd->query.num_iovas < 100 ?
				       cmd->query.num_iovas : 100) *
				      sizeof(struct iommu_resv_iova_range);
	}
	for (uintptr_t i = 0; i < AREA; i++) {
		uintptr_t here = (uintptr_t)area + i;

		if (area[i] != was[i] && !(here >= from && here < to) &&
		    !(here >= array && here < end))
			return false;
	}
	return true;
}

static const char *one_call(void)
{
	enum call c = random_number() % NR_CALLS;
	union command cmd;
	void *at = area + PAGE + 8 * (random_number() % 64);
	size_t fits = sizeof(cmd), which = 0;
	bool bad = chance(4);
	const char *wrong;
	int rc;

	for (size_t i = 0; i < AREA; i += 8) {
		uint64_t number = chance(60) ? 0 : random_number();

		memcpy(area + i, &number, 8);
	}
	fill(c, &cmd);
	if (bad) {
		at = (void *)some_pointer();
	} else {
		/* often the last bytes before what is not there */
		if (chance(30))
			at = area + AREA - calls[c].size;
		if (fits > (size_t)(area + AREA - (unsigned char *)at))
			fits = area + AREA - (unsigned char *)at;
		memcpy(at, &cmd, fits);
	}
	memcpy(was, area, AREA);
	rc = ioctl(k.iommufd, calls[c].request, at) < 0 ? errno : 0;

	while (rc && which < NR(calls->errors) && calls[c].errors[which] != rc)
		which++;
	if (rc && which == NR(calls->errors)) {
		snprintf(text, sizeof(text), "%s answers %s", calls[c].name,
			 strerror(rc));
		return text;
	}
	answers[c][rc ? which + 1 : 0]++;
	/* what a wild pointer meets by chance is some structure as well */
	if (!bad && !untouched(c, at, &cmd)) {
		snprintf(text, sizeof(text), "%s wrote where it may not (%s)",
			 calls[c].name, rc ? strerror(rc) : "success");
		return text;
	}
	if (!rc) {
		if (bad)
			memcpy(&cmd, at, calls[c].size);
		else
			cmd.hwpt.out_hwpt_id =
				((struct iommu_hwpt_alloc *)at)->out_hwpt_id;
		if (!follow(c, &cmd)) {
			snprintf(text, sizeof(text),
				 "%s succeeded, and should not have",
				 calls[c].name);
			return text;
		}
	}
	wrong = kernel_compare(&k, &m);
	if (!wrong)
		return NULL;
	snprintf(text, sizeof(text), "after %s (%s): %s", calls[c].name,
		 rc ? strerror(rc) : "success", wrong);
	return text;
}

const char *garbage(unsigned long nr)
{
	const char *wrong = NULL;

	if (!make_area())
		return "no memory";
	for (unsigned long i = 0; i < nr && !wrong; i++) {
		if (i % CALLS == 0 && !set_the_scene())
			return "the scene could not be set";
		wrong = one_call();
		if (wrong)
			diag("that was call %lu", i + 1);
		if (i % CALLS == CALLS - 1 || i + 1 == nr || wrong)
			kernel_close(&k, &m);
	}
	for (size_t c = 0; c < NR_CALLS; c++) {
		diag("%-26s %6u succeeded", calls[c].name, answers[c][0]);
		for (size_t i = 0; calls[c].errors[i]; i++)
			diag("%-26s %6u %s", "", answers[c][i + 1],
			     strerror(calls[c].errors[i]));
	}
	return wrong;
}
