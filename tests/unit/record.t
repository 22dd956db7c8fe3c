#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# `kvmsched record` against a stand-in for the device (fakedev.c): how it ends,
# what it leaves behind, what it says.  No module, no KVM; root only where
# mounting a small file system needs it.
#
# usage: record.t            (O: the build folder, as for make)
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
top=$(cd -- "$here/../.." && pwd -P)
O=${O:-$top/build}
kvmsched=$O/tools/kvmsched
work=$(mktemp -d)
mounted=

cleanup()
{
	[[ -z $mounted ]] || umount "$mounted"
	rm -rf -- "$work"
}
trap cleanup EXIT

tap_log=$work/err
. "$top/tests/tap.sh"
. "$here/fakedev.sh"

says()		# says PATTERN NAME
{
	ok "$2" grep -Eq -- "$1" err
}

# --- the stand-in -------------------------------------------------------

cd -- "$work"
mkdir tracing
ln -s "$top/tests/golden/formats" tracing/events
make_fakedev fakedev.so

# COMMAND would have the stand-in, too; it does no harm there.
export FAKEDEV_TRACING=$work/tracing
record()	# record ARGS...: its status in $status, its words in ./err
{
	status=0
	LD_PRELOAD=$work/fakedev.so "$kvmsched" record "$@" > out 2> err || status=$?
}

