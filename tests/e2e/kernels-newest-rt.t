#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A kernel of a newer Debian: what most depends on the kernel.
exec "$(dirname -- "$0")/boot" --kernel newest-rt --single --timeout 2400 --append rcutree.kthread_prio=80 -- exactness life gone ledger hog
