#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Documents against what they describe.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit
O=${O:-$PWD/build}
number=0

# ok NAME COMMAND...: one test; what COMMAND prints is what is wrong.
ok()
{
	local name=$1 wrong

	shift
	wrong=$("$@" 2>&1)
	number=$((number + 1))
	if [[ ! $wrong ]]; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed 's/^/# /' <<<"$wrong"
	fi
}

page_of() { echo "docs/man/kvmsched-$1.1"; }

no_command()
{
	[[ $commands ]] || "$O/tools/kvmsched" --help
}

commands_without_page()
{
	local command

	for command in $commands; do
		[[ -f $(page_of "$command") ]] || page_of "$command"
	done
}

options() { grep -oE -- '--[a-z][a-z-]+' | grep -vx -- --help | sort -u; }

options_without_words()
{
	local command

	for command in $commands; do
		comm -23 <("$O/tools/kvmsched" "$command" --help 2>&1 | options) \
			<(mandoc -Tascii "$(page_of "$command")" | sed 's/.\x08//g' | options) |
			sed "s/^/$command /"
	done
}

broken_links()
{
	local file link

	for file in README.md docs/*.md; do
		grep -oP '\]\(\K[^)#]+' "$file" | while read -r link; do
			[[ $link == *://* || -e $(dirname "$file")/$link ]] || echo "$file: $link"
		done
	done
}

# Lines of code in README and guides that begin with make.
unknown_targets()
{
	local used

	used=$(grep -ohP '(^ {4}|`)make \K[a-z]+' README.md docs/*.md)
	grep -vxF "$(make help | awk '{ print $2 }')" <<<"$used"
	grep -qx demo <<<"$used" && grep -qx check <<<"$used" ||
		echo "README.md names no make demo or no make check"
}

for page in docs/man/*.[18]; do
	ok "${page##*/} is clean" mandoc -Tlint -W warning "$page"
done
commands=$("$O/tools/kvmsched" --help | awk '/^  [a-z]+ / { print $1 }')
ok "kvmsched --help lists commands" no_command
ok "every command has a page" commands_without_page
ok "which explains every option" options_without_words
ok "links lead somewhere" broken_links
ok "what is said to make can be made" unknown_targets

echo "1..$number"
