// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that take random steps on the same IOASs at the same time. Each has
 * devices, HWPTs, mappings and a model of its own, which knows nothing of the
 * others: what it does to an IOAS is refused at times because of them, and
 * everything else has to be answered as if they were not there.
 *
 * And each has a device in the one group of mock devices. Who replaces moves the
 * devices of all, so that no model can know where they are.
 *
 * Every few steps all of them stop. What an IOAS offers then does not depend on
 * the order of the calls before: it is what every model leaves and what the devices
 * of the group reserve where it is, and what is mapped or allowed has to lie in it.
 *
 * The seed decides which steps are taken, but not when: that a failure comes again
 * is likely, not certain.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"
#include "model.h"

/* Steps of one thread, before all is made anew, and between two stops */
#define LENGTH 80
#define BETWEEN 8

/*
 * The IOASs, each with a HWPT that stays, so that what can be mapped at all does
 * not change with those that come and go; and two nested ones, the last of which is
 * an identity. The group is attached to one of these.
 */
static const char scene[] =
	"ioas i0; ioas i1; ioas i2; device d0 0;"
	"hwpt h0 d0 i0 1 0; hwpt h1 d0 i1 1 0; hwpt h2 d0 i2 1 0;"
	"hwpt h3 d0 h0 0 1; hwpt h4 d0 h1 0x10 1; destroy d0";
#define NR_SCENE_HWPTS 5

/* What a thread has in the group; its regions stay */
#define MEMBER OBJECT(DEVICE, NR_DEVICES - 1)
static const char member[] =
	"device d4 0x10; region d4 0x%x 0x%x 4; region d4 0x%x 0x%x 2";

static struct thread {
	pthread_t id;
	unsigned int number;
	uint64_t seed;
	struct kernel k;	/* the ids that this thread knows */
	struct model m;
	bool in_group;		/* is its member of it attached? */
	struct step step;	/* the last one */
	const char *wrong;
	char text[400];
} team[MAX_THREADS];
static unsigned int nr_team;

/* All threads and the main one meet here before and after it has compared. */
static pthread_barrier_t stop;
static bool over;		/* changes between these two */
static atomic_bool given_up;	/* no more steps, since one was wrong */

static char text[400];

/*
 * Does it name an automatic HWPT? Whoever attaches to an IOAS can get one that
 * another thread has made, and the model takes it for one of its own.
 */
static bool names_automatic(const struct step *s)
{
	uint64_t object;

	switch (s->op) {
	case OP_DESTROY:
		object = s->arg[0];
		break;
	case OP_ATTACH:
	case OP_REPLACE:
		object = s->arg[1];
		break;
	case OP_DEVICE_AT:
	case OP_HWPT:
	case OP_VIOMMU:
	case OP_PASID_ATTACH:
	case OP_PASID_REPLACE:
		object = s->arg[2];
		break;
	default:
		return false;
	}
	return TYPE(object) == HWPT && SLOT(object) >= NR_MADE_HWPTS;
}

static bool names_member(const struct step *s)
{
	switch (s->op) {
	case OP_LOAD:
	case OP_HWPT:
	case OP_VIOMMU:
		return s->arg[1] == MEMBER;
	case OP_VDEVICE:
		return s->arg[2] == MEMBER;
	default:
		return s->arg[0] == MEMBER;
	}
}

/* Is it one for this thread? The others rely on what it would change. */
static bool own_affair(const struct thread *t, const struct step *s)
{
	unsigned int slot = SLOT(s->arg[0]);

	if (names_automatic(s) || names_member(s))
		return false;
	switch (s->op) {
	case OP_DEVICE:
	case OP_DEVICE_AT:
		return !(s->arg[1] & MOCK_FLAGS_DEVICE_GROUP);
	case OP_SMALL_PAGES:
		return false;
	case OP_ALLOW:
		/* replaces what was allowed before */
		return TYPE(s->arg[0]) != IOAS || slot % nr_team == t->number;
	case OP_UNMAP:
		/* exactly what it has mapped itself */
		if (TYPE(s->arg[0]) != IOAS)
			return true;
		for (size_t i = 0; i < t->m.ioas[slot].nr_maps; i++) {
			struct range r = t->m.ioas[slot].map[i].iova;

			if (r.start == s->arg[1] &&
			    r.last == s->arg[1] + s->arg[2] - 1)
				return true;
		}
		return false;
	case OP_DESTROY:
		return TYPE(s->arg[0]) != IOAS &&
		       !(TYPE(s->arg[0]) == HWPT && slot < NR_SCENE_HWPTS);
	default:
		return true;
	}
}

