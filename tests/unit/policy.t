#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# `kvmsched policy set` of several runs at a time: whatever order they end in, what was
# there before is there afterwards.
#
# usage: policy.t            (O: the build folder, as for make)
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
O=$(realpath -- "${O:-$here/../../build}")
export O
. "$here/own-run.sh"
kvmsched=$O/tools/kvmsched
work=$(mktemp -d)
sleep 1000 &
thread=$!
trap 'kill "$thread"; rm -rf -- "$work"' EXIT
tap_log=$work/err
. "$here/../tap.sh"
cd -- "$work"

if ! own_state "$work"; then
	skip "runs at the same time" "$why_no_state"
	finish
	exit
fi

policy() { chrt -p "$thread" | sed -n '1s/.*: //p'; }

# Waits until the thread has that policy, at most 5 s.
until_policy()
{
	for ((i = 0; i < 100; i++)); do
		[[ $(policy) != "$1" ]] || return 0
		sleep 0.05
	done
	return 1
}

# run ARGS...: kvmsched policy ARGS, its status in $status
run()
{
	status=0
	"$kvmsched" policy "$@" > out 2> err || status=$?
}

before=$(policy)

mkfifo end
"$kvmsched" policy set --tid "$thread" batch -- cat end > first 2>&1 &
first=$!
ok "the first run sets its policy" until_policy SCHED_BATCH
run set --tid "$thread" idle --for 0.1
is $status 1 "a second run that would end by itself: status 1"
ok "it says who is in its way" grep -q "'kvmsched policy set --tid $thread batch -- cat end' still runs" err
run set --tid "$thread" idle
is $status 1 "a second run without an end: status 1"
is "$(policy)" SCHED_BATCH "neither has changed anything"
run set --tid $$ "other:$(nice)" --for 0.1
is $status 0 "a run on another thread: status 0"
echo > end
wait $first
is "$(policy)" "$before" "the first run puts back what was there"

run set --tid "$thread" batch
is $status 0 "a run without an end: status 0"
"$kvmsched" policy set --tid "$thread" idle -- cat end > second 2>&1 &
second=$!
ok "a run within it sets its policy" until_policy SCHED_IDLE
run restore
is $status 1 "restore meanwhile: status 1"
is "$(policy)" SCHED_IDLE "it changes nothing"
echo > end
wait $second
is "$(policy)" SCHED_BATCH "the inner run puts back what it found"
run restore
is $status 0 "restore afterwards: status 0"
is "$(policy)" "$before" "it puts back what was there at first"

run set --tid "$thread" batch --for 2147484
is $status 2 "longer than can be waited for: status 2"
ok "it says how long is possible" grep -q "up to 1000000 seconds" err

finish
