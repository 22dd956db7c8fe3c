#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
exec "$(dirname -- "$0")/boot" --arch vtx --kernel 6.1 --timeout 2400 -- exactness switches ledger details refused pause life shadow
