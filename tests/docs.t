#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# README and guides against the tree; the man pages' test is unit/man.t.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit
. tests/tap.sh

broken_links()
{
	local file link

	for file in README.md docs/*.md tests/README.md tests/*/README.md; do
		grep -oP '\]\(\K[^)#]+' "$file" | while read -r link; do
			[[ $link == *://* || -e $(dirname "$file")/$link ]] || echo "$file: $link"
		done
	done
}

# Lines of code in README and guides that begin with make.
unknown_targets()
{
	local used

	used=$(grep -ohP '(^ {4}|`)make \K[a-z][a-z-]*' README.md docs/*.md tests/README.md tests/*/README.md)
	grep -vxF "$(make help | awk '{ print $2 }')" <<<"$used"
	grep -qx demo <<<"$used" && grep -qx check <<<"$used" ||
		echo "README.md names no make demo or no make check"
}

ok "links lead somewhere" silent broken_links
ok "what is said to make can be made" silent unknown_targets

finish
