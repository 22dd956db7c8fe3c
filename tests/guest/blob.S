/* SPDX-License-Identifier: GPL-2.0-only */
/* One flat payload as data of the VMM; the Makefile names file and symbol. */
#define PASTE_(a, b)	a##b
#define PASTE(a, b)	PASTE_(a, b)
#define START		PASTE(BLOB_SYMBOL, _start)
#define END		PASTE(BLOB_SYMBOL, _end)

	.section .rodata
	.globl	START, END
	.balign	16
START:
	.incbin	BLOB_FILE
END:
	.section .note.GNU-stack, "", @progbits
