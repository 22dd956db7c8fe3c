#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
exec "$(dirname -- "$0")/boot" --kernel 6.1 --icount --timeout 900 -- merge ahead tracecmd
