#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A CPU without ticks: grace periods of a machine that has one take other ways. It is
# neither the hog's CPU nor that of the test.
exec "$(dirname -- "$0")/boot" --kernel 6.12-rt --smp 3 --single --timeout 900 --append nohz_full=2 --append rcutree.kthread_prio=80 -- hog
