#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# KVM's fast path for IPIs, which QEMU's CPU doesn't take.
exec "$(dirname -- "$0")/boot" --arch vtx --kernel newest --timeout 2400 -- senders
