# SPDX-License-Identifier: GPL-2.0-only
# What the programs of the lab share: where things are, and how to give up.
# shellcheck shell=bash

LAB=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
TOP=$(cd -- "$LAB/../.." && pwd -P)
O=$(realpath -m -- "${O:-$TOP/build}")

# What the lab's root needs before it is there, and what it is for.
boot_modules=(virtio_pci virtio_console 9pnet_virtio 9p overlay)
kvm_modules=(kvm_amd)

# Kernels for clouds lack it.
has_9p() { modprobe -d "$1" -S "$2" --show-depends 9p >/dev/null 2>&1; }

# Files of the modules named after $2, and of those that they need, in the
# order of loading. $1 is a kernel's folder, $2 its release.
module_files()
{
	local dir=$1 release=$2 module

	shift 2
	for module; do
		[[ $module != *9p* ]] || has_9p "$dir" "$release" || continue
		modprobe -d "$dir" -S "$release" --show-depends "$module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# The lab's own failures end with 125, so that no caller takes them for the
# result of what was to run in it.
die()
{
	printf 'lab: %s\n' "$@" >&2
	exit 125
}

# Words as any shell reads them back.
quote()
{
	local word

	for word; do
		printf "'%s' " "${word//\'/\'\\\'\'}"
	done
}

trap 'die "${0##*/}: line $LINENO: \"$BASH_COMMAND\" failed"' ERR
