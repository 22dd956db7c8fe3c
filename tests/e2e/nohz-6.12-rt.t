#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# With nohz_full the kernel puts the timers of delayed work onto a CPU of its choice:
# here onto that of the hog, where no timer's thread runs.
exec "$(dirname -- "$0")/boot" --kernel 6.12-rt --smp 3 --single --timeout 600 --append rcutree.kthread_prio=80 --append nohz_full=2 -- hog
