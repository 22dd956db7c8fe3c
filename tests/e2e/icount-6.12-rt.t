#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Without policies: on this kernel threads of the kernel's own, of a higher
# priority, cut some of the slices of 100 ms.
exec "$(dirname -- "$0")/boot" --kernel 6.12-rt --icount --timeout 1500 --append rcutree.kthread_prio=80 -- costs ledger causes softirqs
