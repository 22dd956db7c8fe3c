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

says()		# says PATTERN NAME
{
	ok "$2" grep -Eq -- "$1" err
}

# --- the stand-in -------------------------------------------------------

cd -- "$work"
mkdir tracing
ln -s "$top/tests/golden/formats" tracing/events
# shellcheck disable=SC2086 # CFLAGS are several words
${CC:-cc} -shared -fPIC -fvisibility=hidden -std=gnu11 -O2 -D_GNU_SOURCE ${CFLAGS:-} \
	-I"$top/tools" -I"$top/module" -o fakedev.so "$here/fakedev.c" \
	"$top/tools/trace/formats.c" "$top/tools/base/util.c"

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
	sleep 0.4
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

FAKEDEV_PAGES=5 record -o over.dat --overwrite -m 64K -d 0.3
read -r n gaps < <(records over.dat)
is "$n" $((2 * 16 * 80)) "--overwrite: as much as the rings hold"
is "$(sed -n 's/.* s, \([0-9]*\) records.*/\1/p' err)" "$n" "... which is what it tells"
says '[1-9][0-9]* older ones overwritten' "... and that there were more"

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

FAKEDEV_CPUS=3 LD_PRELOAD=$work/fakedev.so "$kvmsched" record -o killed.dat 2> err &
pid=$!
sleep 0.5
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
sleep 0.3
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

# --- refusals -----------------------------------------------------------

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
FAKEDEV_TRACING=$work/nowhere record -d 1
is $status 125 "(the stand-in needs formats)"

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
