#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
exec "$(dirname -- "$0")/boot" --kernel 6.12-rt --icount --timeout 1200 --append rcutree.kthread_prio=80 -- policy experiment stopon waits steal shadow locks
