// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's side of the model: a step as a call of iommufd, and what it
 * answers and leaves behind compared with the model.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ktap.h"
#include "model.h"

/* More than any alignment that the kernel looks for in the memory's address */
#define MEMORY_ALIGNMENT 0x400000UL

/* No object gets it; they are counted from 1. */
#define NO_ID 0x7ffffff0

_Atomic unsigned int outcomes[NR_OPS][NR_OUTCOMES];

static char *memory;
static _Thread_local int fail_nth = -1;

/* What went wrong, for the one who asked; the last one counts. */
static _Thread_local char message[400];

__attribute__((format(printf, 1, 2)))
static const char *wrong(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return message;
}

static int call(const struct kernel *k, unsigned long request, void *cmd)
{
	return ioctl(k->iommufd, request, cmd) < 0 ? -errno : 0;
}

static int test(const struct kernel *k, struct iommu_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	return call(k, IOMMU_TEST_CMD, cmd);
}

uint32_t kernel_id(const struct kernel *k, uint64_t object)
{
	uint32_t id = 0;

	if (TYPE(object) == NO_OBJECT)
		return SLOT(object) ? NO_ID : 0;
	id = k->id[TYPE(object)][SLOT(object)];
	return id ?: NO_ID;
}

static uint32_t stdev_id(const struct kernel *k, uint64_t object)
{
	if (TYPE(object) != DEVICE || kernel_id(k, object) == NO_ID)
		return kernel_id(k, object);
	return k->stdev[SLOT(object)];
}

/*
 * Fault injection
 */

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good;

	if (fd < 0)
		return false;
	good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return good;
}

/* From now on the nth place where something can fail does. */
static void arm(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(fail_nth, text, len, 0) != len)
		diag("cannot write %u to fail-nth: %s", nth, strerror(errno));
}

/* Return: did it? */
static bool disarm(void)
{
	char left[16] = "";
	ssize_t len = pread(fail_nth, left, sizeof(left) - 1, 0);

	/* that failed: it was not yet so far, and now it is over */
	if (len < 0)
		return false;
	arm(0);
	return !strcmp(left, "0\n");
}

/*
 * What an injected failure may answer: no memory; and iommufd fails by itself,
 * where it looks for an object (-ENOENT) and where it is about to reserve or to
 * pin (-EINVAL, -EFAULT).
 */
static bool injected(int rc)
{
	return rc == -ENOMEM || rc == -ENOENT || rc == -EINVAL || rc == -EFAULT;
}

/*
 * One step
 */

/* What the kernel answers besides an errno */
struct got {
	uint32_t id;		/* of what was made, or attached to */
	uint32_t stdev, idev;	/* of a device that was made */
	uint64_t iova, length;
	struct iommu_resv_iova_range regions[2 * MAX_REGIONS + 2];
	uint32_t nr_regions;
	struct range clash;
	uint32_t reservations[2];	/* before and after OP_LOAD */
};

static uint32_t reservations(const struct kernel *k, uint64_t ioas)
{
	struct iommu_test_cmd cmd = { .op = IOMMU_TEST_OP_COUNT_RESERVED,
				      .id = kernel_id(k, ioas) };

	return test(k, &cmd) ? 0 : cmd.count_reserved.out_num;
}

static int do_device(const struct kernel *k, const struct step *s,
		     struct got *got)
{
	bool detached = s->op == OP_DEVICE;
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS,
		.id = detached ? 0 : kernel_id(k, s->arg[2]),
		.mock_domain_flags.dev_flags = s->arg[1] |
			(detached ? MOCK_FLAGS_DEVICE_DETACHED : 0),
	};
	int rc = test(k, &cmd);

	got->stdev = cmd.mock_domain.out_stdev_id;
	got->idev = cmd.mock_domain.out_idev_id;
	got->id = cmd.mock_domain.out_hwpt_id;
	return rc;
}

static int do_query(const struct kernel *k, const struct step *s,
		    struct got *got)
{
	struct iommu_resv_iova_ranges cmd = {
		.size = sizeof(cmd),
		.dev_id = kernel_id(k, s->arg[0]),
		.num_iovas = s->arg[1],
		.resv_iovas = (uintptr_t)got->regions,
	};
	int rc;

	memset(got->regions, 0xaa, sizeof(got->regions));
	rc = call(k, IOMMU_RESV_IOVA_RANGES, &cmd);
	got->nr_regions = cmd.num_iovas;
	return rc;
}

