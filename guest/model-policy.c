// SPDX-License-Identifier: GPL-2.0
/*
 * The model: what every step has to answer and what it leaves behind. It is made
 * from the documentation (Documentation/userspace-api/iommufd.rst and the uapi
 * header, "Reserved Regions") and for all that is older than that from what
 * iommufd has always answered. It knows nothing of owners, trees and locks:
 * whatever is reserved is a list of ranges at the one who demands it, each
 * question goes through all of them, and a step that fails is one whose work on
 * a copy is thrown away.
 */
#include <errno.h>
#include <string.h>

#include "model.h"

#define PAGE 4096

struct range huge_aperture;

static const struct range mock_aperture = {
	MOCK_APERTURE_START, MOCK_APERTURE_LAST
};

static bool meets(struct range a, struct range b)
{
	return a.start <= b.last && b.start <= a.last;
}

static void add(struct ranges *list, struct range r)
{
	list->r[list->nr++] = r;
}

int model_pasid(uint64_t pasid)
{
	return pasid == 1 ? 0 : pasid == IOMMU_TEST_PASID_RESERVED ? 1 : -1;
}

bool model_has(const struct model *m, uint64_t object)
{
	switch (TYPE(object)) {
	case IOAS:
		return m->ioas[SLOT(object)].used;
	case DEVICE:
		return m->device[SLOT(object)].used;
	case HWPT:
		return m->hwpt[SLOT(object)].used;
	case VIOMMU:
		return m->viommu[SLOT(object)].used;
	case VDEVICE:
		return m->vdevice[SLOT(object)].used;
	case ACCESS:
		return m->access[SLOT(object)].used;
	default:
		return false;
	}
}

static bool is(const struct model *m, uint64_t object, enum object type)
{
	return TYPE(object) == type && model_has(m, object);
}

/*
 * What a step names, or NULL: a name of the wrong kind, or of what is not there,
 * names nothing.
 */
#define FIND_DEVICE(m, object) \
	(is(m, object, DEVICE) ? &(m)->device[SLOT(object)] : NULL)
#define FIND_HWPT(m, object) \
	(is(m, object, HWPT) ? &(m)->hwpt[SLOT(object)] : NULL)

/* The nest parent of a HWPT, or itself */
static unsigned int paging(const struct model *m, unsigned int hwpt)
{
	const struct hwpt *h = &m->hwpt[hwpt];

	if (!h->nested)
		return hwpt;
	return h->of_viommu ? m->viommu[h->above].parent : h->above;
}

/* The IOAS that a HWPT is filled from */
static unsigned int ioas_of(const struct model *m, unsigned int hwpt)
{
	return m->hwpt[paging(m, hwpt)].above;
}

/*
 * Reserved regions
 */

static uint32_t kind_at(const struct device *d, uint64_t iova, bool *reserved)
{
	uint32_t flags = 0;

	*reserved = false;
	for (size_t i = 0; i < d->nr_regions; i++) {
		const struct region *r = &d->region[i];

		if (iova < r->iova.start || iova > r->iova.last ||
		    r->kind == MOCK_RESV_DIRECT_RELAXABLE)
			continue;
		*reserved = true;
		if (r->kind == MOCK_RESV_SW_MSI)
			flags = IOMMU_RESV_IOVA_SW_MSI;
	}
	return flags;
}

/*
 * What IOMMU_RESV_IOVA_RANGES has to answer: between two neighbouring edges of
 * regions all IOVA are of one kind, and pieces of one kind that touch are one.
 */
static void regions(const struct device *d, struct answer *a)
{
	uint64_t edge[2 * MAX_REGIONS];
	size_t nr = 0;

	a->nr_regions = 0;
	for (size_t i = 0; i < d->nr_regions; i++) {
		edge[nr++] = d->region[i].iova.start;
		if (d->region[i].iova.last != UINT64_MAX)
			edge[nr++] = d->region[i].iova.last + 1;
	}
	for (size_t i = 1; i < nr; i++)
		for (size_t j = i; j && edge[j] < edge[j - 1]; j--) {
			uint64_t swap = edge[j];

			edge[j] = edge[j - 1];
			edge[j - 1] = swap;
		}
	for (size_t i = 0; i < nr; i++) {
		uint64_t last = i + 1 < nr ? edge[i + 1] - 1 : UINT64_MAX;
		struct iommu_resv_iova_range *before =
			a->nr_regions ? &a->regions[a->nr_regions - 1] : NULL;
		bool reserved;
		uint32_t flags;

		if (i + 1 < nr && edge[i + 1] == edge[i])
			continue;
		flags = kind_at(d, edge[i], &reserved);
		if (!reserved)
			continue;
		if (before && before->last == edge[i] - 1 &&
		    before->flags == flags)
			before->last = last;
		else
			a->regions[a->nr_regions++] =
				(struct iommu_resv_iova_range){
					.start = edge[i], .last = last,
					.flags = flags };
	}
}

/* The rows of the table "What an attachment reserves" */
static bool demands_all(const struct hwpt *h)
{
	return !h->nested || h->identity;
}

static void demand(const struct device *d, bool all, struct ranges *out)
{
	struct answer a;

	regions(d, &a);
	out->nr = 0;
	for (size_t i = 0; i < a.nr_regions; i++)
		if (all || a.regions[i].flags & IOMMU_RESV_IOVA_SW_MSI)
			add(out, (struct range){ a.regions[i].start,
						 a.regions[i].last });
}

/* Is something mapped there, or promised by IOMMU_IOAS_ALLOW_IOVAS? */
static bool in_use(const struct model *m, unsigned int ioas, struct range r)
{
	for (size_t i = 0; i < m->ioas[ioas].nr_maps; i++)
		if (meets(m->ioas[ioas].map[i].iova, r))
			return true;
	for (size_t i = 0; i < m->ioas[ioas].allowed.nr; i++)
		if (meets(m->ioas[ioas].allowed.r[i], r))
			return true;
	return false;
}

