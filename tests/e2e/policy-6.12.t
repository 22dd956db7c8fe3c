#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
exec "$(dirname -- "$0")/boot" --kernel 6.12 --icount --timeout 2400 -- costs waits policy experiment stopon steal shadow locks ledger causes softirqs
