// SPDX-License-Identifier: GPL-2.0
/*
 * Does the kernel offer in every IOAS what the documentation says? A model of it
 * (model-policy.c) and the kernel take the same random steps on mock devices, and
 * after each their answers and all IOASs have to be the same. Needs a kernel with
 * CONFIG_IOMMUFD_TEST; the machine needs no IOMMU.
 *
 * The steps come in sequences, each of which begins with nothing. One that fails
 * is shrunk: steps are left out as long as it still fails. What remains is told as
 * text, which can be played again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ktap.h"
#include "model.h"

/* Long enough for a crowd of objects, short enough to begin anew often */
#define LENGTH 150

/* With so many steps each of them is done, whatever the seed. */
#define ENOUGH 20000

static const char usage[] =
	"usage: model [-s SEED] [-n STEPS] [-q SEQUENCE] [-g CALLS] [-r TEXT|FILE]\n"
	"       model -t THREADS [-s SEED] [-n STEPS]\n"
	"\n"
	"  -s SEED      which random numbers (1)\n"
	"  -n STEPS     how many steps (20000)\n"
	"  -q SEQUENCE  begin with this sequence of them, as a failure names it (0)\n"
	"  -g CALLS     how many calls of garbage (a tenth of the steps)\n"
	"  -r TEXT      only these steps, as a failure prints them\n"
	"  -t THREADS   so many threads take the steps, on the same IOASs\n";

static uint64_t seed = 1, first_sequence;
static unsigned long nr_steps = 20000, nr_garbage = -1UL;
static const char *replay;
static unsigned int nr_threads;

static unsigned long nr_done;	/* without a difference */

/*
 * How each step is told: its name, and for each argument the letter of the object
 * that it has to be, "o" for any, "n" for a number, "r" for pairs of them.
 */
static const struct {
	const char *name, *args;
	unsigned int weight;	/* how often, of all weights */
	bool may_fail;		/* can be made to, with an nth */
} steps[NR_OPS] = {
	[OP_IOAS] = { "ioas", "i", 12, true },
	[OP_DEVICE] = { "device", "dn", 20, false },
	[OP_DEVICE_AT] = { "device-at", "dno", 8, false },
	[OP_REGION] = { "region", "onnn", 90, true },
	[OP_NO_REGIONS] = { "no-regions", "o", 15, true },
	[OP_QUERY] = { "query", "on", 30, true },
	[OP_LOAD] = { "load", "oo", 35, true },
	[OP_HWPT] = { "hwpt", "hoonn", 90, true },
	[OP_VIOMMU] = { "viommu", "voo", 15, true },
	[OP_VDEVICE] = { "vdevice", "woon", 25, false },
	[OP_ATTACH] = { "attach", "oo", 110, true },
	[OP_REPLACE] = { "replace", "oo", 200, true },
	[OP_DETACH] = { "detach", "o", 30, true },
	[OP_PASID_ATTACH] = { "pasid-attach", "ono", 30, false },
	[OP_PASID_REPLACE] = { "pasid-replace", "ono", 30, false },
	[OP_PASID_DETACH] = { "pasid-detach", "on", 15, false },
	[OP_MAP] = { "map", "onnn", 80, true },
	[OP_MAP_ANYWHERE] = { "map-anywhere", "onn", 15, true },
	[OP_UNMAP] = { "unmap", "onn", 60, false },
	[OP_ALLOW] = { "allow", "or", 30, true },
	[OP_RESERVE] = { "reserve", "onn", 6, true },
	[OP_SMALL_PAGES] = { "small-pages", "on", 5, true },
	[OP_ACCESS] = { "access", "aon", 16, true },
	[OP_ACCESS_MOVE] = { "access-move", "ao", 12, true },
	[OP_PIN] = { "pin", "ann", 30, false },
	[OP_CLOSE] = { "close", "a", 8, false },
	[OP_DESTROY] = { "destroy", "o", 40, false },
};