static int do_load(const struct kernel *k, const struct step *s,
		   struct got *got)
{
	struct iommu_ioas_load_resv_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = kernel_id(k, s->arg[0]),
		.dev_id = kernel_id(k, s->arg[1]),
		/* to be written, whatever comes of it */
		.out_clash_start = 0xaaaaaaaaaaaaaaaa,
		.out_clash_last = 0xaaaaaaaaaaaaaaaa,
	};
	int rc = call(k, IOMMU_IOAS_LOAD_RESV_IOVAS, &cmd);

	got->clash = (struct range){ cmd.out_clash_start, cmd.out_clash_last };
	return rc;
}

static int do_hwpt(const struct kernel *k, const struct step *s,
		   struct got *got)
{
	static const struct iommu_hwpt_selftest data[NR_DATA] = {
		[DATA_HUGE] = { .pagetable_type = MOCK_IOMMUPT_HUGE },
		[DATA_BYPASS] = { .flags = MOCK_NESTED_S1_BYPASS },
		[DATA_BAD_FLAG] = { .flags = MOCK_NESTED_S1_BYPASS << 1 },
		[DATA_BAD_TYPE] = { .pagetable_type = MOCK_IOMMUPT_HUGE + 1 },
	};
	bool some = s->arg[4] != DATA_NONE;
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.dev_id = kernel_id(k, s->arg[1]),
		.pt_id = kernel_id(k, s->arg[2]),
		.flags = s->arg[3],
		.data_type = some ? IOMMU_HWPT_DATA_SELFTEST :
				    IOMMU_HWPT_DATA_NONE,
		.data_len = some ? sizeof(*data) : 0,
		.data_uptr = (uintptr_t)&data[s->arg[4]],
		.fault_id = NO_ID,
	};
	int rc = call(k, IOMMU_HWPT_ALLOC, &cmd);

	got->id = cmd.out_hwpt_id;
	return rc;
}

static int do_viommu(const struct kernel *k, const struct step *s,
		     struct got *got)
{
	struct iommu_viommu_alloc cmd = {
		.size = sizeof(cmd),
		.type = IOMMU_VIOMMU_TYPE_SELFTEST,
		.dev_id = kernel_id(k, s->arg[1]),
		.hwpt_id = kernel_id(k, s->arg[2]),
	};
	int rc = call(k, IOMMU_VIOMMU_ALLOC, &cmd);

	got->id = cmd.out_viommu_id;
	return rc;
}

static int do_vdevice(const struct kernel *k, const struct step *s,
		      struct got *got)
{
	struct iommu_vdevice_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = kernel_id(k, s->arg[1]),
		.dev_id = kernel_id(k, s->arg[2]),
		.virt_id = s->arg[3],
	};
	int rc = call(k, IOMMU_VDEVICE_ALLOC, &cmd);

	got->id = cmd.out_vdevice_id;
	return rc;
}

static int do_map(const struct kernel *k, const struct step *s, struct got *got)
{
	bool fixed = s->op == OP_MAP;
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = (fixed ? IOMMU_IOAS_MAP_FIXED_IOVA : 0) |
			 IOMMU_IOAS_MAP_WRITEABLE | IOMMU_IOAS_MAP_READABLE,
		.ioas_id = kernel_id(k, s->arg[0]),
		.iova = fixed ? s->arg[1] : 0,
		.length = s->arg[fixed ? 2 : 1],
		.user_va = (uintptr_t)memory + s->arg[fixed ? 3 : 2],
	};
	int rc = call(k, IOMMU_IOAS_MAP, &cmd);

	got->iova = cmd.iova;
	return rc;
}

static int do_unmap(const struct kernel *k, const struct step *s,
		    struct got *got)
{
	struct iommu_ioas_unmap cmd = {
		.size = sizeof(cmd),
		.ioas_id = kernel_id(k, s->arg[0]),
		.iova = s->arg[1],
		.length = s->arg[2],
	};
	int rc = call(k, IOMMU_IOAS_UNMAP, &cmd);

	got->length = cmd.length;
	return rc;
}

