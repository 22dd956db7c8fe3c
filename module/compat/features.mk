# SPDX-License-Identifier: GPL-2.0-only
# What the kernel's headers have, where no version number can tell.

ks_has = $(if $(shell grep -lw '$(1)' '$(srctree)/include/linux/$(2)'),-D$(3))

ccflags-y += $(call ks_has,override_halt_poll_ns,kvm_host.h,KS_HAVE_OVERRIDE_HALT_POLL)
