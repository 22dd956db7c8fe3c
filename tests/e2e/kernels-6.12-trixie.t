#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A kernel of a newer Debian: what most depends on the kernel.
exec "$(dirname -- "$0")/boot" --kernel 6.12-trixie --single --timeout 2400 -- exactness life gone ledger hog
