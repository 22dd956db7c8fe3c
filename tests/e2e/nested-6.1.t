#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Both CPUs in threads of their own: with one thread for all, the nested
# Linux's two would take minutes. npt=0: see README.md, "When the
# emulator is to blame".
exec "$(dirname -- "$0")/boot" --kernel 6.1 --timeout 300 --kvm-param npt=0 -- nested