static bool any_in_use(const struct model *m, unsigned int ioas,
		       const struct ranges *list)
{
	for (size_t i = 0; i < list->nr; i++)
		if (in_use(m, ioas, list->r[i]))
			return true;
	return false;
}

/* What a paging domain cannot translate */
static void outside(const struct hwpt *h, struct ranges *out)
{
	struct range aperture = h->huge ? huge_aperture : mock_aperture;

	if (aperture.start)
		add(out, (struct range){ 0, aperture.start - 1 });
	if (aperture.last != UINT64_MAX)
		add(out, (struct range){ aperture.last + 1, UINT64_MAX });
}

/* All that is reserved in an IOAS, by whomever, in no order */
static size_t all_reserved(const struct model *m, unsigned int ioas,
			   struct range *out)
{
	struct ranges aperture = { 0 };
	size_t nr = 0;

#define ADD_ALL(list)						\
	do {							\
		for (size_t j = 0; j < (list)->nr; j++)		\
			out[nr++] = (list)->r[j];		\
	} while (0)

	ADD_ALL(&m->ioas[ioas].loaded);
	ADD_ALL(&m->ioas[ioas].reserved);
	for (size_t i = 0; i < NR_DEVICES; i++)
		if (m->device[i].attached &&
		    ioas_of(m, m->device[i].hwpt) == ioas)
			ADD_ALL(&m->device[i].held);
	for (size_t i = 0; i < NR_HWPTS; i++)
		if (m->hwpt[i].used && !m->hwpt[i].nested &&
		    m->hwpt[i].above == ioas)
			outside(&m->hwpt[i], &aperture);
	ADD_ALL(&aperture);
#undef ADD_ALL
	return nr;
}

size_t model_allowed(const struct model *m, unsigned int ioas,
		     struct range out[MAX_ALLOWED])
{
	struct range r[MAX_ALL];
	size_t nr = all_reserved(m, ioas, r);
	size_t nr_out = 0;
	uint64_t next = 0;	/* below it all has been looked at */

	for (;;) {
		const struct range *first = NULL;

		for (size_t i = 0; i < nr; i++)
			if (r[i].last >= next &&
			    (!first || r[i].start < first->start))
				first = &r[i];
		if (!first) {
			out[nr_out++] = (struct range){ next, UINT64_MAX };
			return nr_out;
		}
		if (first->start > next)
			out[nr_out++] =
				(struct range){ next, first->start - 1 };
		if (first->last == UINT64_MAX)
			return nr_out;
		next = first->last + 1;
	}
}

static bool is_reserved(const struct model *m, unsigned int ioas,
			struct range want)
{
	struct range r[MAX_ALL];
	size_t nr = all_reserved(m, ioas, r);

	for (size_t i = 0; i < nr; i++)
		if (meets(r[i], want))
			return true;
	return false;
}

uint64_t model_alignment(const struct model *m, unsigned int ioas)
{
	uint64_t alignment = m->ioas[ioas].small_pages ? PAGE : 1;

	for (size_t i = 0; i < NR_HWPTS; i++) {
		const struct hwpt *h = &m->hwpt[i];
		uint64_t page = h->huge ? PAGE : MOCK_PAGE_SIZE;

		if (h->used && !h->nested && h->above == ioas &&
		    page > alignment)
			alignment = page;
	}
	for (size_t i = 0; i < NR_ACCESSES; i++)
		if (m->access[i].used && m->access[i].ioas == ioas &&
		    m->access[i].pins)
			alignment = PAGE;
	return alignment;
}

/* Does all that is mapped fit the alignment of now? */
static bool fits(const struct model *m, unsigned int ioas)
{
	uint64_t odd = model_alignment(m, ioas) - 1;

	for (size_t i = 0; i < m->ioas[ioas].nr_maps; i++) {
		const struct map *map = &m->ioas[ioas].map[i];

		if ((map->iova.start | (map->iova.last + 1) | map->offset) & odd)
			return false;
	}
	return true;
}

/*
 * HWPTs
 */

/* A slot for an automatic HWPT: each has a device, so one is always left. */
static unsigned int automatic_slot(const struct model *m)
{
	unsigned int i = NR_MADE_HWPTS;

	while (m->hwpt[i].used)
		i++;
	return i;
}

static bool hwpt_is_used(const struct model *m, unsigned int hwpt)
{
	for (size_t i = 0; i < NR_DEVICES; i++) {
		const struct device *d = &m->device[i];

		if (d->attached && d->hwpt == hwpt)
			return true;
		for (size_t j = 0; j < NR_PASIDS; j++)
			if (d->pasid[j].attached && d->pasid[j].hwpt == hwpt)
				return true;
	}
	for (size_t i = 0; i < NR_HWPTS; i++)
		if (m->hwpt[i].used && m->hwpt[i].nested &&
		    !m->hwpt[i].of_viommu && m->hwpt[i].above == hwpt)
			return true;
	for (size_t i = 0; i < NR_VIOMMUS; i++)
		if (m->viommu[i].used && m->viommu[i].parent == hwpt)
			return true;
	return false;
}

/* An automatic HWPT goes with its last user. */
static void put_hwpt(struct model *m, unsigned int hwpt)
{
	if (m->hwpt[hwpt].automatic && !hwpt_is_used(m, hwpt))
		m->hwpt[hwpt].used = false;
}

