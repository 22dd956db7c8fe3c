// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tell the kernel that its TSC runs at a constant rate.
 *
 * KVM on PREEMPT_RT refuses to load without X86_FEATURE_CONSTANT_TSC, which
 * QEMU's TCG has no way to advertise although its TSC is constant. Lab use
 * only: load it before kvm.
 */
#include <linux/cpuhotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/vmalloc.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>

static int state;

/* A CPU that comes up takes from the others what it lacks itself: once more. */
static int set(unsigned int cpu)
{
	__u32 *word = &boot_cpu_data.x86_capability[X86_FEATURE_CONSTANT_TSC / 32];
	struct page *page = pfn_to_page(__pa_symbol(word) >> PAGE_SHIFT);
	void *alias;

	/* boot_cpu_data is read-only by now; a second mapping is not. */
	alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	if (!alias)
		return -ENOMEM;
	*(__u32 *)(alias + offset_in_page(word)) |= BIT(X86_FEATURE_CONSTANT_TSC % 32);
	vunmap(alias);
	return 0;
}

static int __init constant_tsc_init(void)
{
	state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "lab/constant_tsc:online",
				  set, NULL);
	return state < 0 ? state : 0;
}
module_init(constant_tsc_init);

static void __exit constant_tsc_exit(void)
{
	cpuhp_remove_state_nocalls(state);
}
module_exit(constant_tsc_exit);

MODULE_DESCRIPTION("Set X86_FEATURE_CONSTANT_TSC in the lab");
MODULE_LICENSE("GPL");
