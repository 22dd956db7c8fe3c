#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# One host thread emulates both CPUs: QEMU is not safe where code is patched
# while the other CPU runs it, and these tests attach and detach all the time.
exec "$(dirname -- "$0")/boot" --kernel 6.12 --single --timeout 2100 -- identity exactness details noexits sleeps switches stock life causes joined killed hog timers throttle idle senders guestio