/* Fills the slot; the IOAS has to take it. */
static int add_paging(struct model *m, unsigned int hwpt, struct hwpt new)
{
	struct ranges aperture = { 0 };

	outside(&new, &aperture);
	if (any_in_use(m, new.above, &aperture))
		return -EADDRINUSE;
	new.used = true;
	new.age = ++m->age;
	m->hwpt[hwpt] = new;
	return fits(m, new.above) ? 0 : -EADDRINUSE;
}

static int alloc_paging(struct model *m, unsigned int slot,
			const struct device *d, unsigned int ioas,
			uint32_t flags, enum data data)
{
	struct hwpt new = {
		.above = ioas,
		.nest_parent = flags & IOMMU_HWPT_ALLOC_NEST_PARENT,
		.dirty = flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
		.pasid = flags & IOMMU_HWPT_ALLOC_PASID,
		.huge = data == DATA_HUGE,
	};

	if (flags & ~(IOMMU_HWPT_ALLOC_NEST_PARENT |
		      IOMMU_HWPT_ALLOC_DIRTY_TRACKING |
		      IOMMU_HWPT_ALLOC_PASID | IOMMU_HWPT_FAULT_ID_VALID) ||
	    (new.nest_parent && flags & IOMMU_HWPT_FAULT_ID_VALID) ||
	    (new.dirty && d->flags & MOCK_FLAGS_DEVICE_NO_DIRTY) ||
	    data == DATA_BAD_TYPE)
		return -EOPNOTSUPP;
	return add_paging(m, slot, new);
}

static int alloc_nested(struct model *m, unsigned int slot, uint64_t above,
			uint32_t flags, enum data data)
{
	struct hwpt new = {
		.used = true,
		.nested = true,
		.of_viommu = TYPE(above) == VIOMMU,
		.above = SLOT(above),
		.pasid = flags & IOMMU_HWPT_ALLOC_PASID,
		.identity = flags & IOMMU_HWPT_ALLOC_NEST_IDENTITY ||
			    data == DATA_BYPASS,
	};

	if (flags & ~(IOMMU_HWPT_ALLOC_PASID | IOMMU_HWPT_FAULT_ID_VALID |
		      IOMMU_HWPT_ALLOC_NEST_IDENTITY) ||
	    data == DATA_NONE)
		return -EOPNOTSUPP;
	if (!new.of_viommu && !m->hwpt[new.above].nest_parent)
		return -EINVAL;
	if (data == DATA_BAD_FLAG)
		return -EOPNOTSUPP;
	m->hwpt[slot] = new;
	return 0;
}

static int alloc_hwpt(struct model *m, const struct step *s)
{
	unsigned int slot = SLOT(s->arg[0]);
	const struct device *d = FIND_DEVICE(m, s->arg[1]);
	uint64_t above = s->arg[2];
	uint32_t flags = s->arg[3];
	int rc;

	if (!d)
		return -ENOENT;
	if (is(m, above, IOAS))
		rc = alloc_paging(m, slot, d, SLOT(above), flags, s->arg[4]);
	else if (is(m, above, VIOMMU) ||
		 (is(m, above, HWPT) && !m->hwpt[SLOT(above)].nested))
		rc = alloc_nested(m, slot, above, flags, s->arg[4]);
	else
		rc = -EINVAL;
	/* there are no fault queues here */
	if (!rc && flags & IOMMU_HWPT_FAULT_ID_VALID)
		rc = -ENOENT;
	return rc;
}

/*
 * Attachments
 */

/* Devices that share an IOMMU group move together. */
static bool same_group(const struct device *a, const struct device *b)
{
	return a == b || (a->used && b->used &&
			  a->flags & b->flags & MOCK_FLAGS_DEVICE_GROUP);
}

#define FOR_GROUP(m, cur, d)						\
	for (struct device *cur = (m)->device;				\
	     cur < (m)->device + NR_DEVICES; cur++)			\
		if (same_group(cur, d))

/* The HWPT that the group of a device is attached to, or -1 */
static int group_hwpt(const struct model *m, const struct device *d)
{
	for (size_t i = 0; i < NR_DEVICES; i++)
		if (same_group(&m->device[i], d) && m->device[i].attached)
			return m->device[i].hwpt;
	return -1;
}

int model_attached(const struct model *m, uint64_t device, uint32_t pasid)
{
	const struct device *d = &m->device[SLOT(device)];
	int i = model_pasid(pasid);

	if (!pasid)
		return group_hwpt(m, d);
	return i >= 0 && d->pasid[i].attached ? (int)d->pasid[i].hwpt : -1;
}

/* What the mock driver says to a HWPT for one device */
static int driver_takes(const struct model *m, const struct device *d,
			unsigned int hwpt)
{
	const struct hwpt *h = &m->hwpt[hwpt];

	if (h->dirty && d->flags & MOCK_FLAGS_DEVICE_NO_DIRTY)
		return -EINVAL;
	if (!h->of_viommu)
		return 0;
	for (size_t i = 0; i < NR_VDEVICES; i++)
		if (m->vdevice[i].used && m->vdevice[i].viommu == h->above &&
		    &m->device[m->vdevice[i].device] == d)
			return 0;
	return -ENOENT;
}

/* ... and, after iommufd, for all devices of its group */
static int group_takes(struct model *m, const struct device *d,
		       unsigned int hwpt)
{
	for (size_t i = 0; i < NR_PASIDS; i++)
		if (d->pasid[i].attached && !m->hwpt[hwpt].pasid)
			return -EINVAL;
	FOR_GROUP(m, cur, d) {
		int rc = driver_takes(m, cur, hwpt);

		if (rc)
			return rc;
	}
	return 0;
}

