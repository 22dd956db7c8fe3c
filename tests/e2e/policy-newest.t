#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Without experiment, whose figures are those of slices that end at a tick.
exec "$(dirname -- "$0")/boot" --kernel newest --icount --timeout 900 -- policy stopon
