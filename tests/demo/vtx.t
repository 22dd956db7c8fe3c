#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# `make demo ARCH=vtx` runs to its end on an Intel machine, and what it shows is known before.
set -uo pipefail
cd -- "$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")/../.." || exit
export O=${O:-$PWD/build} LC_ALL=C.UTF-8
unset MAKEFLAGS MAKELEVEL KERNEL KDIR
tap_log=$(mktemp)
trap 'rm -f -- "$tap_log"' EXIT
. tests/tap.sh

# Filter $2 of the report of recording $1
facts() { "$O/tools/kvmsched" report --json "$O/demo/$1.dat" | jq -c "$2"; }

make demo ARCH=vtx >"$tap_log" 2>&1
ok "make demo ARCH=vtx succeeds" test $? = 0
for name in cfs rr; do
	is "$(facts $name '[.lost, (.vcpus | length)]')" '[0,3]' "$name: three vCPUs, and nothing is lost"
	is "$(facts $name '[.vcpus[].exits[] | .isa, (.reason | test("^[A-Z_]+$"))] | unique')" '[true,1]' \
		"$name: exits have the names of VMX's reasons"
done
is "$(facts cfs '[.vcpus[].policy] | unique')" '["SCHED_OTHER"]' "cfs: the guests' policy"
is "$(facts rr '[.vcpus[].policy] | unique')" '["SCHED_RR"]' "rr: the guests' policy"
# The quantum, sched_rr_timeslice_ms, of those that spin
is "$(facts rr '[.vcpus[] | select(.timers.armed == 0) | .slices_ns.p50 | . > 99e6 and . < 101e6]')" \
	'[true,true]' "rr: slices are quanta of 100 ms"
ok "both stand side by side" grep -qE '^policy +OTHER +OTHER +OTHER +RR +RR +RR$' "$tap_log"
ok "compare: slices differ by more than chance" grep -qE '^slice .*higher$' "$tap_log"
finish
