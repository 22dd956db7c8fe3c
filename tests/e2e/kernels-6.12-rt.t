#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# As lab-6.12-rt.t: what make check leaves to other kernels. lockdown comes last, as no
# module is loaded after it.
# What the kernel frees of vCPUs it overwrites, for unseen.
exec "$(dirname -- "$0")/boot" --kernel 6.12-rt --single --timeout 2400 --append rcutree.kthread_prio=80 --append slub_debug=P,kvm_vcpu -- identity threads switches sizes again stock life gone holders manners joined killed unstable unseen timers throttle details refused moved noexits sleeps senders guestio idle lockdown
