#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Lines fit the output: no line of a report has more than 80 columns where standard output
# is no terminal, none more than a terminal has; and whatever the width is, a report has the
# same numbers.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
O=$(realpath -- "${O:-$here/../../build}")
kvmsched=$O/tools/kvmsched
export LC_ALL=C.UTF-8
unset COLUMNS
cd -- "$here/../golden"

dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT

. ../tap.sh

# Lines of a file that are too wide, but for those that have no space to break them at
too_wide()		# too_wide COLUMNS FILE
{
	grep -nP "^.{$(($1 + 1)),}" "$2" | grep -vP '^\d+: *[^ ]+$' || true
}

fits()			# fits NAME COLUMNS COMMAND...
{
	local name=$1 columns=$2
	shift 2
	"$@" > "$dir/out" 2> "$dir/err" || true
	ok "$name says something" test -s "$dir/out"
	ok "$name fits $columns columns" silent too_wide "$columns" "$dir/out"
}

reports=$("$kvmsched" report --help | sed -n '/^Reports:/,$s/^  \([a-z]*\) .*/\1/p')
[[ -n $reports ]] || { echo "Bail out! no reports"; exit 1; }

for dat in *.dat ../../docs/answers/data/*.dat; do
	# What a guest recorded of itself has no such report.
	[[ $dat != *-guest.dat ]] || continue
	name=${dat##*/}
	fits "$name" 80 "$kvmsched" report --host --verbose "$dat"
	for report in $reports; do
		[[ $report == guest ]] || fits "$name, $report" 80 "$kvmsched" report "$report" "$dat"
	done
	fits "$name, each" 80 "$kvmsched" report worst --each "$dat"
done
for by in port msr leaf hypercall address vector; do
	fits "exits by $by" 80 "$kvmsched" report exits --by $by everything.dat
done

# compare, with as many arms as an experiment has
rounds=()
for i in 1 2 3 4 5 6; do
	for arm in 1 2 3 4; do
		"$O/unit/bigfile" formats "$dir/$arm-$i.dat" $((1500 + 150 * i + arm)) 1 "$arm"
		rounds+=("an arm with a name, $arm=$dir/$arm-$i.dat")
	done
done
fits "compare" 80 "$kvmsched" compare --histogram all "${rounds[@]}"
ok "it is a comparison" grep -q 'against' "$dir/out"
fits "compare of blocks" 80 "$kvmsched" compare svm-rr.dat svm-steal.dat

# What is there of a host
fits "info" 80 "$kvmsched" info
fits "policy show" 80 "$kvmsched" policy show
for command in record report compare info top policy merge export experiment; do
	fits "$command --help" 80 "$kvmsched" $command --help
done
fits "help" 80 "$kvmsched" help

# merge, and what its guests did
formats=$PWD/formats
mkdir "$dir/merges" "$dir/guests"
"$O/unit/merges" "$formats" "$dir/merges"
"$O/unit/guests" "$formats" "$dir/guests"
cd -- "$dir/merges"
fits "merge" 80 "$kvmsched" merge host.dat one.dat web1=two.dat -o both
fits "merge into a folder with a long name" 80 \
	"$kvmsched" merge host.dat one.dat web1=two.dat -o a-folder-with-a-name-of-forty-characters
cd -- "$dir/guests"
fits "guest" 80 "$kvmsched" report guest host.dat --guest web1=guest.dat
fits "guest, what its exits for CR3 were for" 80 \
	"$kvmsched" report guest shadow.dat --guest flushes.dat
fits "guest, what was not recorded" 80 "$kvmsched" report guest host.dat --guest plain.dat
cd -- "$here/../golden"

# Wider or narrower, nothing is missing.
numbers()		# numbers FILE: each that is in it, once
{
	grep -oE '[0-9]+\.[0-9]+%?' "$1" | sort -u
}
for columns in 60 100 1000; do
	fits "everything.dat" $columns env COLUMNS=$columns \
		"$kvmsched" report --host everything.dat
	numbers "$dir/out" > "$dir/numbers$columns"
	ok "all numbers are in $columns columns" diff "$dir/numbers60" "$dir/numbers$columns"
done
ok "where there is room, a table is one" \
	grep -q 'On CPU.*Waited' "$dir/out"

# A terminal has its own width, whatever COLUMNS says.
on_terminal()		# on_terminal COLUMNS
{
	script -qec "stty cols $1; COLUMNS=40 NO_COLOR=1 '$kvmsched' report everything.dat" \
		/dev/null < /dev/null | tr -d '\r' > "$dir/out"
}
for columns in 72 80 140; do
	on_terminal $columns
	ok "a terminal of $columns columns has a report" grep -q '^vCPUs' "$dir/out"
	ok "it fits there" silent too_wide $columns "$dir/out"
done
ok "its width is used" grep -qP '^.{100,}' "$dir/out"

finish