static int do_allow(const struct kernel *k, const struct step *s)
{
	struct iommu_iova_range r[MAX_GIVEN];
	struct iommu_ioas_allow_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = kernel_id(k, s->arg[0]),
		.num_iovas = s->arg[1],
		.allowed_iovas = (uintptr_t)r,
	};

	for (size_t i = 0; i < s->arg[1]; i++)
		r[i] = (struct iommu_iova_range){ s->arg[2 + 2 * i],
						  s->arg[3 + 2 * i] };
	return call(k, IOMMU_IOAS_ALLOW_IOVAS, &cmd);
}

static int do_small_pages(const struct kernel *k, const struct step *s)
{
	struct iommu_option cmd = {
		.size = sizeof(cmd),
		.option_id = IOMMU_OPTION_HUGE_PAGES,
		.op = IOMMU_OPTION_OP_SET,
		.object_id = kernel_id(k, s->arg[0]),
		.val64 = !s->arg[1],
	};

	return call(k, IOMMU_OPTION, &cmd);
}

static int do_destroy(const struct kernel *k, const struct step *s)
{
	struct iommu_destroy cmd = { .size = sizeof(cmd),
				     .id = stdev_id(k, s->arg[0]) };

	return call(k, IOMMU_DESTROY, &cmd);
}

/* The steps that are test ops and answer with one id at most */
static int do_test(const struct kernel *k, const struct step *s,
		   struct got *got)
{
	const uint64_t *arg = s->arg;
	struct iommu_test_cmd cmd = { .id = stdev_id(k, arg[0]) };
	int rc;

	switch (s->op) {
	case OP_REGION:
		cmd.op = IOMMU_TEST_OP_DEV_ADD_RESV;
		cmd.id = kernel_id(k, arg[0]);
		cmd.dev_add_resv.start = arg[1];
		cmd.dev_add_resv.last = arg[2];
		cmd.dev_add_resv.type = arg[3];
		return test(k, &cmd);
	case OP_NO_REGIONS:
		cmd.op = IOMMU_TEST_OP_DEV_CLEAR_RESV;
		cmd.id = kernel_id(k, arg[0]);
		return test(k, &cmd);
	case OP_ATTACH:
	case OP_REPLACE:
		cmd.op = s->op == OP_ATTACH ? IOMMU_TEST_OP_MOCK_DOMAIN_ATTACH :
					      IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE;
		cmd.mock_domain_replace.pt_id = kernel_id(k, arg[1]);
		rc = test(k, &cmd);
		got->id = cmd.mock_domain_replace.pt_id;
		return rc;
	case OP_DETACH:
		cmd.op = IOMMU_TEST_OP_MOCK_DOMAIN_DETACH;
		return test(k, &cmd);
	case OP_PASID_ATTACH:
	case OP_PASID_REPLACE:
		cmd.op = s->op == OP_PASID_ATTACH ? IOMMU_TEST_OP_PASID_ATTACH :
						    IOMMU_TEST_OP_PASID_REPLACE;
		cmd.pasid_attach.pasid = arg[1];
		cmd.pasid_attach.pt_id = kernel_id(k, arg[2]);
		rc = test(k, &cmd);
		got->id = cmd.pasid_attach.pt_id;
		return rc;
	case OP_PASID_DETACH:
		cmd.op = IOMMU_TEST_OP_PASID_DETACH;
		cmd.pasid_detach.pasid = arg[1];
		return test(k, &cmd);
	case OP_RESERVE:
		cmd.op = IOMMU_TEST_OP_ADD_RESERVED;
		cmd.id = kernel_id(k, arg[0]);
		cmd.add_reserved.start = arg[1];
		cmd.add_reserved.length = arg[2];
		return test(k, &cmd);
	case OP_ACCESS:
		cmd.op = IOMMU_TEST_OP_CREATE_ACCESS;
		cmd.id = kernel_id(k, arg[1]);
		cmd.create_access.flags =
			arg[2] ? MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES : 0;
		rc = test(k, &cmd);
		got->id = cmd.create_access.out_access_fd;
		return rc;
	case OP_ACCESS_MOVE:
		cmd.op = IOMMU_TEST_OP_ACCESS_REPLACE_IOAS;
		cmd.id = kernel_id(k, arg[0]);
		cmd.access_replace_ioas.ioas_id = kernel_id(k, arg[1]);
		return test(k, &cmd);
	case OP_PIN:
		cmd.op = IOMMU_TEST_OP_ACCESS_PAGES;
		cmd.id = kernel_id(k, arg[0]);
		cmd.access_pages.flags = MOCK_FLAGS_ACCESS_WRITE;
		cmd.access_pages.iova = arg[1];
		cmd.access_pages.length = arg[2];
		return test(k, &cmd);
	default:
		return -EOPNOTSUPP;
	}
}

