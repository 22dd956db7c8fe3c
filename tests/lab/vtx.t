#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The lab with an Intel CPU keeps the same word: one boot, and before it the parts that
# need none.
set -uo pipefail
here=$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")
. "$here/lib.sh"
trap - ERR
set +e

mkdir -p "$O/lab"
work=$(mktemp -d "$O/lab/vtx-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
tap_log=$work/stderr
. "$TOP/tests/tap.sh"
cd "$work" || exit
folder=$("$LAB/kernel" 6.1) || { echo "Bail out! no kernel 6.1"; exit 1; }

# relay: pieces of any length, and bytes that look like its own marks
chunk() { printf '\001%s%04x%s' "$1" "${#2}" "$2"; }
mkdir streams
{
	printf 'words of Bochs, '
	chunk o $'first\001o0003'
	chunk e errors
	chunk s $'7\n'
	chunk o ', second'
	printf 'and more'
} >printed
while IFS= read -r -d '' -n 1 byte || [[ $byte ]]; do
	printf '%s' "$byte"
done <printed | "$LAB/vtx/relay" streams >stdout 2>stderr
is "$(<stdout)" $'first\001o0003, second' "relay: output is passed on"
is "$(<stderr)" errors "relay: so are errors"
is "$(<streams/status)" 7 "relay: the status is a file"
is "$(<streams/bochs.out)" 'words of Bochs, and more' "relay: what Bochs says itself is another"

# pack: what a program in Python needs
mkdir packed
echo 'import json, helper' >packed/program.py
sed -i '1i #!/usr/bin/env python3' packed/program.py
echo 'import shutil' >packed/helper.py
: >packed/settings
: >packed/command
gcc -O2 -static -s -o "$O/lab/channel" "$LAB/vtx/channel.c"
PATH=/usr/sbin:/usr/bin:/sbin:/bin O=$O "$LAB/vtx/pack" packed "$folder" "$work"/packed/{program,helper}.py
cpio -t <packed/initrd >packed/list 2>/dev/null
within() { grep -qE "^$1$" packed/list || { echo "no $1"; false; }; }
ok "pack: a program has its interpreter" within 'usr/(local/)?bin/python3'
ok "pack: with what it is linked to" within '.*/libc\.so\.6'
ok "pack: with modules that are imported" within '.*/json/decoder\.pyc'
ok "pack: by others as well" within '.*/shutil\.pyc'
ok "pack: and no others" silent grep -E '/(unittest|tkinter)/' packed/list
ok "pack: KVM's modules are those of Intel" within "usr/lib/modules/$(<"$folder/release")/kvm-intel.ko"

# The machine
head -c 300000 /dev/urandom >bytes
cat >inside <<'INSIDE'
cat bytes
printf 'from the command' >&2
printf '<%s>' "$@" >arguments
{ id -u; pwd; uname -r; [ -c /dev/kvm ] && echo kvm; cat /sys/module/kvm_intel/parameters/ept; } >facts
cat /etc/modprobe.d/lab.conf >>facts
dd if=/dev/zero of=large bs=1M count=1 2>/dev/null
exit 126
INSIDE
odd=("it's" $'two\nlines' '$HOME "q" \\' '' ' * ')
"$LAB/run" --arch vtx --memory "$work/bytes" --kvm-param ept=0 --param attach=kprobe -- \
	sh ./inside "${odd[@]}" >stdout 2>stderr
is $? 126 "vtx: COMMAND's status passes through"
ok "vtx: a status like the lab's own is told apart" grep -qF "lab: status 126 is COMMAND's own" stderr
ok "vtx: standard output is byte-exact" cmp -s bytes stdout
ok "vtx: standard error travels apart" grep -qF 'from the command' stderr
is "$(<arguments)" "$(printf '<%s>' "${odd[@]}")" "vtx: arguments arrive as given"
is "$(stat -c %s large)" 1048576 "vtx: what is written below build/ comes back"
is "$(head -n 5 facts | xargs)" "0 $work $(<"$folder/release") kvm N" \
	"vtx: root, in the same directory, on the kernel asked for, with KVM as asked for"
ok "vtx: parameters of kvmsched are set" grep -qx 'options kvmsched  *attach=kprobe' facts
finish
