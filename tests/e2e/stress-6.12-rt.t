#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# --single: long runs of CPUs in threads of their own lose an interrupt now and then.
exec "$(dirname -- "$0")/boot" --kernel 6.12-rt --single --timeout 1500 --append rcutree.kthread_prio=80 -- stress=300 again=50
