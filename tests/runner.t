#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What runs the tests: a failure is told and counted, a budget is kept, and each
# target of tests/parts is complete.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
. tests/tap.sh

# Another test's output and its status at the end.
tap_of()
{
	bash -c '. tests/tap.sh
		echo "word of the program" >"$1/words"
		tap_log=$1/words
		'"$1"'
		finish' - "$work"
	echo "status $?"
}

# says OUTPUT LINE...: each is one of OUTPUT's.
says()
{
	local output=$1 line

	shift
	for line; do
		grep -qxF -- "$line" <<<"$output" || { echo "no line '$line' in:"; echo "$output"; false; return; }
	done
}

told=$(tap_of 'ok one true; ok two grep -c x "$1/words"; is 1 2 three; ok four silent echo wrong')
ok "a success is told" says "$told" "ok 1 - one"
ok "a failure is told, with what was run and what it said" says "$told" \
	"not ok 2 - two" "#   failed: grep -c x $work/words" "#   0" \
	"#   it said: word of the program"
ok "so is one of a comparison" says "$told" "not ok 3 - three" "#   got '1', expected '2'"
ok "so is one of a list that is not empty" says "$told" "not ok 4 - four" "#   wrong"
ok "failures have a status" says "$told" "1..4" "status 1"
ok "successes have one, too" says "$(tap_of 'ok one true; skip two "no reason"')" \
	"ok 2 - two # SKIP no reason" "1..2" "status 0"

# What fails for a reason of its own is shown, and does not count.
todo_of() { tests/todo "it is new" bash -c "$1"; echo "status $?"; }
ok "a failure that is to do is one" says "$(todo_of 'echo ok 1 - a; echo not ok 2 - b; echo 1..2; exit 1')" \
	"ok 1 - a" "not ok 2 - b # TODO it is new" "1..2" "status 0"
ok "so is an end that comes too early" says "$(todo_of 'echo ok 1 - a; exit 3')" \
	"not ok 2 - it comes to its end # TODO it is new" "1..2" "status 0"
ok "what can't begin is skipped" says "$(todo_of 'echo Bail out! no kernel')" \
	"1..0 # SKIP Bail out! no kernel" "status 0"

# The time of a part is that of its children's children, too.
export TIMES=$work/times PARTS=3 TARGET=example
cat >"$work/part" <<'PART'
#!/bin/sh
# A second of CPU time, then it is killed.
sh -c '(ulimit -t 1; while :; do :; done) & wait'
exit 3
PART
chmod +x "$work/part"
tests/measured "$work/part"
is $? 3 "a part's status is passed on"
seconds=$(cut -f 1 "$TIMES")
ok "its CPU time is noted" test "$seconds" = 1
printf '10\t5\ta\n20\t5\tb\n' >>"$TIMES"
table=$(BUDGET=31 tests/budget 2>&1)
ok "a budget that suffices" says "$table" "ok 1 - the CPU time is within the budget" \
	"#       20        5  b" "#       31           all of it; it may use 31"
ok "a budget that does not" says "$(BUDGET=30 tests/budget 2>&1)" \
	"not ok 1 - the CPU time is within the budget"
# One part is the same work always: what it takes tells how slow the machine is.
printf '12\t5\tlab/speed.t\n' >>"$TIMES"
ok "on a slower machine it is larger by as much" says \
	"$(PARTS=4 BUDGET=36 USUAL_SPEED=10 tests/budget 2>&1)" \
	"ok 1 - the CPU time is within the budget" \
	"#       43           all of it; it may use 36" \
	"#       36           at the usual speed: this machine emulates 1.20 times as slowly"
ok "but not by more" says "$(PARTS=4 BUDGET=35 USUAL_SPEED=10 tests/budget 2>&1)" \
	"not ok 1 - the CPU time is within the budget"
ok "on a very slow one nothing is judged" says "$(PARTS=4 BUDGET=30 USUAL_SPEED=9 tests/budget 2>&1)" \
	"ok 1 - the CPU time is within the budget # SKIP the machine is slow" \
	"#       32           at the usual speed: this machine emulates 1.33 times as slowly"
ok "on a fast one it is no smaller" says "$(PARTS=4 BUDGET=43 USUAL_SPEED=40 tests/budget 2>&1)" \
	"ok 1 - the CPU time is within the budget"
printf 'example a CPU_LIMIT=10\nexample b X=1 CPU_LIMIT=19\nother a CPU_LIMIT=1\n' >"$work/list"
ok "a part's own limit" says "$(LIST=$work/list BUDGET=60 PARTS=4 tests/budget 2>&1)" \
	"#       20        5  b; it may use 19" "#       12        5  lab/speed.t" "1..3"
ok "each is judged" test "$(LIST=$work/list BUDGET=60 PARTS=4 tests/budget 2>/dev/null |
	sed 's/ok [23]/ok/' | sort | head -n 3 | tr '\n' ';')" = \
	"1..3;not ok - b is within its own;ok - a is within its own;"

# What the tests of each kernel said is one line of a table.
mkdir -p "$work/check/tests/e2e"
cat >"$work/check/tests/e2e/icount-6.1.t" <<'TAP'
ok 1 - auto: cpuid: its VMs are told apart
not ok 2 - auto: cpuid: exits by reason are those promised
ok 3 - kprobe: cpuid: its VMs are told apart
not ok 4 - attach=kprobe: hooks attached as asked
ok 5 - costs: attach=auto: recording an exit of cpuid
# 133.2 instructions, limits 1 to 150
ok 6 - costs: ledgers alone
# 96.0 instructions per exit, limits 1 to 100
TAP
table=$(O=$work tests/matrix "$work/check")
ok "a kernel's results are in the matrix" says "$table" \
	"# 6.1              no     4      2      1/2     1/1!    133.2        -     96.0" \
	"# 6.12             no     0      0        -        -        -        -        -"
# It finds figures by the names of their tests.
for name in 'recording an exit of {payload}' 'costs: ledgers alone' 'hooks attached as asked'; do
	ok "a test is called: $name" grep -qrF --include='*.py' "$name" tests/e2e/inside
done

for target in $(awk '/^[a-z]/ { print $1 }' tests/parts | sort -u); do
	ok "make help knows $target" grep -qE "^  make $target +" <(make help)
	tests/deps --tell "$target" >/dev/null 2>&1
	ok "tests/packages knows it" test $? != 2
done

finish