static int attach(struct model *m, struct device *d, unsigned int hwpt)
{
	int now = group_hwpt(m, d);
	int rc;

	if (now >= 0 && now != (int)hwpt)
		return -EINVAL;
	demand(d, demands_all(&m->hwpt[hwpt]), &d->held);
	if (any_in_use(m, ioas_of(m, hwpt), &d->held))
		return -EADDRINUSE;
	if (now < 0) {
		rc = group_takes(m, d, hwpt);
		if (rc)
			return rc;
	}
	d->attached = true;
	d->hwpt = hwpt;
	return 0;
}

static int replace(struct model *m, struct device *d, unsigned int hwpt)
{
	unsigned int old = d->hwpt;
	bool all = demands_all(&m->hwpt[hwpt]);
	bool asked;
	int rc;

	if (!d->attached)
		return -EINVAL;
	if (old == hwpt)
		return 0;
	/*
	 * The mock driver's regions, unlike a real one's, change while a device
	 * is attached. They are asked for when the IOAS or the row of the table
	 * is another one; else what is reserved stays.
	 */
	asked = ioas_of(m, hwpt) != ioas_of(m, old) ||
		all != demands_all(&m->hwpt[old]);
	FOR_GROUP(m, cur, d) {
		if (!cur->attached || !asked)
			continue;
		demand(cur, all, &cur->held);
		if (any_in_use(m, ioas_of(m, hwpt), &cur->held))
			return -EADDRINUSE;
	}
	rc = group_takes(m, d, hwpt);
	if (rc)
		return rc;
	FOR_GROUP(m, cur, d) {
		if (cur->attached)
			cur->hwpt = hwpt;
	}
	put_hwpt(m, old);
	return 0;
}

static void detach(struct model *m, struct device *d)
{
	d->attached = false;
	put_hwpt(m, d->hwpt);
}

/*
 * The mock driver fails each second call for this PASID, until it is detached.
 */
static int pasid_driver(struct device *d, uint64_t pasid)
{
	if (pasid != IOMMU_TEST_PASID_RESERVED)
		return 0;
	d->pasid_will_fail = !d->pasid_will_fail;
	return d->pasid_will_fail ? 0 : -ENOMEM;
}

/* A PASID reserves nothing. Only devices with a group of their own have them. */
static int pasid_attach(struct model *m, struct device *d, unsigned int hwpt,
			uint64_t pasid)
{
	int i = model_pasid(pasid);
	int now = group_hwpt(m, d);
	int rc;

	if (i >= 0 && d->pasid[i].attached)
		return -EBUSY;
	if (!m->hwpt[hwpt].pasid || (now >= 0 && !m->hwpt[now].pasid) ||
	    !(d->flags & MOCK_FLAGS_DEVICE_PASID) || i < 0)
		return -EINVAL;
	rc = pasid_driver(d, pasid);
	if (rc)
		return rc;
	d->pasid[i].attached = true;
	d->pasid[i].hwpt = hwpt;
	return 0;
}

static int pasid_replace(struct model *m, struct device *d, unsigned int hwpt,
			 uint64_t pasid)
{
	int i = model_pasid(pasid);
	int now = group_hwpt(m, d);
	unsigned int old;

	if (i < 0 || !d->pasid[i].attached)
		return -EINVAL;
	old = d->pasid[i].hwpt;
	if (old == hwpt)
		return 0;
	if (!m->hwpt[hwpt].pasid || (now >= 0 && !m->hwpt[now].pasid))
		return -EINVAL;
	/* that it failed is remembered after it failed, see model_step() */
	d->pasid[i].hwpt = hwpt;
	put_hwpt(m, old);
	return pasid_driver(d, pasid);
}

static int change_to(struct model *m, struct device *d, enum op op,
		     uint64_t pasid, unsigned int hwpt)
{
	switch (op) {
	case OP_REPLACE:
		return replace(m, d, hwpt);
	case OP_PASID_ATTACH:
		return pasid_attach(m, d, hwpt, pasid);
	case OP_PASID_REPLACE:
		return pasid_replace(m, d, hwpt, pasid);
	default:
		return attach(m, d, hwpt);
	}
}

/* The oldest automatic HWPT of an IOAS that is younger than @age, or -1 */
static int next_automatic(const struct model *m, unsigned int ioas,
			  unsigned int age)
{
	int found = -1;

	for (int i = 0; i < NR_HWPTS; i++)
		if (m->hwpt[i].used && m->hwpt[i].automatic &&
		    m->hwpt[i].above == ioas && m->hwpt[i].age > age &&
		    (found < 0 || m->hwpt[i].age < m->hwpt[found].age))
			found = i;
	return found;
}

/*
 * To an IOAS: to the first of its automatic HWPTs that the device fits (-EINVAL
 * is what one says that it does not fit), or to a new one. A replace makes that
 * before it moves, an attach moves first.
 */
static int change_to_ioas(struct model *m, struct device *d, enum op op,
			  uint64_t pasid, unsigned int ioas, bool other_hwpt,
			  struct answer *a)
{
	bool first = op == OP_REPLACE || op == OP_PASID_REPLACE;
	struct hwpt new = { .automatic = true, .above = ioas };
	int hwpt = -1;
	int rc;

	if (!other_hwpt) {
		struct model before = *m;

		while ((hwpt = next_automatic(m, ioas, hwpt < 0 ? 0 :
					      m->hwpt[hwpt].age)) >= 0) {
			rc = change_to(m, d, op, pasid, hwpt);
			a->hwpt = hwpt;
			if (rc != -EINVAL)
				return rc;
			*m = before;
		}
	}
	hwpt = automatic_slot(m);
	a->hwpt = hwpt;
	a->new_hwpt = true;
	if (first) {
		rc = add_paging(m, hwpt, new);
		return rc ?: change_to(m, d, op, pasid, hwpt);
	}
	/* not yet part of the IOAS: what is reserved there does not matter */
	m->hwpt[hwpt] = new;
	rc = change_to(m, d, op, pasid, hwpt);
	return rc ?: add_paging(m, hwpt, new);
}

