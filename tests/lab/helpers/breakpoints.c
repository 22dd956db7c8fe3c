// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run into breakpoints, and tell for each who goes on: stale_int3, or nobody.
 *
 * A breakpoint that is gone is a matter of luck elsewhere. Here a hook that is
 * called before stale_int3's, as it is younger, puts the old byte back. What
 * stale_int3 declines is the kernel's: Linux 6.1 runs the instruction whose byte
 * is back; all else would be an oops, and a notifier returns from the function.
 */
#include <linux/ftrace.h>
#include <linux/kdebug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/vmalloc.h>
#include <asm/text-patching.h>

#define RET	RET_INSN_OPCODE
#define DEC_EAX	0xff, 0xc8
#define INC_EAX	0xff, 0xc0

/* What a function returns that has begun with mov $1, %eax: 1, if all is right. */
static const struct form {
	const char *name;
	u8 code[16];
} forms[] = {
	{ "nop2", { 0x66, 0x90, RET } },
	{ "nop5", { 0x0f, 0x1f, 0x44, 0, 0, RET } },
	{ "jmp8", { JMP8_INSN_OPCODE, 2, DEC_EAX, RET } },
	{ "jmp32", { JMP32_INSN_OPCODE, 2, 0, 0, 0, DEC_EAX, RET } },
	{ "call", { CALL_INSN_OPCODE, 3, 0, 0, 0, DEC_EAX, RET, INC_EAX, RET } },
	{ "ret", { RET, DEC_EAX, RET } },
	/* No instruction that the kernel patches. */
	{ "other", { 0x90, RET } },
};

static const u8 mov_1_eax[] = { 0xb8, 1, 0, 0, 0 };

/* Room for the function, not across pages; the breakpoint comes behind its mov. */
extern u8 place[];
asm(".pushsection .text\n.balign 64\nplace: .fill 64, 1, 0x90\n.popsection\n");
static u8 *const breakpoint = place + sizeof(mov_1_eax);
static u8 *alias;	/* of place, where it can be written */

extern atomic_long_t stale_int3_run;

static const struct form *form;
static bool gone;

static void write_first_byte(u8 byte)
{
	alias[sizeof(mov_1_eax)] = byte;
}

static bool ours(const struct pt_regs *regs)
{
	return regs->ip == (unsigned long)breakpoint + INT3_INSN_SIZE;
}

static void before(unsigned long ip, unsigned long parent,
		   struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct pt_regs *call = ftrace_get_regs(fregs);

	if (gone && ours((void *)regs_get_kernel_argument(call, 0)))
		write_first_byte(form->code[0]);
}

static int behind(struct notifier_block *self, unsigned long event, void *args)
{
	struct pt_regs *regs = ((struct die_args *)args)->regs;

	if (event != DIE_INT3 || !ours(regs))
		return NOTIFY_DONE;
	int3_emulate_ret(regs);
	return NOTIFY_STOP;
}

static struct ftrace_ops first = {
	.func = before, .flags = FTRACE_OPS_FL_SAVE_REGS,
};
static struct notifier_block last = { .notifier_call = behind };

static void try(const struct form *which, bool taken_back)
{
	int (*run)(void) = (void *)place;
	long before;
	int result;

	/* objtool is to take it for a call of anything. */
	OPTIMIZER_HIDE_VAR(run);
	form = which;
	gone = taken_back;
	memcpy(alias, mov_1_eax, sizeof(mov_1_eax));
	memcpy(alias + sizeof(mov_1_eax), form->code, sizeof(form->code));
	write_first_byte(INT3_INSN_OPCODE);
	before = atomic_long_read(&stale_int3_run);
	result = run();
	pr_notice("lab test: %s %s: %s\n", form->name, gone ? "gone" : "there",
		  atomic_long_read(&stale_int3_run) == before ? "declined" :
		  result == 1 ? "run" : "run wrongly");
}

static int __init breakpoints_init(void)
{
	static char handler[] = "kprobe_int3_handler";
	struct page *page = vmalloc_to_page(place);
	void *mapped = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	int i, err;

	if (!mapped)
		return -ENOMEM;
	alias = mapped + offset_in_page(place);
	err = ftrace_set_filter(&first, handler, strlen(handler), 1) ?:
	      register_ftrace_function(&first);
	if (err)
		goto unmap;
	register_die_notifier(&last);
	for (i = 0; i < ARRAY_SIZE(forms); i++)
		try(&forms[i], true);
	try(&forms[0], false);
	unregister_die_notifier(&last);
	unregister_ftrace_function(&first);
	ftrace_free_filter(&first);
unmap:
	vunmap(mapped);
	return err;
}
module_init(breakpoints_init);

static void __exit breakpoints_exit(void)
{
}
module_exit(breakpoints_exit);

MODULE_DESCRIPTION("Run into breakpoints in the lab");
MODULE_LICENSE("GPL");
