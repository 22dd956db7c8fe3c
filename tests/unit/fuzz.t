#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Some seconds of damaged recordings under ASan and UBSan; and those that were made to be dear
# or to be taken wrongly, as they are.
#
# usage: fuzz.t            (O: the build folder; FUZZ_SECONDS; FUZZ_SEED, a
#                          number, or new for one that nobody has tried)
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
O=$(realpath -- "${O:-$here/../../build}")
work=$(mktemp -d)
seconds=${FUZZ_SECONDS:-5}
seed=${FUZZ_SEED:-1}
[[ $seed != new ]] || seed=$SRANDOM
cd -- "$work"

. "$here/../tap.sh"
passes()		# passes NAME ARGUMENT...
{
	local name=$1

	shift
	ok "$name" "$O/unit/fuzz" "$@"
	((failed)) || sed 's/^/# /' "$tap_file"
}

fuzz()			# fuzz SECONDS NAME FILE...
{
	local seconds=$1 name=$2

	shift 2
	passes "$name" "$seconds" "$seed" "$@"
}

whole=() by_library=()
for dat in "$here"/../golden/*.dat; do
	# The version is a string behind 10 bytes of magic.
	if [[ $(head -c 11 -- "$dat" | tail -c 1) == 6 ]]; then
		whole+=("$dat")
	else
		by_library+=("$dat")
	fi
done
echo "# FUZZ_SEED=$seed"
fuzz "$seconds" "damaged recordings of version 6" "${whole[@]}"
# Each costs a process, and what libtracecmd does with it is its own affair.
fuzz $(((seconds + 1) / 3)) "damaged recordings that libtracecmd reads" "${by_library[@]}"
mkdir hostile
O=$O "$here/hostile.py" hostile
passes "hostile recordings" whole hostile/*.dat
if ((failed)); then
	echo "# what failed is kept in $work"
else
	rm -rf -- "$work"
fi
finish
