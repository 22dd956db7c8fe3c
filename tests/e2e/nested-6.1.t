#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Both CPUs in threads of their own: with one thread for all, the nested
# Linux's two would take minutes.
exec "$(dirname -- "$0")/boot" --kernel 6.1 --timeout 300 -- nested
