#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The manual pages against the program: mandoc has no complaint, every command
# has a page, and page and --help know the same options.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
top=$(cd -- "$here/../.." && pwd -P)
kvmsched=${O:-$top/build}/tools/kvmsched
man=$top/docs/man
. "$top/tests/tap.sh"

if ! command -v mandoc > /dev/null; then
	echo "1..0 # SKIP mandoc is missing: apt install mandoc"
	exit 0
fi

# Pages that refer to each other needn't be installed, nor indexed.
complaints()	# complaints PAGE
{
	mandoc -Tlint "$1" 2>&1 |
		grep -Ev 'referenced manual not found|outdated mandoc.db' || true
}

# Examples are printed as they are, however wide.
too_wide()	# too_wide PAGE
{
	mandoc -Tutf8 "$1" | sed 's/.\x08//g' | LC_ALL=C.UTF-8 grep -P '^.{81,}' || true
}

for page in "$man"/*; do
	ok "mandoc takes ${page##*/}" silent complaints "$page"
	ok "${page##*/} fits 80 columns" silent too_wide "$page"
done

options_in()	# long options in a text
{
	grep -Eo -- '(^|[^[:alnum:]-])--[a-z][a-z-]+' | grep -Eo -- '--.*' | sort -u
}

same_options()	# same_options PAGE COMMAND
{
	# What every command takes is not worth a line in each page.
	diff <("$kvmsched" "$2" --help | options_in | grep -vx -- --help) \
		<(sed -n '/^\.It/p' "$1" | sed 's/ , -\([a-z]\)/ --\1/g; s/Fl -/--/g' | options_in)
}

commands=$("$kvmsched" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[[ -n $commands ]] || { echo "Bail out! no commands"; exit 1; }
for command in $commands; do
	page=$man/kvmsched-$command.1
	ok "$command has a page" test -e "$page"
	ok "page and --help of $command know the same options" same_options "$page" "$command"
done

reports=$("$kvmsched" report --help | sed -n '/^Reports:/,$s/^  \([a-z]*\) .*/\1/p')
[[ -n $reports ]] || { echo "Bail out! no reports"; exit 1; }
for report in $reports; do
	ok "the page of report describes report $report" \
		grep -qx "\.It Cm $report" "$man/kvmsched-report.1"
done

finish
