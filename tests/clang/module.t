#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# clang reads the module's sources as a second pair of eyes, for each kernel of the lab.
# Nothing that it compiles is loaded.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")" || exit
. ../tap.sh

for kernel in 6.1 6.1-rt 6.12 6.12-rt 6.12-trixie newest newest-rt newest-cloud; do
	ok "$kernel: no warning" ./read "$kernel"
done

finish