static int change(struct model *m, struct device *d, enum op op, uint64_t pasid,
		  uint64_t to, bool other_hwpt, struct answer *a)
{
	if (!model_has(m, to))
		return -ENOENT;
	if (TYPE(to) == IOAS)
		return change_to_ioas(m, d, op, pasid, SLOT(to), other_hwpt, a);
	if (TYPE(to) != HWPT)
		return -EINVAL;
	a->hwpt = SLOT(to);
	return change_to(m, d, op, pasid, SLOT(to));
}

/*
 * IOASs
 */

static int load(struct model *m, unsigned int ioas, const struct device *d,
		struct answer *a)
{
	struct ranges want, *loaded = &m->ioas[ioas].loaded;
	bool clash = false;

	demand(d, true, &want);
	a->adds_nothing = true;
	for (size_t i = 0; i < want.nr && !clash; i++) {
		struct range r = want.r[i];
		bool in = false;

		if (in_use(m, ioas, r)) {
			clash = true;
			a->clash = r;
		}
		for (size_t j = 0; j < loaded->nr; j++)
			in |= loaded->r[j].start <= r.start &&
			      loaded->r[j].last >= r.last;
		if (in)
			continue;
		a->adds_nothing = false;
		/* one range of all that it meets or touches */
		for (size_t j = 0; j < loaded->nr;) {
			struct range l = loaded->r[j];

			if ((l.start && l.start - 1 > r.last) ||
			    (r.start && r.start - 1 > l.last)) {
				j++;
				continue;
			}
			if (l.start < r.start)
				r.start = l.start;
			if (l.last > r.last)
				r.last = l.last;
			loaded->r[j] = loaded->r[--loaded->nr];
		}
		add(loaded, r);
	}
	return clash ? -EADDRINUSE : 0;
}

static void add_map(struct model *m, unsigned int ioas, uint64_t iova,
		    uint64_t length, uint64_t offset)
{
	m->ioas[ioas].map[m->ioas[ioas].nr_maps++] = (struct map){
		.iova = { iova, iova + length - 1 },
		.offset = offset % PAGE,
	};
}

static bool is_mapped(const struct model *m, unsigned int ioas, struct range r)
{
	for (size_t i = 0; i < m->ioas[ioas].nr_maps; i++)
		if (meets(m->ioas[ioas].map[i].iova, r))
			return true;
	return false;
}

static int map(struct model *m, const struct step *s)
{
	unsigned int ioas = SLOT(s->arg[0]);
	uint64_t iova = s->arg[1], length = s->arg[2], offset = s->arg[3], odd;
	struct range r = { iova, iova + length - 1 };

	if (iova == UINT64_MAX)
		return -EOVERFLOW;
	if (!is(m, s->arg[0], IOAS))
		return -ENOENT;
	odd = model_alignment(m, ioas) - 1;
	if (!length || (length | iova) & odd)
		return -EINVAL;
	if (r.last < r.start)
		return -EOVERFLOW;
	if (is_reserved(m, ioas, r))
		return -EINVAL;
	if (is_mapped(m, ioas, r))
		return -EEXIST;
	if (offset & odd)
		return -EINVAL;
	add_map(m, ioas, iova, length, offset);
	return 0;
}

/* Where what is allowed from @at on ends: ranges that touch are as good as one. */
static uint64_t end_of_allowed(const struct ranges *allowed, uint64_t at)
{
	for (size_t i = 0; i < allowed->nr; i++) {
		if (at < allowed->r[i].start || at > allowed->r[i].last)
			continue;
		at = allowed->r[i].last;
		if (at == UINT64_MAX)
			return at;
		at++;
		i = -1;
	}
	return at - 1;
}

/* The alignment that a mapping gets whose IOVA the kernel chooses */
static uint64_t chosen_alignment(uint64_t length, uint64_t offset)
{
	uint64_t alignment = 1;

	/* the memory itself is aligned to more than this */
	while (alignment < length && alignment < 0x200000)
		alignment *= 2;
	while (offset & (alignment - 1))
		alignment /= 2;
	return alignment;
}

/*
 * Is there room? The kernel keeps off the first and the last page of the space,
 * and does not see a hole of a single byte.
 */
static bool has_room(const struct model *m, unsigned int ioas, uint64_t length,
		     uint64_t offset)
{
	uint64_t alignment = chosen_alignment(length, offset);
	const struct ranges *allowed = &m->ioas[ioas].allowed;
	struct range r[MAX_ALL + MAX_MAPS];
	size_t nr = all_reserved(m, ioas, r);

	for (size_t i = 0; i < m->ioas[ioas].nr_maps; i++)
		r[nr++] = m->ioas[ioas].map[i].iova;
	for (size_t i = 0; i < (allowed->nr ?: 1); i++) {
		struct range in = { PAGE, UINT64_MAX - PAGE };
		uint64_t at;

		if (allowed->nr) {
			if (allowed->r[i].start > in.start)
				in.start = allowed->r[i].start;
			in.last = end_of_allowed(allowed, allowed->r[i].start);
			if (in.last > UINT64_MAX - PAGE)
				in.last = UINT64_MAX - PAGE;
		}
		at = in.start;
		/* from each place on that may be free: go behind what is not */
		while (at <= in.last) {
			struct range want;
			bool room = true;

			want.start = ((at + alignment - 1) & ~(alignment - 1)) |
				     offset % PAGE;
			want.last = want.start + (length > 1 ? length : 2) - 1;
			if (want.start < at || want.last < want.start ||
			    want.last > in.last)
				break;
			for (size_t j = 0; j < nr && room; j++) {
				if (!meets(r[j], want))
					continue;
				room = false;
				at = r[j].last + 1;
			}
			if (room)
				return true;
			if (!at)
				break;
		}
	}
	return false;
}

