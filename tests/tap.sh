# SPDX-License-Identifier: GPL-2.0-only
# Test Anything Protocol for the tests that are in bash: to be sourced.
# shellcheck shell=bash

tests=0 failed=0
# A file without a name: what the test at hand says.
tap_file=$(mktemp)
exec {tap_fd}<>"$tap_file"
rm -f -- "$tap_file"
tap_file=/dev/fd/$tap_fd

# ok NAME COMMAND...: one test, passed when COMMAND succeeds. Below a failure
# stands what COMMAND said, and the end of the file $tap_log, if there is one:
# the words of the program under test.
ok()
{
	local name=$1

	shift
	tests=$((tests + 1))
	if "$@" >"$tap_file" 2>&1; then
		echo "ok $tests - $name"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $tests - $name"
	echo "#   failed: $*"
	sed 's/^/#   /' "$tap_file"
	[[ ! -s ${tap_log-} ]] || tail -n 20 "$tap_log" | sed 's/^/#   it said: /'
}

# is GOT EXPECTED NAME
is() { ok "$3" equal "$1" "$2"; }

equal() { [[ $1 == "$2" ]] || { echo "got '$1', expected '$2'"; false; }; }

skip()		# skip NAME REASON
{
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

# Succeeds when COMMAND prints nothing: its lines are what is wrong.
silent()
{
	local wrong

	wrong=$("$@" 2>&1)
	[[ ! $wrong ]] || { echo "$wrong"; false; }
}

# The plan, and the status that stands for it.
finish()
{
	echo "1..$tests"
	((failed == 0))
}
