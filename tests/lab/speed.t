#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# How fast does this machine emulate? Boot the lab with one CPU that counts its
# instructions, and run nothing in it: always the same work, whatever the tests
# become. tests/budget compares the CPU time that this took with the usual one.
set -uo pipefail
here=$(dirname -- "${BASH_SOURCE[0]}")
. "$here/../tap.sh"

ok "a machine without work boots and ends" "$here/run" --kernel 6.1 --icount -- true
finish
