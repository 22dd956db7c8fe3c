#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# All cmocka programs as one TAP stream.  Each prints a plan of its own; a
# program that ends before its plan is done, or with a status, is a failure.
#
# usage: unit.t            (O: the build folder, as for make)
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
O=$(realpath -m -- "${O:-$here/../../build}")
export CMOCKA_MESSAGE_OUTPUT=TAP
# Run from anywhere: tests find the formats by this.
export KVMSCHED_TESTS=${here%/unit}

log=$(mktemp)
trap 'rm -f -- "$log"' EXIT

tests=0
for program in "$O"/unit/test_*; do
	[[ -x $program && $program != *.* ]] || continue
	name=${program##*/test_}
	status=0
	timeout 60 "$program" > "$log" 2>&1 || status=$?
	planned=0 done=0
	while IFS= read -r line; do
		if [[ $line =~ ^1\.\.([0-9]+)$ ]]; then
			planned=$((planned + BASH_REMATCH[1]))
		elif [[ $line =~ ^(ok|not\ ok)\ [0-9]+\ -\ (.*)$ ]]; then
			tests=$((tests + 1)) done=$((done + 1))
			echo "${BASH_REMATCH[1]} $tests - $name: ${BASH_REMATCH[2]//_/ }"
		else
			echo "# ${line#\# }"
		fi
	done < "$log"
	# cmocka's status is the number of failures: those are told above.
	if ((done < planned || planned == 0 || status > 100)); then
		tests=$((tests + 1))
		echo "not ok $tests - $name: ran $done of $planned tests, status $status"
	fi
done
if ((!tests)); then
	echo "not ok 1 - there are tests in $O/unit: run make -C tests/unit"
	tests=1
fi
echo "1..$tests"
