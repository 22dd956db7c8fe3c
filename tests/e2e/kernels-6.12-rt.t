#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# As lab-6.12-rt.t: what make check leaves to 6.12.
exec "$(dirname -- "$0")/boot" --kernel 6.12-rt --single --timeout 900 --append rcutree.kthread_prio=80 -- life
