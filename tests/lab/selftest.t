#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The lab keeps its word: statuses, output, time limit, complaints, files.
# Every case is a boot, so that each asks for as much as it can.
#
# usage: selftest.t [KERNEL]	(default 6.1)
set -uo pipefail
here=$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")
. "$here/lib.sh"
trap - ERR
set +e

kernel=${1:-6.1}
mkdir -p "$O/lab"
work=$(mktemp -d "$O/lab/selftest.XXXXXX")
trap 'rm -rf "$work"' EXIT
tap_log=$work/stderr
. "$TOP/tests/tap.sh"

# Run the lab, and keep what came out: files stdout and stderr, and $status.
lab()
{
	"$LAB/run" --kernel "$kernel" "$@" >"$work/stdout" 2>"$work/stderr"
	status=$?
}

said() { grep -qF -- "$1" "$work/stderr"; }
# What the lab forgave the emulator it says in any case.
no_words() { ! grep -qvE '^lab: (QEMU ran|the machine stood still)' "$work/stderr"; }

cd "$work" || exit
folder=$("$LAB/kernel" "$kernel") && helpers=$("$LAB/helpers/build" "$folder") ||
	{ echo "Bail out! no kernel $kernel"; exit 1; }

# What COMMAND says and writes, and a status that could be taken for the lab's.
head -c 300000 /dev/urandom >bytes
printf 'from the command' >stderr.expected
odd=("it's" $'two\nlines' '$HOME "q" \\' '' ' * ')
printf '<%s>' "${odd[@]}" >arguments.expected
cat >inside <<'INSIDE'
cat bytes
printf 'from the command' >&2
printf '<%s>' "$@" >arguments
{ id -u; pwd; uname -r; [ -c /dev/kvm ] && echo kvm; } >facts
echo lost >/usr/selftest && [ -e /usr/selftest ] && echo overlay >>facts
for file in $LOOK; do [ -e $file ] && echo "$file" >>facts; done
dd if=/dev/zero of=large bs=1M count=3 2>/dev/null
exit 126
INSIDE
look="/sys/kernel/tracing/events/sched /sys/kernel/debug/kvm /dev/pts/ptmx /proc/self /tmp"
lab --memory "$work/inside" -- env LOOK="$look" sh inside "${odd[@]}"
ok "COMMAND's status passes through" test "$status" = 126
ok "a status like the lab's own is told apart" said "lab: status 126 is COMMAND's own"
ok "standard output is byte-exact" cmp -s bytes stdout
ok "standard error travels apart" grep -qF "$(<stderr.expected)" stderr
ok "arguments arrive as given" cmp -s arguments.expected arguments
ok "what is written below build/ stays" test "$(stat -c %s large)" = 3145728
ok "root, in the same directory, on the kernel asked for, with KVM" \
	test "$(head -n 4 facts | xargs)" = "0 $work $(<"$folder/release") kvm"
ok "the root can be written to" grep -qx overlay facts
ok "and that stays inside" test ! -e /usr/selftest
ok "file systems of a booted machine" test "$(tail -n 5 facts | xargs)" = "$look"

lab --no-kvm --kvm-param npt=0 --param attach=kprobe -- \
	sh -c '[ ! -c /dev/kvm ] && modprobe kvm_amd && cat /sys/module/kvm_amd/parameters/npt
		cat /etc/modprobe.d/lab.conf
		modprobe -n -v kvmsched'
ok "KVM is left to COMMAND" grep -qx N stdout
ok "parameters of kvmsched are set" grep -qx 'options kvmsched  *attach=kprobe' stdout
if [[ -f $O/module/$(<"$folder/release")/kvmsched.ko ]]; then
	ok "modprobe finds kvmsched" grep -q 'kvmsched.ko attach=kprobe' stdout
else
	skip "modprobe finds kvmsched" "kvmsched.ko is not built for this kernel"
fi

