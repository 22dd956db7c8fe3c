#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# As lab-6.1.t: what make check leaves to 6.12.
exec "$(dirname -- "$0")/boot" --kernel 6.1 --single --timeout 900 -- stock life again holders throttle
