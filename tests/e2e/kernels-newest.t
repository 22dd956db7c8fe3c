#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The newest kernel that Debian has for its stable release. Handlers of tracepoints run
# with preemption on there, and EEVDF preempts within a tick.
exec "$(dirname -- "$0")/boot" --kernel newest --single --timeout 900 -- identity exactness life ledger threads switches loss again hog throttle