static int do_step(const struct kernel *k, const struct step *s,
		   struct got *got)
{
	switch (s->op) {
	case OP_IOAS: {
		struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };
		int rc = call(k, IOMMU_IOAS_ALLOC, &cmd);

		got->id = cmd.out_ioas_id;
		return rc;
	}
	case OP_DEVICE:
	case OP_DEVICE_AT:
		return do_device(k, s, got);
	case OP_QUERY:
		return do_query(k, s, got);
	case OP_LOAD:
		return do_load(k, s, got);
	case OP_HWPT:
		return do_hwpt(k, s, got);
	case OP_VIOMMU:
		return do_viommu(k, s, got);
	case OP_VDEVICE:
		return do_vdevice(k, s, got);
	case OP_MAP:
	case OP_MAP_ANYWHERE:
		return do_map(k, s, got);
	case OP_UNMAP:
		return do_unmap(k, s, got);
	case OP_ALLOW:
		return do_allow(k, s);
	case OP_SMALL_PAGES:
		return do_small_pages(k, s);
	case OP_CLOSE:
		return close(kernel_id(k, s->arg[0])) ? -errno : 0;
	case OP_DESTROY:
		return do_destroy(k, s);
	default:
		return do_test(k, s, got);
	}
}

int kernel_try(const struct kernel *k, const struct step *s)
{
	struct got got;

	return do_step(k, s, &got);
}

static const char *check_query(const struct step *s, const struct got *got,
			       const struct answer *want)
{
	size_t filled = want->nr_regions < s->arg[1] ? want->nr_regions :
						       s->arg[1];
	const unsigned char *after =
		(const unsigned char *)&got->regions[filled];

	if (got->nr_regions != want->nr_regions)
		return wrong("the query counts %u ranges, not %zu",
			     got->nr_regions, want->nr_regions);
	for (size_t i = 0; i < filled; i++)
		if (memcmp(&got->regions[i], &want->regions[i],
			   sizeof(want->regions[i])))
			return wrong("the query's range %zu is 0x%" PRIx64 "-0x%" PRIx64
				     " flags %u, not 0x%" PRIx64 "-0x%" PRIx64
				     " flags %u", i,
				     (uint64_t)got->regions[i].start,
				     (uint64_t)got->regions[i].last,
				     got->regions[i].flags,
				     (uint64_t)want->regions[i].start,
				     (uint64_t)want->regions[i].last,
				     want->regions[i].flags);
	for (size_t i = 0; i < (NR(got->regions) - filled) * sizeof(*got->regions); i++)
		if (after[i] != 0xaa)
			return wrong("the query wrote behind its %zu ranges",
				     filled);
	return NULL;
}

/* What else was answered, for a step that both say has succeeded */
static const char *check_answer(const struct kernel *k, struct model *m,
				const struct step *s, const struct got *got,
				const struct answer *want, bool others)
{
	switch (s->op) {
	case OP_QUERY:
		return check_query(s, got, want);
	case OP_LOAD:
		if (want->adds_nothing && !others &&
		    got->reservations[0] != got->reservations[1])
			return wrong("loading again made %u reservations of %u",
				     got->reservations[1], got->reservations[0]);
		return NULL;
	case OP_MAP:
		if (got->iova != s->arg[1])
			return wrong("mapped at 0x%" PRIx64, got->iova);
		return NULL;
	case OP_MAP_ANYWHERE:
		if (!model_place(m, s, got->iova))
			return wrong("the kernel chose to map at 0x%" PRIx64
				     ", which is not free", got->iova);
		return NULL;
	case OP_UNMAP:
		if (got->length != want->unmapped)
			return wrong("unmapped 0x%" PRIx64 " bytes, not 0x%" PRIx64,
				     got->length, want->unmapped);
		return NULL;
	case OP_DEVICE_AT:
	case OP_ATTACH:
	case OP_REPLACE:
	case OP_PASID_ATTACH:
	case OP_PASID_REPLACE:
		if (!want->new_hwpt && !(others && want->hwpt >= NR_MADE_HWPTS) &&
		    got->id != kernel_id(k, OBJECT(HWPT, want->hwpt)))
			return wrong("the kernel says to have attached to another HWPT than h%u",
				     want->hwpt);
		return NULL;
	default:
		return NULL;
	}
}

