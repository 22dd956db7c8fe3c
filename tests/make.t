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

# What a kernel has is asked by compiling with its headers. Where that can't be, nobody builds
# the old way.
mkdir -p "$work/include/linux"
echo 'struct preempt_notifier { int one; };' >"$work/include/linux/preempt.h"
echo 'struct srcu_struct { int *srcu_sup; };' >"$work/include/linux/srcu.h"
echo 'void destroy_timer_on_stack(void *timer);' >"$work/include/linux/timer.h"
cat >"$work/questions" <<'END'
# a comment
SRCU_SUP: linux/srcu.h: (void)((struct srcu_struct *)0)->srcu_sup;
TIMER_DESTROY_ON_STACK: linux/timer.h: timer_destroy_on_stack((void *)0);
TIMER_NOT_SO: linux/timer.h: int (*other)(void) = destroy_timer_on_stack; other();
END
ask()
{
	rm -f "$work/features.h"
	run module/compat/probe "$work/questions" "$work/features.h" "$@"
}
answers() { sed -n 's/^#define //p' "$work/features.h" 2>/dev/null; }
one_line() { [[ $(wc -l <"$work/log") = 1 ]]; }
compiler=(gcc -Wall -Wextra -Werror -I"$work/include")

ask "${compiler[@]}"
is "$(answers)" KS_HAVE_SRCU_SUP "what compiles is there, and what does not is not"
printf '#!/bin/sh\necho "cc1: error: it is broken" >&2\nexit 1\n' >"$work/broken"
printf '#!/bin/sh\nexit 0\n' >"$work/polite"
chmod +x "$work/broken" "$work/polite"
ask "$work/broken" -I"$work/include"
ok "a compiler that compiles nothing is an error" \
	said "kvmsched: $work/broken can't compile for this kernel, so what it has is not known: cc1: error: it is broken"
ok "in one line" one_line
ok "and nothing is built" test "$status" != 0 -a ! -e "$work/features.h"
ask "$work/polite" -I"$work/include"
ok "so is one that compiles what no kernel has" \
	said "kvmsched: $work/polite compiles what no kernel has, so what this one has is not known"
ok "in one line, and nothing is built" eval 'one_line && test "$status" != 0 -a ! -e "$work/features.h"'
rm "$work/include/linux/timer.h"
ask "${compiler[@]}"
ok "a header that is gone is an error" said "kvmsched: this kernel has no linux/timer.h that compiles"
ok "in one line" one_line
ok "and nothing is built" test "$status" != 0 -a ! -e "$work/features.h"
# 6.1's answers, by its sources
is "$(sed -n 's/^#define //p' "$O/module/$release/compat/features.h")" KS_HAVE_OVERRIDE_HALT_POLL \
	"the module is built with what its kernel has"
is "$(grep -LE '\([0-9a-f]{12}, "' $(grep -lE 'KS_HAVE_' module/compat/*.h | grep -v features.h))" '' \
	"each difference between kernels cites its commit"

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

# What `make demo` would run on either machine: in a tree where nothing is built or booted.
dry=$work/dry
mkdir -p "$dry"/{bin,tests/demo,tests/lab,build/tools}
cp Makefile "$dry/"
cp tests/demo/demo "$dry/tests/demo/"
for program in bin/make tests/deps tests/lab/run tests/demo/side-by-side build/tools/kvmsched; do
	printf '#!/bin/sh\necho "%s $*"\n' "$program" >"$dry/$program"
	chmod +x "$dry/$program"
done
printf '#!/bin/sh\necho %q\n' "$dry" >"$dry/tests/lab/kernel"
chmod +x "$dry/tests/lab/kernel"
echo 6.1.0 >"$dry/release"
demo() { run env PATH="$dry/bin:$PATH" "$(type -P make)" -C "$dry" O="$dry/build" demo "$@"; }
demo
ok "make demo: an AMD machine that counts instructions" \
	said "tests/lab/run --kernel 6.1 --icount --timeout 400 --memory tests/demo/inside --name demo -- tests/demo/inside $dry/build/demo"
demo ARCH=vtx KERNEL=6.12
ok "make demo ARCH=vtx succeeds" test "$status" = 0
ok "it asks for what an Intel machine needs" said "tests/deps demo vtx"
ok "builds for the kernel that was asked for" said "bin/make -s -j$(nproc) modules KERNEL=6.12"
ok "boots an Intel machine" \
	said "tests/lab/run --kernel 6.12 --arch vtx --timeout 1500 --name demo -- tests/demo/inside $dry/build/demo"
ok "reports, and compares" eval 'said "build/tools/kvmsched report $dry/build/demo/rr.dat" &&
	said "build/tools/kvmsched compare --histogram slice $dry/build/demo/rounds"'
ok "and says how to go on on that machine" \
	said "tests/lab/run --arch vtx --kernel 6.12 -- kvmsched info"
demo ARCH=arm
ok "another machine is an error" said "demo: ARCH=arm is neither svm nor vtx"
ok "and nothing is booted" eval 'test "$status" != 0 && ! said tests/lab/run'

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
