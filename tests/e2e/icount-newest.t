#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
exec "$(dirname -- "$0")/boot" --kernel newest --icount --timeout 1200 -- costs policies waits steal ledger causes softirqs shadow locks