bool kernel_is_attached(const struct kernel *k, uint64_t device, uint32_t pasid,
			int hwpt)
{
	struct iommu_test_cmd cmd = {
		.op = IOMMU_TEST_OP_PASID_CHECK_HWPT,
		.id = stdev_id(k, device),
		.pasid_check.pasid = pasid,
	};

	if (hwpt >= 0)
		cmd.pasid_check.hwpt_id = kernel_id(k, OBJECT(HWPT, hwpt));
	return !test(k, &cmd);
}

/* Is the device, or its PASID, attached to what the model says it is? */
static const char *check_attachment(const struct kernel *k,
				    const struct model *m, const struct step *s,
				    bool others)
{
	bool has_pasid = s->op == OP_PASID_ATTACH || s->op == OP_PASID_REPLACE;
	uint32_t pasid = has_pasid ? s->arg[1] : 0;
	int hwpt;

	if (TYPE(s->arg[0]) != DEVICE || !m->device[SLOT(s->arg[0])].used)
		return NULL;
	hwpt = model_attached(m, s->arg[0], pasid);
	if (others && hwpt >= NR_MADE_HWPTS)
		return NULL;
	if (!kernel_is_attached(k, s->arg[0], pasid, hwpt))
		return wrong(hwpt < 0 ? "the device is attached" :
				"the device is not attached to h%d", hwpt);
	return NULL;
}

/* Notes the ids of what the step has made. */
static void remember(struct kernel *k, const struct step *s,
		     const struct got *got, const struct answer *a)
{
	static const enum object made[NR_OPS] = {
		[OP_IOAS] = IOAS, [OP_HWPT] = HWPT, [OP_VIOMMU] = VIOMMU,
		[OP_VDEVICE] = VDEVICE, [OP_ACCESS] = ACCESS,
	};

	if (made[s->op])
		k->id[made[s->op]][SLOT(s->arg[0])] = got->id;
	if (s->op == OP_DEVICE || s->op == OP_DEVICE_AT) {
		k->id[DEVICE][SLOT(s->arg[0])] = got->idev;
		k->stdev[SLOT(s->arg[0])] = got->stdev;
	}
	if (a->new_hwpt)
		k->id[HWPT][a->hwpt] = got->id;
}

/* Forgets the ids of what is gone: they may be given to something else. */
static void forget(struct kernel *k, const struct model *m)
{
	for (enum object type = IOAS; type < ACCESS; type++)
		for (unsigned int i = 0; i < NR_HWPTS; i++)
			if (k->id[type][i] && !model_has(m, OBJECT(type, i)))
				k->id[type][i] = 0;
}

static bool known(const struct kernel *k, uint32_t hwpt_id)
{
	for (size_t i = 0; i < NR_HWPTS; i++)
		if (k->id[HWPT][i] == hwpt_id)
			return true;
	return false;
}

static const char *error_name(int rc)
{
	return rc ? strerrorname_np(-rc) : "success";
}

static const char *compare_after(const struct kernel *k, const struct model *m,
				 const struct step *s, bool others)
{
	const char *text = others ? NULL : kernel_compare(k, m);

	switch (s->op) {
	case OP_DEVICE_AT:
	case OP_ATTACH:
	case OP_REPLACE:
	case OP_DETACH:
	case OP_PASID_ATTACH:
	case OP_PASID_REPLACE:
		return text ?: check_attachment(k, m, s, others);
	default:
		return text;
	}
}

/*
 * What a step may answer because of what another thread has in the same IOAS. It
 * has done nothing then.
 */
static bool in_the_way(const struct step *s, int rc)
{
	switch (s->op) {
	case OP_DEVICE_AT:
	case OP_LOAD:
	case OP_HWPT:
	case OP_ATTACH:
	case OP_REPLACE:
	case OP_ALLOW:
	case OP_RESERVE:
	case OP_ACCESS:
	case OP_ACCESS_MOVE:
		return rc == -EADDRINUSE;
	case OP_MAP:
		return rc == -EEXIST || rc == -EINVAL;
	case OP_MAP_ANYWHERE:
		return rc == -ENOSPC || rc == -EINVAL;
	default:
		return false;
	}
}

