#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Without policies, as icount-6.12-rt.t.
exec "$(dirname -- "$0")/boot" --kernel 6.1-rt --icount --timeout 1200 --append rcutree.kthread_prio=80 -- costs waits steal ledger causes softirqs shadow locks
