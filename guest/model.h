/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of what every IOAS must offer, and the kernel that is held against it.
 *
 *   model-policy.c  the model: what a step answers and what it leaves behind
 *   model-kernel.c  the same step on /dev/iommu, and the comparison
 *   model-garbage.c calls of random bytes, which must change nothing
 *   model-threads.c threads that take steps on the same IOASs at the same time
 *   model.c         sequences of steps: made, told as text, shrunk
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* From TREE: the test uapi is not exported. */
#include "iommufd_test.h"

#define NR(array) (sizeof(array) / sizeof(*(array)))

/* How much of everything there can be at a time */
#define NR_IOAS 3
#define NR_DEVICES 5
#define NR_MADE_HWPTS 8	/* the slots behind them are for automatic ones: */
#define NR_HWPTS (NR_MADE_HWPTS + NR_DEVICES + 1)
#define NR_VIOMMUS 2
#define NR_VDEVICES 3
#define NR_ACCESSES 2
#define NR_PASIDS 2
#define MAX_REGIONS 6
#define MAX_RANGES 48
#define MAX_MAPS 10
#define MAX_GIVEN 3	/* ranges in one call of IOMMU_IOAS_ALLOW_IOVAS */

/* What a step names: a kind of object, and which of them */
enum object {
	NO_OBJECT,	/* 0: the id 0; else an id that nothing has */
	IOAS,
	DEVICE,
	HWPT,
	VIOMMU,
	VDEVICE,
	ACCESS,
	NR_OBJECTS
};
#define OBJECT(type, slot) ((uint64_t)(type) << 8 | (slot))
#define TYPE(object) ((object) >> 8)
#define SLOT(object) ((object) & 0xff)

/* A step. Its arguments are listed in steps[] of model.c, in this order. */
enum op {
	OP_IOAS,	/* ioas */
	OP_DEVICE,	/* device, MOCK_FLAGS_DEVICE_* */
	OP_DEVICE_AT,	/* device, MOCK_FLAGS_DEVICE_*, what to attach it to */
	OP_REGION,	/* device, start, last, MOCK_RESV_* */
	OP_NO_REGIONS,	/* device */
	OP_QUERY,	/* device, room */
	OP_LOAD,	/* ioas, device */
	OP_HWPT,	/* hwpt, device, parent, IOMMU_HWPT_*, enum data */
	OP_VIOMMU,	/* viommu, device, hwpt */
	OP_VDEVICE,	/* vdevice, viommu, device, virtual id */
	OP_ATTACH,	/* device, what to */
	OP_REPLACE,	/* device, by what */
	OP_DETACH,	/* device */
	OP_PASID_ATTACH, /* device, pasid, what to */
	OP_PASID_REPLACE, /* device, pasid, by what */
	OP_PASID_DETACH, /* device, pasid */
	OP_MAP,		/* ioas, iova, length, offset of the memory */
	OP_MAP_ANYWHERE, /* ioas, length, offset of the memory */
	OP_UNMAP,	/* ioas, iova, length */
	OP_ALLOW,	/* ioas, how many, start and last of each */
	OP_RESERVE,	/* ioas, start, length */
	OP_SMALL_PAGES,	/* ioas, 1 or 0 */
	OP_ACCESS,	/* access, ioas, 1 if it pins pages */
	OP_ACCESS_MOVE,	/* access, ioas */
	OP_PIN,		/* access, iova, length */
	OP_CLOSE,	/* access */
	OP_DESTROY,	/* any object but an access */
	NR_OPS
};

/* The user data that an allocation of a HWPT comes with */
enum data {
	DATA_NONE,
	DATA_PLAIN,
	DATA_HUGE,	/* a paging domain of large pages and no aperture */
	DATA_BYPASS,	/* a nested domain whose driver sees that it is bypass */
	DATA_BAD_FLAG,	/* unknown to the driver, for a nested domain */
	DATA_BAD_TYPE,	/* unknown to the driver, for a paging domain */
	NR_DATA
};

#define MAX_ARGS 8
struct step {
	enum op op;
	unsigned int nth;	/* fail the nth allocation; 0: none */
	uint64_t arg[MAX_ARGS];
};

struct range {
	uint64_t start, last;
};

struct ranges {
	size_t nr;
	struct range r[MAX_RANGES];
};

struct model {
	struct {
		bool used, small_pages;
		size_t nr_maps;
		struct map {
			struct range iova;
			uint64_t offset;	/* of the memory in its page */
		} map[MAX_MAPS];
		struct ranges allowed, loaded, reserved;
	} ioas[NR_IOAS];

	struct device {
		bool used;
		uint32_t flags;
		size_t nr_regions;
		struct region {
			struct range iova;
			uint32_t kind;
		} region[MAX_REGIONS];
		/* the HWPT it is attached to, and what that reserved */
		bool attached;
		unsigned int hwpt;
		struct ranges held;
		struct {
			bool attached;
			unsigned int hwpt;
		} pasid[NR_PASIDS];
		bool pasid_will_fail;	/* see pasid_driver() */
	} device[NR_DEVICES];

	struct hwpt {
		bool used, nested;
		bool automatic, nest_parent, dirty, huge;	/* paging */
		bool identity, of_viommu;			/* nested */
		bool pasid;
		unsigned int above;	/* the IOAS, the parent, or the vIOMMU */
		unsigned int age;
	} hwpt[NR_HWPTS];
	unsigned int age;

