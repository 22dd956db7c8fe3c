# SPDX-License-Identifier: GPL-2.0-only
# What the kernel's headers have: no version number tells, since distributions backport.

# A header that is gone would else be one that lacks the word: the old way, in silence.
ks_header = $(if $(wildcard $(srctree)/include/$(1)),'$(srctree)/include/$(1)',$(error \
	kvmsched: this kernel has no include/$(1); module/compat/features.mk has to learn where its words are now))
ks_has = $(if $(shell grep -lw '$(1)' $(call ks_header,$(2))),-D$(3))

# Two looks whose answers are known. If they are wrong, so may be all others.
ks_controls := $(call ks_has,preempt_notifier,linux/preempt.h,FOUND)$(call ks_has,preempt_notifier_of_nobody,linux/preempt.h,FOUND_TOO)
ifneq ($(ks_controls),-DFOUND)
$(error kvmsched: can't tell what the headers in $(srctree) have: "$(ks_controls)" in place of "-DFOUND")
endif

ccflags-y += $(call ks_has,vm_flags_mod,linux/mm.h,KS_HAVE_VM_FLAGS_MOD)
ccflags-y += $(call ks_has,task_is_runnable,linux/sched.h,KS_HAVE_TASK_IS_RUNNABLE)
ccflags-y += $(call ks_has,dl_server,linux/sched.h,KS_HAVE_DL_SERVER)
ccflags-y += $(call ks_has,sched_throttle_work,linux/sched.h,KS_HAVE_TASK_THROTTLED)
ccflags-y += $(call ks_has,override_halt_poll_ns,linux/kvm_host.h,KS_HAVE_OVERRIDE_HALT_POLL)
ccflags-y += $(call ks_has,disabled_exits,../arch/x86/include/asm/kvm_host.h,KS_HAVE_DISABLED_EXITS)
ccflags-y += $(call ks_has,ktime_t now,trace/events/timer.h,KS_HAVE_HRTIMER_NOW_BY_VALUE)
ccflags-y += $(call ks_has,hrtimer_setup_on_stack,linux/hrtimer.h,KS_HAVE_HRTIMER_SETUP)
ccflags-y += $(call ks_has,srcu_sup,linux/srcutree.h,KS_HAVE_SRCU_SUP)
ccflags-y += $(call ks_has,timer_destroy_on_stack,linux/timer.h,KS_HAVE_TIMER_DESTROY_ON_STACK)
ccflags-y += $(call ks_has,system_dfl_wq,linux/workqueue.h,KS_HAVE_SYSTEM_DFL_WQ)
