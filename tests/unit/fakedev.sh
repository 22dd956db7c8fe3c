# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The stand-in for the device, fakedev.c, to be sourced by tests that preload it.

make_fakedev()	# make_fakedev FILE
{
	local unit top

	unit=$(dirname -- "${BASH_SOURCE[0]}")
	top=$unit/../..
	# shellcheck disable=SC2086 # CFLAGS are several words
	${CC:-cc} -shared -fPIC -fvisibility=hidden -std=gnu11 -O2 -D_GNU_SOURCE ${CFLAGS:-} \
		-I"$top/tools" -I"$top/module" -o "$1" "$unit/fakedev.c" \
		"$top/tools/trace/formats.c" "$top/tools/base/util.c"
}
