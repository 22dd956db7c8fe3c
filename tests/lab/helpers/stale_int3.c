// SPDX-License-Identifier: GPL-2.0-only
/*
 * Go on where QEMU runs a breakpoint that the kernel has taken back.
 *
 * To patch its code while other CPUs run it, the kernel writes an int3, then
 * the rest of the new instruction, then its first byte over the int3. With
 * thread=multi, QEMU 7.2 may read the int3 for a translation just before that
 * last write, and keep the translation after it: the CPU then meets an int3
 * that is in no memory any more, again and again. Linux 6.12 dies of it ("Oops:
 * int3"). Linux 6.1 takes it for a kprobe that has just gone, and runs the same
 * address again, for ever and with interrupts off. A real CPU cannot do that.
 * Lab use only: load it where CPUs have threads of their own.
 *
 * kprobe_int3_handler() is the first to be asked of an int3 that is not of the
 * patching under way. ftrace puts meet() before it, which runs the instruction
 * that is in memory, as the kernel does while it patches. An int3 that is still
 * in memory is somebody's fault and stays an oops; every one in kvmsched, the
 * module under test, is left to the kernel.
 */
#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <asm/nops.h>
#include <asm/text-patching.h>

static const u8 nop2[] = { BYTES_NOP2 };
static const u8 nop5[] = { BYTES_NOP5 };

/* What static keys, static calls and ftrace patch; false for all else. */
static bool run_in_memory(struct pt_regs *regs, unsigned long at)
{
	u8 insn[CALL_INSN_SIZE];

	if (copy_from_kernel_nofault(insn, (void *)at, sizeof(insn)))
		return false;
	if (!memcmp(insn, nop2, sizeof(nop2))) {
		regs->ip = at + sizeof(nop2);
	} else if (!memcmp(insn, nop5, sizeof(nop5))) {
		regs->ip = at + sizeof(nop5);
	} else if (insn[0] == JMP8_INSN_OPCODE) {
		regs->ip = at + JMP8_INSN_SIZE + (s8)insn[1];
	} else if (insn[0] == JMP32_INSN_OPCODE) {
		regs->ip = at + JMP32_INSN_SIZE + *(s32 *)(insn + 1);
	} else if (insn[0] == CALL_INSN_OPCODE) {
		/* As int3_emulate_call(), whose arguments depend on the kernel. */
		int3_emulate_push(regs, at + CALL_INSN_SIZE);
		regs->ip = at + CALL_INSN_SIZE + *(s32 *)(insn + 1);
	} else if (insn[0] == RET_INSN_OPCODE) {
		int3_emulate_ret(regs);
	} else {
		return false;
	}
	return true;
}

/* The same translation may run again and again: is it the first time? */
static bool is_new(unsigned long at)
{
	static unsigned long seen[20];
	int i;

	for (i = 0; i < ARRAY_SIZE(seen); i++) {
		unsigned long old = cmpxchg(&seen[i], 0, at);

		if (!old || old == at)
			return !old;
	}
	return false;
}

/* How often an instruction was run; breakpoints.c reads it. */
atomic_long_t stale_int3_run;
EXPORT_SYMBOL_GPL(stale_int3_run);

/* Stands in for kprobe_int3_handler() where the int3 is dealt with. */
static int handled(struct pt_regs *regs)
{
	return 1;
}

/* Before kprobe_int3_handler(regs), in the context of the int3: any. */
static void meet(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
		 struct ftrace_regs *fregs)
{
	struct pt_regs *call = ftrace_get_regs(fregs);
	struct pt_regs *regs = (void *)regs_get_kernel_argument(call, 0);
	unsigned long at = regs->ip - INT3_INSN_SIZE;
	char name[KSYM_SYMBOL_LEN];

	if (user_mode(regs))
		return;
	sprint_symbol(name, at);
	if (strstr(name, "[kvmsched]") || !run_in_memory(regs, at))
		return;
	atomic_long_inc(&stale_int3_run);
	if (is_new(at))
		pr_warn("lab: QEMU ran a breakpoint that is gone, at %s\n", name);
	call->ip = (unsigned long)handled;
}

static struct ftrace_ops ops = {
	.func = meet,
	.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY,
};

static int __init stale_int3_init(void)
{
	static char handler[] = "kprobe_int3_handler";
	int err = ftrace_set_filter(&ops, handler, strlen(handler), 1);

	return err ?: register_ftrace_function(&ops);
}
module_init(stale_int3_init);

static void __exit stale_int3_exit(void)
{
	unregister_ftrace_function(&ops);
	ftrace_free_filter(&ops);
}
module_exit(stale_int3_exit);

MODULE_DESCRIPTION("Survive stale translations of breakpoints in the lab");
MODULE_LICENSE("GPL");
