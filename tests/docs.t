#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The pages of text against the tree; the man pages' test is unit/man.t.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit
. tests/tap.sh

# Every page of text, but not the man pages.
shopt -s nullglob
pages=(*.md docs/*.md tests/*.md tests/*/*.md)

# The anchors that a page's headings make: small letters, no punctuation, a dash for
# each space.
anchors()
{
	sed -n '/^```/,/^```/d; s/^##* //p' "$1" | tr '[:upper:] ' '[:lower:]-' |
		sed 's/[^[:alnum:]_-]//g'
}

# Links lead to a file that is there, and to one of its headings.
broken_links()
{
	local file link path anchor

	for file in "${pages[@]}"; do
		grep -oP '\]\(\K[^)]+' "$file" | while read -r link; do
			[[ $link != *://* ]] || continue
			path=${link%%#*}
			path=$(dirname "$file")/${path:-${file##*/}}
			if [[ ! -e $path ]]; then
				echo "$file: $link: no such file"
			elif [[ $link == *'#'* ]]; then
				anchor=${link##*#}
				anchors "$path" | grep -qxF -- "$anchor" ||
					echo "$file: $link: no such heading"
			fi
		done
	done
}

# What a page shows as code: indented lines, without comments, and what is in backticks.
code()
{
	sed -nE '/^ {4}/ { s/ # .*//; s/^ +//; p }' "$1"
	grep -oP '`\K[^`]+(?=`)' "$1"
}

# `make TARGET` is in make's help; `make -C FOLDER TARGET` is a rule of that Makefile.
unknown_targets()
{
	local file known words folder target targets='' word

	known=$(make help | awk '{ print $2 }')
	for file in "${pages[@]}"; do
		while read -r -a words; do
			folder='' target=''
			for ((i = 1; i < ${#words[@]}; i++)); do
				word=${words[i]}
				case $word in
				-C) folder=${words[++i]} ;;
				'&&') break ;;
				-* | *=*) ;;
				*)
					target=$word
					if [[ $folder ]]; then
						grep -qE "^(.* )?$target( .*)?:" "$folder/Makefile"
					else
						grep -qxF -- "$target" <<<"$known"
					fi || echo "$file: make ${folder:+-C $folder }$target"
					;;
				esac
			done
			[[ ! $folder || -f $folder/Makefile ]] || echo "$file: make -C $folder"
			[[ $folder ]] || targets+=" $target"
		done < <(code "$file" | grep -E '^make( |$)')
	done
	for target in demo check deps; do
		[[ " $targets " == *" $target "* ]] || echo "no page names make $target"
	done
}

# Paths in code begin with a folder of the tree. One that make builds is no file yet;
# build/unit/test_X is there once its source is. PAGE... are all that is looked at.
missing_paths()
{
	local file path

	for file; do
		# shellcheck disable=SC2013 # no path has a space
		for path in $(code "$file" | grep -oP '(?<![\w./-])(module|tools|tests|docs|build/unit/test_)[\w./*-]*'); do
			case $path in
			build/unit/*) path=tests/${path#build/}.c ;;
			*/*) ;;
			*) continue ;;
			esac
			compgen -G "$path" >/dev/null || echo "$file: $path is not there"
		done
	done
}

# Functions, structs and files without a folder are somewhere in the sources.
missing_names()
{
	local file name

	for file; do
		while read -r name; do
			case $name in
			*.[ch]) [[ $(git ls-files -co --exclude-standard "module/$name" "module/*/$name" "tools/*/$name") ]] ;;
			*) grep -rqwF -- "$name" module tools ;;
			esac || echo "$file: $name is not there"
		done < <(grep -ohP '`\K(struct \w+|\w+(?=\(\))|\w+\.[ch])(?=[`(])' "$file")
	done
}

# Who looks for something in the sources finds all folders there.
unnamed_folders()
{
	local folder page

	for page in CONTRIBUTING.md docs/design.md; do
		for folder in tools/*/; do
			grep -qwF -- "${folder%/}" "$page" || echo "$page: $folder is not named"
		done
	done
}

# Programs in Python whose names don't say so: those that there are, and those for which
# .editorconfig has Python's indentation.
python_by_editorconfig()
{
	local pattern

	while read -r pattern; do
		eval "printf '%s\n' $pattern"
	done < <(sed -n 's/^\[\(tests\/.*\)\]$/\1/p' .editorconfig) | grep -v '^tests/golden/'
}
python_programs() { git grep --untracked -lE '^#!.*python3' | grep -v '\.py$'; }

ok "links lead somewhere" silent broken_links
ok "what is said to make can be made" silent unknown_targets
ok "the paths that CONTRIBUTING.md names are there" silent missing_paths CONTRIBUTING.md
ok "the paths that README.md and docs/design.md name are there" silent missing_paths README.md docs/design.md
ok "so are the functions, structs and files" silent missing_names CONTRIBUTING.md docs/design.md
ok "each folder of tools/ is named by both" silent unnamed_folders
ok ".editorconfig knows what is in Python" diff <(python_programs | sort) <(python_by_editorconfig | sort)

finish
