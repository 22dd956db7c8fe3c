// SPDX-License-Identifier: GPL-2.0-only
/*
 * Go on where QEMU ran a breakpoint that the kernel had taken back.
 *
 * To patch its code while other CPUs run it, the kernel writes an int3, then
 * the rest of the new instruction, then its first byte over the int3. With
 * thread=multi, QEMU 7.2 may read the int3 for a translation just before that
 * last write, and keep the translation after it: the CPU then meets an int3
 * that is in no memory any more, and the kernel dies of it ("Oops: int3").
 * A real CPU cannot do that. Lab use only: load it where CPUs have threads of
 * their own.
 *
 * The instruction in memory is run in the handler, as the kernel does it while
 * it patches. An int3 that is still in memory is somebody's fault and stays an
 * oops; so does every one in kvmsched, the module under test.
 */
#include <linux/kallsyms.h>
#include <linux/kdebug.h>
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
	if (!memcmp(insn, nop2, sizeof(nop2)))
		regs->ip = at + sizeof(nop2);
	else if (!memcmp(insn, nop5, sizeof(nop5)))
		regs->ip = at + sizeof(nop5);
	else if (insn[0] == JMP8_INSN_OPCODE)
		regs->ip = at + JMP8_INSN_SIZE + (s8)insn[1];
	else if (insn[0] == JMP32_INSN_OPCODE)
		regs->ip = at + JMP32_INSN_SIZE + *(s32 *)(insn + 1);
	else if (insn[0] == CALL_INSN_OPCODE)
		int3_emulate_call(regs, at + CALL_INSN_SIZE + *(s32 *)(insn + 1));
	else if (insn[0] == RET_INSN_OPCODE)
		int3_emulate_ret(regs);
	else
		return false;
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

static int meet(struct notifier_block *self, unsigned long event, void *data)
{
	struct die_args *args = data;
	struct pt_regs *regs = args->regs;
	unsigned long at = regs->ip - INT3_INSN_SIZE;
	char name[KSYM_SYMBOL_LEN];

	if (event != DIE_INT3 || user_mode(regs))
		return NOTIFY_DONE;
	sprint_symbol(name, at);
	if (strstr(name, "[kvmsched]") || !run_in_memory(regs, at))
		return NOTIFY_DONE;
	if (is_new(at))
		pr_warn("lab: QEMU ran a breakpoint that is gone, at %s\n", name);
	return NOTIFY_STOP;
}

static struct notifier_block notifier = { .notifier_call = meet };

static int __init stale_int3_init(void)
{
	return register_die_notifier(&notifier);
}
module_init(stale_int3_init);

static void __exit stale_int3_exit(void)
{
	unregister_die_notifier(&notifier);
}
module_exit(stale_int3_exit);

MODULE_DESCRIPTION("Survive stale translations of breakpoints in the lab");
MODULE_LICENSE("GPL");
