#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# One host thread emulates both CPUs: QEMU is not safe where code is patched
# while the other CPU runs it, and these tests attach and detach all the time.
exec "$(dirname -- "$0")/boot" --kernel 6.1 --single --timeout 900 -- exactness loss ioctl sizes manners ledger unstable hog lockdown
