#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# One turn of the matrix of policies: each of the nine pairs has values for all metrics, those
# that starve have bounds, and so few rounds have no verdict.
set -uo pipefail
cd -- "$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")/../.." || exit
O=$(realpath -m -- "${O:-build}")
export O
told=$(tests/deps --tell e2e 2>&1) || { echo "Bail out! ${told//$'\n'/ }"; exit 1; }
. tests/tap.sh
out=$O/matrix

# cells LOAD CONDITION: those pairs, "host/guest", for which it is true, in a line
cells()
{
	jq -r "[.factors.cells[] | select($2) | .host + \"/\" + .guest] | sort | join(\" \")" \
		"$out/$1.json"
}

ok "matrix: one turn of both loads" tests/lab/matrix --rounds 1
# Without its files, what must not be there would not be.
((failed == 0)) || { finish; exit 1; }
for load in spinners duty; do
	tap_log=$out/$load.log
	is "$(cells "$load" true | wc -w)" 9 "$load: nine pairs of policies"
	is "$(cells "$load" '.metrics.task_slice.values == 0 or .metrics.task_wait.values == 0')" '' \
		"$load: each has slices and waits"
	is "$(jq -r '[.factors.effects[].verdict] | unique | join(" ")' "$out/$load.json")" too_few \
		"$load: a round has no verdict"
	is "$(jq -r '[.rounds[].knobs.rt_runtime_us | tostring] | unique | join(" ")' \
		"$out/$load/result.json")" -1 "$load: the host throttles nobody"
	is "$(grep -c '/sched_rt_runtime_us: -1$' "$out/$load.guests")" 2 \
		"$load: the guests throttle nobody"
done
is "$(cells spinners '.metrics.task_wait.bound.max and .metrics.task_wait.max >= 2e9')" \
	"fifo:10/cfs fifo:10/fifo fifo:10/rr other/fifo rr:10/fifo" \
	"spinners: five pairs starve somebody for the whole round, which is a bound"
is "$(cells duty '.tasks_never_ran > 0')" '' "duty: there is room for all of them"
is "$(cells duty '.metrics.task_lateness.values < 10')" '' "duty: the sleepers say how late"
finish
