#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# As lab-6.12-rt.t, on the kernel whose events have 12 bytes of common fields.
# lockdown comes last, as no module is loaded after it.
# What the kernel frees of vCPUs it overwrites, for unseen.
exec "$(dirname -- "$0")/boot" --kernel 6.1-rt --single --timeout 2400 --append rcutree.kthread_prio=80 --append slub_debug=P,kvm_vcpu -- identity exactness again threads switches loss ioctl sizes manners stock life gone ledger holders joined killed unstable unseen stress hog timers throttle details refused moved noexits sleeps senders guestio idle lockdown
