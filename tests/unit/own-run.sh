# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# A folder of the test's own for the state files of `kvmsched policy`, to be sourced
# before the test has done anything. Root has one for all, /run/kvmsched, so the test
# then begins again in a mount namespace, where own_state gives it a /run of its own.
if ((!EUID)) && [[ ! ${KVS_OWN_RUN-} ]] && unshare -m true 2>/dev/null; then
	KVS_OWN_RUN=1 exec unshare -m "$0"
fi

why_no_state="no mount namespace, and /run is not the test's"

own_state()	# own_state FOLDER: from now on it is $state; fails where there can be none
{
	if ((EUID)); then
		export XDG_RUNTIME_DIR=$1
		state=$1/kvmsched
	elif [[ ${KVS_OWN_RUN-} ]]; then
		mount -t tmpfs none /run
		state=/run/kvmsched
	else
		return 1
	fi
}
