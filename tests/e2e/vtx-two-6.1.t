#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Two CPUs: a vCPU is moved from one to the other, and the holder of a lock loses its CPU.
exec "$(dirname -- "$0")/boot" --arch vtx --kernel 6.1 --smp 2 --timeout 2400 -- exactness moved life gone lockholder
