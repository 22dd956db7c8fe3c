#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# --single, as tracing is attached by patching code.
exec "$(dirname -- "$0")/boot" --kernel 6.12 --single --timeout 900 -- tests/guest/selftest tests/guest/verify
