#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
exec "$(dirname -- "$0")/boot" --kernel 6.12 --icount --timeout 1500 -- policies short
