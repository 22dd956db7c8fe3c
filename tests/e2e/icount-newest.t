#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What recording costs on the newest kernel.
exec "$(dirname -- "$0")/boot" --kernel newest --icount --timeout 900 -- costs
