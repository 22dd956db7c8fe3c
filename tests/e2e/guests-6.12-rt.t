#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# --single, as tracing is attached by patching code.
exec "$(dirname -- "$0")/boot" --kernel 6.12-rt --single --timeout 900 --append rcutree.kthread_prio=80 -- tests/guest/selftest tests/guest/verify
