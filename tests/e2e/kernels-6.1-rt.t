#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# As lab-6.12-rt.t, on the kernel whose events have 12 bytes of common fields.
exec "$(dirname -- "$0")/boot" --kernel 6.1-rt --single --timeout 900 --append rcutree.kthread_prio=80 -- identity exactness ioctl hog