static int map_anywhere(struct model *m, const struct step *s)
{
	unsigned int ioas = SLOT(s->arg[0]);
	uint64_t length = s->arg[1], offset = s->arg[2], alignment;

	if (!is(m, s->arg[0], IOAS))
		return -ENOENT;
	alignment = model_alignment(m, ioas);
	if (!length || length & (alignment - 1) ||
	    chosen_alignment(length, offset) < alignment)
		return -EINVAL;
	return has_room(m, ioas, length, offset) ? 0 : -ENOSPC;
}

bool model_place(struct model *m, const struct step *s, uint64_t iova)
{
	unsigned int ioas = SLOT(s->arg[0]);
	uint64_t length = s->arg[1], offset = s->arg[2];
	struct range r = { iova, iova + length - 1 };
	const struct ranges *list = &m->ioas[ioas].allowed;
	bool allowed = !list->nr ||
		       (end_of_allowed(list, iova) >= r.last && iova);

	if (!allowed || r.last < r.start || !iova ||
	    iova & (model_alignment(m, ioas) - 1) ||
	    is_reserved(m, ioas, r) || is_mapped(m, ioas, r))
		return false;
	add_map(m, ioas, iova, length, offset);
	return true;
}

/*
 * From the lowest mapping on; what does not lie inside the range as a whole ends
 * it, and what went before that is gone.
 */
static int unmap(struct model *m, const struct step *s, struct answer *a)
{
	unsigned int ioas = SLOT(s->arg[0]);
	uint64_t iova = s->arg[1], length = s->arg[2];
	bool everything = !iova && length == UINT64_MAX;
	struct range r = { iova, everything ? UINT64_MAX : iova + length - 1 };

	if (!is(m, s->arg[0], IOAS))
		return -ENOENT;
	if (!everything) {
		if (iova == UINT64_MAX || length == UINT64_MAX)
			return -EOVERFLOW;
		if (!length)
			return -EINVAL;
		if (r.last < r.start)
			return -EOVERFLOW;
	}
	for (;;) {
		struct map *first = NULL;

		for (size_t i = 0; i < m->ioas[ioas].nr_maps; i++) {
			struct map *cur = &m->ioas[ioas].map[i];

			if (meets(cur->iova, r) &&
			    (!first || cur->iova.start < first->iova.start))
				first = cur;
		}
		if (!first)
			break;
		if (first->iova.start < r.start || first->iova.last > r.last)
			return -ENOENT;
		a->unmapped += first->iova.last - first->iova.start + 1;
		*first = m->ioas[ioas].map[--m->ioas[ioas].nr_maps];
	}
	return a->unmapped || everything ? 0 : -ENOENT;
}

static int allow(struct model *m, const struct step *s)
{
	unsigned int ioas = SLOT(s->arg[0]);
	struct ranges new = { 0 };

	if (!is(m, s->arg[0], IOAS))
		return -ENOENT;
	for (size_t i = 0; i < s->arg[1]; i++) {
		struct range r = { s->arg[2 + 2 * i], s->arg[3 + 2 * i] };

		if (r.start >= r.last)
			return -EINVAL;
		for (size_t j = 0; j < new.nr; j++)
			if (meets(new.r[j], r))
				return -EINVAL;
		add(&new, r);
	}
	for (size_t i = 0; i < new.nr; i++)
		if (is_reserved(m, ioas, new.r[i]))
			return -EADDRINUSE;
	m->ioas[ioas].allowed = new;
	return 0;
}

static int reserve(struct model *m, const struct step *s)
{
	unsigned int ioas = SLOT(s->arg[0]);
	struct range r = { s->arg[1], s->arg[1] + s->arg[2] - 1 };

	if (!s->arg[2])
		return -EINVAL;
	if (r.last < r.start)
		return -EOVERFLOW;
	if (!is(m, s->arg[0], IOAS))
		return -ENOENT;
	if (in_use(m, ioas, r))
		return -EADDRINUSE;
	add(&m->ioas[ioas].reserved, r);
	return 0;
}

static int small_pages(struct model *m, const struct step *s)
{
	unsigned int ioas = SLOT(s->arg[0]);

	if (!is(m, s->arg[0], IOAS))
		return -ENOENT;
	if (!s->arg[1] || m->ioas[ioas].small_pages) {
		m->ioas[ioas].small_pages = s->arg[1];
		return 0;
	}
	for (size_t i = 0; i < NR_HWPTS; i++)
		if (m->hwpt[i].used && !m->hwpt[i].nested &&
		    m->hwpt[i].above == ioas && m->ioas[ioas].nr_maps)
			return -EINVAL;
	m->ioas[ioas].small_pages = true;
	return fits(m, ioas) ? 0 : -EADDRINUSE;
}

/*
 * The rest
 */

static int region(struct device *d, const struct step *s)
{
	struct range r = { s->arg[1], s->arg[2] };

	if (s->arg[3] > MOCK_RESV_SW_MSI || r.last < r.start)
		return -EINVAL;
	if (!r.start && r.last == UINT64_MAX)
		return -EOVERFLOW;
	if (!d)
		return -ENOENT;
	for (size_t i = 0; i < d->nr_regions; i++)
		if (d->region[i].kind == s->arg[3] &&
		    meets(d->region[i].iova, r))
			return -EEXIST;
	d->region[d->nr_regions++] =
		(struct region){ .iova = r, .kind = s->arg[3] };
	return 0;
}

