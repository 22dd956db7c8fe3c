#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Intel's VT-x, on one CPU: the least that shows its code to be right.
exec "$(dirname -- "$0")/boot" --arch vtx --kernel 6.1 --timeout 900 -- exactness
