#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Golden in, golden out: each tests/golden/*.dat is reported as the .txt and
# .json beside it say.  After a change that is meant to show, look at the
# difference and accept it with --update.
#
# usage: golden.t [--update]            (O: the build folder, as for make)
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
O=$(realpath -- "${O:-$here/../../build}")
kvmsched=$O/tools/kvmsched
update=${1:-}
# The headings' µ needs UTF-8; every libc has this one.
export LC_ALL=C.UTF-8
cd -- "$here/../golden"

got=$(mktemp)
trap 'rm -f -- "$got"' EXIT

. ../tap.sh
compare()		# compare EXPECTED NAME COMMAND...
{
	local expected=$1 name=$2 status=0
	shift 2
	"$@" > "$got" 2>&1 || status=$?
	echo "status $status" >> "$got"
	if [[ $update == --update ]]; then
		cp -- "$got" "$expected"
	fi
	ok "$name" diff -u -- "$expected" "$got"
}

for dat in *.dat; do
	compare "${dat%.dat}.txt" "$dat as tables" \
		"$kvmsched" report --host "$dat"
	compare "${dat%.dat}.json" "$dat as JSON" \
		"$kvmsched" report --json "$dat"
done
# The fields of all events; kernels differ in whether char is signed.
fields_of() { (cd -- "$1" && grep -r field: . | sed 's/\(field:char.*\)signed:.;/\1/' | sort); }
same_fields()
{
	local made status=0
	made=$(mktemp -d)
	./mkformats "$made"
	diff <(fields_of formats/kvmsched) <(fields_of "$made/kvmsched") || status=$?
	rm -rf -- "$made"
	return "$status"
}
ok "the fields of formats/ are those of the schema" same_fields
# lossy.dat has the record that is left out here.
each_event()
{
	local missing
	missing=$("$kvmsched" report --json everything.dat | python3 -c 'if True:
		import json, sys
		counts = json.load(sys.stdin)["records_by_event"]
		print(*(event for event, count in counts.items() if not count))')
	[[ $missing == lost ]] || { echo "missing: $missing"; return 1; }
}
ok "everything.dat has all events" each_event
compare select.txt "one vCPU of one VM" \
	"$kvmsched" report --vm 4700.1 --vcpu 0 everything.dat
compare c-locale.txt "a locale without µ" \
	env LC_ALL=C "$kvmsched" report plain.dat
reports=$("$kvmsched" report --help | sed -n '/^Reports:/,$s/^  \([a-z]*\) .*/\1/p')
[[ -n $reports ]] || { echo "Bail out! no reports"; exit 1; }
for report in $reports; do
	[[ $report != guest ]] || continue	# needs a guest's recording, too: guest.t
	options=()
	[[ $report != worst ]] || options=(-n 4)
	compare "steal-$report.txt" "report $report" \
		"$kvmsched" report "$report" "${options[@]}" svm-steal.dat
	compare "steal-$report.json" "report $report as JSON" \
		"$kvmsched" report "$report" "${options[@]}" --json svm-steal.dat
done
compare steal-worst-each.txt "report worst, one by one" \
	"$kvmsched" report worst --each -n 4 svm-steal.dat
compare everything-thieves.txt "report thieves, with a quota and an idle CPU" \
	"$kvmsched" report thieves everything.dat
compare none.txt "a VM that isn't there" \
	"$kvmsched" report --vm 1 everything.dat

# What the file can't be, and what is said about it
compare errors.txt "files that are no recordings" bash -c '
	kvmsched=$1
	dir=$(mktemp -d)
	trap "rm -rf -- \"$dir\"" EXIT
	cp everything.dat "$dir/whole.dat"
	cd -- "$dir"
	try() { "$kvmsched" report "$@" > out; echo "status $?"; head -n 3 out; }
	echo hello > text.dat
	: > empty.dat
	head -c 12 whole.dat > start.dat
	head -c 3000 whole.dat > header.dat
	head -c -5000 whole.dat > short.dat
	sed "s/kvmsched\x00/kvmschef\x00/" whole.dat > foreign.dat
	mkdir dir.dat
	for f in none text empty start header short foreign dir; do
		echo "-- $f"
		try "$f.dat"
	done
	echo "-- arguments"
	try --vm x whole.dat
	try --vcpu -1 whole.dat
	try --color whole.dat
	try whole.dat short.dat
	try -i
' bash "$kvmsched" 2>&1
finish
