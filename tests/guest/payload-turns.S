/* SPDX-License-Identifier: GPL-2.0-only */
/* The same as payload rr, but the processes take turns at each tick. */
#define TICKS	1
#include "payload-rr.S"