static const char letters[] = "-idhvwa";	/* of enum object */
static const unsigned int slots[NR_OBJECTS] = {
	[NO_OBJECT] = 2, [IOAS] = NR_IOAS, [DEVICE] = NR_DEVICES,
	[HWPT] = NR_HWPTS, [VIOMMU] = NR_VIOMMUS, [VDEVICE] = NR_VDEVICES,
	[ACCESS] = NR_ACCESSES,
};

/*
 * Text
 */

void print_step(FILE *f, const struct step *s)
{
	size_t arg = 0;

	fprintf(f, "%s", steps[s->op].name);
	if (s->nth)
		fprintf(f, "!%u", s->nth);
	for (const char *kind = steps[s->op].args; *kind; kind++) {
		size_t nr = *kind == 'r' ? 2 * s->arg[arg] + 1 : 1;

		for (size_t i = 0; i < nr; i++, arg++) {
			if (*kind == 'n' || *kind == 'r')
				fprintf(f, s->arg[arg] < 10 ? " %" PRIu64 :
					" 0x%" PRIx64, s->arg[arg]);
			else
				fprintf(f, " %c%u",
					letters[TYPE(s->arg[arg])],
					(unsigned int)SLOT(s->arg[arg]));
		}
	}
}

/* Past spaces; NULL at the end of a step */
static const char *next_word(const char *text)
{
	text += strspn(text, " \t");
	return strchr(";\n#", *text) ? NULL : text;
}

static bool read_object(const char **text, char kind, uint64_t *arg)
{
	const char *letter = **text ? strchr(letters, **text) : NULL;
	unsigned long slot;
	char *end;

	/* the file descriptor of an access may be the id of something else */
	if (!letter || (kind == 'o' ? *letter == 'a' : kind != *letter))
		return false;
	slot = strtoul(*text + 1, &end, 10);
	if (end == *text + 1 || slot >= slots[letter - letters])
		return false;
	*arg = OBJECT(letter - letters, slot);
	*text = end;
	return true;
}

/* One step from the start of @text, which moves on; false if it is none. */
static bool read_step(const char **text, struct step *s)
{
	size_t length = strcspn(*text, "! \t\n;#"), arg = 0;
	char *end;

	memset(s, 0, sizeof(*s));
	while (s->op < NR_OPS &&
	       (strncmp(steps[s->op].name, *text, length) ||
		steps[s->op].name[length]))
		s->op++;
	if (s->op == NR_OPS)
		return false;
	*text += length;
	if (**text == '!') {
		s->nth = strtoul(*text + 1, &end, 10);
		*text = end;
	}
	for (const char *kind = steps[s->op].args; *kind; kind++) {
		size_t nr = 1;

		for (size_t i = 0; i < nr; i++, arg++) {
			*text = next_word(*text);
			if (!*text)
				return false;
			if (*kind != 'n' && *kind != 'r') {
				if (!read_object(text, *kind, &s->arg[arg]))
					return false;
				continue;
			}
			s->arg[arg] = strtoull(*text, &end, 0);
			if (end == *text)
				return false;
			*text = end;
			if (*kind == 'r' && !i) {
				if (s->arg[arg] > MAX_GIVEN)
					return false;
				nr += 2 * s->arg[arg];
			}
		}
	}
	/* what indexes an array */
	return (s->op != OP_HWPT || s->arg[4] < NR_DATA) && !next_word(*text);
}

int steps_from_text(const char *text, struct step *s, size_t max)
{
	const char *start;
	size_t nr = 0;

	while (*text) {
		text += strspn(text, " \t\n;");
		if (*text == '#') {
			text += strcspn(text, "\n");
			continue;
		}
		if (!*text)
			break;
		start = text;
		if (nr == max || !read_step(&text, &s[nr])) {
			diag("not a step, or one too many: %.60s", start);
			return -1;
		}
		nr++;
	}
	return nr;
}

/*
 * Random steps
 */

static _Thread_local uint64_t random_state;

void random_seed(uint64_t s)
{
	random_state = s;
}

