#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The newest kernel that Debian has for its stable release. Handlers of tracepoints run
# with preemption on there, and EEVDF preempts within a tick. lockdown comes last, as no
# module is loaded after it.
# What the kernel frees of vCPUs it overwrites, for unseen.
exec "$(dirname -- "$0")/boot" --kernel newest --single --timeout 2400 --append slub_debug=P,kvm_vcpu -- identity exactness noexits sleeps life gone ledger threads switches loss again ioctl sizes manners stock holders joined killed unstable unseen stress hog timers throttle idle details refused moved senders guestio ext preempt lockdown
