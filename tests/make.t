#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The top Makefile keeps its word: what it installs, and what it says where
# something is missing.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit
export O=${O:-$PWD/build}
# Not a part of the make that may have started this.
unset MAKEFLAGS MAKELEVEL KERNEL KDIR
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
tap_log=$work/log
. tests/tap.sh

# Run a command, and keep what it said, and its status.
run()
{
	"$@" >"$work/log" 2>&1
	status=$?
}

said() { grep -qF -- "$1" "$work/log"; }

run make install KERNEL=6.1 DESTDIR="$work/root" PREFIX=/opt
ok "make install succeeds" test "$status" = 0
release=$(<"$O/kernels/6.1/release")
module=$work/root/lib/modules/$release/updates/kvmsched.ko
ok "the module is among those of its kernel" test -f "$module"
ok "it is for that kernel" grep -qz "^vermagic=$release " "$module"
ok "the program is below PREFIX" test -x "$work/root/opt/bin/kvmsched"
for page in docs/man/*.[158]; do
	ok "so is ${page##*/}" test -f "$work/root/opt/share/man/man${page##*.}/${page##*/}"
done
run make uninstall KERNEL=6.1 DESTDIR="$work/root" PREFIX=/opt
ok "make uninstall leaves no file of ours" \
	test -z "$(find "$work/root" -name '*kvmsched*')"

run make KDIR="$work/nowhere"
ok "without headers make fails" test "$status" != 0
ok "and names what to install" said "apt install linux-headers-$(uname -r)"
ok "the program is built all the same" test -x "$O/tools/kvmsched"

# What a kernel has is looked up in its headers. Where that can't be, nobody builds the old way.
mkdir -p "$work/include"
while read -r header; do
	mkdir -p "$work/include/$(dirname "$header")"
	: >"$work/include/$header"
done < <(sed -nE 's/^ccflags-y.*ks_has,[^,]*,([^,]*),.*/\1/p' module/compat/features.mk)
echo 'struct preempt_notifier;' >"$work/include/linux/preempt.h"
echo 'struct srcu_usage *srcu_sup;' >"$work/include/linux/srcutree.h"
features()
{
	run make -f <(printf '%s\n' 'include module/compat/features.mk' 'all:; @echo $(ccflags-y)') \
		srctree="$work"
}
features
is "$(<"$work/log")" -DKS_HAVE_SRCU_SUP "a feature is found by its word"
echo 'struct preempt_notifier; int preempt_notifier_of_nobody;' >"$work/include/linux/preempt.h"
features
ok "a look that finds what nobody has is an error" said "can't tell what the headers in $work have"
: >"$work/include/linux/preempt.h"
features
ok "so is one that doesn't find what all kernels have" said "can't tell what the headers in $work have"
echo 'struct preempt_notifier;' >"$work/include/linux/preempt.h"
rm "$work/include/linux/srcutree.h"
features
ok "a header that is gone is one clear line" said "kvmsched: this kernel has no include/linux/srcutree.h"
ok "and nothing is built" test "$status" != 0

ok "no file of the module asks for a version number" \
	silent grep -rnE 'LINUX_VERSION_CODE|linux/version\.h' module

# A sparse that notes what it is given, and then one that fails at the first line.
mkdir -p "$work/sparse"
printf '#!/bin/sh\n[ "$1" = --version ] || echo "$@" >>%q\n' "$work/given" >"$work/sparse/sparse"
chmod +x "$work/sparse/sparse"
run env PATH="$work/sparse:$PATH" make sparse KERNEL=6.1
ok "make sparse succeeds where sparse finds nothing" test "$status" = 0
is "$(grep -o '[^ /]*\.c$' "$work/given" | sort -u | grep -vx headers.c)" \
	"$(cd module && ls -- *.c)" "sparse is given each file of the module"
printf '#!/bin/sh\necho "a.h:1:1: error: no such words" >&2\nexit 1\n' >"$work/sparse/sparse"
run env PATH="$work/sparse:$PATH" make sparse KERNEL=6.1
ok "make sparse fails where sparse can't read the kernel's headers" test "$status" != 0
ok "and says that it checks nothing, and why" \
	grep -qzE "can't read the headers of Linux $release,.*error: no such words" "$work/log"

# What is packed can be built where neither git nor d3 is known.
run make dist O="$work/packed"
ok "make dist succeeds" test "$status" = 0
version=$(git describe --tags --always)
ok "and names what it made by the version" said "$work/packed/kvmsched-$version.tar.gz"
tar -xzf "$work/packed/kvmsched-$version.tar.gz" -C "$work"
packed=$work/kvmsched-$version
is "$(cd "$packed" && find . -type f | sort)" \
	"$({ git ls-tree -r --name-only HEAD; printf 'version\ntools/picture/d3.min.js\n'; } |
		sed 's|^|./|' | sort)" "it holds what is committed, d3 and the version"
run make -C "$packed/tools" V=1 O="$work/packed" \
	"$work/packed/tools/picture/assets.o" "$work/packed/tools/version"
ok "pages are built with the d3 that it carries" said "$packed/tools/picture/d3.min.js"
is "$(<"$work/packed/tools/version")" "$version" "the program will tell its version"
run make dist O="$work/again"
ok "the same commit gives the same bytes" \
	cmp "$work/packed/kvmsched-$version.tar.gz" "$work/again/kvmsched-$version.tar.gz"

# As somebody without root, on a machine without any of the programs; in a
# copy, as the tree may be root's own.
mkdir -p "$work/bin" "$work/tests"
cp tests/deps tests/packages "$work/tests/"
chmod -R a+rX "$work"
for program in bash awk sort dirname cat apt-get; do
	ln -s "$(type -P "$program")" "$work/bin/"
done
somebody=(env PATH="$work/bin")
((EUID)) || somebody=(setpriv --reuid=65534 --regid=65534 --clear-groups "${somebody[@]}")
run "${somebody[@]}" bash "$work/tests/deps" lab
ok "who is not root gets the line for apt" \
	grep -qE '^ +apt-get install -y --no-install-recommends .*qemu-system-x86' "$work/log"
ok "and a failure" test "$status" = 1

finish
