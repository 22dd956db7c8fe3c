#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# `make check` and `make check-kernels` together run each test of e2e/inside on each
# kernel of Debian 12 and on the newest of backports, but for those below; and on the
# others what most depends on the kernel.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")" || exit
. ./tap.sh

most="exactness life gone ledger policy hog costs"

# A test, the kernels that it is not run on, and why
excused()
{
	cat <<-'END'
	short 6.1,6.1-rt,6.12-rt,newest the program's words, which are not a kernel's matter
	stress 6.1,6.12,6.12-rt make stress has it, for five minutes
	policies 6.1-rt,6.12-rt the kernel's own threads cut the slices that it measures
	preempt 6.1,6.1-rt,6.12,6.12-rt these kernels call no handler with preemption on
	ext 6.1,6.1-rt,6.12,6.12-rt these kernels have no sched_ext
	pause 6.1,6.1-rt,6.12,6.12-rt,newest QEMU's CPU has no PAUSE filter; check-vtx has it
	lockholder 6.1,6.1-rt,6.12,6.12-rt,newest likewise: PAUSE does not exit; check-vtx has it
	fastpath 6.1,6.1-rt,6.12,6.12-rt,newest it is VMX's; check-vtx has it
	merge 6.1,6.1-rt,6.12,6.12-rt,newest a Linux takes minutes; make check-guests has it, on 6.1 and 6.12
	tracecmd 6.1,6.1-rt,6.12,6.12-rt,newest the same, on 6.1
	ahead 6.1,6.1-rt,6.12,6.12-rt,newest the same, on 6.1
	within 6.1-rt,6.12,6.12-rt,newest a Linux takes a minute, and its own kernel is the same one
	experiment newest its figures are those of slices that end at a tick
	END
}

tests_of_inside() { grep -l '^def test(' e2e/inside/*.py | sed 's|.*/||; s|\.py$||'; }

# "KERNEL TEST" for each that is run
run_somewhere()
{
	local part

	awk '$1 == "check" || $1 == "check-kernels" { print $2 }' parts | grep '^e2e/' | sort -u |
		while read -r part; do
			[[ $part != */vtx-* ]] || continue
			sed -nE 's/^exec .* --kernel ([^ ]+) .* -- (.*)/\1 \2/p' "$part" |
				awk '{ for (i = 2; i <= NF; i++) { sub(/=.*/, "", $i); print $1, $i } }'
		done | sort -u
}

# The same for each that has to be
run_everywhere()
{
	local kernel name

	for kernel in 6.1 6.1-rt 6.12 6.12-rt newest; do
		for name in $(tests_of_inside); do
			excused | grep -qE "^$name ([^ ]+,)?$kernel[, ]" || echo "$kernel $name"
		done
	done
	for kernel in 6.12-trixie newest-rt newest-cloud; do
		for name in $most; do
			excused | grep -qE "^$name ([^ ]+,)?$kernel[, ]" || echo "$kernel $name"
		done
	done
}

is "$(run_somewhere | cut -d ' ' -f 1 | sort -u | xargs)" \
	"$(run_everywhere | cut -d ' ' -f 1 | sort -u | xargs)" "eight kernels are booted"
ok "each test runs on each, but for those that have a reason" \
	silent comm -13 <(run_somewhere) <(run_everywhere | sort)
ok "and those with a reason don't" silent comm -23 <(run_somewhere) <(run_everywhere | sort)

finish