lab -- true
ok "success is silent" no_words
ok "success is status 0" test "$status" = 0

# Breakpoints that are gone, by all that the kernel patches; then the kernel's
# complaints.
lab -- sh -c "insmod $helpers/breakpoints.ko; insmod $helpers/kvmsched.ko
	dmesg | sed -n 's/.*lab test: //p'; insmod $helpers/warn.ko; exit 7"
patched=(nop2 nop5 jmp8 jmp32 call ret)
ok "where QEMU ran a breakpoint that is gone, the machine goes on" diff \
	<(printf '%s gone: run\n' "${patched[@]}") <(sed -n 1,6p stdout)
ok "and the lab says where" said 'lab: QEMU ran a breakpoint that is gone, at place+0x5'
ok "a breakpoint that is there is an oops, and so is one where nobody patches" diff \
	<(printf '%s: declined\n' 'other gone' 'nop2 there') <(sed -n 7,8p stdout)
ok "and so is each in kvmsched" diff \
	<(printf '%s gone: declined\n' "${patched[@]}" other) <(sed -n 9,15p stdout)
ok "a WARNING is status 126" test "$status" = 126
ok "it is shown" said "the lab's own test"
ok "and COMMAND's status with it" said 'COMMAND itself ended with status 7'

# What counts as a complaint, by logs made up here.
log()
{
	printf '[    1.000000] %s\n' 'WARNING: before COMMAND' 'lab: COMMAND starts' "$@"
}
log_of_warning()
{
	log '------------[ cut here ]------------' 'a > b' \
		"WARNING: CPU: 0 PID: 1 at kernel/sched/deadline.c:265 $1+0x10/0x20" \
		'Call Trace:' '---[ end trace 0000000000000000 ]---'
}
complaints() { "$LAB/splats" "$LAB/allowlist" - | cut -c 16-; }
ok "a complaint is told from its announcement on" diff \
	<(log_of_warning other | complaints) \
	<(log_of_warning other | sed 1,2d | cut -c 16-)
ok "but nothing of one that the list allows" test -z \
	"$(log_of_warning task_non_contending | complaints)"
ok "and the next one is told" diff <(echo 'BUG: next') \
	<({ log_of_warning task_non_contending; echo '[    1.000000] BUG: next'; } | complaints)
ok "an announcement alone is a complaint" grep -q 'cut here' \
	<(log '------------[ cut here ]------------' | complaints)

lab -- sh -c 'echo c >/proc/sysrq-trigger; sleep 60'
ok "a panic is status 126" test "$status" = 126
ok "it is shown" said 'Kernel panic - not syncing: sysrq triggered crash'
ok "and that COMMAND did not end" said 'COMMAND did not end'

# The lab's own failures.
lab --timeout 12 -- sleep 100
ok "a hang ends with status 124" test "$status" = 124
ok "and says so" said 'lab: timeout after 12 s; it had written nothing for '

LAB_COME_UP=6 lab --append "rdinit=/bin/busybox -- sleep 1000" -- true
ok "a machine that stands still before COMMAND is tried twice" \
	said 'lab: the machine stood still before COMMAND; once more'
ok "and no more" said 'lab: the machine did not come up'
ok "which is status 125" test "$status" = 125

lab --append rdinit=/none --append root=/none -- true
ok "a kernel that does not boot is status 125" test "$status" = 125
ok "with its console" said 'Kernel panic'

lab --kernel "$work" -- true
ok "no kernel at all is status 125" test "$status" = 125
lab --smp none -- true
ok "so is an option without sense" test "$status" = 125
ok "which is named" said '--smp needs a number'
lab --memory /nowhere -- true
ok "and a file that is not there" test "$status" = 125

lab -- "$LAB/nested" -- sh -c 'echo in $((6 * 7)); exit 9'
ok "a nested guest gives its status" test "$status" = 9
ok "and its output" grep -q 'in 42' stdout

finish