static void remove_device(struct model *m, struct device *d)
{
	if (d->attached)
		detach(m, d);
	for (size_t i = 0; i < NR_VDEVICES; i++)
		if (&m->device[m->vdevice[i].device] == d)
			m->vdevice[i].used = false;
	d->used = false;
}

static int vdevice(struct model *m, const struct step *s)
{
	const struct device *d = FIND_DEVICE(m, s->arg[2]);

	if (!is(m, s->arg[1], VIOMMU) || !d)
		return -ENOENT;
	for (size_t i = 0; i < NR_VDEVICES; i++)
		if (m->vdevice[i].used &&
		    (&m->device[m->vdevice[i].device] == d ||
		     (m->vdevice[i].viommu == SLOT(s->arg[1]) &&
		      m->vdevice[i].virt_id == s->arg[3])))
			return -EEXIST;
	m->vdevice[SLOT(s->arg[0])].used = true;
	m->vdevice[SLOT(s->arg[0])].viommu = SLOT(s->arg[1]);
	m->vdevice[SLOT(s->arg[0])].device = SLOT(s->arg[2]);
	m->vdevice[SLOT(s->arg[0])].virt_id = s->arg[3];
	return 0;
}

static int access_ioas(struct model *m, unsigned int slot, uint64_t ioas)
{
	if (!is(m, ioas, IOAS))
		return -ENOENT;
	m->access[slot].ioas = SLOT(ioas);
	return fits(m, SLOT(ioas)) ? 0 : -EADDRINUSE;
}

static int destroy(struct model *m, uint64_t object)
{
	unsigned int slot = SLOT(object);

	if (!model_has(m, object))
		return -ENOENT;
	switch (TYPE(object)) {
	case IOAS:
		for (size_t i = 0; i < NR_HWPTS; i++)
			if (m->hwpt[i].used && !m->hwpt[i].nested &&
			    m->hwpt[i].above == slot)
				return -EBUSY;
		for (size_t i = 0; i < NR_ACCESSES; i++)
			if (m->access[i].used && m->access[i].ioas == slot)
				return -EBUSY;
		memset(&m->ioas[slot], 0, sizeof(m->ioas[slot]));
		return 0;
	case DEVICE:
		remove_device(m, &m->device[slot]);
		return 0;
	case HWPT:
		if (hwpt_is_used(m, slot))
			return -EBUSY;
		m->hwpt[slot].used = false;
		return 0;
	case VIOMMU:
		for (size_t i = 0; i < NR_HWPTS; i++)
			if (m->hwpt[i].used && m->hwpt[i].of_viommu &&
			    m->hwpt[i].above == slot)
				return -EBUSY;
		for (size_t i = 0; i < NR_VDEVICES; i++)
			if (m->vdevice[i].used && m->vdevice[i].viommu == slot)
				return -EBUSY;
		m->viommu[slot].used = false;
		return 0;
	default:
		m->vdevice[slot].used = false;
		return 0;
	}
}

static int do_step(struct model *m, const struct step *s, bool other_hwpt,
		   struct answer *a)
{
	unsigned int slot = SLOT(s->arg[0]);
	struct device *d = FIND_DEVICE(m, s->arg[0]);
	const struct hwpt *h;

	switch (s->op) {
	case OP_IOAS:
		memset(&m->ioas[slot], 0, sizeof(m->ioas[slot]));
		m->ioas[slot].used = true;
		return 0;
	case OP_DEVICE:
	case OP_DEVICE_AT:
		/* not to itself: its id is not yet known to who asks */
		if (s->op == OP_DEVICE_AT && !model_has(m, s->arg[2]))
			return -ENOENT;
		d = &m->device[slot];
		memset(d, 0, sizeof(*d));
		d->used = true;
		d->flags = s->arg[1];
		if (s->op == OP_DEVICE)
			return 0;
		return change(m, d, s->op, 0, s->arg[2], other_hwpt, a);
	case OP_REGION:
		return region(d, s);
	case OP_NO_REGIONS:
		if (!d)
			return -ENOENT;
		d->nr_regions = 0;
		return 0;
	case OP_QUERY:
		if (!d)
			return -ENOENT;
		regions(d, a);
		return a->nr_regions > s->arg[1] ? -EMSGSIZE : 0;
	case OP_LOAD:
		d = FIND_DEVICE(m, s->arg[1]);
		if (!d || !is(m, s->arg[0], IOAS))
			return -ENOENT;
		return load(m, slot, d, a);
	case OP_HWPT:
		return alloc_hwpt(m, s);
	case OP_VIOMMU:
		h = FIND_HWPT(m, s->arg[2]);
		if (!is(m, s->arg[1], DEVICE) || !h || h->nested)
			return -ENOENT;
		if (!h->nest_parent)
			return -EINVAL;
		m->viommu[slot].used = true;
		m->viommu[slot].parent = SLOT(s->arg[2]);
		return 0;
	case OP_VDEVICE:
		return vdevice(m, s);
	case OP_ATTACH:
		if (!d)
			return -ENOENT;
		if (d->attached)
			return -EBUSY;
		return change(m, d, s->op, 0, s->arg[1], other_hwpt, a);
	case OP_REPLACE:
		if (!d)
			return -ENOENT;
		return change(m, d, s->op, 0, s->arg[1], other_hwpt, a);
	case OP_DETACH:
		if (!d)
			return -ENOENT;
		if (!d->attached)
			return -EINVAL;
		detach(m, d);
		return 0;
	case OP_PASID_ATTACH:
	case OP_PASID_REPLACE:
		if (!d)
			return -ENOENT;
		return change(m, d, s->op, s->arg[1], s->arg[2], other_hwpt, a);
	case OP_PASID_DETACH: {
		int i = model_pasid(s->arg[1]);

		if (!d)
			return -ENOENT;
		if (i >= 0 && d->pasid[i].attached) {
			d->pasid[i].attached = false;
			if (s->arg[1] == IOMMU_TEST_PASID_RESERVED)
				d->pasid_will_fail = false;
			put_hwpt(m, d->pasid[i].hwpt);
		}
		return 0;
	}
	case OP_MAP:
		return map(m, s);
	case OP_MAP_ANYWHERE:
		return map_anywhere(m, s);
	case OP_UNMAP:
		return unmap(m, s, a);
	case OP_ALLOW:
		return allow(m, s);
	case OP_RESERVE:
		return reserve(m, s);
	case OP_SMALL_PAGES:
		return small_pages(m, s);
	case OP_ACCESS:
		m->access[slot].used = true;
		m->access[slot].pins = s->arg[2];
		return access_ioas(m, slot, s->arg[1]);
	case OP_ACCESS_MOVE:
		return access_ioas(m, slot, s->arg[1]);
	case OP_PIN:
		/* the pages are let go when somebody unmaps them */
		return 0;
	case OP_CLOSE:
		m->access[slot].used = false;
		return 0;
	case OP_DESTROY:
		return destroy(m, s->arg[0]);
	default:
		return -EOPNOTSUPP;
	}
}

