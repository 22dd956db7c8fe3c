#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# As nested-6.1.t.
exec "$(dirname -- "$0")/boot" --kernel 6.12-rt --timeout 300 --append rcutree.kthread_prio=80 --kvm-param npt=0 -- nested