/* splitmix64 */
uint64_t random_number(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned int below(unsigned int n)
{
	return random_number() % n;
}

static bool is_there(const struct model *m, enum object type, unsigned int i)
{
	return model_has(m, OBJECT(type, i));
}

/* One that is there, if any; at times one that is not, or of another kind */
static uint64_t some(const struct model *m, enum object type)
{
	unsigned int i = below(slots[type]);

	if (chance(2) && type != ACCESS) {
		type = below(ACCESS);
		return OBJECT(type, below(slots[type]));
	}
	for (unsigned int n = 0; n < slots[type]; n++) {
		if (is_there(m, type, (i + n) % slots[type]))
			return OBJECT(type, (i + n) % slots[type]);
	}
	return OBJECT(type, i);
}

/* A slot for a new one, if there is one left */
static uint64_t fresh(const struct model *m, enum object type)
{
	unsigned int i = 0, nr = type == HWPT ? NR_MADE_HWPTS : slots[type];

	while (i + 1 < nr && is_there(m, type, i))
		i++;
	return OBJECT(type, i);
}

/*
 * What a step can be about with some hope, for steps that would be refused most
 * of the time otherwise
 */
enum wish {
	ATTACHED, NOT_ATTACHED, WITH_PASID, WITHOUT_VDEVICE,	/* devices */
	CAN_BE_PARENT, TAKES_PASID,				/* HWPTs */
};

static bool fulfils(const struct model *m, unsigned int i, enum wish wish)
{
	switch (wish) {
	case ATTACHED:
		return m->device[i].attached;
	case NOT_ATTACHED:
		return m->device[i].used && !m->device[i].attached;
	case WITH_PASID:
		return m->device[i].used &&
		       m->device[i].flags & MOCK_FLAGS_DEVICE_PASID;
	case WITHOUT_VDEVICE:
		for (size_t j = 0; j < NR_VDEVICES; j++)
			if (m->vdevice[j].used && m->vdevice[j].device == i)
				return false;
		return m->device[i].used;
	case TAKES_PASID:
		return m->hwpt[i].used && m->hwpt[i].pasid;
	default:
		return m->hwpt[i].used && m->hwpt[i].nest_parent;
	}
}

/* Which of the @nr slots is the next from @i on? -1: none */
static int next_with(const struct model *m, unsigned int nr, unsigned int i,
		     enum wish wish)
{
	for (unsigned int n = 0; n < nr; n++) {
		if (fulfils(m, (i + n) % nr, wish))
			return (i + n) % nr;
	}
	return -1;
}

static bool any_with(const struct model *m, enum object type, enum wish wish)
{
	return next_with(m, slots[type], 0, wish) >= 0;
}

static uint64_t hopeful(const struct model *m, enum object type, enum wish wish)
{
	int i = next_with(m, slots[type], below(slots[type]), wish);

	return i < 0 || chance(5) ? some(m, type) : OBJECT(type, i);
}

/* What a device can be attached to */
static uint64_t some_table(const struct model *m)
{
	uint64_t hwpt = some(m, HWPT);

	if (chance(1))
		return some(m, VIOMMU);
	if (chance(75) && (TYPE(hwpt) != HWPT || m->hwpt[SLOT(hwpt)].used))
		return hwpt;
	return some(m, IOAS);
}

/* The only one that a device can be attached to whose group is attached */
static void join_group(const struct model *m, struct step *s)
{
	int hwpt = TYPE(s->arg[0]) == DEVICE ?
		   model_attached(m, s->arg[0], 0) : -1;

	if (hwpt >= 0 && !chance(20))
		s->arg[1] = OBJECT(HWPT, hwpt);
}

/*
 * Few places, so that things meet: the steps of a ladder in the aperture of the
 * mock domain, its ends, and the ends of the space.
 */
#define STEP 0x4000

static uint64_t some_place(void)
{
	static const uint64_t ends[] = {
		0, MOCK_APERTURE_START, MOCK_APERTURE_LAST + 1UL,
		0x8000000000000000
	};

	if (chance(88))
		return 0x2000000 + below(24) * STEP;
	return ends[below(NR(ends))];
}

static int64_t some_shift(void)
{
	static const int64_t shift[] = { -1, 1, -MOCK_PAGE_SIZE,
					 MOCK_PAGE_SIZE, -4096, 4096 };

	return chance(70) ? 0 : shift[below(NR(shift))];
}

/*
 * From a place to a place, or where a device has a region; or shifted by a little
 * at an end, or at both
 */
static struct range some_range(const struct model *m)
{
	const struct device *d = &m->device[below(NR_DEVICES)];
	struct range r = { .start = some_place() };

	r.last = r.start + (1 + below(3)) * STEP - 1;
	if (chance(2)) {
		/* up to the top of the space */
		r.last = UINT64_MAX;
		r.start = -(uint64_t)((1 + below(3)) * STEP);
	}
	if (d->used && d->nr_regions && chance(30))
		r = d->region[below(d->nr_regions)].iova;
	if (chance(6))
		r.last = r.start;
	if (r.start > 4096)
		r.start += some_shift();
	if (r.last < UINT64_MAX - 4096)
		r.last += some_shift();
	return r;
}

static uint32_t some_kind(void)
{
	static const uint32_t kind[] = {
		MOCK_RESV_DIRECT, MOCK_RESV_DIRECT,
		MOCK_RESV_DIRECT_RELAXABLE,
		MOCK_RESV_RESERVED, MOCK_RESV_RESERVED, MOCK_RESV_RESERVED,
		MOCK_RESV_MSI,
		MOCK_RESV_SW_MSI, MOCK_RESV_SW_MSI, MOCK_RESV_SW_MSI,
	};

	return chance(1) ? MOCK_RESV_SW_MSI + 1 : kind[below(NR(kind))];
}

static uint32_t some_device_flags(void)
{
	uint32_t flags = chance(25) ? MOCK_FLAGS_DEVICE_NO_DIRTY : 0;

	if (chance(60))
		return flags | MOCK_FLAGS_DEVICE_GROUP;
	return chance(70) ? flags | MOCK_FLAGS_DEVICE_PASID : flags;
}

static void some_hwpt(const struct model *m, struct step *s)
{
	unsigned int dice = below(100);
	uint32_t flags = chance(50) ? IOMMU_HWPT_ALLOC_PASID : 0;
	bool nested = dice >= 45 && any_with(m, HWPT, CAN_BE_PARENT);

	s->arg[0] = fresh(m, HWPT);
	s->arg[1] = some(m, DEVICE);
	s->arg[2] = !nested ? some(m, IOAS) : dice < 80 ?
		    hopeful(m, HWPT, CAN_BE_PARENT) : some(m, VIOMMU);
	if (nested) {
		flags |= chance(30) ? IOMMU_HWPT_ALLOC_NEST_IDENTITY : 0;
		s->arg[4] = chance(55) ? DATA_PLAIN :
			    chance(70) ? DATA_BYPASS : below(NR_DATA);
	} else {
		flags |= chance(60) ? IOMMU_HWPT_ALLOC_NEST_PARENT : 0;
		flags |= chance(25) ? IOMMU_HWPT_ALLOC_DIRTY_TRACKING : 0;
		s->arg[4] = chance(75) ? DATA_NONE :
			    chance(50) ? DATA_HUGE : below(NR_DATA);
	}
	if (chance(6))
		flags ^= 1 << below(6);
	s->arg[3] = flags;
}

static void some_map(const struct model *m, struct step *s)
{
	static const uint64_t offset[] = { 0, 0, 0, MOCK_PAGE_SIZE, 1 };
	struct range r = some_range(m);

	if (r.last - r.start >= 3 * STEP + 4096)
		r.last = r.start;
	s->arg[0] = some(m, IOAS);
	s->arg[1] = r.start;
	s->arg[2] = chance(2) ? 0 : r.last - r.start + 1;
	s->arg[3] = offset[below(NR(offset))] + below(4) * 4096;
}

static void some_unmap(const struct model *m, struct step *s)
{
	unsigned int ioas = below(NR_IOAS);
	struct range r = some_range(m);

	s->arg[0] = some(m, IOAS);
	if (TYPE(s->arg[0]) == IOAS)
		ioas = SLOT(s->arg[0]);
	if (chance(60) && m->ioas[ioas].nr_maps)
		r = m->ioas[ioas].map[below(m->ioas[ioas].nr_maps)].iova;
	else if (chance(10))
		r = (struct range){ 0, UINT64_MAX - 1 };
	s->arg[1] = r.start;
	s->arg[2] = r.last - r.start + 1;
}

static void some_allowed(const struct model *m, struct step *s)
{
	s->arg[0] = some(m, IOAS);
	s->arg[1] = chance(40) ? 0 : 1 + below(MAX_GIVEN);
	for (unsigned int i = 0; i < s->arg[1]; i++) {
		struct range r = some_range(m);

		s->arg[2 + 2 * i] = r.start;
		s->arg[3 + 2 * i] = r.last;
	}
}

static uint64_t some_pasid(void)
{
	return chance(5) ? 1UL << MOCK_PASID_WIDTH :
	       chance(40) ? IOMMU_TEST_PASID_RESERVED : 1;
}

static void some_pin(const struct model *m, struct step *s)
{
	unsigned int ioas;

	s->arg[0] = some(m, ACCESS);
	ioas = m->access[SLOT(s->arg[0])].ioas;
	if (m->ioas[ioas].nr_maps) {
		unsigned int i = below(m->ioas[ioas].nr_maps);
		struct range r = m->ioas[ioas].map[i].iova;

		s->arg[1] = r.start;
		s->arg[2] = r.last - r.start + 1;
	}
}

static enum op some_op(void)
{
	unsigned int all = 0, dice;
	enum op op = 0;

	for (size_t i = 0; i < NR_OPS; i++)
		all += steps[i].weight;
	for (dice = below(all); dice >= steps[op].weight; op++)
		dice -= steps[op].weight;
	return op;
}

/* What has to come before a step that could only be refused */
static enum op first(const struct model *m, enum op op)
{
	if (!is_there(m, IOAS, 0))
		return OP_IOAS;
	if (!is_there(m, DEVICE, 0))
		return OP_DEVICE;
	if (chance(5))
		return op;
	if (op == OP_VDEVICE && !is_there(m, VIOMMU, 0))
		op = OP_VIOMMU;
	if (op == OP_VIOMMU && !any_with(m, HWPT, CAN_BE_PARENT))
		return OP_HWPT;
	if ((op == OP_REPLACE || op == OP_DETACH) &&
	    !any_with(m, DEVICE, ATTACHED))
		return OP_ATTACH;
	if (op == OP_ATTACH && !any_with(m, DEVICE, NOT_ATTACHED))
		return OP_REPLACE;
	return op;
}

static void any_step(const struct model *m, struct step *s)
{
	struct range r = some_range(m);

	*s = (struct step){ .op = first(m, some_op()) };
	/* the first few places where something can fail are most of them */
	if (steps[s->op].may_fail && chance(12))
		s->nth = 1 + below(chance(70) ? 6 : 30);

	switch (s->op) {
	case OP_IOAS:
		s->arg[0] = fresh(m, IOAS);
		break;
	case OP_DEVICE:
	case OP_DEVICE_AT:
		s->arg[0] = fresh(m, DEVICE);
		s->arg[1] = some_device_flags();
		if (s->op == OP_DEVICE_AT)
			s->arg[2] = some_table(m);
		break;
	case OP_REGION:
		s->arg[0] = some(m, DEVICE);
		s->arg[1] = r.start;
		s->arg[2] = r.last;
		s->arg[3] = some_kind();
		break;
	case OP_NO_REGIONS:
		s->arg[0] = some(m, DEVICE);
		break;
	case OP_DETACH:
		s->arg[0] = hopeful(m, DEVICE, ATTACHED);
		break;
	case OP_QUERY:
		s->arg[0] = some(m, DEVICE);
		s->arg[1] = chance(70) ? 2 * MAX_REGIONS : below(4);
		break;
	case OP_LOAD:
		s->arg[0] = some(m, IOAS);
		s->arg[1] = some(m, DEVICE);
		break;
	case OP_HWPT:
		some_hwpt(m, s);
		break;
	case OP_VIOMMU:
		s->arg[0] = fresh(m, VIOMMU);
		s->arg[1] = some(m, DEVICE);
		s->arg[2] = hopeful(m, HWPT, CAN_BE_PARENT);
		break;
	case OP_VDEVICE:
		s->arg[0] = fresh(m, VDEVICE);
		s->arg[1] = some(m, VIOMMU);
		s->arg[2] = hopeful(m, DEVICE, WITHOUT_VDEVICE);
		s->arg[3] = 1 + below(4);
		break;
	case OP_ATTACH:
	case OP_REPLACE:
		s->arg[0] = hopeful(m, DEVICE, s->op == OP_REPLACE ?
				    ATTACHED : NOT_ATTACHED);
		s->arg[1] = some_table(m);
		if (s->op == OP_ATTACH)
			join_group(m, s);
		break;
	case OP_PASID_ATTACH:
	case OP_PASID_REPLACE:
		s->arg[2] = chance(90) ? hopeful(m, HWPT, TAKES_PASID) :
					 some_table(m);
		/* fall through */
	case OP_PASID_DETACH:
		s->arg[0] = hopeful(m, DEVICE, WITH_PASID);
		s->arg[1] = some_pasid();
		break;
	case OP_MAP:
		some_map(m, s);
		break;
	case OP_MAP_ANYWHERE:
		some_map(m, s);
		s->arg[1] = s->arg[2];
		s->arg[2] = s->arg[3];
		s->arg[3] = 0;
		break;
	case OP_UNMAP:
		some_unmap(m, s);
		break;
	case OP_ALLOW:
		some_allowed(m, s);
		break;
	case OP_RESERVE:
		s->arg[0] = some(m, IOAS);
		s->arg[1] = r.start;
		s->arg[2] = r.last - r.start + 1;
		break;
	case OP_SMALL_PAGES:
		s->arg[0] = some(m, IOAS);
		s->arg[1] = chance(50);
		break;
	case OP_ACCESS:
		s->arg[0] = fresh(m, ACCESS);
		s->arg[1] = some(m, IOAS);
		s->arg[2] = chance(50);
		break;
	case OP_ACCESS_MOVE:
		s->arg[0] = some(m, ACCESS);
		s->arg[1] = some(m, IOAS);
		break;
	case OP_PIN:
		some_pin(m, s);
		break;
	case OP_CLOSE:
		s->arg[0] = some(m, ACCESS);
		break;
	default: {
		static const enum object kind[] = { HWPT, HWPT, HWPT, HWPT,
						    DEVICE, IOAS, VIOMMU,
						    VDEVICE };

		do {
			s->arg[0] = some(m, kind[below(NR(kind))]);
		} while (!is_there(m, TYPE(s->arg[0]), SLOT(s->arg[0])) &&
			 !chance(5));
		break;
	}
	}
}

static bool may(const struct model *m, const struct step *s)
{
	return (!s->nth || steps[s->op].may_fail) && model_may(m, s);
}

void random_step(const struct model *m, struct step *s)
{
	do {
		any_step(m, s);
	} while (!may(m, s));
}

/*
 * Sequences
 */

static unsigned long number_from(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned long number = 0;

	if (f) {
		if (fscanf(f, "%lu", &number) != 1)
			number = 0;
		fclose(f);
	}
	return number;
}

/* How often the kernel has warned; what else it reports is in its taint. */
static unsigned long warnings(void)
{
	return number_from("/sys/kernel/warn_count");
}

unsigned long taint(void)
{
	return number_from("/proc/sys/kernel/tainted");
}

/*
 * Plays @nr steps, which are made up while it goes if @make. @at: which of them
 * failed. Steps that may not be tried are passed over, so that what is left of a
 * sequence can always be played.
 */
static const char *play(struct step *s, size_t nr, bool make, size_t *at)
{
	unsigned long before = warnings();
	const char *wrong = NULL;
	static struct model m;
	struct kernel k;

	memset(&m, 0, sizeof(m));
	if (!kernel_open(&k))
		return "there is no /dev/iommu";
	for (*at = 0; *at < nr && !wrong; ++*at) {
		if (make)
			random_step(&m, &s[*at]);
		else if (!may(&m, &s[*at]))
			continue;
		wrong = kernel_step(&k, &m, &s[*at], false);
	}
	kernel_close(&k, &m);
	if (!wrong && warnings() != before)
		wrong = "the kernel has warned";
	return wrong;
}

/* Does this fail as well? Then it takes the place of the @nr steps. */
static bool better(const struct step *try, size_t nr_try, struct step *s,
		   size_t *nr)
{
	struct step copy[LENGTH];
	size_t at;

	memcpy(copy, try, nr_try * sizeof(*copy));
	if (!play(copy, nr_try, false, &at))
		return false;
	*nr = at;
	memcpy(s, copy, at * sizeof(*s));
	return true;
}

/*
 * Leaves out half of the steps, then a quarter of them wherever it is, and so on
 * down to single ones, until none can be left out.
 */
static void leave_out(struct step *s, size_t *nr)
{
	struct step try[LENGTH];
	size_t size = (*nr + 1) / 2;

	for (;;) {
		bool less = false;

		for (size_t from = 0; from < *nr;) {
			size_t cut = from + size > *nr ? *nr - from : size;

			memcpy(try, s, from * sizeof(*s));
			memcpy(try + from, s + from + cut,
			       (*nr - from - cut) * sizeof(*s));
			if (better(try, *nr - cut, s, nr))
				less = true;
			else
				from += cut;
		}
		if (size > 1)
			size /= 2;
		else if (!less)
			return;
	}
}

/* Has one object do what two did: the step that makes the other can go then. */
static bool one_for_two(struct step *s, size_t *nr, uint64_t one, uint64_t two)
{
	struct step try[LENGTH];
	bool named = false;

	memcpy(try, s, *nr * sizeof(*s));
	for (size_t i = 0; i < *nr; i++) {
		const char *kind = steps[s[i].op].args;

		for (size_t j = 0; kind[j]; j++) {
			if (kind[j] == 'n' || kind[j] == 'r' ||
			    s[i].arg[j] != two)
				continue;
			try[i].arg[j] = one;
			named = true;
		}
	}
	return named && better(try, *nr, s, nr);
}

/* Those with low numbers stay. Return: are there fewer steps than before? */
static bool fewer_objects(struct step *s, size_t *nr)
{
	size_t before = *nr;

	for (enum object type = IOAS; type < NR_OBJECTS; type++)
		for (unsigned int i = 0; i < slots[type]; i++)
			for (unsigned int j = i + 1; j < slots[type]; j++)
				if (one_for_two(s, nr, OBJECT(type, i),
						OBJECT(type, j)))
					leave_out(s, nr);
	return *nr < before;
}

static void shrink(struct step *s, size_t *nr)
{
	struct step try[LENGTH];

	leave_out(s, nr);
	while (fewer_objects(s, nr))
		;
	for (size_t i = 0; i < *nr; i++) {
		memcpy(try, s, *nr * sizeof(*s));
		try[i].nth = 0;
		if (s[i].nth)
			better(try, *nr, s, nr);
	}
}

static void tell(const struct step *s, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		printf("#   ");
		print_step(stdout, &s[i]);
		printf("\n");
	}
	printf("# again: model -r \"");
	for (size_t i = 0; i < nr; i++) {
		if (i)
			printf("; ");
		print_step(stdout, &s[i]);
	}
	printf("\"\n");
	fflush(stdout);
}

