#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Where kprobes tell of exits and entries
exec "$(dirname -- "$0")/boot" --arch vtx --kernel 6.1 --timeout 2400 --param attach=kprobe -- switches ledger fastpath refused
