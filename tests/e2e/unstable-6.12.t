#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A boot of its own: the kernel never trusts a TSC again. What it frees of vCPUs it
# overwrites.
exec "$(dirname -- "$0")/boot" --kernel 6.12 --single --timeout 600 --append tsc=unstable --append slub_debug=P,kvm_vcpu -- unstable unseen
