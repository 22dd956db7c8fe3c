/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers that are equal but for rounding, or for chance.
 */
#ifndef NEAR_H
#define NEAR_H

#include <math.h>

#define assert_near(x, y, eps)						\
	do {								\
		double got_ = (x), want_ = (y);				\
									\
		if (!(fabs(got_ - want_) <= (eps)))			\
			fail_msg("%s is %.10g, not %.10g", #x, got_, want_); \
	} while (0)

#endif /* NEAR_H */
