/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Starts a Linux kernel from a raw disk: the first sectors of the disks that ./disk
 * makes for Bochs, whose BIOS is far too slow at loading megabytes.
 *
 *	real mode	the BIOS loads the rest of this, and tells what memory there is
 *	protected mode	the pieces of the disk are read to where they belong, by PIO
 *	long mode	the kernel's 64-bit entry, with its boot parameters in RSI, as
 *			Documentation/x86/boot.rst wants it
 */
#define SECTORS		8		/* of all this */
#define TABLE_SECTORS	2		/* of them, of the table at the end */

#define MAP		0x6000		/* the BIOS' entries, of 20 bytes */
#define MAP_SIZE	20
#define MAP_MOST	128
#define PAGE_TABLES	0x10000
#define PARAMETERS	0x20000		/* struct boot_params, one of the pieces */
#define E820_COUNT	0x1e8
#define E820_TABLE	0x2d0

#define ATA		0x1f0
#define ATA_COUNT	(ATA + 2)
#define ATA_STATUS	(ATA + 7)
#define ATA_BUSY	0x80
#define ATA_DATA	0x08

#define CODE32		0x08
#define CODE64		0x10
#define DATA		0x18

	.code16
	.globl	start
start:	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$0x7c00, %sp
	movb	$0x42, %ah
	movw	$packet, %si
	int	$0x13
	jnc	rest
dead:	hlt
	jmp	dead

	.balign	4
packet:	.byte	16, 0
	.word	SECTORS - 1
	.word	rest, 0
	.quad	1

	.org	510
	.word	0xaa55

rest:	xorl	%ebx, %ebx
	movw	$MAP, %di
1:	movl	$0xe820, %eax
	movl	$0x534d4150, %edx	/* "SMAP" */
	movl	$MAP_SIZE, %ecx
	int	$0x15
	jc	2f
	incl	map_count
	addw	$MAP_SIZE, %di
	cmpl	$MAP_MOST, map_count
	je	2f
	testl	%ebx, %ebx
	jnz	1b

2:	cli
	inb	$0x92, %al		/* address line 20 */
	orb	$2, %al
	andb	$0xfe, %al
	outb	%al, $0x92
	lgdtl	gdt_register
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$CODE32, $protected

	.balign	8
gdt:	.quad	0
	.quad	0x00cf9a000000ffff
	.quad	0x00af9a000000ffff
	.quad	0x00cf92000000ffff
gdt_register:
	.word	. - gdt - 1
	.long	gdt
map_count:
	.long	0

	.code32
protected:
	movw	$DATA, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$0x7c00, %esp
	cld

	/* EBX: sector, EBP: how many are left, EDI: where to, ESI: next row */
	movl	$table + 8, %esi
piece:	lodsl
	movl	%eax, %ebx
	lodsl
	movl	%eax, %ebp
	lodsl
	movl	%eax, %edi
	testl	%ebp, %ebp
	jz	loaded
1:	movl	$256, %ecx		/* the most that a command can ask for */
	cmpl	%ecx, %ebp
	jae	2f
	movl	%ebp, %ecx
2:	subl	%ecx, %ebp
	call	read
	testl	%ebp, %ebp
	jnz	1b
	jmp	piece

/* Reads ECX sectors from EBX on to EDI, and moves both on. */
read:	movl	$ATA_STATUS, %edx
1:	inb	%dx, %al
	testb	$ATA_BUSY, %al
	jnz	1b
	movl	$ATA_COUNT, %edx
	movb	%cl, %al		/* 0 stands for 256 */
	outb	%al, %dx
	movl	%ebx, %eax
	incl	%edx
	outb	%al, %dx
	shrl	$8, %eax
	incl	%edx
	outb	%al, %dx
	shrl	$8, %eax
	incl	%edx
	outb	%al, %dx
	shrl	$8, %eax
	orb	$0xe0, %al		/* the first disk, by sector numbers */
	incl	%edx
	outb	%al, %dx
	movb	$0x20, %al
	incl	%edx
	outb	%al, %dx
	addl	%ecx, %ebx
2:	movl	$ATA_STATUS, %edx
3:	inb	%dx, %al
	andb	$ATA_BUSY | ATA_DATA, %al
	cmpb	$ATA_DATA, %al
	jne	3b
	pushl	%ecx
	movl	$128, %ecx
	movl	$ATA, %edx
	rep insl
	popl	%ecx
	loop	2b
	ret

loaded:	movl	map_count, %eax
	movb	%al, PARAMETERS + E820_COUNT
	imull	$MAP_SIZE / 4, %eax, %ecx
	movl	$MAP, %esi
	movl	$PARAMETERS + E820_TABLE, %edi
	rep movsl

	/* The first 4 GiB where they are, in pages of 2 MiB */
	movl	$PAGE_TABLES, %edi
	movl	%edi, %cr3
	xorl	%eax, %eax
	movl	$0x6000 / 4, %ecx
	rep stosl
	movl	$PAGE_TABLES + 0x1003, PAGE_TABLES
	movl	$PAGE_TABLES + 0x2003, %eax
	movl	$PAGE_TABLES + 0x1000, %edi
	movl	$4, %ecx
1:	movl	%eax, (%edi)
	addl	$0x1000, %eax
	addl	$8, %edi
	loop	1b
	movl	$0x83, %eax
	movl	$PAGE_TABLES + 0x2000, %edi
	movl	$4 * 512, %ecx
1:	movl	%eax, (%edi)
	addl	$0x200000, %eax
	addl	$8, %edi
	loop	1b

	movl	%cr4, %eax
	orl	$0x20, %eax		/* PAE */
	movl	%eax, %cr4
	movl	$0xc0000080, %ecx	/* EFER */
	rdmsr
	orl	$0x100, %eax		/* LME */
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000000, %eax	/* PG */
	movl	%eax, %cr0
	movl	table, %ebx
	ljmpl	$CODE64, $long_mode

	.code64
long_mode:
	movl	$PARAMETERS, %esi
	movl	%ebx, %eax		/* whose upper half is 0 then */
	jmp	*%rax

/* The kernel's entry; then rows of sector, number of sectors, address; zeroes end it. */
	.org	(SECTORS - TABLE_SECTORS) * 512
table:
	.org	SECTORS * 512
