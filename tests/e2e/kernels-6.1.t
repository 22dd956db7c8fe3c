#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# As lab-6.1.t: what make check leaves to 6.12.
# What the kernel frees of vCPUs it overwrites, for unseen.
exec "$(dirname -- "$0")/boot" --kernel 6.1 --single --timeout 1500 --append slub_debug=P,kvm_vcpu -- identity noexits sleeps switches threads stock life gone again holders joined killed unseen timers throttle idle details refused moved senders guestio