/* Moves the group, or the thread's member in or out of it. */
static const char *group_step(struct thread *t)
{
	struct step *s = &t->step;
	int rc;

	*s = (struct step){
		.op = chance(60) ? OP_REPLACE : chance(50) ? OP_ATTACH : OP_DETACH,
		.arg = { MEMBER, OBJECT(HWPT, random_number() % NR_SCENE_HWPTS) },
	};
	rc = kernel_try(&t->k, s);
	/* where the others have it, and what is in the way there */
	if (rc == -EADDRINUSE && s->op != OP_DETACH &&
	    t->in_group == (s->op == OP_REPLACE))
		return NULL;
	if (t->in_group) {
		if (rc != (s->op == OP_ATTACH ? -EBUSY : 0))
			return "a member of the group that is attached cannot do that";
		t->in_group = s->op != OP_DETACH;
		return NULL;
	}
	if (s->op == OP_ATTACH && !rc)
		t->in_group = true;
	else if (rc != -EINVAL)
		return "a member of the group that is not attached did that";
	return NULL;
}

static void give_up(struct thread *t, const char *why)
{
	snprintf(t->text, sizeof(t->text), "%s", why);
	t->wrong = t->text;
	given_up = true;
}

static void *work(void *arg)
{
	struct thread *t = arg;
	const char *wrong;

	random_seed(t->seed);
	if (!kernel_thread())
		give_up(t, "no fault injection");
	while (!over) {
		for (unsigned int i = 0; i < BETWEEN && !given_up; i++) {
			if (chance(20)) {
				wrong = group_step(t);
			} else {
				do {
					random_step(&t->m, &t->step);
				} while (!own_affair(t, &t->step));
				wrong = kernel_step(&t->k, &t->m, &t->step,
						    true);
			}
			if (wrong)
				give_up(t, wrong);
		}
		pthread_barrier_wait(&stop);
		pthread_barrier_wait(&stop);
	}
	kernel_thread_end();
	return NULL;
}

static size_t common(const struct range *a, size_t nr_a, const struct range *b,
		     size_t nr_b, struct range *out)
{
	size_t nr = 0;

	for (size_t i = 0; i < nr_a; i++)
		for (size_t j = 0; j < nr_b; j++) {
			struct range r = a[i];

			if (b[j].start > r.start)
				r.start = b[j].start;
			if (b[j].last < r.last)
				r.last = b[j].last;
			if (r.start <= r.last)
				out[nr++] = r;
		}
	return nr;
}

static bool in_one(struct range r, const struct range *list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (r.start >= list[i].start && r.last <= list[i].last)
			return true;
	return false;
}

/* What was mapped and allowed: where it may be, and no two mappings in one place */
static const char *check_used(unsigned int ioas, const struct range *offered,
			      size_t nr)
{
	struct range seen[MAX_THREADS * MAX_MAPS];
	size_t nr_seen = 0;

	for (unsigned int i = 0; i < nr_team; i++) {
		const struct model *m = &team[i].m;

		for (size_t j = 0; j < m->ioas[ioas].allowed.nr; j++) {
			struct range r = m->ioas[ioas].allowed.r[j];

			if (in_one(r, offered, nr))
				continue;
			snprintf(text, sizeof(text),
				 "0x%" PRIx64 "-0x%" PRIx64 " was allowed in i%u, and is reserved",
				 r.start, r.last, ioas);
			return text;
		}
		for (size_t j = 0; j < m->ioas[ioas].nr_maps; j++) {
			struct range r = m->ioas[ioas].map[j].iova, both;
			bool reserved = !in_one(r, offered, nr);

			if (!reserved && !common(&r, 1, seen, nr_seen, &both)) {
				seen[nr_seen++] = r;
				continue;
			}
			snprintf(text, sizeof(text),
				 "0x%" PRIx64 "-0x%" PRIx64 " is mapped in i%u, and %s",
				 r.start, r.last, ioas, reserved ?
				 "reserved" : "so is a part of it");
			return text;
		}
	}
	return NULL;
}

/* The HWPT that the group is attached to, or -1; -2 if it is another one */
static int group_hwpt(void)
{
	int hwpt = NR_SCENE_HWPTS - 1;

	while (hwpt >= -1 &&
	       !kernel_is_attached(&team[0].k, MEMBER, 0, hwpt))
		hwpt--;
	return hwpt;
}

/* What a thread's model offers, with its member where the group is */
static size_t allowed_by(const struct thread *t, int hwpt, unsigned int ioas,
			 struct range out[MAX_ALLOWED])
{
	struct step attach = { .op = OP_ATTACH,
			       .arg = { MEMBER, OBJECT(HWPT, hwpt) } };
	static struct model m;
	struct answer a;

	m = t->m;
	/* if something is in the way, check_used() says so */
	for (unsigned int i = 0; i < NR_IOAS; i++)
		m.ioas[i].nr_maps = m.ioas[i].allowed.nr = 0;
	if (t->in_group)
		model_step(&m, &attach, false, &a);
	return model_allowed(&m, ioas, out);
}