	struct {
		bool used;
		unsigned int parent;
	} viommu[NR_VIOMMUS];

	struct {
		bool used;
		unsigned int viommu, device;
		uint64_t virt_id;
	} vdevice[NR_VDEVICES];

	struct {
		bool used, pins;
		unsigned int ioas;
	} access[NR_ACCESSES];
};

/* What a step answers besides an errno */
struct answer {
	struct iommu_resv_iova_range regions[2 * MAX_REGIONS + 1];
	size_t nr_regions;	/* OP_QUERY */
	struct range clash;	/* OP_LOAD */
	bool adds_nothing;	/* OP_LOAD: all of it is loaded already */
	uint64_t unmapped;	/* OP_UNMAP */
	unsigned int hwpt;	/* the slot of the HWPT that is attached to */
	bool new_hwpt;		/* which is an automatic one, made for this */
};

/* model-policy.c */

/* What a paging domain with DATA_HUGE can translate. */
extern struct range huge_aperture;

bool model_has(const struct model *m, uint64_t object);

/*
 * May the step be tried at all? Not if the mock driver or iommufd would warn
 * about their callers, or if the model has no room for what it makes.
 */
bool model_may(const struct model *m, const struct step *step);

/*
 * Does the step to the model. @other_hwpt: attach to a new automatic HWPT though
 * there is one (only right if the kernel was made to fail with that one).
 * Return: 0 or a negative errno, which leaves all as it was, but for OP_UNMAP.
 */
int model_step(struct model *m, const struct step *step, bool other_hwpt,
	       struct answer *answer);

/* OP_MAP_ANYWHERE, with what the kernel chose. Return: is that place free? */
bool model_place(struct model *m, const struct step *step, uint64_t iova);

/* What IOMMU_IOAS_IOVA_RANGES has to list, and the alignment it has to tell. */
#define MAX_ALL ((NR_DEVICES + 3) * MAX_RANGES)
#define MAX_ALLOWED (MAX_ALL + 1)
size_t model_allowed(const struct model *m, unsigned int ioas,
		     struct range out[MAX_ALLOWED]);
uint64_t model_alignment(const struct model *m, unsigned int ioas);

/* The slot of the HWPT that a device or its PASID is attached to, or -1. */
int model_attached(const struct model *m, uint64_t device, uint32_t pasid);

/* The slot of a PASID, or -1 for one that no mock device has. */
int model_pasid(uint64_t pasid);

/* model-kernel.c */

#define MEMORY_SIZE 0x20000	/* what there is to map */

struct kernel {
	int iommufd;
	uint32_t id[NR_OBJECTS][NR_HWPTS];
	uint32_t stdev[NR_DEVICES];	/* the test's own object of a device */
};

/* Once: makes ready for fault injection, measures huge_aperture. */
bool kernel_prepare(void);

/* At the begin and the end of each other thread that takes steps. */
bool kernel_thread(void);
void kernel_thread_end(void);

/*
 * A file descriptor of its own, without anything in it. To leave it is all that
 * has to be done before it is closed.
 */
bool kernel_open(struct kernel *k);
void kernel_leave(const struct kernel *k, const struct model *m);
void kernel_close(struct kernel *k, const struct model *m);

/*
 * Does the step to both and compares what they answer and all IOASs. If @others
 * are at work on the same IOASs, they may be the reason why it is refused, and
 * these are not compared.
 * Return: NULL, or what is different, in a buffer that the next call uses.
 */
const char *kernel_step(struct kernel *k, struct model *m,
			const struct step *step, bool others);
const char *kernel_compare(const struct kernel *k, const struct model *m);
const char *kernel_compare_ioas(const struct kernel *k, unsigned int ioas,
				const struct range *want, size_t nr,
				uint64_t alignment);

/* Does the step without a model. Return: 0 or a negative errno. */
int kernel_try(const struct kernel *k, const struct step *step);

/* Is the device, or its PASID, attached to this HWPT, or to nothing (-1)? */
bool kernel_is_attached(const struct kernel *k, uint64_t device, uint32_t pasid,
			int hwpt);

/* The id of what a step names. */
uint32_t kernel_id(const struct kernel *k, uint64_t object);

/* How often each op ended how; for the summary. */
enum outcome { SUCCESS, REFUSED, INJECTED, IN_THE_WAY, NR_OUTCOMES };
extern _Atomic unsigned int outcomes[NR_OPS][NR_OUTCOMES];

/* model.c */

/* Each thread has random numbers of its own. */
void random_seed(uint64_t seed);
uint64_t random_number(void);
static inline bool chance(unsigned int percent)
{
	return random_number() % 100 < percent;
}

/* A step that may be tried */
void random_step(const struct model *m, struct step *step);

/* Steps from text; the number of them, or -1. */
int steps_from_text(const char *text, struct step *steps, size_t max);
void print_step(FILE *f, const struct step *step);

/* What the kernel has reported until now, as bits */
unsigned long taint(void);

/* model-garbage.c */
const char *garbage(unsigned long calls);

/* model-threads.c */
#define MAX_THREADS 16
const char *threads(unsigned int nr, unsigned long steps, uint64_t seed);

#endif
