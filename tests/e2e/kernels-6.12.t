#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# As lab-6.12.t: what make check leaves to other kernels. lockdown comes last, as no
# module is loaded after it.
exec "$(dirname -- "$0")/boot" --kernel 6.12 --single --timeout 2400 -- threads loss ledger gone again ioctl sizes manners holders refused moved lockdown
