// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run into breakpoints, and tell for each who goes on: stale_int3, or nobody.
 *
 * A breakpoint that is gone is a matter of luck elsewhere. Here a notifier that
 * is called before stale_int3's puts the old byte back. What stale_int3
 * declines would be an oops; a notifier behind it returns from the function.
 */
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

static const struct form *form;
static bool gone, declined;

static void write_first_byte(u8 byte)
{
	alias[sizeof(mov_1_eax)] = byte;
}

static bool ours(unsigned long event, const struct pt_regs *regs)
{
	return event == DIE_INT3 &&
	       regs->ip == (unsigned long)breakpoint + INT3_INSN_SIZE;
}

static int before(struct notifier_block *self, unsigned long event, void *args)
{
	if (gone && ours(event, ((struct die_args *)args)->regs))
		write_first_byte(form->code[0]);
	return NOTIFY_DONE;
}

static int behind(struct notifier_block *self, unsigned long event, void *args)
{
	struct pt_regs *regs = ((struct die_args *)args)->regs;

	if (!ours(event, regs))
		return NOTIFY_DONE;
	declined = true;
	int3_emulate_ret(regs);
	return NOTIFY_STOP;
}

static struct notifier_block first = { .notifier_call = before, .priority = 10 };
static struct notifier_block last = { .notifier_call = behind, .priority = -10 };

static void try(const struct form *which, bool taken_back)
{
	int (*run)(void) = (void *)place;
	int result;

	/* objtool is to take it for a call of anything. */
	OPTIMIZER_HIDE_VAR(run);
	form = which;
	gone = taken_back;
	declined = false;
	memcpy(alias, mov_1_eax, sizeof(mov_1_eax));
	memcpy(alias + sizeof(mov_1_eax), form->code, sizeof(form->code));
	write_first_byte(INT3_INSN_OPCODE);
	result = run();
	pr_notice("lab test: %s %s: %s\n", form->name, gone ? "gone" : "there",
		  declined ? "declined" : result == 1 ? "run" : "run wrongly");
}

static int __init breakpoints_init(void)
{
	struct page *page = vmalloc_to_page(place);
	void *mapped = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	int i;

	if (!mapped)
		return -ENOMEM;
	alias = mapped + offset_in_page(place);
	register_die_notifier(&first);
	register_die_notifier(&last);
	for (i = 0; i < ARRAY_SIZE(forms); i++)
		try(&forms[i], true);
	try(&forms[0], false);
	unregister_die_notifier(&last);
	unregister_die_notifier(&first);
	vunmap(mapped);
	return 0;
}
module_init(breakpoints_init);

static void __exit breakpoints_exit(void)
{
}
module_exit(breakpoints_exit);

MODULE_DESCRIPTION("Run into breakpoints in the lab");
MODULE_LICENSE("GPL");