# The records of a file; each CPU's guest_cycles must count without a gap but
# those that trace-cmd tells itself.
records()
{
	trace-cmd report "$1" 2> /dev/null | awk '
		/EVENTS DROPPED/ {
			cpu = $1; sub(/CPU:/, "", cpu); gsub(/\[/, "", $2)
			next_cycles[cpu + 0] += $2
			next
		}
		/kvmsched_exit/ {
			match($0, /\[[0-9]+\]/)
			cpu = substr($0, RSTART + 1, RLENGTH - 2) + 0
			match($0, /guest_cycles=[0-9]+/)
			cycles = substr($0, RSTART + 13, RLENGTH - 13) + 0
			if (cycles != next_cycles[cpu] + 0)
				gaps++
			next_cycles[cpu] = cycles + 1
			n++
		}
		END { print n + 0, gaps + 0 }'
}

is_whole()	# is_whole FILE NAME: has records, none is missing unseen
{
	ok "$2" without_gaps "$1"
}

without_gaps()
{
	local n gaps

	read -r n gaps < <(records "$1")
	echo "$n records, $gaps gaps"
	((n > 0 && gaps == 0))
}

# The summary's count against the file.
counts_agree()
{
	local told n gaps

	told=$(sed -n 's/.* s, \([0-9]*\) records.*/\1/p' err)
	read -r n gaps < <(records "$1")
	is "$n/$gaps" "$told/0" "$2"
}

# Waits until FILE.spool has records of a CPU, at most 10 s: the machine may be busy.
until_spooled()
{
	for ((i = 0; i < 100; i++)); do
		[[ ! -s $1.spool/cpu1 ]] || return 0
		sleep 0.1
	done
}

nothing_left()
{
	is "$(find . -name '*.spool*' | wc -l)" 0 "$1"
}

# --- how it ends --------------------------------------------------------

record -o time.dat -d 0.3
is $status 0 "-d: status 0"
counts_agree time.dat "-d: every record is in the file, in order"
nothing_left "-d: nothing but the file is left"
is "$(stat -c %a time.dat)" 600 "the file is its owner's alone"

# Two ties, which the program's own clocks made: see tools/trace/ties.h.
ties_tell()	# ties_tell FILE FROM TO: s since 1970, between which it was recorded
{
	python3 - "$@" << 'EOF'
import struct
import sys

data = open(sys.argv[1], "rb").read()
at = data.index(b"kvs-ties")
nr, size = struct.unpack_from("<II", data, at + 8)
first, last = [struct.unpack_from("<4Q", data, at + 16 + i * size) for i in range(nr)]
lasted = [b - a for a, b in zip(first, last)]
print(first, lasted)
sys.exit(not (int(sys.argv[2]) <= first[3] / 1e9 <= int(sys.argv[3]) + 1 and lasted[0] > 0 and
              all(0.25e9 <= ns <= 5e9 for ns in lasted[1:]) and
              abs(lasted[1] - lasted[3]) < 1e6))
EOF
}

before=$(date +%s)
record -o time.dat -d 0.3
ok "the file ties its clock to the host's" ties_tell time.dat "$before" "$(date +%s)"

cp time.dat before.dat
record -o time.dat -d 0.1
ok "an existing FILE is kept as FILE.old" cmp before.dat time.dat.old

record -d 0.1
is_whole kvmsched.dat "kvmsched.dat is the default file"

record -o c.dat -- sh -c 'exit 7'
is $status 7 "COMMAND's status is passed on"
is_whole c.dat "COMMAND's time is recorded"
# shellcheck disable=SC2016 # the inner shell's own pid
record -o c.dat -- sh -c 'kill -KILL $$'
is $status 137 "a COMMAND killed by signal 9 gives 128 + 9"

record -o none.dat -- ./no-such-command
is $status 127 "a missing COMMAND gives 127"
says "can't run './no-such-command': No such file" "... and is named"
: > plain
record -o none.dat -- ./plain
is $status 126 "a COMMAND that can't be run gives 126"
is "$(find . -name 'none.dat*' | wc -l)" 0 "... and no file"

record -o c.dat -d 0.2 -- sleep 60
is $status 0 "-d ends COMMAND, status 0"
is_whole c.dat "... and the file is whole"

for sig in INT TERM; do
	status=0
	LD_PRELOAD=$work/fakedev.so "$kvmsched" record -o s.dat 2> err &
	pid=$!
	until_spooled s.dat
	# Background jobs of a script ignore SIGINT; signalfd sees it all the same.
	kill -$sig $pid
	wait $pid || status=$?
	is $status 0 "SIG$sig ends the recording, status 0"
	counts_agree s.dat "... and the file is whole"
done

record -o s.dat -- sh -c 'trap "echo got it > got; exit 9" TERM; kill -TERM $PPID; sleep 5 & wait'
is $status 9 "SIGTERM reaches COMMAND, its status is passed on"
is "$(cat got)" "got it" "... it could handle it"

FAKEDEV_PAGES=40 record -o lost.dat -m 64K -d 0.3
is_whole lost.dat "a ring too small: losses are flagged where they are"
says '[1-9][0-9]* lost' "... and told at the end"
says 'hint: larger rings' "... with what to do"
cp err lost.err

FAKEDEV_UNSEEN=5 FAKEDEV_HOOK=95 record -o unseen.dat -d 0.1
is $status 0 "vCPUs refused, hits dropped, a hook not attached: status 0"
says ' 0 lost, and not all was seen$' "... but the last line says it"
says '^kvmsched: warning: 5 times a vCPU found no room' "... how often a vCPU was refused"
says 'hint: load the module with more than max_vcpus=2' "... and what to do"
says '^kvmsched: warning: hits of hooks that the kernel dropped: 5;' "... how many hits are missing"
says '^kvmsched: warning: hooks that could not be attached: 1;' "... how many hooks"
FAKEDEV_UNSEEN=5 record -q -o unseen.dat -d 0.1
says '5 times a vCPU found no room' "... also with -q"
FAKEDEV_HOOK=11 record -q -o unseen.dat -d 0.1
says "can't attach fake_hook: .* records of class" "a hook of a kprobe that is switched off"
says 'hint: kprobes are switched off' "... with what to do"
is "$(grep -c 'not all was seen\|no room' lost.err || true)" 0 "nothing of it where all was seen"

FAKEDEV_PAGES=5 record -o over.dat --overwrite -m 64K -d 0.3
read -r n gaps < <(records over.dat)
is "$n" $((2 * 16 * 80)) "--overwrite: as much as the rings hold"
is "$(sed -n 's/.* s, \([0-9]*\) records.*/\1/p' err)" "$n" "... which is what it tells"
says '[1-9][0-9]* older ones overwritten' "... and that there were more"

record -o $'c\e[2J.dat' -d 0.1
says 'MB in c\\x1b\[2J.dat, ' "the last line has FILE's name without control characters"
rm -f c*.dat

FAKEDEV_CPUS=64 record -o many.dat -d 0.2
counts_agree many.dat "64 CPUs"

record -q -o q.dat -d 0.1
is "$(grep -c ' records, ' err || true)" 0 "-q tells no summary"

# --- trouble on the way -------------------------------------------------

# 3 MiB at most for a file: write() fails with EFBIG.
limited()	# limited CPUS
{
	status=0
	(
		ulimit -f 3072
		FAKEDEV_CPUS=$1 FAKEDEV_PAGES=20 LD_PRELOAD=$work/fakedev.so \
			"$kvmsched" record -o limit.dat -m 1M -d 20 2> err
	) || status=$?
}
limited 1
is $status 1 "file size limit: status 1"
is_whole limit.dat "... what was recorded until then is readable"
says 'limit.dat holds what was recorded until then' "... which it says"
nothing_left "... and nothing else is left"
limited 2
says 'record --recover' "two CPUs' data don't fit into one such file: it says how to go on"
record --recover limit.dat
is_whole limit.dat "... which works without the limit"

mkdir small
if mount -t tmpfs -o size=8m,mode=777 none small 2> mount.err; then
	mounted=$work/small
	cp time.dat small/full.dat
	FAKEDEV_CPUS=3 FAKEDEV_PAGES=10 record -o small/full.dat -m 1M -d 20
	is $status 1 "disk full: status 1"
	says 'No space left on device' "... the reason is told"
	says 'hint: make room' "... and what to do"
	says '[1-9][0-9]* could not be written' "... how much is not there"
	counts_agree small/full.dat "... what was recorded until then is readable"
	ok "... FILE.old too" cmp time.dat small/full.dat.old
	is "$(find small -name '*.spool*' | wc -l)" 0 "... and nothing else is left"
	rm small/*
	head -c 7M /dev/zero > small/ballast
	record -o small/none.dat -d 1
	is $status 1 "disk full from the start: status 1"
	is "$(ls small)" ballast "... nothing is left"
else
	skip "disk full" "can't mount a tmpfs: $(cat mount.err)"
fi

echo 0 > zero
# shellcheck disable=SC2016 # the inner shell expands it
if unshare -m sh -c 'mount --bind zero /proc/sys/kernel/ftrace_enabled' 2> mount.err; then
	unshare -m sh -c 'mount --bind zero /proc/sys/kernel/ftrace_enabled &&
		LD_PRELOAD=$1/fakedev.so exec "$2" record -q -o unseen.dat -d 0.1' sh \
		"$work" "$kvmsched" 2> err
	says 'ftrace_enabled is 0: .* will be missing' "kprobes that are never called"
	says 'hint: .*sysctl kernel.ftrace_enabled=1' "... with what to do"
else
	skip "ftrace_enabled" "can't mount over it: $(cat mount.err)"
fi
record -q -o seen.dat -d 0.1
is "$(grep -c ftrace_enabled err || true)" 0 "nothing of it where they are called"

FAKEDEV_CPUS=3 LD_PRELOAD=$work/fakedev.so "$kvmsched" record -o killed.dat 2> err &
pid=$!
until_spooled killed.dat
LD_PRELOAD=$work/fakedev.so "$kvmsched" record -o killed.dat -d 0.1 2> err || true
says 'is being recorded by another' "a file being recorded is refused"
{
	kill -KILL $pid
	wait $pid || true
} 2> /dev/null
record --recover killed.dat
is $status 0 "--recover after SIGKILL: status 0"
is_whole killed.dat "... the file is whole"
nothing_left "... and nothing else is left"

LD_PRELOAD=$work/fakedev.so "$kvmsched" record -o killed.dat 2> err &
pid=$!
until_spooled killed.dat
{
	kill -KILL $pid
	wait $pid || true
} 2> /dev/null
record -o killed.dat -d 0.1
says 'interrupted recording was here; it is kept as killed.dat.spool.old' \
	"the next recording keeps what a killed one left"
record --recover nowhere.dat
is $status 1 "--recover of nothing: status 1"
says 'no interrupted recording nowhere.dat.spool' "... which it says"

# --- closed descriptors ---------------------------------------------------

for closed in 0 1 2 all; do
	status=0
	(
		[[ $closed != [0a]* ]] || exec <&-
		[[ $closed != [1a]* ]] || exec >&-
		[[ $closed != [2a]* ]] || exec 2>&-
		LD_PRELOAD=$work/fakedev.so exec "$kvmsched" record -o closed.dat -- \
			sh -c "sleep 0.2; readlink /proc/\$PPID/fd/[012] > '$work/where'"
	) > out 2> err || status=$?
	is $status 0 "descriptors closed ($closed): status 0"
	is_whole closed.dat "... the file is whole"
	[[ $closed != all ]] || closed=2
	is "$(sed -n "$((closed + 1))p" where)" /dev/null "... no file of it was open as that"
	rm -f closed.dat closed.dat.old
done

# --- spools of others ----------------------------------------------------

killed_spool()	# makes FILE.spool as a killed recorder leaves it
{
	local pid

	rm -rf -- "$1" "$1.old" "$1.spool" "$1.spool.old"
	FAKEDEV_CPUS=2 LD_PRELOAD=$work/fakedev.so "$kvmsched" record -o "$1" 2> err &
	pid=$!
	until_spooled "$1"
	{
		kill -KILL $pid
		wait $pid || true
	} 2> /dev/null
}

refuses_spool()	# refuses_spool NAME REASON: --recover refuses trap.dat, and harms nothing
{
	record --recover trap.dat
	is $status 1 "--recover, $1: status 1"
	says "$2" "... which it says"
	is "$(cat victim)" kept "... and nothing happened to what it leads to"
	ok "... nothing took its place" test ! -e trap.dat
}

echo kept > victim
mkdir others
for name in cpu0 header layout; do
	killed_spool trap.dat
	rm trap.dat.spool/$name
	ln -s "$work/victim" trap.dat.spool/$name
	refuses_spool "a symbolic link for $name" "trap.dat.spool/$name is a symbolic link"
done
killed_spool trap.dat
rm trap.dat.spool/cpu1
ln victim trap.dat.spool/cpu1
refuses_spool "a file of two names" "trap.dat.spool/cpu1 has another name elsewhere"
rm trap.dat.spool/cpu1
mkfifo trap.dat.spool/cpu1
refuses_spool "a FIFO" "trap.dat.spool/cpu1 is no regular file"
killed_spool trap.dat
chmod 0777 trap.dat.spool
refuses_spool "a spool that all may write to" "trap.dat.spool can be written to by other users"
killed_spool trap.dat
mv trap.dat.spool others/spool
ln -s others/spool trap.dat.spool
refuses_spool "a symbolic link for the spool" "trap.dat.spool is a symbolic link"
record -o trap.dat -d 0.1
is $status 1 "a symbolic link where the spool would be: status 1"
if ((!EUID)); then
	killed_spool trap.dat
	chown 65534 trap.dat.spool
	refuses_spool "another user's spool" "trap.dat.spool belongs to another user"
	killed_spool trap.dat
	chown 65534 trap.dat.spool/cpu0
	refuses_spool "another user's file" "trap.dat.spool/cpu0 belongs to another user"
else
	skip "another user's spool" "only root has any"
fi

killed_spool trap.dat
mkdir others/old
touch others/old/{cpu0,layout,header,reserve}
ln -s others/old trap.dat.spool.old
record -o trap.dat -d 0.1
is $status 1 "a symbolic link for what an earlier recording left: status 1"
says 'trap.dat.spool.old is a symbolic link' "... which it says"
is "$(ls others/old | wc -l)" 4 "... and nothing is removed there"

# The folder of an experiment is no other's, either.
cat > two.yaml <<'YAML'
rounds: 1
workload: "true"
arms:
  - { name: a, policy: other }
  - { name: b, policy: batch }
YAML
experiment()	# experiment ARGS...: its status in $status, its words in ./err
{
	status=0
	LD_PRELOAD=$work/fakedev.so timeout 20 "$kvmsched" experiment two.yaml "$@" > out 2> err ||
		status=$?
}
mkdir others/results
ln -s others/results results
experiment -o results
says 'results is a symbolic link' "experiment, a symbolic link for its folder: refused"
is "$(ls others/results | wc -l)" 0 "... and nothing is written there"
chmod 0777 others/results
experiment -o others/results
says 'others/results can be written to by other users' \
	"experiment, a folder that all may write to: refused"

# The steps of the end, undone: a killed --recover is finished by the next one.
for left in "layout header" layout ""; do
	mkdir ended.dat.spool
	for name in $left; do
		echo 'kvmsched spool 1: cpus 2 room 4096' > ended.dat.spool/$name
	done
	record --recover ended.dat
	is $status 0 "--recover where only '$left' is left to be removed: status 0"
	ok "... and it is removed" test ! -e ended.dat.spool
done

# --- refusals -----------------------------------------------------------

mkfifo fifo.dat
status=0
timeout 5 "$kvmsched" report fifo.dat > out 2> err || status=$?
is $status 1 "report of a FIFO: status 1"
says 'fifo.dat: not a regular file' "... which it says"

FAKEDEV_FAIL="open 2" record -d 1
says 'module kvmsched is not loaded' "no module: it says so"
says 'modprobe kvmsched' "... and what to do"
FAKEDEV_FAIL="open 13" record -d 1
says 'run this as root' "not root: what to do"
FAKEDEV_FAIL="open 1" record -d 1
says 'CAP_PERFMON' "root without capabilities: what to do"
FAKEDEV_ABI=1 record -d 1
says 'speaks version 1 of the interface, this tool version' "an older module: it says so"
says 'the module is the older one: install' "... and what to do"
is $status 1 "... status 1"
FAKEDEV_ABI=99 record -d 1
says 'the tool is the older one: install' "a newer module: what to do"
FAKEDEV_FAIL="start 16" record -d 1
says 'another program is recording' "device busy: it says so"
FAKEDEV_FAIL="start 12" record -m 512M -d 1
says 'less with -m' "no memory: what to do"
is $status 1 "... status 1"
status=0
FAKEDEV_FAIL="follow 12" LD_PRELOAD=$work/fakedev.so "$kvmsched" top --once > out 2> err || status=$?
says 'a smaller max_vcpus' "no memory for ledgers: what to do"
is $status 1 "... status 1"
FAKEDEV_TRACING=$work/nowhere record -d 1
is $status 125 "(the stand-in needs formats)"

# --- names of VMs -------------------------------------------------------

# vm_names FILE: of all vCPUs
vm_names()
{
	"$kvmsched" report --json "$1" 2> /dev/null | jq -r '.vcpus[].vm_name'
}

if [[ $(readlink /proc/self/ns/pid) == "pid:[4026531836]" ]]; then
	# A VMM has it among its arguments; this one is none, but has them.
	name=$'web \xff\x1b[2J'
	mkfifo hold
	# shellcheck disable=SC2016 # the inner shell's own
	bash -c 'read -r _ < "$1"' vmm hold -name "guest=$name,debug-threads=on" &
	vmm=$!
	# Until its exec the child is this script itself.
	until grep -aqF guest= /proc/$vmm/cmdline; do sleep 0.01; done
	FAKEDEV_VMM=$vmm record -o named.dat -d 0.2
	is "$(vm_names named.dat)" 'web \xff\x1b[2J' "the file has the name of a VM, in bytes"
	"$kvmsched" report named.dat > out 2> /dev/null
	ok "report shows it beside the PID" grep -qF "web \\xff\\x1b[2J/$vmm" out
	for text in "$name" 'web \xff\x1b[2J'; do
		is "$("$kvmsched" report --json --vm "$text" named.dat 2> /dev/null |
			jq '.vcpus | length')" 1 "--vm takes the name: ${text//[^ -~]/?}"
	done
	is "$("$kvmsched" report --json --vm other named.dat 2> /dev/null |
		jq '.vcpus | length')" 0 "--vm with another name takes none"
	is "$(trace-cmd report named.dat 2>&1 > /dev/null)" "" "trace-cmd takes the file"
	FAKEDEV_VMM=$vmm record -o stop.dat -m 64M -d 2 --stop-on 'exit>1ns' --after 0.01
	says 'vm web \\xff\\x1b\[2J/[0-9]* vcpu0: exit' "--stop-on names the VM, in text"
	ok "... and says nothing but text" silent grep -naP '[^ -~\n]' err
	kill $vmm
	wait $vmm || :

	sleep 60 &
	vmm=$!
	until [[ $(< /proc/$vmm/comm) == sleep ]]; do sleep 0.01; done
	FAKEDEV_VMM=$vmm record -o named.dat -d 0.2
	is "$(vm_names named.dat)" sleep "without a name it is the command's"
	kill $vmm
	wait $vmm || :

	# Nobody has this PID any more.
	FAKEDEV_VMM=$vmm record -o named.dat -d 0.2
	is "$(vm_names named.dat)" 'thread CPU 0/KVM' "one that has ended is called by its thread"
else
	skip "names of VMs" "the PIDs of this namespace are not the kernel's"
fi

record -o /dev/null -d 1
says '/dev/null is not a regular file' "FILE must be a file"
record -o no/such/dir.dat -d 1
says "can't create no/such/dir.dat.spool" "FILE's directory must be there"

while IFS='|' read -r args pattern; do
	# shellcheck disable=SC2086 # the arguments of a row
	record $args
	is $status 2 "record $args: status 2"
	says "$pattern" "... $pattern"
done << 'EOF'
-e foo|no event class 'foo'
-e -default|no event class is left
-p x|'x' is not the ID of a process
-p 99999999|there is no process 99999999
-m 0|is not a size
-m 4T|is not a size
-m 2G|is more than
-d 0|is not a time above 0
-d 1x|is not a number of seconds
--what|kvmsched record: unknown option '--what'
--recover a b|takes one file
EOF

finish
