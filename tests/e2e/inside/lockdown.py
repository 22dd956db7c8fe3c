# SPDX-License-Identifier: GPL-2.0-only
"""A kernel that is locked down closes the device when it closes tracefs.

There is no way back but a reboot: this has to be the last test of a boot.
"""

import errno
import os

import device as abi
import host

SECURITY = "/sys/kernel/security"


def opened():
    """0 or the name of the error of open()."""
    try:
        os.close(os.open(abi.PATH, os.O_RDWR))
    except OSError as error:
        return errno.errorcode[error.errno]
    return 0


def test(tap):
    if not os.path.exists(f"{SECURITY}/lockdown"):
        host.run("mount", "-t", "securityfs", "securityfs", SECURITY)
    with host.module():
        cases = [("no lockdown", opened(), 0)]
        for level, expected in ("integrity", 0), ("confidentiality", "EPERM"):
            host.write(f"{SECURITY}/lockdown", level)
            cases.append((level, opened(), expected))
        tap.equal("lockdown: open() is refused where tracefs is", *cases)
        refused = host.run(host.KVMSCHED, "record", "-o",
                           f"{host.WORK}/locked.dat", "--", "true",
                           status=None)
        tap.equal("lockdown: kvmsched record says why",
                  ("fails", refused.returncode, 1),
                  ("says why", "locked down (confidentiality)" in
                   refused.stderr, True))