/* Is it one of the regions that the step loads? */
static bool is_region(struct model *m, const struct step *s, struct range r)
{
	struct step query = { .op = OP_QUERY,
			      .arg = { s->arg[1], 2 * MAX_REGIONS } };
	struct answer a;

	if (model_step(m, &query, false, &a))
		return false;
	for (size_t i = 0; i < a.nr_regions; i++)
		if (a.regions[i].start == r.start && a.regions[i].last == r.last)
			return true;
	return false;
}

const char *kernel_step(struct kernel *k, struct model *m,
			const struct step *s, bool others)
{
	struct model before = *m;
	struct answer want;
	struct got got = { 0 };
	const char *text;
	bool failed = false;
	int rc, want_rc;

	want_rc = model_step(m, s, false, &want);
	if (s->op == OP_LOAD && want.adds_nothing)
		got.reservations[0] = reservations(k, s->arg[0]);
	if (s->nth)
		arm(s->nth);
	rc = do_step(k, s, &got);
	if (s->nth)
		failed = disarm();
	if (s->op == OP_LOAD && want.adds_nothing)
		got.reservations[1] = reservations(k, s->arg[0]);

	if (s->op == OP_LOAD) {
		struct range clash = { 0 };

		if (rc == -EADDRINUSE)
			clash = others && is_region(&before, s, got.clash) ?
				got.clash : want.clash;
		if (got.clash.start != clash.start ||
		    got.clash.last != clash.last)
			return wrong("the clash is 0x%" PRIx64 "-0x%" PRIx64
				     ", not 0x%" PRIx64 "-0x%" PRIx64 " (%s)",
				     got.clash.start, got.clash.last,
				     clash.start, clash.last, error_name(rc));
	}

	/*
	 * A failure that was injected may make an error of a success, or another
	 * error; or iommufd takes it for an automatic HWPT that does not fit.
	 */
	if (failed && rc && rc != want_rc && injected(rc)) {
		outcomes[s->op][INJECTED]++;
		*m = before;
		return compare_after(k, m, s, others);
	}
	if (others && rc != want_rc && in_the_way(s, rc)) {
		outcomes[s->op][IN_THE_WAY]++;
		*m = before;
		return compare_after(k, m, s, others);
	}
	if (failed && !rc && !want_rc && TYPE(s->arg[1]) == IOAS &&
	    (s->op == OP_ATTACH || s->op == OP_REPLACE) &&
	    !others && !known(k, got.id)) {
		*m = before;
		want_rc = model_step(m, s, true, &want);
	}

	if (rc != want_rc)
		return wrong("the kernel answers %s, the model %s",
			     error_name(rc), error_name(want_rc));
	outcomes[s->op][rc ? REFUSED : SUCCESS]++;
	if (!rc || rc == -EMSGSIZE) {
		text = check_answer(k, m, s, &got, &want, others);
		if (text)
			return text;
	}
	if (!rc)
		remember(k, s, &got, &want);
	forget(k, m);
	return compare_after(k, m, s, others);
}

const char *kernel_compare_ioas(const struct kernel *k, unsigned int ioas,
				const struct range *want, size_t nr,
				uint64_t alignment)
{
	static struct iommu_iova_range got[MAX_THREADS * MAX_ALLOWED];
	struct iommu_ioas_iova_ranges cmd = {
		.size = sizeof(cmd),
		.ioas_id = kernel_id(k, OBJECT(IOAS, ioas)),
		.num_iovas = NR(got),
		.allowed_iovas = (uintptr_t)got,
	};
	int rc = call(k, IOMMU_IOAS_IOVA_RANGES, &cmd);

	if (rc)
		return wrong("IOMMU_IOAS_IOVA_RANGES of i%u: %s", ioas,
			     error_name(rc));
	for (size_t i = 0; i < nr && i < cmd.num_iovas; i++)
		if (got[i].start != want[i].start || got[i].last != want[i].last)
			return wrong("i%u allows 0x%" PRIx64 "-0x%" PRIx64
				     ", the model 0x%" PRIx64 "-0x%" PRIx64,
				     ioas, (uint64_t)got[i].start,
				     (uint64_t)got[i].last,
				     want[i].start, want[i].last);
	if (cmd.num_iovas != nr)
		return wrong("i%u allows %u ranges, the model %zu", ioas,
			     cmd.num_iovas, nr);
	if (cmd.out_iova_alignment != alignment)
		return wrong("i%u is aligned to %" PRIu64 ", not to %" PRIu64,
			     ioas, (uint64_t)cmd.out_iova_alignment, alignment);
	return NULL;
}