static void sequences(void)
{
	unsigned long before = taint();
	struct timespec start, end;
	struct step s[LENGTH];

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint64_t q = first_sequence; nr_done < nr_steps; q++) {
		size_t at, length, nr = nr_steps - nr_done < LENGTH ?
					nr_steps - nr_done : LENGTH;
		const char *wrong;

		random_seed(seed ^ q * 0xd1342543de82ef95);
		wrong = play(s, nr, true, &at);
		if (wrong) {
			check(!wrong, "%s", wrong);
			diag("that was step %lu, in sequence %" PRIu64 " of seed %" PRIu64,
			     nr_done + at, q, seed);
			length = nr = at;
			shrink(s, &nr);
			diag("%zu of its %zu steps are enough:", nr, length);
			wrong = play(s, nr, false, &at);
			diag("%s", wrong ?: "it fails no more");
			tell(s, nr);
			return;
		}
		if (!check(taint() == before,
			   "the kernel has reported something in sequence %" PRIu64
			   " of seed %" PRIu64, q, seed)) {
			tell(s, nr);
			return;
		}
		nr_done += at;
		if (nr_done / 100000 != (nr_done - at) / 100000)
			diag("%lu steps", nr_done);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	diag("%lu steps with seed %" PRIu64 " in %ld s", nr_done, seed,
	     (long)(end.tv_sec - start.tv_sec));
}

