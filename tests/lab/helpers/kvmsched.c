// SPDX-License-Identifier: GPL-2.0-only
/* A module of the name under test, whose breakpoints stale_int3 must decline. */
#include "breakpoints.c"
