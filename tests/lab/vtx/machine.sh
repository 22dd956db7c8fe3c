# SPDX-License-Identifier: GPL-2.0-only
# For tests/lab/run --arch vtx: the machine that Bochs emulates, in place of QEMU's.
# shellcheck shell=bash disable=SC2034

emulator_log=bochs.log

# How many instructions are a second of the machine's time, and its TSC's rate: beyond
# 2^32 / 10 Hz KVM does without the preemption timer.
rate=400000000

# Where programs are looked for, inside as well
PATH=$O/tools:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

choose_helpers() { helpers=(); }

# Start-up work of the kernel that is of no use here, and takes seconds in Bochs
idle_initcalls=load_system_certificate_list,crypto_kdf108_init,cubictcp_register
idle_initcalls+=,bpf_rstat_kfunc_init,init_evm,init_encrypted,digsig_init,ima_init,init_ima
idle_initcalls+=,inet6_init,blake2s_mod_init,i8042_init,byt_gpio_init,lzo_mod_init

vtx_command_line()
{
	local words=(
		console=ttyS0,115200 loglevel=5 printk.devkmsg=on panic=-1
		# The TSC is the emulator's count of instructions, 2.5 ns each.
		lab.bochs tsc=reliable "tsc_early_khz=$((rate / 1000))" no_timer_check
		rcupdate.rcu_cpu_stall_timeout=120
		cryptomgr.notests "initcall_blacklist=$idle_initcalls" ipv6.disable=1
		mitigations=off random.trust_cpu=on 8250.nr_uarts=1 audit=0 lsm=capability
		nowatchdog rodata=off
		"lab.build=$O")

	# Bochs runs CPUs in turns, and does not know when one waits by MWAIT.
	((smp == 1)) || words+=(idle=halt)
	[[ $release != *-rt-* ]] || words+=(irqaffinity=0)
	printf '%s' "${words[*]} ${append[*]}"
}

# Each path that COMMAND names, and its program, which may be one of busybox's.
paths_of_command()
{
	local word program

	program=$(command -v -- "${command[0]}") || program=
	[[ ! -f $program ]] || busybox --list | grep -qxF -- "${command[0]}" || realpath -s -- "$program"
	for word in "${command[@]}"; do
		[[ $word != */* || ! -f $word ]] || realpath -s -- "$word"
	done
}

describe_bochs()
{
	local turns=

	((smp == 1)) || turns=', quantum=32'
	cat >"$dir/bochsrc" <<-BOCHSRC
	plugin_ctrl: speaker=0, gameport=0, parallel=0, extfpuirq=0
	config_interface: textconfig
	display_library: rfb, options="timeout=0, hideIPS"
	romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot
	vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
	megs: $mem
	cpu: model=corei7_haswell_4770, count=$smp$turns, ips=$rate, reset_on_triple_fault=0
	clock: sync=none, time0=utc
	vga: extension=none, update_freq=1
	ata0-master: type=disk, path="$dir/disk", mode=flat
	boot: disk
	usb_uhci: enabled=0
	com1: enabled=1, mode=file, dev="$dir/console.log"
	port_e9_hack: enabled=1
	log: "$dir/bochs.log"
	logprefix: %t%e%d
	panic: action=fatal
	error: action=ignore
	info: action=report
	BOCHSRC
	# Debian's Bochs has its debugger built in, which has to be told to go on.
	echo c >"$dir/debugger"
}

make_machine()
{
	local paths

	[[ $O/lab/channel -nt $LAB/vtx/channel.c ]] ||
		gcc -O2 -Wall -Wextra -Werror -static -s -o "$O/lab/channel" "$LAB/vtx/channel.c"
	mapfile -t paths < <(paths_of_command)
	O=$O "$LAB/vtx/pack" "$dir" "$kernel" "${paths[@]}" "${memory[@]}"
	gcc -m32 -c -o "$dir/boot.o" "$LAB/vtx/boot.S"
	ld -m elf_i386 -Ttext=0x7c00 --oformat binary -e start -o "$dir/boot" "$dir/boot.o"
	"$LAB/vtx/disk" "$dir/disk" "$dir/boot" "$kernel" "$dir/initrd" "$mem" "$(vtx_command_line)"
	rm "$dir"/{initrd,boot,boot.o}
	describe_bochs
	: >"$dir/status"
	: >"$dir/console.log"
	mkfifo "$dir/output"
}

# Files that COMMAND has written below build/
bring_files()
{
	[[ ! -s $dir/files.cpio ]] ||
		cpio --quiet -idu --no-absolute-filenames -D "$O" <"$dir/files.cpio" ||
		echo 'lab: what was written below build/ did not all come back' >&2
	rm -f "$dir/files.cpio"
}

boot()
{
	local ended='' relay

	make_machine
	bochs -f "$dir/bochsrc" -rc "$dir/debugger" </dev/null >"$dir/output" 2>&1 &
	machine=$!
	"$LAB/vtx/relay" "$dir" <"$dir/output" &
	relay=$!
	sleep "$timeout" &
	alarm=$!
	trap 'kill -KILL "$machine" "$alarm" 2>/dev/null || :' EXIT
	up=1
	wait -n -p ended "$machine" "$alarm" || :
	[[ $ended != "$alarm" ]] || timed_out=1
	kill -KILL "$machine" "$alarm" 2>/dev/null || :
	wait "$machine" "$alarm" 2>/dev/null || :
	wait "$relay" || :
	trap - EXIT
	rm -f "$dir"/{disk,disk.lock,output,debugger}
	bring_files
}