/* Did the random steps get everywhere? */
static void everywhere(void)
{
	static const enum op ours[] = { OP_QUERY, OP_LOAD, OP_HWPT, OP_ATTACH,
					OP_REPLACE, OP_MAP, OP_ALLOW };
	unsigned int failures = 0;

	if (nr_done < ENOUGH) {
		ktap_skip("too few steps to get everywhere");
		return;
	}
	for (size_t i = 0; i < NR_OPS; i++) {
		_Atomic unsigned int *n = outcomes[i];

		diag("%-14s %6u done %6u refused %5u made to fail",
		     steps[i].name, n[SUCCESS], n[REFUSED], n[INJECTED]);
		check(n[SUCCESS], "%s has never succeeded", steps[i].name);
		failures += n[INJECTED];
	}
	for (size_t i = 0; i < NR(ours); i++)
		check(outcomes[ours[i]][REFUSED], "%s was never refused",
		      steps[ours[i]].name);
	check(failures, "nothing was made to fail");
}

static void calls_of_garbage(void)
{
	const char *wrong;

	random_seed(seed);
	wrong = garbage(nr_garbage);
	check(!wrong, "%s", wrong);
}

static void side_by_side(void)
{
	const char *wrong = threads(nr_threads, nr_steps, seed);

	check(!wrong, "%s", wrong);
}

