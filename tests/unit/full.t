#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Whatever a command prints: if it can't be written, as on a full disk, the command says
# so and fails.
#
# usage: full.t            (O: the build folder, as for make)
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
kvmsched=$(realpath -- "${O:-$here/../../build}")/tools/kvmsched
golden=$here/../golden
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

tap_log=$work/err
. "$here/../tap.sh"
. "$here/fakedev.sh"
cd -- "$work"
make_fakedev fakedev.so
mkdir tracing
ln -s "$(realpath -- "$golden/formats")" tracing/events
export FAKEDEV_TRACING=$work/tracing

full()	# full ARGS...: kvmsched fails, and tells why
{
	local status=0

	LD_PRELOAD=$preload "$kvmsched" "$@" > /dev/full 2> err || status=$?
	is $status 1 "$*: status 1"
	ok "... and a message" grep -q "can't write .*No space left on device" err
	# Nor is it the command itself that fails.
	ok "... else it succeeds" env LD_PRELOAD="$preload" "$kvmsched" "$@"
}

preload=
cp -- "$golden/svm-steal.dat" "$golden/svm-rr.dat" .
for words in "" worst thieves "timers --json" "--host --verbose" --json; do
	# shellcheck disable=SC2086 # several words
	full report $words svm-steal.dat
done
full compare svm-steal.dat svm-rr.dat
for words in info "policy show"; do
	# shellcheck disable=SC2086
	full $words
	# shellcheck disable=SC2086
	full $words --json
done
for words in --version --help "help report" "top --help"; do
	# shellcheck disable=SC2086
	full $words
done
preload=$work/fakedev.so
for words in "" --json "--by vm"; do
	# shellcheck disable=SC2086
	full top --once --delay 0.01 $words
done
finish
