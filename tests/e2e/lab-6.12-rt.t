#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# As lab-6.12.t. RCU's threads have priority 1 on this kernel: a guest of a
# higher one that spins would keep all of RCU from its CPU.
exec "$(dirname -- "$0")/boot" --kernel 6.12-rt --single --timeout 900 --append rcutree.kthread_prio=80 -- exactness loss ioctl ledger hog
