#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The manual pages against the program: mandoc has no complaint, every command
# has a page, and page and --help know the same options.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
top=$(cd -- "$here/../.." && pwd -P)
kvmsched=${O:-$top/build}/tools/kvmsched
man=$top/docs/man
tests=0
failed=0

ok()		# ok STATUS NAME [WHY]
{
	tests=$((tests + 1))
	if (($1)); then
		failed=$((failed + 1))
		echo "not ok $tests - $2"
		sed 's/^/#   /' <<< "${3:-}"
	else
		echo "ok $tests - $2"
	fi
}

if ! command -v mandoc > /dev/null; then
	echo "1..0 # SKIP mandoc is missing: apt install mandoc"
	exit 0
fi

# Pages that refer to each other needn't be installed, nor indexed.
for page in "$man"/*; do
	complaints=$(mandoc -Tlint "$page" 2>&1 |
		grep -Ev 'referenced manual not found|outdated mandoc.db' || true)
	status=0
	[[ -z $complaints ]] || status=1
	ok $status "mandoc takes ${page##*/}" "$complaints"
done

options_in()	# long options in a text
{
	grep -Eo -- '(^|[^[:alnum:]-])--[a-z][a-z-]+' | grep -Eo -- '--.*' | sort -u
}

commands=$("$kvmsched" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[[ -n $commands ]] || { echo "Bail out! no commands"; exit 1; }
for command in $commands; do
	page=$man/kvmsched-$command.1
	if [[ ! -e $page ]]; then
		ok 1 "$command has a page" "$page is missing"
		continue
	fi
	ok 0 "$command has a page"
	# What every command takes is not worth a line in each page.
	help=$("$kvmsched" "$command" --help | options_in | grep -vx -- --help)
	text=$(sed -n '/^\.It/p' "$page" | sed 's/ , -\([a-z]\)/ --\1/g; s/Fl -/--/g' |
		options_in || true)
	status=0
	why=$(diff <(echo "$help") <(echo "$text")) || status=1
	ok $status "page and --help of $command know the same options" "$why"
done

reports=$("$kvmsched" report --help | sed -n '/^Reports:/,$s/^  \([a-z]*\) .*/\1/p')
[[ -n $reports ]] || { echo "Bail out! no reports"; exit 1; }
for report in $reports; do
	status=0
	grep -qx "\.It Cm $report" "$man/kvmsched-report.1" || status=1
	ok $status "the page of report describes report $report"
done

echo "1..$tests"
exit $((failed > 0))
