/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of unit-plan.c, for the table in unit-test.c. */
#ifndef UNIT_PLAN_H
#define UNIT_PLAN_H

#include "ktap.h"

#define PLAN_CASES 15
extern const struct ktap_case plan_cases[PLAN_CASES];

#endif
