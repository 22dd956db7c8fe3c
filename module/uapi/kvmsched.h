/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * kvmsched: the contract between the kernel module and its readers
 *
 * Control
 * -------
 * open() of /dev/kvmsched (mode 0600) is EPERM without CAP_PERFMON or
 * CAP_SYS_ADMIN in the initial user namespace, and while the kernel is locked
 * down for confidentiality.  A file that is open can be passed on to a process
 * that has neither.
 *
 * The device holds at most one ring session at a time.  A session belongs
 * to the open file that started it and ends with STOP, with the start of
 * another session on the same file, or with the last close.
 *
 *   KVMSCHED_IOC_INFO   what this module is and what it does now; any file,
 *                       any time.  Read it before and after START: event ids
 *                       never change while the module is loaded.
 *   KVMSCHED_IOC_HOOK   one row of the table of hooks; index 0, 1, ... until
 *                       ENOENT.  Attaches nothing.
 *   KVMSCHED_IOC_START  allocate the rings, attach what the classes need.
 *   KVMSCHED_IOC_FLUSH  publish every page that is being written.
 *   KVMSCHED_IOC_STOP   stop recording, write the closing records, publish
 *                       everything.  The rings stay mapped and readable until
 *                       the file is closed or starts another session.
 *   KVMSCHED_IOC_STATS  what one CPU's ring wrote and lost so far.
 *   KVMSCHED_IOC_FOLLOW keep the ledger of every vCPU up to date until this
 *			 file is closed; any number of files may ask.  ENOMEM:
 *			 max_vcpus ledgers don't fit into memory.
 *   KVMSCHED_IOC_LEDGER one vCPU's ledger; index 0, 1, ... until ENOENT.
 *			 EAGAIN: the ledger changed during each attempt to copy
 *			 it; try again.  ENOMEM: no memory for the copy.
 *			 ENODATA: nobody follows, or the machine is about to
 *			 sleep, or has just woken.  Ledgers begin anew after
 *			 that.
 *   KVMSCHED_IOC_QUOTA  write what the caller has read of a cgroup's quota into the
 *			 ring, as a record of now.  ENOENT: this file records
 *			 nothing, or not class steal.
 *   KVMSCHED_IOC_BPF_SCHEDULER
 *			 write which BPF scheduler the caller has found loaded into
 *			 the ring, as a record of now.  ENOENT: this file records
 *			 nothing, or not class switch.
 *
 * The number of an ioctl says how large the caller's struct is (_IOC_SIZE), and
 * structs grow at their end.  If the caller's struct is smaller than the
 * module's, the fields that it lacks count as zero, and only the bytes that it
 * has are written.  If it is larger, the bytes that the module doesn't know have
 * to be zero (E2BIG if they aren't), and stay so.  So set the whole struct to zero
 * first.  A reserved field or an unknown flag that is not zero is EINVAL, and so
 * is an argument other than 0 where an ioctl has no struct.  The structs are the
 * same for 32-bit programs.
 *
 * KVMSCHED_ABI changes only where that is not enough.  INFO begins with the same
 * two fields in every ABI: read it first, and stop if its @abi is another than
 * the one that the program was made for.
 *
 * Errors of START: EBUSY another file records, or holds the rings
 * of its last session; EINVAL a bad argument; ESRCH no such process; ENOMEM no
 * memory for rings of that size, so that nothing was allocated, or all of it was
 * freed.  EINTR of any ioctl: the process was killed while it waited.
 *
 * Rings
 * -----
 * Each possible CPU has its own ring.  mmap() it, MAP_SHARED, of a file opened with
 * O_RDWR (EACCES otherwise, also for what is only read), at byte offset
 *
 *   cpu * (KVMSCHED_RING_DATA + pages) * page_size
 *
 *   +-------------------+ KVMSCHED_RING_CONSUMER   struct kvmsched_consumer
 *   | consumer position |   the reader writes it; map it PROT_READ|PROT_WRITE
 *   +-------------------+ KVMSCHED_RING_PRODUCER   struct kvmsched_producer
 *   | producer position |   read only from here on (EACCES otherwise)
 *   +-------------------+ KVMSCHED_RING_DATA
 *   | page 0            |   `pages` pages, each an ftrace sub-buffer:
 *   | ...               |   u64 time stamp, u64 commit word, records
 *   | page pages - 1    |   (Documentation/trace/ring-buffer-design.rst)
 *   +-------------------+
 *
 * Positions count pages since START and never wrap; page P has the index
 * P % pages.  Pages consumer.tail .. producer.head - 1 are complete and readable
 * (of a ring that is overwritten, those from head - pages on).  Load head with
 * acquire semantics first, and store tail with release semantics after the last
 * look at the pages.
 *
 * Time stamps are the CPU's TSC.  Where records were lost before a page, its
 * commit word has bit 31 set, and bit 30 where their number follows the data
 * as a u64, as in ftrace.  The closing records of STOP say, per CPU and per
 * event, what was lost in the whole session.
 *
 * Default: a full ring drops new records and counts them (drop newest).  With
 * KVMSCHED_START_OVERWRITE the writer never waits for the reader: it reuses
 * the oldest page.  A reader of such a ring reads only after STOP, or copies a
 * page P out and trusts the copy only if producer.head < P + pages afterwards.
 * STOP writes again what was told only once, since that may be overwritten: records
 * of hooks, and who each vCPU is, and in which cgroup.  What they say holds for all
 * that is before them, but for what an older record of the kind says.
 *
 * poll() reports POLLIN when a ring is half full, and after STOP.  If the kernel
 * has ended the recording, since the machine goes to sleep, it reports POLLHUP as
 * well.  A reader that wants fresher data calls FLUSH, which costs an interrupt
 * on each CPU.
 */
#ifndef _UAPI_KVMSCHED_H
#define _UAPI_KVMSCHED_H

#include <linux/types.h>

#include "names.h"

#define KVMSCHED_DEVICE		"/dev/kvmsched"
#define KVMSCHED_ABI		2

/* Event classes: what a session records.  Identity is always recorded. */
#define KVMSCHED_CLASS_ENUM(symbol, number, name) \
	KVMSCHED_CLASS_##symbol = 1U << (number)
#define KVMSCHED_CLASS_BIT(symbol, number, name) \
	KVMSCHED_CLASS_BIT_##symbol = (number)
enum { KVMSCHED_CLASSES(KVMSCHED_CLASS_ENUM) };
enum { KVMSCHED_CLASSES(KVMSCHED_CLASS_BIT), KVMSCHED_NR_CLASSES };
#define KVMSCHED_CLASS_ALL	((1U << KVMSCHED_NR_CLASSES) - 1)
#define KVMSCHED_CLASS_DEFAULT	\
	(KVMSCHED_CLASS_ALL & ~(KVMSCHED_CLASS_HOST | KVMSCHED_CLASS_STEAL))

/* Flags of START */
#define KVMSCHED_START_OVERWRITE (1U << 0) /* flight recorder: reuse the oldest page */

#define KVMSCHED_MIN_PAGES	4U	/* data pages of one CPU's ring ... */
#define KVMSCHED_MAX_PAGES	(1U << 18) /* ... a power of two; 1 GiB at most */
#define KVMSCHED_MAX_VMS	32	/* VMs a session can be limited to */
#define KVMSCHED_NAME_LEN	32

/**
 * struct kvmsched_start - argument of KVMSCHED_IOC_START
 * @classes:	KVMSCHED_CLASS_*; at least one
 * @flags:	KVMSCHED_START_*
 * @pages:	data pages of each CPU's ring, a power of two within
 *		KVMSCHED_MIN_PAGES .. KVMSCHED_MAX_PAGES
 * @nr_vms:	how many entries of @vms count; 0 records all VMs
 * @vms:	tgids of the VMM processes to record, as the caller's own
 *		PID namespace has them
 * @reserved:	zero
 */
struct kvmsched_start {
	__u32 classes;
	__u32 flags;
	__u32 pages;
	__u32 nr_vms;
	__s32 vms[KVMSCHED_MAX_VMS];
	__u64 reserved[4];
};

/**
 * struct kvmsched_info - result of KVMSCHED_IOC_INFO
 * @size:	out: sizeof(struct kvmsched_info), as the module knows it.  In:
 *		ignored from ABI 2 on.  A module of ABI 1 answers only if it is
 *		sizeof(struct kvmsched_info) of ABI 2, which is the same
 * @abi:	KVMSCHED_ABI of the module
 * @page_size:	bytes of a ring page, header included
 * @nr_cpus:	rings are numbered 0 .. @nr_cpus - 1 (possible CPUs)
 * @pages:	data pages of each ring; 0 without a session on this file
 * @session:	classes being recorded by the session, of whichever file
 * @attached:	classes attached now, by the session or by enabled events
 * @tsc_khz:	the kernel's own calibration of the TSC
 * @tsc_mult:	ns = (tsc * @tsc_mult) >> @tsc_shift, a 128-bit product,
 *		then plus @tsc_offset: CLOCK_MONOTONIC to within @tsc_khz's
 *		precision, as of START
 * @tsc_shift:	see @tsc_mult
 * @tsc_offset:	ns, wraps modulo 2^64; see @tsc_mult
 * @vcpus:	vCPUs known now
 * @vcpus_max:	room in the tables of vCPUs and of their threads
 * @refused:	attempts to follow a vCPU that found no room
 * @missed:	kprobe hits that the kernel dropped (nmissed), since load
 * @flags:	KVMSCHED_INFO_*
 * @reserved0:	zero
 * @reserved:	zero
 */
struct kvmsched_info {
	__u32 size;
	__u32 abi;
	__u32 page_size;
	__u32 nr_cpus;
	__u32 pages;
	__u32 session;
	__u32 attached;
	__u32 tsc_khz;
	__u32 tsc_mult;
	__u32 tsc_shift;
	__u64 tsc_offset;
	__u32 vcpus;
	__u32 vcpus_max;
	__u64 refused;
	__u64 missed;
	__u32 flags;
	__u32 reserved0;
	__u64 reserved[3];
};

/* Flags of INFO */
#define KVMSCHED_INFO_TSC_UNSTABLE (1U << 0) /* the kernel has found it unstable */

/* How a hook is attached; also in the kvmsched_attach record */
#define KVMSCHED_HOW_ENUM(symbol, number, name)	KVMSCHED_HOW_##symbol = (number)
enum { KVMSCHED_HOWS(KVMSCHED_HOW_ENUM) };

/**
 * struct kvmsched_hook - argument and result of KVMSCHED_IOC_HOOK
 * @index:	in: row, from 0
 * @classes:	classes that need this hook
 * @how:	KVMSCHED_HOW_*: how it is, or would be, attached
 * @attached:	1 while it is attached
 * @status:	0, or why it can't be attached, as a negative errno: EAGAIN if root has
 *		switched kprobes off
 * @reserved0:	zero
 * @hits_missed: kprobe hits that the kernel dropped since load
 * @name:	the kernel's name of the function or tracepoint
 * @module:	the kernel module it lives in, "" for the kernel itself
 * @reserved:	zero
 */
struct kvmsched_hook {
	__u32 index;
	__u32 classes;
	__u32 how;
	__u32 attached;
	__s32 status;
	__u32 reserved0;
	__u64 hits_missed;
	char name[KVMSCHED_NAME_LEN];
	char module[KVMSCHED_NAME_LEN];
	__u64 reserved[2];
};

/**
 * struct kvmsched_stats - argument and result of KVMSCHED_IOC_STATS
 * @cpu:	in: whose ring
 * @reserved0:	zero
 * @written:	records stored in the ring since START
 * @lost:	records that found no room (drop newest)
 * @overwritten: records that were stored and later overwritten unread
 * @reserved:	zero
 */
struct kvmsched_stats {
	__u32 cpu;
	__u32 reserved0;
	__u64 written;
	__u64 lost;
	__u64 overwritten;
	__u64 reserved[4];
};

/*
 * States of a vCPU: it is in exactly one at any time, so the times in them sum
 * to wall time.  docs/states.dot draws what leads from one to the other.
 */
#define KVMSCHED_STATE_ENUM(symbol, number, name) \
	KVMSCHED_STATE_##symbol = (number)
enum kvmsched_state {
	KVMSCHED_STATES(KVMSCHED_STATE_ENUM),
	KVMSCHED_NR_STATES
};

#define KVMSCHED_LEDGER_REASONS	64	/* exit reasons with a row of their own */
#define KVMSCHED_LEDGER_BUCKETS	32	/* powers of two of cycles */
#define KVMSCHED_LEDGER_STATES	16	/* room for states to come */
#define KVMSCHED_REASON_OTHER	0xfffffffeU /* those that found no row */
#define KVMSCHED_REASON_L2	(1U << 30) /* inverted in the reasons of L2's exits */

/**
 * struct kvmsched_ledger_exits - exits by reason; a row is an index
 * @count:	how many; 0: the row is free
 * @cycles:	host time on the CPU, TSC cycles
 * @reason:	hardware's number; 16 bits, the sign extended.  Exits of a guest of the
 *		guest (L2) have rows of their own, with KVMSCHED_REASON_L2 inverted:
 *		KVM does other work for them, and they take longer
 * @hist:	exits whose host time has bit N as its highest, the last one all
 *		that are longer as well; modulo 2^32
 */
struct kvmsched_ledger_exits {
	__u64 count[KVMSCHED_LEDGER_REASONS];
	__u64 cycles[KVMSCHED_LEDGER_REASONS];
	__u32 reason[KVMSCHED_LEDGER_REASONS];
	__u32 hist[KVMSCHED_LEDGER_REASONS][KVMSCHED_LEDGER_BUCKETS];
};

/**
 * struct kvmsched_ledger - argument and result of KVMSCHED_IOC_LEDGER
 * @index:	in: which; entries come and go with their threads
 * @reserved0:	zero
 * @tgid:	process and thread, as the reader's PID namespace has them; 0 if
 *		it can't see them.  @tid likewise
 * @vm:		number of the VM, as in the records
 * @vcpu:	vcpu_id
 * @isa:	1 VMX, 2 SVM: whose numbers @reasons has
 * @state:	enum kvmsched_state now
 * @begin:	TSC since when this ledger is kept
 * @now:	TSC when it was read; the states sum to @now - @begin
 * @states:	TSC cycles in each state, the present one up to @now; 0 beyond
 *		KVMSCHED_NR_STATES
 * @switches:	preempted, halted, blocked, aborted (KS_SWITCH_* order)
 * @waits:	waits for the CPU; @wait_max the longest, cycles
 * @exits:	all exits
 * @features:	KS_FEATURE_*, as in the records
 * @reserved1:	zero
 * @reserved:	zero
 * @by_reason:	the exits once more; who doesn't want them passes a struct that
 *		ends before
 */
struct kvmsched_ledger {
	__u32 index;
	__u32 reserved0;
	__s32 tgid;
	__s32 tid;
	__u16 vm;
	__u16 vcpu;
	__u16 isa;
	__u16 state;
	__u64 begin;
	__u64 now;
	__u64 states[KVMSCHED_LEDGER_STATES];
	__u64 switches[4];
	__u64 waits;
	__u64 wait_max;
	__u64 exits;
	__u32 features;
	__u32 reserved1;
	__u64 reserved[7];
	struct kvmsched_ledger_exits by_reason;
};

#define KVMSCHED_QUOTA_NAME	48

/**
 * struct kvmsched_quota - argument of KVMSCHED_IOC_QUOTA
 * @cgroup:	inode number of its directory
 * @quota_us:	cpu.max: time in each period, all CPUs together; -1: no limit
 * @period_us:	cpu.max: length of a period
 * @periods:	cpu.stat's nr_periods
 * @throttled:	cpu.stat's nr_throttled
 * @throttled_us: cpu.stat's throttled_usec
 * @name:	of its path as much as there is room for, the end; bytes, with or
 *		without a NUL
 * @reserved:	zero
 */
struct kvmsched_quota {
	__u64 cgroup;
	__s64 quota_us;
	__u64 period_us;
	__u64 periods;
	__u64 throttled;
	__u64 throttled_us;
	char name[KVMSCHED_QUOTA_NAME];
	__u64 reserved[4];
};

#define KVMSCHED_BPF_SCHEDULER_NAME	64

/**
 * struct kvmsched_bpf_scheduler - argument of KVMSCHED_IOC_BPF_SCHEDULER
 * @loads:	how many the kernel has loaded since it came up
 * @loaded:	1: one is; 0: none, and what follows is zero
 * @all_threads: 1: it has all threads but real-time ones; 0: those of SCHED_EXT alone
 * @reserved0:	zero
 * @name:	of it as much as there is room for; bytes, with or without a NUL
 * @reserved:	zero
 */
struct kvmsched_bpf_scheduler {
	__u64 loads;
	__u8 loaded;
	__u8 all_threads;
	__u8 reserved0[6];
	char name[KVMSCHED_BPF_SCHEDULER_NAME];
	__u64 reserved[4];
};

#define KVMSCHED_IOC_INFO	_IOWR('k', 0x40, struct kvmsched_info)
#define KVMSCHED_IOC_HOOK	_IOWR('k', 0x41, struct kvmsched_hook)
#define KVMSCHED_IOC_START	_IOW('k', 0x42, struct kvmsched_start)
#define KVMSCHED_IOC_STOP	_IO('k', 0x43)
#define KVMSCHED_IOC_FLUSH	_IO('k', 0x44)
#define KVMSCHED_IOC_STATS	_IOWR('k', 0x45, struct kvmsched_stats)
#define KVMSCHED_IOC_FOLLOW	_IO('k', 0x46)
#define KVMSCHED_IOC_LEDGER	_IOWR('k', 0x47, struct kvmsched_ledger)
#define KVMSCHED_IOC_QUOTA	_IOW('k', 0x48, struct kvmsched_quota)
#define KVMSCHED_IOC_BPF_SCHEDULER _IOW('k', 0x49, struct kvmsched_bpf_scheduler)

/* Pages of one CPU's mapping */
#define KVMSCHED_RING_CONSUMER	0
#define KVMSCHED_RING_PRODUCER	1
#define KVMSCHED_RING_DATA	2

/**
 * struct kvmsched_consumer - first page of a ring's mapping, read and write
 * @tail: pages that the reader is done with.  The module masks and checks it:
 *	  a position outside of head - pages .. head reads as "ring full".
 */
struct kvmsched_consumer {
	__u64 tail;
};

/**
 * struct kvmsched_producer - second page of a ring's mapping, read only
 * @head: pages published; stored with release semantics
 */
struct kvmsched_producer {
	__u64 head;
};

/*
 * The commit word of a page: bytes of records after the 16-byte header in the
 * low 27 bits, and ftrace's flags for records lost before this page.
 */
#define KVMSCHED_PAGE_HEADER	16
#define KVMSCHED_PAGE_LOST	(1U << 31)	/* records were lost before this page */
#define KVMSCHED_PAGE_LOST_COUNT (1U << 30)	/* a u64 behind the data says how many */
#define KVMSCHED_PAGE_COMMIT	((1U << 27) - 1)

#endif /* _UAPI_KVMSCHED_H */