const char *kernel_compare(const struct kernel *k, const struct model *m)
{
	static struct range want[MAX_ALLOWED];
	const char *text = NULL;

	for (unsigned int i = 0; i < NR_IOAS && !text; i++)
		if (m->ioas[i].used)
			text = kernel_compare_ioas(k, i, want,
						   model_allowed(m, i, want),
						   model_alignment(m, i));
	return text;
}

bool kernel_open(struct kernel *k)
{
	memset(k, 0, sizeof(*k));
	k->iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (k->iommufd < 0)
		diag("cannot open /dev/iommu: %s", strerror(errno));
	return k->iommufd >= 0;
}

/*
 * Closing the file descriptor does nearly all: an access keeps it open, and
 * iommufd warns about a device that goes with a PASID attached.
 */
void kernel_leave(const struct kernel *k, const struct model *m)
{
	for (unsigned int i = 0; i < NR_ACCESSES; i++)
		if (m->access[i].used)
			close(k->id[ACCESS][i]);
	for (unsigned int i = 0; i < NR_DEVICES; i++) {
		struct step s = { .op = OP_PASID_DETACH,
				  .arg = { OBJECT(DEVICE, i) } };
		struct got got;

		for (size_t j = 0; m->device[i].used && j < NR_PASIDS; j++) {
			s.arg[1] = j ? IOMMU_TEST_PASID_RESERVED : 1;
			if (m->device[i].pasid[j].attached)
				do_test(k, &s, &got);
		}
	}
}

void kernel_close(struct kernel *k, const struct model *m)
{
	kernel_leave(k, m);
	close(k->iommufd);
}

/* What a domain of large pages can translate is the page table's affair. */
static bool measure_huge(void)
{
	struct step make[4];
	struct iommu_iova_range r;
	struct iommu_ioas_iova_ranges cmd = { .size = sizeof(cmd),
					      .num_iovas = 1,
					      .allowed_iovas = (uintptr_t)&r };
	struct kernel k;
	struct got got;
	bool good = true;

	if (steps_from_text("ioas i0; device d0 0; hwpt h0 d0 i0 0 2", make,
			    NR(make)) != 3 ||
	    !kernel_open(&k))
		return false;
	for (int i = 0; i < 3 && good; i++) {
		int rc = do_step(&k, &make[i], &got);

		if (rc)
			diag("cannot make a mock device and a HWPT: %s",
			     error_name(rc));
		good = !rc;
		remember(&k, &make[i], &got, &(struct answer){ 0 });
	}
	cmd.ioas_id = k.id[IOAS][0];
	if (good && (call(&k, IOMMU_IOAS_IOVA_RANGES, &cmd) ||
		     cmd.num_iovas != 1)) {
		diag("an IOAS with one HWPT of large pages is not of one range");
		good = false;
	}
	huge_aperture = (struct range){ r.start, r.last };
	close(k.iommufd);
	return good;
}

bool kernel_thread(void)
{
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0)
		diag("cannot open fail-nth: %s", strerror(errno));
	return fail_nth >= 0;
}

void kernel_thread_end(void)
{
	close(fail_nth);
}

bool kernel_prepare(void)
{
	static const char *const quiet[] = {
		"/sys/kernel/debug/failslab/verbose",
		"/sys/kernel/debug/fail_iommufd/verbose",
	};
	char *all = mmap(NULL, MEMORY_SIZE + MEMORY_ALIGNMENT,
			 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			 0);

	if (all == MAP_FAILED) {
		diag("no memory: %s", strerror(errno));
		return false;
	}
	/* the model's alignments, and how the kernel chooses an IOVA */
	if (sysconf(_SC_PAGESIZE) != 4096) {
		diag("the model knows pages of 4096 bytes only");
		return false;
	}
	memory = all + (-(uintptr_t)all & (MEMORY_ALIGNMENT - 1));

	/* also those allocations that may wait, and without a word of it */
	if (!put("/sys/kernel/debug/failslab/ignore-gfp-wait", "N"))
		diag("no failslab: only iommufd's own points of failure");
	for (size_t i = 0; i < NR(quiet); i++)
		put(quiet[i], "0");
	return kernel_thread() && measure_huge();
}