static void again(void)
{
	static struct step s[4096];
	char *text = NULL;
	size_t size = 0, at;
	FILE *f = fopen(replay, "re");
	const char *wrong;
	int nr;

	/* a file, if there is one of this name */
	if (f && getdelim(&text, &size, 0, f) < 0)
		diag("%s is empty", replay);
	if (f)
		fclose(f);
	nr = steps_from_text(text ?: replay, s, NR(s));
	if (!check(nr > 0, "these are no steps"))
		return;
	wrong = play(s, nr, false, &at);
	if (wrong) {
		check(!wrong, "%s", wrong);
		diag("that was step %zu of %d:", at, nr);
		tell(s + at - 1, 1);
	}
	free(text);
}

static void prepare(void)
{
	need(check(kernel_prepare(), "the model cannot be tried"));
}

int main(int argc, char **argv)
{
	static const struct ktap_case all[] = {
		{ "prepare", prepare },
		{ "random sequences of steps", sequences },
		{ "the steps got everywhere", everywhere },
		{ "garbage changes nothing", calls_of_garbage },
	};
	static const struct ktap_case one[] = {
		{ "prepare", prepare },
		{ "the steps once more", again },
	};
	static const struct ktap_case together[] = {
		{ "prepare", prepare },
		{ "random steps of several threads", side_by_side },
	};
	int opt;

	while ((opt = getopt(argc, argv, "s:n:q:g:r:t:h")) != -1) {
		switch (opt) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			nr_steps = strtoul(optarg, NULL, 0);
			break;
		case 'q':
			first_sequence = strtoull(optarg, NULL, 0);
			break;
		case 'g':
			nr_garbage = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			replay = optarg;
			break;
		case 't':
			nr_threads = strtoul(optarg, NULL, 0);
			if (nr_threads && nr_threads <= MAX_THREADS)
				break;
			fprintf(stderr, "model: 1 to %d threads\n", MAX_THREADS);
			return 2;
		default:
			fputs(usage, opt == 'h' ? stdout : stderr);
			return opt == 'h' ? 0 : 2;
		}
	}
	if (nr_garbage == -1UL)
		nr_garbage = nr_steps / 10;
	if (replay)
		return ktap_run(one, NR(one));
	if (nr_threads)
		return ktap_run(together, NR(together));
	return ktap_run(all, NR(all));
}