/* While all have stopped */
static const char *compare(void)
{
	static struct range offered[MAX_THREADS * MAX_ALLOWED];
	static struct range before[MAX_THREADS * MAX_ALLOWED];
	static struct range one[MAX_ALLOWED];
	int hwpt = group_hwpt();
	bool attached = false;

	for (unsigned int i = 0; i < nr_team; i++)
		attached |= team[i].in_group;
	if (hwpt == -2 || attached != (hwpt >= 0)) {
		snprintf(text, sizeof(text),
			 "%s of the group is attached, and the group to %d",
			 attached ? "a member" : "no member", hwpt);
		return text;
	}
	for (unsigned int i = 0; i < NR_IOAS; i++) {
		uint64_t alignment = 1;
		const char *wrong;
		size_t nr = 1;

		offered[0] = (struct range){ 0, UINT64_MAX };
		for (unsigned int j = 0; j < nr_team; j++) {
			uint64_t own = model_alignment(&team[j].m, i);

			if (own > alignment)
				alignment = own;
			memcpy(before, offered, nr * sizeof(*before));
			nr = common(before, nr, one,
				    allowed_by(&team[j], hwpt, i, one), offered);
		}
		wrong = kernel_compare_ioas(&team[0].k, i, offered, nr,
					    alignment);
		if (!wrong)
			wrong = check_used(i, offered, nr);
		if (wrong)
			return wrong;
	}
	return NULL;
}

static const char *make_member(struct thread *t, unsigned int number)
{
	unsigned int window = 0x2000000 + number * 5 % 24 * 0x4000;
	unsigned int region = 0x2000000 + (number * 5 + 2) % 24 * 0x4000;
	const char *wrong = NULL;
	struct step s[3];
	char steps[200];

	snprintf(steps, sizeof(steps), member, window, window + 0x3fff, region,
		 region + 0x7fff);
	t->in_group = false;
	for (int i = 0, nr = steps_from_text(steps, s, NR(s)); i < nr && !wrong; i++)
		wrong = kernel_step(&t->k, &t->m, &s[i], true);
	return wrong;
}

static const char *set_the_scene(void)
{
	struct step s[12];
	int nr = steps_from_text(scene, s, NR(s));
	struct thread *t = &team[0];
	const char *wrong = NULL;

	memset(&t->m, 0, sizeof(t->m));
	if (!kernel_open(&t->k))
		return "there is no /dev/iommu";
	for (int i = 0; i < nr && !wrong; i++)
		wrong = kernel_step(&t->k, &t->m, &s[i], false);
	for (unsigned int i = 1; i < nr_team; i++) {
		team[i].k = t->k;
		team[i].m = t->m;
	}
	for (unsigned int i = 0; i < nr_team && !wrong; i++)
		wrong = make_member(&team[i], i);
	return wrong;
}

static const char *one_round(uint64_t seed)
{
	const char *wrong = set_the_scene();

	if (wrong)
		return wrong;
	over = false;
	given_up = false;
	for (unsigned int i = 0; i < nr_team; i++) {
		struct thread *t = &team[i];

		t->number = i;
		t->seed = seed ^ (i + 1) * 0x9fb21c651e98df25;
		t->wrong = NULL;
		if (pthread_create(&t->id, NULL, work, t)) {
			/* those that wait for it cannot be told */
			diag("cannot make a thread");
			exit(1);
		}
	}
	for (unsigned int done = BETWEEN; !over; done += BETWEEN) {
		pthread_barrier_wait(&stop);
		if (!given_up)
			wrong = compare();
		over = given_up || wrong || done >= LENGTH;
		pthread_barrier_wait(&stop);
	}
	for (unsigned int i = 0; i < nr_team; i++) {
		struct thread *t = &team[i];

		pthread_join(t->id, NULL);
		kernel_leave(&t->k, &t->m);
		if (!wrong && !given_up)
			continue;
		printf("# the last step of thread %u: ", i);
		print_step(stdout, &t->step);
		printf("%s%s\n", t->wrong ? ": " : "", t->wrong ?: "");
		wrong = wrong ?: t->wrong;
	}
	close(team[0].k.iommufd);
	return wrong;
}

const char *threads(unsigned int nr, unsigned long steps, uint64_t seed)
{
	unsigned long done = 0, all[NR_OUTCOMES] = { 0 }, before = taint();

	nr_team = nr;
	if (pthread_barrier_init(&stop, NULL, nr + 1))
		return "no barrier";
	for (uint64_t round = 0; done < steps; round++) {
		const char *wrong = one_round(seed ^ round * 0xd1342543de82ef95);

		if (!wrong && taint() != before)
			wrong = "the kernel has reported something";
		if (wrong) {
			diag("that was in round %" PRIu64 " of seed %" PRIu64
			     ", which may differ the next time", round, seed);
			return wrong;
		}
		done += nr * LENGTH;
		if (done / 100000 != (done - nr * LENGTH) / 100000)
			diag("%lu steps", done);
	}
	pthread_barrier_destroy(&stop);
	for (size_t i = 0; i < NR_OPS; i++)
		for (size_t j = 0; j < NR_OUTCOMES; j++)
			all[j] += outcomes[i][j];
	diag("%lu steps of %u threads with seed %" PRIu64 ": %lu done, %lu refused, %lu made to fail, %lu where another thread was in the way",
	     done, nr, seed, all[SUCCESS], all[REFUSED], all[INJECTED],
	     all[IN_THE_WAY]);
	if (nr > 1 && done >= 20000 && !all[IN_THE_WAY])
		return "no thread was ever in the way of another";
	return NULL;
}