int model_step(struct model *m, const struct step *s, bool other_hwpt,
	       struct answer *a)
{
	struct model after = *m;
	int rc;

	memset(a, 0, sizeof(*a));
	rc = do_step(&after, s, other_hwpt, a);
	if (!rc || s->op == OP_UNMAP) {
		*m = after;
	} else if (s->op == OP_PASID_REPLACE && rc == -ENOMEM) {
		/* all but this: it was this call that had to fail */
		m->device[SLOT(s->arg[0])].pasid_will_fail = false;
	}
	return rc;
}

/*
 * iommufd warns about a driver that has two ways for a device's MSIs, on attach.
 */
static bool two_msis(const struct device *d)
{
	unsigned int hw = 0, sw = 0;

	for (size_t i = 0; i < d->nr_regions; i++) {
		hw += d->region[i].kind == MOCK_RESV_MSI;
		sw += d->region[i].kind == MOCK_RESV_SW_MSI;
	}
	return sw > 1 || (sw && hw);
}

bool model_may(const struct model *m, const struct step *s)
{
	unsigned int slot = SLOT(s->arg[0]);
	const struct device *d = FIND_DEVICE(m, s->arg[0]);
	int hwpt;

	switch (s->op) {
	case OP_IOAS:
		return !m->ioas[slot].used;
	case OP_DEVICE:
	case OP_DEVICE_AT:
		if (m->device[slot].used)
			return false;
		if (!(s->arg[1] & MOCK_FLAGS_DEVICE_GROUP))
			return true;
		if (s->arg[1] & MOCK_FLAGS_DEVICE_PASID)
			return false;	/* see pasid_attach() */
		/* what it would be attached to as soon as it is in the group */
		for (size_t i = 0; i < NR_DEVICES; i++) {
			d = &m->device[i];
			if (!d->used || !(d->flags & MOCK_FLAGS_DEVICE_GROUP))
				continue;
			hwpt = group_hwpt(m, d);
			return hwpt < 0 ||
			       !(m->hwpt[hwpt].of_viommu || m->hwpt[hwpt].dirty);
		}
		return true;
	case OP_REGION:
		return !d || d->nr_regions < MAX_REGIONS;
	case OP_LOAD:
		return TYPE(s->arg[0]) != IOAS ||
		       m->ioas[slot].loaded.nr + 2 * MAX_REGIONS < MAX_RANGES;
	case OP_HWPT:
		return slot < NR_MADE_HWPTS && !m->hwpt[slot].used;
	case OP_VIOMMU:
		return !m->viommu[slot].used;
	case OP_VDEVICE:
		return !m->vdevice[slot].used;
	case OP_ATTACH:
		return !d || !two_msis(d);
	case OP_MAP:
	case OP_MAP_ANYWHERE:
		return TYPE(s->arg[0]) != IOAS ||
		       m->ioas[slot].nr_maps < MAX_MAPS;
	case OP_RESERVE:
		return TYPE(s->arg[0]) != IOAS ||
		       m->ioas[slot].reserved.nr < MAX_REGIONS;
	case OP_ACCESS:
		return !m->access[slot].used;
	case OP_PIN: {
		/* exactly one mapping: more has nothing to do with ranges */
		unsigned int ioas = m->access[slot].ioas;

		if (!m->access[slot].used || !m->access[slot].pins)
			return false;
		for (size_t i = 0; i < m->ioas[ioas].nr_maps; i++)
			if (m->ioas[ioas].map[i].iova.start == s->arg[1] &&
			    m->ioas[ioas].map[i].iova.last ==
				    s->arg[1] + s->arg[2] - 1)
				return true;
		return false;
	}
	case OP_ACCESS_MOVE:
	case OP_CLOSE:
		return m->access[slot].used;
	case OP_DESTROY:
		/* iommufd warns about a device that goes with a PASID attached */
		if (d)
			for (size_t i = 0; i < NR_PASIDS; i++)
				if (d->pasid[i].attached)
					return false;
		/* the mock driver could not go back to a nested domain of this */
		if (TYPE(s->arg[0]) == VDEVICE && m->vdevice[slot].used) {
			hwpt = group_hwpt(m,
					  &m->device[m->vdevice[slot].device]);
			return hwpt < 0 || !m->hwpt[hwpt].of_viommu;
		}
		return true;
	default:
		return true;
	}
}
